//! Requests for objects beside pods that decide what a pod runs.
//!
//! Whether such a request is decided on is for the policy in force to say when it is answered: it carries
//! both the strict reading and the permit to stream it through.

use http::HeaderMap;
use http::request::Parts;

use super::list_query::{self, Collection, ListQuery};
use super::{Refusal, Relay, refuse_partial_representations};
use crate::kube_wire::received_object::ObjectKind;
use crate::kube_wire::request_path::{CanonicalPath, Query, append_parameter};

const QUERY: Refusal = Refusal {
    rule: "object-query",
    message: "only the parameters that a kubelet sends when it gets an object are taken",
};

/// A request for objects of one kind.
#[derive(Debug)]
pub struct ObjectAsked {
    /// What they are.
    pub kind: ObjectKind,
    /// The request as it is answered by a policy that speaks of them.
    pub request: Result<ObjectRequest, Refusal>,
    /// As it is answered by any other.
    pub relay: Relay,
}

/// What is asked for.
#[derive(Debug, PartialEq, Eq)]
pub enum ObjectRequest {
    /// One page of objects, or all.
    List {
        /// The canonical path.
        path: String,
        /// The rest.
        query: ListQuery,
    },
    /// Events.
    Watch {
        /// The canonical path.
        path: String,
        /// The rest.
        query: ListQuery,
    },
    /// One object.
    Get {
        /// Path and query.
        target: String,
        /// Empty for what has no namespace.
        namespace: String,
        /// Its name.
        name: String,
    },
}

pub(super) fn asked(
    kind: ObjectKind,
    is_collection: bool,
    path: CanonicalPath<'_>,
    query: &Query,
    request: &Parts,
    relay: Relay,
) -> ObjectAsked {
    let headers = &request.headers;
    let request =
        if is_collection { many(path, query, headers) } else { one(kind, path, query, headers) };
    ObjectAsked { kind, request, relay }
}

fn many(
    path: CanonicalPath<'_>,
    query: &Query,
    headers: &HeaderMap,
) -> Result<ObjectRequest, Refusal> {
    refuse_partial_representations(headers)?;
    let path = path.as_str().to_owned();
    Ok(match list_query::read(query)? {
        Collection::List(query) => ObjectRequest::List { path, query },
        Collection::Watch(query) => ObjectRequest::Watch { path, query },
    })
}

fn one(
    kind: ObjectKind,
    path: CanonicalPath<'_>,
    query: &Query,
    headers: &HeaderMap,
) -> Result<ObjectRequest, Refusal> {
    refuse_partial_representations(headers)?;
    let mut text = String::new();
    for (name, value) in query.iter() {
        match name {
            // A kubelet takes an object from the API server's cache if it may (`FromApiserverCache`).
            "resourceVersion" | "timeout" => append_parameter(&mut text, name, value),
            _ => return Err(QUERY),
        }
    }
    let mut segments = path.segments().collect::<Vec<_>>().into_iter().rev();
    let name = segments.next().unwrap_or_default().to_owned();
    let namespace = if kind.resource().is_namespaced { segments.nth(1) } else { None };
    let separator = if text.is_empty() { "" } else { "?" };
    Ok(ObjectRequest::Get {
        target: format!("{}{separator}{text}", path.as_str()),
        namespace: namespace.unwrap_or_default().to_owned(),
        name,
    })
}
