//! What the cluster's signer signs, and the document of a node that takes signed pods.

use serde_json::{Value, json};

/// Pods here need a signature; all other pods of the cluster are the node's own.
pub(super) const NAMESPACE: &str = "apps";

/// Other cases' pods, and what every node has.
const OWN_NAMESPACES: [&str; 2] = ["default", "kube-*"];

/// For a pod with one container that runs nginx.
pub(super) fn nginx() -> Value {
    json!([{ "name": "test", "properties": {
        "image": "nginx:latest", "command": [], "environmentVariables": [], "volumeMounts": [],
    } }])
}

/// For a pod with everything that the seed's format can say.
pub(super) fn full() -> Value {
    json!([{ "name": "app", "properties": {
        "image": "busybox:latest",
        "command": ["/bin/myapp"],
        "environmentVariables": [
            { "name": "APP_ENV", "value": "production" },
            { "name": "LOG_LEVEL", "value": "debug" },
        ],
        "volumeMounts": [
            { "name": "config", "mountPath": "/etc/app", "readOnly": true },
            { "name": "data", "mountPath": "/data", "readOnly": false },
        ],
    } }])
}

/// The node's own pods run unsigned. With `adds`, the local document also permits what the seed's
/// format has no word for: arguments, and where a volume comes from.
pub(super) fn document(adds: bool) -> Value {
    let mut document = json!({
        "apiVersion": "nodeward.dev/v2",
        "kind": "NodePolicy",
        "name": "signed-apps",
        "rules": [{
            "name": "own-pods",
            "action": "allow",
            "match": { "namespaces": OWN_NAMESPACES },
            "permit": { "unlisted": "permit", "containers": [{ "unlisted": "permit",
                "kinds": ["container", "init", "sidecar", "ephemeral"] }] },
        }],
    });
    if adds {
        document["signedPods"] = json!({ "permit": {
            "containers": [{
                "names": ["app"],
                "args": ["--config", "/etc/app/config.yaml"],
            }],
            "volumes": [{ "names": ["config"], "configMap": { "names": ["test-config"] } }],
        } });
    }
    document
}
