//! Phase 2: what a request asks for, or why it is refused.
//!
//! Default deny. Only this file makes a [`Relay`], the permit to stream an answer through unread, and
//! it makes one for no route that carries pods. Next in the story: `forward`.

use http::request::Parts;
use http::{HeaderMap, Method, header};
use tokio_util::sync::CancellationToken;

use super::access_review::Review;
use super::allowlist::{self, Route};
use crate::kube_wire::request_path::{CanonicalPath, Query, TargetFault};
use crate::upstream::Lane;

mod list_query;
mod object_request;

use list_query::Collection;
pub use list_query::ListQuery;
pub use object_request::{ObjectAsked, ObjectRequest};

/// What a caller may have.
#[derive(Debug)]
pub enum Asked {
    /// Pods: decoded, decided, filtered.
    Pods(PodRequest),
    /// Objects that decide what a pod runs: decided on where the policy speaks of them, Services always.
    Objects(ObjectAsked),
    /// Who may call the kubelet's own API: answered here, or streamed through where nobody asked for that.
    Review(Review, Relay),
    /// Anything else on the allowlist: streamed through.
    Relay(Relay),
}

/// A request whose answer carries pods.
#[derive(Debug, PartialEq, Eq)]
pub enum PodRequest {
    /// One page of pods, or all.
    List(ListQuery),
    /// Events, perhaps with the initial state first (WatchList).
    Watch(ListQuery),
    /// One pod.
    Get(PodName),
    /// A mirror pod of a static one.
    Create {
        /// Its namespace.
        namespace: String,
    },
    /// The end of a pod.
    Delete(PodName),
    /// The kubelet's report about a pod.
    PatchStatus(PodName),
}

/// The pod that a path names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PodName {
    /// First wildcard of the path.
    pub namespace: String,
    /// Second wildcard of the path.
    pub name: String,
}

/// Permit to stream the answer to a request that carries no pods. Made here only; for objects that a policy
/// may decide on it is handed out together with the request.
#[derive(Debug)]
pub struct Relay {
    lane: Lane,
    is_watch: bool,
    ends: Option<CancellationToken>,
}

impl Relay {
    /// The same for as long as the policy holds that left the answer unread.
    pub(super) fn until(self, ends: CancellationToken) -> Self {
        Self { ends: Some(ends), ..self }
    }

    /// What ends a watch beside the end of the process.
    pub(super) fn ends(&self) -> Option<CancellationToken> {
        self.ends.clone()
    }

    /// The upstream connections to use.
    pub fn lane(&self) -> Lane {
        self.lane
    }

    /// The answer may take as long as it likes.
    pub fn is_watch(&self) -> bool {
        self.is_watch
    }
}

/// Why a request was refused: the rule's name (a metric label) and words for the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Name of the rule, fixed text.
    pub rule: &'static str,
    /// What the rule says.
    pub message: &'static str,
}

const NOT_CANONICAL: Refusal = Refusal {
    rule: "canonical-target",
    message: "path or query is not in the one form that rules are matched on",
};
const NOT_LISTED: Refusal =
    Refusal { rule: "allowlist", message: "no kubelet needs this method and path" };
const NO_UPGRADE: Refusal =
    Refusal { rule: "no-upgrade", message: "connection upgrades are not relayed" };
const NO_IMPERSONATION: Refusal =
    Refusal { rule: "no-impersonation", message: "the node's rights are lent as they are" };
const POD_QUERY: Refusal = Refusal {
    rule: "pod-query",
    message: "only the parameters that a kubelet sends about one pod are taken",
};
const REPRESENTATION: Refusal = Refusal {
    rule: "representation",
    message: "what is decided on is served as whole objects in JSON; Table and PartialObjectMetadata \
              are not",
};

/// Decides what a request is.
pub fn classify(request: &Parts) -> Result<Asked, Refusal> {
    let path = CanonicalPath::parse(request.uri.path()).map_err(|_: TargetFault| NOT_CANONICAL)?;
    let route = allowlist::route(&request.method, path).ok_or(NOT_LISTED)?;
    refuse_borrowed_powers(&request.headers)?;
    let query = Query::parse(request.uri.query().unwrap_or_default()).map_err(|_| NOT_CANONICAL)?;
    match route {
        Route::Pods => pods(&query, &request.headers).map(Asked::Pods),
        Route::OnePod => one_pod(path, &query, &request.headers, PodRequest::Get),
        Route::DeletePod => one_pod(path, &query, &request.headers, PodRequest::Delete),
        Route::PatchPodStatus => one_pod(path, &query, &request.headers, PodRequest::PatchStatus),
        Route::CreatePod => one_pod(path, &query, &request.headers, |pod| PodRequest::Create {
            namespace: pod.namespace,
        }),
        Route::Objects(kind) | Route::OneObject(kind) => {
            let permit = relay(Lane::Short, &query, &request.method);
            let is_collection = matches!(route, Route::Objects(_));
            let asked = object_request::asked(kind, is_collection, path, &query, request, permit);
            Ok(Asked::Objects(asked))
        }
        Route::Review(review) => {
            let permit = relay(Lane::Short, &query, &request.method);
            Ok(Asked::Review(review, permit))
        }
        Route::Heartbeat => Ok(Asked::Relay(relay(Lane::Heartbeat, &query, &request.method))),
        Route::Other => Ok(Asked::Relay(relay(Lane::Short, &query, &request.method))),
    }
}

fn refuse_borrowed_powers(headers: &HeaderMap) -> Result<(), Refusal> {
    if headers.contains_key(header::UPGRADE) {
        return Err(NO_UPGRADE);
    }
    let borrowed = |name: &str| name.starts_with("impersonate-") || name.starts_with("x-remote-");
    if headers.keys().any(|name| borrowed(name.as_str())) { Err(NO_IMPERSONATION) } else { Ok(()) }
}

fn relay(lane: Lane, query: &Query, method: &Method) -> Relay {
    let is_watch = method == Method::GET && query.value("watch").is_some_and(is_true);
    Relay { lane: if is_watch { Lane::Watch } else { lane }, is_watch, ends: None }
}

/// As apimachinery's `Convert_Slice_string_To_bool`: anything but `0` and `false` is true, even
/// nothing. (Reading it more narrowly would let the API server see a watch where we see a list.)
fn is_true(value: &str) -> bool {
    value != "0" && !value.eq_ignore_ascii_case("false")
}

fn one_pod(
    path: CanonicalPath<'_>,
    query: &Query,
    headers: &HeaderMap,
    make: impl FnOnce(PodName) -> PodRequest,
) -> Result<Asked, Refusal> {
    refuse_partial_representations(headers)?;
    // The kubelet's clients send options in bodies; `timeout` comes from the rest client itself.
    if query.iter().any(|(name, _)| name != "timeout") {
        return Err(POD_QUERY);
    }
    let mut segments = path.segments().skip(3);
    let namespace = segments.next().unwrap_or_default().to_owned();
    let name = segments.nth(1).unwrap_or_default().to_owned();
    Ok(Asked::Pods(make(PodName { namespace, name })))
}

fn pods(query: &Query, headers: &HeaderMap) -> Result<PodRequest, Refusal> {
    refuse_partial_representations(headers)?;
    Ok(match list_query::read(query)? {
        Collection::List(query) => PodRequest::List(query),
        Collection::Watch(query) => PodRequest::Watch(query),
    })
}

fn refuse_partial_representations(headers: &HeaderMap) -> Result<(), Refusal> {
    let asks_for_other_kind = headers
        .get_all(header::ACCEPT)
        .iter()
        .any(|value| value.to_str().map_or(true, |text| text.contains("as=")));
    if asks_for_other_kind { Err(REPRESENTATION) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Request;

    fn asked(method: Method, target: &str, headers: &[(&str, &str)]) -> Result<Asked, Refusal> {
        let mut request = Request::builder().method(method).uri(target);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        classify(&request.body(()).unwrap().into_parts().0)
    }

    fn list_query(target: &str) -> (bool, ListQuery) {
        match asked(Method::GET, target, &[]).unwrap() {
            Asked::Pods(PodRequest::List(query)) => (false, query),
            Asked::Pods(PodRequest::Watch(query)) => (true, query),
            asked @ (Asked::Pods(_) | Asked::Objects(_) | Asked::Review(..) | Asked::Relay(_)) => {
                panic!("{asked:?}")
            }
        }
    }

    #[test]
    fn a_watch_is_whatever_the_api_server_takes_for_one() {
        for (value, watch) in [
            ("true", true),
            ("1", true),
            ("", true),
            ("yes", true),
            ("TRUE", true),
            ("F", true),
            ("0", false),
            ("false", false),
            ("FALSE", false),
        ] {
            let (is_watch, query) = list_query(&format!("/api/v1/pods?watch={value}"));
            assert_eq!(is_watch, watch, "{value:?}");
            assert_eq!(query.text, if watch { "watch=true" } else { "" }, "{value:?}");
        }
    }

    #[test]
    fn a_list_tells_whether_absence_from_it_proves_anything() {
        let cases = [
            ("/api/v1/pods", false),
            ("/api/v1/pods?limit=500&resourceVersion=0", false),
            ("/api/v1/pods?limit=500", true),
            ("/api/v1/pods?limit=500&continue=abc", true),
            ("/api/v1/pods?fieldSelector=spec.nodeName%3Dn", false),
            ("/api/v1/pods?fieldSelector=spec.nodeName%3Dn,metadata.name%3Da", true),
            ("/api/v1/pods?fieldSelector=metadata.name%3Da", true),
            ("/api/v1/pods?labelSelector=a%3Db", true),
        ];
        for (target, partial) in cases {
            assert_eq!(list_query(target).1.is_partial, partial, "{target}");
        }
    }

    #[test]
    fn a_watch_that_does_not_begin_with_everything_goes_on_from_a_list() {
        let cases = [
            ("/api/v1/pods?watch=true&resourceVersion=17", true),
            ("/api/v1/pods?watch=true&resourceVersion=0", true),
            ("/api/v1/pods?watch=true&resourceVersion=", true),
            ("/api/v1/pods?watch=true", true),
            ("/api/v1/pods?watch=true&sendInitialEvents=false", true),
            ("/api/v1/pods?watch=1&resourceVersion=17&sendInitialEvents=true", false),
            ("/api/v1/pods?resourceVersion=17", false),
        ];
        for (target, resumes) in cases {
            assert_eq!(list_query(target).1.resumes, resumes, "{target}");
        }
    }

    #[test]
    fn other_spellings_powers_and_representations_are_refused_by_name() {
        type Case = (&'static str, &'static [(&'static str, &'static str)], &'static str);
        let cases: [Case; 12] = [
            ("//api/v1/pods", &[], "canonical-target"),
            ("/api/v1/%70ods", &[], "canonical-target"),
            ("/api/v1/pods/", &[], "canonical-target"),
            ("/api/v1/pods?watch", &[], "canonical-target"),
            ("/api/v1/pods?watch=0&watch=1", &[], "canonical-target"),
            ("/api/v1/watch/pods", &[], "allowlist"),
            ("/api/v1/pods?pretty=1", &[], "list-query"),
            ("/api/v1/namespaces/a/pods/b?watch=1", &[], "pod-query"),
            (
                "/api/v1/pods",
                &[("accept", "application/json;as=Table;g=meta.k8s.io;v=v1")],
                "representation",
            ),
            ("/api/v1/pods", &[("upgrade", "websocket")], "no-upgrade"),
            ("/api/v1/nodes/n", &[("impersonate-user", "admin")], "no-impersonation"),
            ("/api/v1/nodes/n", &[("x-remote-user", "admin")], "no-impersonation"),
        ];
        for (target, headers, rule) in cases {
            let refusal = asked(Method::GET, target, headers).unwrap_err();
            assert_eq!(refusal.rule, rule, "{target} {headers:?}");
        }
    }

    #[test]
    fn heartbeats_and_watches_have_lanes_of_their_own() {
        let lease = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/n";
        for (method, target, lane) in [
            (Method::PUT, lease, Lane::Heartbeat),
            (Method::PATCH, "/api/v1/nodes/n/status", Lane::Heartbeat),
            (Method::GET, "/apis/storage.k8s.io/v1/csidrivers?watch=true", Lane::Watch),
            (Method::GET, "/apis/storage.k8s.io/v1/csidrivers", Lane::Short),
        ] {
            let Asked::Relay(relay) = asked(method, target, &[]).unwrap() else {
                panic!("{target}");
            };
            assert_eq!(relay.lane(), lane, "{target}");
        }
    }

    #[test]
    fn a_pod_is_named_by_its_path() {
        let target = "/api/v1/namespaces/ns/pods/web-0/status";
        let Asked::Pods(PodRequest::PatchStatus(pod)) = asked(Method::PATCH, target, &[]).unwrap()
        else {
            panic!("{target}");
        };
        assert_eq!((pod.namespace.as_str(), pod.name.as_str()), ("ns", "web-0"));
    }

    fn object_request(target: &str) -> Result<ObjectRequest, &'static str> {
        match asked(Method::GET, target, &[]).unwrap() {
            Asked::Objects(asked) => asked.request.map_err(|refusal| refusal.rule),
            asked @ (Asked::Pods(_) | Asked::Review(..) | Asked::Relay(_)) => panic!("{asked:?}"),
        }
    }

    #[test]
    fn an_object_is_named_by_its_path() {
        for (target, expected) in [
            ("/api/v1/namespaces/ns/secrets/s?resourceVersion=0", ("ns", "s")),
            ("/api/v1/namespaces/ns/configmaps/c", ("ns", "c")),
            ("/api/v1/persistentvolumes/v", ("", "v")),
            ("/apis/node.k8s.io/v1/runtimeclasses/kata", ("", "kata")),
        ] {
            let Ok(ObjectRequest::Get { target: upstream, namespace, name }) =
                object_request(target)
            else {
                panic!("{target}");
            };
            assert_eq!(
                ((namespace.as_str(), name.as_str()), upstream.as_str()),
                (expected, target)
            );
        }
    }

    #[test]
    fn objects_are_listed_and_watched_like_pods_or_refused() {
        let secrets = "/api/v1/namespaces/ns/secrets?fieldSelector=metadata.name%3Da";
        assert!(matches!(object_request(secrets), Ok(ObjectRequest::List { .. })));
        let watch = format!("{secrets}&watch=1&resourceVersion=7");
        let Ok(ObjectRequest::Watch { path, query }) = object_request(&watch) else {
            panic!("{watch}");
        };
        assert_eq!(path, "/api/v1/namespaces/ns/secrets");
        assert!(query.resumes && query.text.ends_with("watch=true"), "{query:?}");
        assert_eq!(object_request(&format!("{secrets}&pretty=1")), Err("list-query"));
        assert_eq!(object_request("/api/v1/persistentvolumes/v?watch=1"), Err("object-query"));
    }
}
