//! What a term is, for one pod: scalars by value, the pod's lists and objects in place.

use std::borrow::Cow;
use std::rc::Rc;

use crate::kube_wire::json;

/// One value. Cheap to clone but for texts put together by `+`.
#[derive(Clone, Debug)]
pub(super) enum Value<'a> {
    Bool(bool),
    Int(i64),
    Text(Cow<'a, str>),
    /// Written in the expression, or collected by it.
    List(Rc<Vec<Value<'a>>>),
    /// A list of the pod.
    Array(json::Value<'a>),
    /// An object or map of the pod.
    Object(json::Value<'a>),
    /// A quantity with a fraction or exponent, or `null` in a free object: equal to nothing, not to be computed with.
    Opaque,
}

impl<'a> Value<'a> {
    /// A value of the pod.
    pub(super) fn of(value: json::Value<'a>) -> Self {
        match value.kind() {
            json::Kind::Bool(truth) => Self::Bool(truth),
            json::Kind::Integer(number) => Self::Int(number),
            json::Kind::Text(text) => Self::Text(Cow::Borrowed(text)),
            json::Kind::Array => Self::Array(value),
            json::Kind::Object => Self::Object(value),
            json::Kind::Null | json::Kind::Number(_) => Self::Opaque,
        }
    }
}
