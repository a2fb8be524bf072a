//! Pods, lists and events as JSON, good and evil.
//!
//! Everything a kubelet must never get carries the word `evil`, which the reflector program looks
//! for after decoding. [`POLICY`] denies an evil pod for more than one reason, so that no single field
//! hides it. Good pods are as full as a real API server makes them.

use serde_json::{Value, json};

/// The node all pods are bound to.
pub(crate) const NODE: &str = "node-1";

/// Denies what [`evil`] makes and allows what [`good`] makes.
pub(crate) const POLICY: &str = r#"{"name": "hostile", "defaultAction": "allow", "rules": [
    {"name": "no-privileged", "action": "deny", "match": {"security": {"denyPrivileged": true}},
     "message": "Privileged containers are not allowed"},
    {"name": "no-evil-image", "action": "deny", "match": {"images": {"denied": ["*evil*"]}}}]}"#;

/// A pod that the policy allows.
pub(crate) fn good(name: &str) -> Value {
    json!({
        "kind": "Pod", "apiVersion": "v1",
        "metadata": {
            "name": name, "namespace": "default", "uid": uid(name), "resourceVersion": "11",
            "creationTimestamp": "2026-11-21T08:00:00Z", "generation": 1,
            "labels": {"app": "web", "kind": "x", "Kind": "y"},
            "annotations": {"note": "line one\nline two \u{202e} \"quoted\" \\ é 漢 🦀"},
            "ownerReferences": [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web",
                "uid": uid("web"), "controller": true, "blockOwnerDeletion": true}],
        },
        "spec": {
            "nodeName": NODE, "restartPolicy": "Always", "dnsPolicy": "ClusterFirst",
            "terminationGracePeriodSeconds": 30, "serviceAccountName": "default",
            "serviceAccount": "default", "securityContext": {}, "schedulerName": "default-scheduler",
            "enableServiceLinks": true, "preemptionPolicy": "PreemptLowerPriority", "priority": 0,
            "tolerations": [{"key": "node.kubernetes.io/not-ready", "operator": "Exists",
                "effect": "NoExecute", "tolerationSeconds": 300}],
            "containers": [{
                "name": "main", "image": "registry.example/good:1", "command": ["/bin/good"],
                "args": ["--flag", "x=1"], "env": [{"name": "A", "value": "b"}],
                "ports": [{"containerPort": 8080, "protocol": "TCP"}],
                "resources": {"limits": {"cpu": "100m"}, "requests": {"cpu": "100m"}},
                "volumeMounts": [{"name": "work", "mountPath": "/work"}],
                "livenessProbe": {"httpGet": {"path": "/livez", "port": 8080, "scheme": "HTTP"},
                    "timeoutSeconds": 1, "periodSeconds": 10, "successThreshold": 1,
                    "failureThreshold": 3},
                "terminationMessagePath": "/dev/termination-log",
                "terminationMessagePolicy": "File", "imagePullPolicy": "IfNotPresent",
            }],
            "volumes": [{"name": "work", "emptyDir": {}}],
        },
        "status": {"phase": "Pending", "qosClass": "Burstable"},
    })
}

/// A pod that the policy denies.
pub(crate) fn evil(name: &str) -> Value {
    let mut pod = good(name);
    pod["spec"]["containers"][0]["image"] = json!("registry.example/evil:1");
    pod["spec"]["containers"][0]["securityContext"] = json!({"privileged": true});
    pod
}

/// The UID that the pod `name` has, unless a case gives it another.
pub(crate) fn uid(name: &str) -> String {
    const OFFSET_BASIS: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0000_0100_0000_01b3;
    let hash =
        name.bytes().fold(OFFSET_BASIS, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(PRIME));
    format!("{:08x}-0000-4000-8000-{:012x}", hash >> 32, hash & 0xffff_ffff)
}

/// `pod` with the value at a JSON pointer replaced or added.
pub(crate) fn with(mut pod: Value, pointer: &str, value: Value) -> Value {
    let (parent, key) = pointer.rsplit_once('/').expect("a JSON pointer");
    let parent = pod.pointer_mut(parent).expect("a parent that exists");
    match parent.as_array_mut() {
        Some(items) => items.insert(key.parse().expect("an index"), value),
        None => parent[key.replace("~1", "/")] = value,
    }
    pod
}

/// A whole `PodList`; like a real API server's, its items do not say their kind.
pub(crate) fn list(resource_version: u32, pods: impl IntoIterator<Item = Value>) -> Value {
    json!({
        "kind": "PodList", "apiVersion": "v1",
        "metadata": {"resourceVersion": resource_version.to_string()},
        "items": pods.into_iter().map(without_kind).collect::<Vec<_>>(),
    })
}

fn without_kind(mut pod: Value) -> Value {
    if let Some(fields) = pod.as_object_mut() {
        fields.remove("kind");
        fields.remove("apiVersion");
    }
    pod
}

/// One watch event and its newline.
pub(crate) fn event(kind: &str, object: &Value) -> String {
    format!("{}\n", json!({"type": kind, "object": object}))
}

/// The bookmark that ends the initial events of a WatchList.
pub(crate) fn initial_events_end(resource_version: u32) -> String {
    event(
        "BOOKMARK",
        &json!({"kind": "Pod", "apiVersion": "v1", "metadata": {
            "resourceVersion": resource_version.to_string(), "creationTimestamp": null,
            "annotations": {"k8s.io/initial-events-end": "true"}},
            "spec": {"containers": null}, "status": {}}),
    )
}
