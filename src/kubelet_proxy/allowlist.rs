//! Every request that a kubelet 1.33–1.36 makes, and nothing else.
//!
//! Read from kubelet's calls of its API clients (k8s.io/kubernetes pkg/kubelet, pkg/volume, cmd/kubelet)
//! and the `system:node` role; what a kubelet is refused is counted by rule in `refused_total`.
//! Routes of pods, and of the objects that decide what a pod runs, are marked, so that no other file
//! decides what counts as one.

use http::Method;

use super::access_review::Review;
use crate::kube_wire::received_object::ObjectKind;
use crate::kube_wire::request_path::CanonicalPath;

/// What a route carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Route {
    /// `GET /api/v1/pods`: list or watch.
    Pods,
    /// `GET` of one pod.
    OnePod,
    /// `POST` of a mirror pod.
    CreatePod,
    /// `DELETE` of one pod.
    DeletePod,
    /// `PATCH` of a pod's status.
    PatchPodStatus,
    /// Keeps the node alive in the cluster's eyes: leases and node status.
    Heartbeat,
    /// `GET` of objects that decide what a pod runs: list or watch.
    Objects(ObjectKind),
    /// `GET` of one of them.
    OneObject(ObjectKind),
    /// Who may call the kubelet's own API.
    Review(Review),
    /// Nothing of these in it.
    Other,
}

/// One allowed request. `*` stands for exactly one segment.
struct Rule {
    method: Method,
    pattern: &'static str,
    route: Route,
}

const fn rule(method: Method, pattern: &'static str, route: Route) -> Rule {
    Rule { method, pattern, route }
}

const fn get(pattern: &'static str) -> Rule {
    rule(Method::GET, pattern, Route::Other)
}

const fn objects(kind: ObjectKind, pattern: &'static str) -> Rule {
    rule(Method::GET, pattern, Route::Objects(kind))
}

const fn one_object(kind: ObjectKind, pattern: &'static str) -> Rule {
    rule(Method::GET, pattern, Route::OneObject(kind))
}

const fn post(pattern: &'static str) -> Rule {
    rule(Method::POST, pattern, Route::Other)
}

static RULES: [Rule; 63] = [
    // Pods: the one reflector, the status manager, mirror pods.
    rule(Method::GET, "/api/v1/pods", Route::Pods),
    rule(Method::GET, "/api/v1/namespaces/*/pods/*", Route::OnePod),
    rule(Method::POST, "/api/v1/namespaces/*/pods", Route::CreatePod),
    rule(Method::DELETE, "/api/v1/namespaces/*/pods/*", Route::DeletePod),
    rule(Method::PATCH, "/api/v1/namespaces/*/pods/*/status", Route::PatchPodStatus),
    // Heartbeats first among the rest: they are the most frequent requests of a calm node.
    rule(
        Method::PUT,
        "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/*",
        Route::Heartbeat,
    ),
    rule(
        Method::GET,
        "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/*",
        Route::Heartbeat,
    ),
    rule(
        Method::POST,
        "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases",
        Route::Heartbeat,
    ),
    rule(Method::PATCH, "/api/v1/nodes/*/status", Route::Heartbeat),
    rule(Method::GET, "/api/v1/nodes/*", Route::Heartbeat),
    // The node itself.
    get("/api/v1/nodes"),
    post("/api/v1/nodes"),
    rule(Method::PATCH, "/api/v1/nodes/*", Route::Other),
    // What becomes variables of containers.
    objects(ObjectKind::Service, "/api/v1/services"),
    // What pods refer to.
    objects(ObjectKind::Secret, "/api/v1/namespaces/*/secrets"),
    one_object(ObjectKind::Secret, "/api/v1/namespaces/*/secrets/*"),
    objects(ObjectKind::ConfigMap, "/api/v1/namespaces/*/configmaps"),
    one_object(ObjectKind::ConfigMap, "/api/v1/namespaces/*/configmaps/*"),
    get("/api/v1/namespaces/*/serviceaccounts/*"),
    post("/api/v1/namespaces/*/serviceaccounts/*/token"),
    get("/api/v1/namespaces/*/persistentvolumeclaims/*"),
    rule(Method::PATCH, "/api/v1/namespaces/*/persistentvolumeclaims/*/status", Route::Other),
    one_object(ObjectKind::PersistentVolume, "/api/v1/persistentvolumes/*"),
    // Events, both API groups.
    post("/api/v1/namespaces/*/events"),
    rule(Method::PATCH, "/api/v1/namespaces/*/events/*", Route::Other),
    post("/apis/events.k8s.io/v1/namespaces/*/events"),
    rule(Method::PATCH, "/apis/events.k8s.io/v1/namespaces/*/events/*", Route::Other),
    // Storage.
    get("/apis/storage.k8s.io/v1/volumeattachments/*"),
    get("/apis/storage.k8s.io/v1/csidrivers"),
    get("/apis/storage.k8s.io/v1/csidrivers/*"),
    get("/apis/storage.k8s.io/v1/csinodes/*"),
    post("/apis/storage.k8s.io/v1/csinodes"),
    rule(Method::PUT, "/apis/storage.k8s.io/v1/csinodes/*", Route::Other),
    rule(Method::PATCH, "/apis/storage.k8s.io/v1/csinodes/*", Route::Other),
    rule(Method::DELETE, "/apis/storage.k8s.io/v1/csinodes/*", Route::Other),
    // Runtime classes.
    objects(ObjectKind::RuntimeClass, "/apis/node.k8s.io/v1/runtimeclasses"),
    one_object(ObjectKind::RuntimeClass, "/apis/node.k8s.io/v1/runtimeclasses/*"),
    // Certificates: the kubelet's own rotation, trust bundles, pod certificates.
    post("/apis/certificates.k8s.io/v1/certificatesigningrequests"),
    get("/apis/certificates.k8s.io/v1/certificatesigningrequests"),
    get("/apis/certificates.k8s.io/v1/certificatesigningrequests/*"),
    get("/apis/certificates.k8s.io/*/clustertrustbundles"),
    get("/apis/certificates.k8s.io/*/clustertrustbundles/*"),
    get("/apis/certificates.k8s.io/*/podcertificaterequests"),
    get("/apis/certificates.k8s.io/*/namespaces/*/podcertificaterequests"),
    get("/apis/certificates.k8s.io/*/namespaces/*/podcertificaterequests/*"),
    post("/apis/certificates.k8s.io/*/namespaces/*/podcertificaterequests"),
    // Dynamic resource allocation.
    get("/apis/resource.k8s.io/*/namespaces/*/resourceclaims/*"),
    get("/apis/resource.k8s.io/*/resourceslices"),
    get("/apis/resource.k8s.io/*/resourceslices/*"),
    post("/apis/resource.k8s.io/*/resourceslices"),
    rule(Method::PUT, "/apis/resource.k8s.io/*/resourceslices/*", Route::Other),
    rule(Method::PATCH, "/apis/resource.k8s.io/*/resourceslices/*", Route::Other),
    rule(Method::DELETE, "/apis/resource.k8s.io/*/resourceslices/*", Route::Other),
    rule(Method::DELETE, "/apis/resource.k8s.io/*/resourceslices", Route::Other),
    // Who may call the kubelet's own API.
    rule(Method::POST, "/apis/authentication.k8s.io/v1/tokenreviews", Route::Review(Review::Token)),
    rule(
        Method::POST,
        "/apis/authorization.k8s.io/v1/subjectaccessreviews",
        Route::Review(Review::Access),
    ),
    // Discovery that managers make at start (token_manager.go, clustertrustbundle_manager.go).
    get("/api/v1"),
    get("/apis/certificates.k8s.io/v1"),
    get("/apis/certificates.k8s.io/v1beta1"),
    get("/apis/certificates.k8s.io/v1alpha1"),
    get("/apis/resource.k8s.io/v1"),
    get("/apis/resource.k8s.io/v1beta1"),
    get("/apis/resource.k8s.io/v1beta2"),
];

/// The route of a request, `None` when no rule allows it.
pub(super) fn route(method: &Method, path: CanonicalPath<'_>) -> Option<Route> {
    RULES
        .iter()
        .find(|rule| rule.method == method && matches(rule.pattern, path.as_str()))
        .map(|rule| rule.route)
}

/// Segment-wise comparison. The pattern decides how many segments there are, so a `*` can never
/// stand for a subresource (`pods/x/exec`) as well.
fn matches(pattern: &str, path: &str) -> bool {
    let mut wanted = pattern.split('/');
    let mut found = path.split('/');
    loop {
        match (wanted.next(), found.next()) {
            (None, None) => return true,
            (Some("*"), Some(_)) => {}
            (Some(literal), Some(segment)) if literal == segment => {}
            (_, _) => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn routed(method: Method, path: &str) -> Option<Route> {
        route(&method, CanonicalPath::parse(path).unwrap())
    }

    #[test]
    fn pod_routes_are_recognised_as_such() {
        assert_eq!(routed(Method::GET, "/api/v1/pods"), Some(Route::Pods));
        assert_eq!(routed(Method::GET, "/api/v1/namespaces/a/pods/b"), Some(Route::OnePod));
        assert_eq!(routed(Method::POST, "/api/v1/namespaces/a/pods"), Some(Route::CreatePod));
        assert_eq!(routed(Method::DELETE, "/api/v1/namespaces/a/pods/b"), Some(Route::DeletePod));
        assert_eq!(
            routed(Method::PATCH, "/api/v1/namespaces/a/pods/b/status"),
            Some(Route::PatchPodStatus)
        );
    }

    #[test]
    fn whatever_else_could_carry_a_pod_or_a_stream_is_refused() {
        for (method, path) in [
            (Method::GET, "/api/v1/watch/pods"),
            (Method::GET, "/api/v1/watch/namespaces/a/pods"),
            (Method::GET, "/api/v1/namespaces/a/pods"),
            (Method::GET, "/api/v1/podtemplates"),
            (Method::GET, "/api/v1/namespaces/a/pods/b/log"),
            (Method::GET, "/api/v1/namespaces/a/pods/b/exec"),
            (Method::POST, "/api/v1/namespaces/a/pods/b/exec"),
            (Method::POST, "/api/v1/namespaces/a/pods/b/portforward"),
            (Method::POST, "/api/v1/namespaces/a/pods/b/binding"),
            (Method::POST, "/api/v1/namespaces/a/pods/b/eviction"),
            (Method::PUT, "/api/v1/namespaces/a/pods/b"),
            (Method::PUT, "/api/v1/namespaces/a/pods/b/status"),
            (Method::PATCH, "/api/v1/namespaces/a/pods/b"),
            (Method::PATCH, "/api/v1/namespaces/a/pods/b/ephemeralcontainers"),
            (Method::DELETE, "/api/v1/namespaces/a/pods"),
            (Method::GET, "/api/v1/nodes/n/proxy"),
            (Method::GET, "/api/v1/nodes/n/proxy/pods"),
            (Method::GET, "/apis/metrics.k8s.io/v1beta1/pods"),
            (Method::GET, "/api/v1/secrets"),
            (Method::GET, "/apis"),
            (Method::HEAD, "/api/v1/pods"),
            (Method::OPTIONS, "/api/v1/pods"),
            (Method::CONNECT, "/api/v1/pods"),
        ] {
            assert_eq!(routed(method.clone(), path), None, "{method} {path}");
        }
    }

    #[test]
    fn no_pattern_stands_twice_in_the_list() {
        for (at, rule) in RULES.iter().enumerate() {
            let again = RULES[at + 1..]
                .iter()
                .find(|later| later.method == rule.method && later.pattern == rule.pattern);
            assert!(again.is_none(), "{} {}", rule.method, rule.pattern);
        }
    }
}
