//! The kinds of objects that are read item by item: how their documents name them.
//!
//! A list or a watch is cut into items in the same way whatever they are; what they are is judged by
//! `received_pod` and `received_object`.

use super::json::{Value, ValueFault};

/// One kind of object as the API names it.
#[derive(Debug, PartialEq, Eq)]
pub struct Resource {
    /// `kind` of one object.
    pub kind: &'static str,
    /// `kind` of a list of them.
    pub list_kind: &'static str,
    /// `apiVersion` of both.
    pub api_version: &'static str,
    /// Do its objects belong to a namespace?
    pub is_namespaced: bool,
}

/// Pods.
pub static PODS: Resource =
    Resource { kind: "Pod", list_kind: "PodList", api_version: "v1", is_namespaced: true };

/// An item of a list or an event's object: cut out, and not judged yet.
#[derive(Clone, Debug)]
pub struct Item<'a> {
    /// The value.
    pub value: Value<'a>,
    /// What the parser found wrong inside.
    pub flaw: Option<ValueFault>,
}
