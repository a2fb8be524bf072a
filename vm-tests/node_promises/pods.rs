//! The pods that promises create, and what can be expected of them.
//!
//! They are bound to the node by name: whether a scheduler would have chosen it is not the question.

use std::time::Duration;

use serde_json::{Value, json};

use crate::containers::{ContainerWatch, running_containers};
use crate::node::Node;
use crate::wait::{Outcome, ensure, eventually};

/// A pod starts in 2 to 8 s on an idle machine. A kubelet that lost its server waits up to 30 s
/// before it tries again.
pub(crate) const START_LIMIT: Duration = Duration::from_secs(120);

/// A rejection is one request after the watch event, a retry now and then.
pub(crate) const REJECT_LIMIT: Duration = Duration::from_secs(60);

/// The reason of a rejection, in status and Event.
const REJECTED: &str = "NodeAdmissionRejected";

/// How the message of a rejection by the policy begins.
const MESSAGE: &str = "Pod rejected by kubelet-proxy: ";

/// What a pod does that the node's policy has to forbid.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Violation {
    Privileged,
    HostNetwork,
    HostPath,
}

impl Violation {
    pub(crate) const ALL: [Self; 3] = [Self::Privileged, Self::HostNetwork, Self::HostPath];

    /// What a pod that does it is called.
    pub(crate) fn what(self) -> &'static str {
        match self {
            Self::Privileged => "privileged",
            Self::HostNetwork => "host-network",
            Self::HostPath => "host-path",
        }
    }
}

/// A pod that the policy allows; it says that it is up, and leaves when asked to.
pub(crate) fn allowed(node: &Node<'_>, name: &str) -> Value {
    let life = format!("echo {name} is up; trap 'exit 0' TERM; while :; do sleep 1; done");
    json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": { "name": name, "labels": node.labels() },
        "spec": {
            "nodeName": node.name,
            "terminationGracePeriodSeconds": 1,
            "containers": [{
                "name": "main",
                "image": node.image,
                "imagePullPolicy": "Never",
                "command": ["sh", "-c", life],
            }],
        },
    })
}

/// A pod that the policy denies for `violation` and for nothing else.
pub(crate) fn denied(node: &Node<'_>, name: &str, violation: Violation) -> Value {
    let mut pod = allowed(node, name);
    let spec = &mut pod["spec"];
    match violation {
        Violation::Privileged => {
            spec["containers"][0]["securityContext"] = json!({ "privileged": true });
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

/// Creates a pod that the policy allows, waits until it runs, and gives its containers' ids.
pub(crate) fn start_allowed(node: &Node<'_>, name: &str) -> Outcome<Vec<String>> {
    node.create(&[allowed(node, name)])?;
    running(node, name)
}

/// Waits until the pod is Running and Ready, and gives its containers' ids.
pub(crate) fn running(node: &Node<'_>, name: &str) -> Outcome<Vec<String>> {
    eventually(&format!("pod {name} running"), START_LIMIT, || is_running(&node.pod(name)?))?;
    let ids = running_containers(node, name)?;
    // Sandbox and container.
    ensure(ids.len() == 2, || format!("pod {name} has the containers {ids:?}"))?;
    Ok(ids)
}

/// An error unless exactly the containers `before` run for the pod, none restarted.
pub(crate) fn untouched(node: &Node<'_>, name: &str, before: &[String]) -> Outcome {
    let now = running_containers(node, name)?;
    ensure(now == before, || format!("pod {name}: containers {before:?} became {now:?}"))?;
    let pod = node.pod(name)?;
    is_running(&pod)?;
    let restarts = &pod["status"]["containerStatuses"][0]["restartCount"];
    ensure(*restarts == 0, || format!("pod {name} was restarted {restarts} times"))
}

/// Waits until the pod is rejected, in its status and by an Event, and never saw a container.
pub(crate) fn rejected(node: &Node<'_>, name: &str, watch: &mut ContainerWatch) -> Outcome {
    let pod = eventually(&format!("pod {name} rejected"), REJECT_LIMIT, || {
        // Ok ends the waiting, with whatever is in it: nothing mends a container that was seen.
        if let Err(seen) = watch.saw_none(name) {
            return Ok(Err(seen));
        }
        let pod = node.pod(name)?;
        is_rejected(&pod)?;
        Ok(Ok(pod))
    })??;
    let reason = pod["status"]["message"].as_str().unwrap_or_default();
    let reason = reason.strip_prefix(MESSAGE).unwrap_or_default().to_owned();
    let uid = pod["metadata"]["uid"].as_str().ok_or("a pod without uid")?;
    eventually(&format!("Event about pod {name}"), REJECT_LIMIT, || {
        let selector = format!("involvedObject.uid={uid},reason={REJECTED},type=Warning");
        let events = node.get(&["events", "--field-selector", &selector])?;
        let events = events["items"].as_array().ok_or("no items")?;
        let told = |event: &Value| event["message"].as_str().is_some_and(|m| m.contains(&reason));
        ensure(events.iter().any(told), || format!("none says {reason:?}: {events:?}"))
    })
}

/// An error unless the pod is Running with every container ready.
pub(crate) fn is_running(pod: &Value) -> Outcome {
    let status = &pod["status"];
    let containers = status["containerStatuses"].as_array();
    let ready = containers.is_some_and(|all| all.iter().all(|one| one["ready"] == true));
    ensure(status["phase"] == "Running" && ready, || format!("its status is {status}"))
}

/// An error unless the pod's status is a rejection by a rule of the policy.
pub(crate) fn is_rejected(pod: &Value) -> Outcome {
    let status = &pod["status"];
    let message = status["message"].as_str().and_then(|text| text.strip_prefix(MESSAGE));
    let by_rule = message.is_some_and(|reason| reason.starts_with("denied by rule '"));
    let exact = status["phase"] == "Failed" && status["reason"] == REJECTED && by_rule;
    ensure(exact, || format!("its status is {status}"))
}
