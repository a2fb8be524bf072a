//! What can be expected of a pod, each told as one failure or waited for as one step.

use std::time::Duration;

use serde_json::Value;

use crate::support::wait::{Outcome, ensure, eventually};
use crate::support::world::World;
use crate::support::world::image::IMAGE;

/// A pod starts in 2 to 8 s on an idle machine; the tests may share two cores with compilers.
pub(crate) const START_LIMIT: Duration = Duration::from_secs(120);

/// A rejection is one request after the watch event, a retry now and then.
pub(crate) const REJECT_LIMIT: Duration = Duration::from_secs(60);

/// The reason of a rejection, in status and Event.
const REJECTED: &str = "NodeAdmissionRejected";

/// Waits until the pod is Running and Ready and gives the ids of its running containers.
pub(crate) fn running(world: &World, name: &str) -> Outcome<Vec<String>> {
    eventually(&format!("pod {name} running"), START_LIMIT, || {
        let pod = world.kubectl.pod(name)?;
        is_running(&pod)
    })?;
    let ids = world.running_containers(name)?;
    // Sandbox and container.
    ensure(ids.len() == 2, || format!("pod {name} has containers {ids:?}"))?;
    Ok(ids)
}

/// An error unless the pod is Running with every container ready.
pub(crate) fn is_running(pod: &Value) -> Outcome {
    let status = &pod["status"];
    let containers = status["containerStatuses"].as_array();
    let ready = containers.is_some_and(|all| all.iter().all(|one| one["ready"] == true));
    ensure(status["phase"] == "Running" && ready, || status.to_string())
}

/// Waits until the pod is rejected for `reason`: in its status, by an Event and in the proxy's
/// record; then an error if it has, or ever had, a container that `tolerated` does not name.
pub(crate) fn rejected(world: &World, name: &str, reason: &str, tolerated: &[String]) -> Outcome {
    let uid = eventually(&format!("pod {name} rejected"), REJECT_LIMIT, || {
        let pod = world.kubectl.pod(name)?;
        is_rejected(&pod, reason)?;
        Ok(pod["metadata"]["uid"].as_str().ok_or("no uid")?.to_owned())
    })?;
    eventually(&format!("event about pod {name}"), REJECT_LIMIT, || {
        let selector = format!("involvedObject.uid={uid},reason={REJECTED},type=Warning");
        let events = world.kubectl.get(&["events", "--field-selector", &selector])?;
        let events = events["items"].as_array().ok_or("no items")?;
        let told = |event: &Value| event["message"].as_str().is_some_and(|m| m.contains(reason));
        ensure(events.iter().any(told), || format!("events: {events:?}"))
    })?;
    ensure(is_recorded(world, &uid, reason), || format!("no decision record tells of {uid}"))?;
    no_container(world, name, tolerated)
}

/// Whether the proxy's log has the decision: which pod, which images, why, under which policy.
fn is_recorded(world: &World, uid: &str, reason: &str) -> bool {
    world.proxy.records().iter().any(|record| {
        record["uid"] == uid
            && record["decision"] == "deny"
            && record["reason"] == reason
            && record["images"].as_str().is_some_and(|images| images.contains(IMAGE))
            && record["policy_digest"].as_str().is_some_and(|digest| digest.len() == 64)
    })
}

/// An error unless the pod's status is exactly the rejection for `reason`.
pub(crate) fn is_rejected(pod: &Value, reason: &str) -> Outcome {
    let status = &pod["status"];
    let message = format!("Pod rejected by kubelet-proxy: {reason}");
    let exact = status["phase"] == "Failed"
        && status["reason"] == REJECTED
        && status["message"] == message.as_str();
    ensure(exact, || status.to_string())
}

/// An error if containerd ever created a container for the pod, but for those in `tolerated`.
pub(crate) fn no_container(world: &World, name: &str, tolerated: &[String]) -> Outcome {
    let created = world.containers.of_pod(name);
    let strange = created.iter().find(|created| !tolerated.contains(&created.id));
    ensure(strange.is_none(), || format!("pod {name} had a container: {strange:?}"))
}

/// Waits until nothing of the pod runs any more.
pub(crate) fn stopped(world: &World, name: &str) -> Outcome {
    eventually(&format!("pod {name} stopped"), REJECT_LIMIT, || {
        let left = world.running_containers(name)?;
        ensure(left.is_empty(), || format!("still running: {left:?}"))
    })
}

/// An error unless exactly the containers `before` run for the pod, none restarted.
pub(crate) fn untouched(world: &World, name: &str, before: &[String]) -> Outcome {
    let now = world.running_containers(name)?;
    ensure(now == before, || format!("pod {name}: containers {before:?} became {now:?}"))?;
    let pod = world.kubectl.pod(name)?;
    is_running(&pod)?;
    let restarts = &pod["status"]["containerStatuses"][0]["restartCount"];
    ensure(*restarts == 0, || format!("pod {name} was restarted {restarts} times"))
}
