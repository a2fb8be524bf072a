//! What a term is, for one pod: scalars by value, the pod's lists and objects in place.

use std::ops::Deref;
use std::rc::Rc;

use crate::kube_wire::json;

/// A text. Cheap to clone, however long: a loop clones its variable at every use.
#[derive(Clone, Debug)]
pub(super) enum Text<'a> {
    /// Of the pod or of the expression.
    Lent(&'a str),
    /// Put together by `+`.
    Joined(Rc<str>),
}

impl Deref for Text<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        match self {
            Self::Lent(text) => text,
            Self::Joined(text) => text,
        }
    }
}

/// One value. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) enum Value<'a> {
    Bool(bool),
    Int(i64),
    Text(Text<'a>),
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
            json::Kind::Text(text) => Self::Text(Text::Lent(text)),
            json::Kind::Array => Self::Array(value),
            json::Kind::Object => Self::Object(value),
            json::Kind::Null | json::Kind::Number(_) => Self::Opaque,
        }
    }
}
