//! A request as it arrived, and what a kubelet would have meant by it.
//!
//! The kind is read leniently from method, path and query: what a proxy must never send is recorded
//! like everything else, for the test to find.

use tokio::time::Instant;

/// One request, whole.
#[derive(Clone, Debug)]
pub(crate) struct Recorded {
    pub(crate) arrived: Instant,
    pub(crate) method: String,
    /// Path and query as sent.
    pub(crate) target: String,
    /// In the order sent, names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

/// What a request asks for, as far as scripts tell requests apart.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub(crate) enum Kind {
    /// The first page of the pods.
    List,
    /// Any later page.
    NextPage,
    Watch,
    /// A watch that begins with all objects (`sendInitialEvents`).
    WatchList,
    GetPod,
    CreatePod,
    PatchStatus,
    DeletePod,
    /// Runtime classes, volumes, config maps, secrets or services: several.
    Objects,
    WatchObjects,
    /// One of them.
    OneObject,
    Event,
    Lease,
    Other,
}

impl Recorded {
    pub(crate) fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }

    /// The first value of a query parameter, still percent-encoded.
    pub(crate) fn query(&self, name: &str) -> Option<&str> {
        let (_, query) = self.target.split_once('?')?;
        query.split('&').find_map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (key == name).then_some(value)
        })
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).expect("a JSON request body")
    }

    pub(crate) fn kind(&self) -> Kind {
        let segments: Vec<&str> = self.path().split('/').filter(|part| !part.is_empty()).collect();
        match (self.method.as_str(), segments.as_slice()) {
            ("GET", ["api", "v1", "pods"] | ["api", "v1", "namespaces", _, "pods"]) => {
                self.collection()
            }
            ("GET", ["api", "v1", "namespaces", _, "pods", _]) => Kind::GetPod,
            ("POST", ["api", "v1", "namespaces", _, "pods"]) => Kind::CreatePod,
            ("DELETE", ["api", "v1", "namespaces", _, "pods", _]) => Kind::DeletePod,
            ("PATCH", ["api", "v1", "namespaces", _, "pods", _, "status"]) => Kind::PatchStatus,
            ("GET", ["api", "v1", "namespaces", _, "secrets" | "configmaps"])
            | ("GET", ["apis", "node.k8s.io", "v1", "runtimeclasses"])
            | ("GET", ["api", "v1", "services"]) => {
                if self.is_watch() {
                    Kind::WatchObjects
                } else {
                    Kind::Objects
                }
            }
            ("GET", ["api", "v1", "namespaces", _, "secrets" | "configmaps", _])
            | ("GET", ["api", "v1", "persistentvolumes", _])
            | ("GET", ["apis", "node.k8s.io", "v1", "runtimeclasses", _]) => Kind::OneObject,
            (_, ["api", "v1", "namespaces", _, "events", ..]) => Kind::Event,
            (_, ["apis", "coordination.k8s.io", ..]) => Kind::Lease,
            _ => Kind::Other,
        }
    }

    fn is_watch(&self) -> bool {
        self.query("watch").is_some_and(|value| !matches!(value, "0" | "false"))
    }

    fn collection(&self) -> Kind {
        match (self.is_watch(), self.query("sendInitialEvents"), self.query("continue")) {
            (true, Some("true"), _) => Kind::WatchList,
            (true, _, _) => Kind::Watch,
            (false, _, Some(token)) if !token.is_empty() => Kind::NextPage,
            (false, _, _) => Kind::List,
        }
    }
}
