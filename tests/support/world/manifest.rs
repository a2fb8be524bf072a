//! The pods that are created: one that any policy here allows, and one for each way to break it.
//!
//! All run the same image and leave when asked to, so that nothing waits for grace periods.

use serde_json::{Value, json};

use super::image::IMAGE;

/// What a pod does that the node's policy forbids.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Violation {
    Privileged,
    PrivilegedInit,
    HostNetwork,
    HostPath,
}

impl Violation {
    /// Every way there is.
    pub(crate) const ALL: [Self; 4] =
        [Self::Privileged, Self::PrivilegedInit, Self::HostNetwork, Self::HostPath];

    /// A pod's name for it.
    pub(crate) fn pod_name(self) -> &'static str {
        match self {
            Self::Privileged => "privileged",
            Self::PrivilegedInit => "privileged-init",
            Self::HostNetwork => "host-network",
            Self::HostPath => "host-path",
        }
    }

    /// Why `policy()` denies it, as the proxy words it: rule and message.
    pub(crate) fn reason(self) -> &'static str {
        match self {
            Self::Privileged | Self::PrivilegedInit => {
                "denied by rule 'deny-privileged': Privileged containers are not allowed"
            }
            Self::HostNetwork => {
                "denied by rule 'deny-host-network': The host's network is not for pods"
            }
            Self::HostPath => "denied by rule 'deny-host-path': HostPath volumes are not allowed",
        }
    }
}

/// A pod that `policy()` allows.
pub(crate) fn allowed(name: &str) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": { "name": name, "labels": { "app": name } },
        "spec": { "terminationGracePeriodSeconds": 1, "containers": [container("main")] },
    })
}

/// A pod that `policy()` denies for `violation` and for nothing else.
pub(crate) fn denied(name: &str, violation: Violation) -> Value {
    let mut pod = allowed(name);
    let spec = &mut pod["spec"];
    match violation {
        Violation::Privileged => {
            spec["containers"][0]["securityContext"] = json!({ "privileged": true });
        }
        Violation::PrivilegedInit => {
            let mut init = container("init");
            init["command"] = json!(["true"]);
            init["securityContext"] = json!({ "privileged": true });
            spec["initContainers"] = json!([init]);
        }
        Violation::HostNetwork => spec["hostNetwork"] = json!(true),
        Violation::HostPath => {
            spec["volumes"] = json!([{ "name": "host", "hostPath": { "path": "/" } }]);
            spec["containers"][0]["volumeMounts"] =
                json!([{ "name": "host", "mountPath": "/tmp" }]);
        }
    }
    pod
}

/// Many objects to be created at once.
pub(crate) fn list(items: Vec<Value>) -> Value {
    json!({ "apiVersion": "v1", "kind": "List", "items": items })
}

fn container(name: &str) -> Value {
    json!({
        "name": name,
        "image": IMAGE,
        "imagePullPolicy": "Never",
        "command": ["sh", "-c", "echo $HOSTNAME is up; trap 'exit 0' TERM; while :; do sleep 1; done"],
    })
}
