//! Which pods run, which are rejected, and what an operator gets to see of it.

use std::time::Duration;

use serde_json::Value;

use crate::expect::{REJECT_LIMIT, START_LIMIT, is_rejected, is_running};
use crate::expect::{no_container, rejected, running, stopped};
use crate::support::wait::{Outcome, ensure, eventually};
use crate::support::world::control_plane::API_SERVER;
use crate::support::world::image::IMAGE;
use crate::support::world::manifest::{Violation, allowed, denied, list};
use crate::support::world::{Route, World};

/// The issue's own number.
const BURST: usize = 60;

/// The issue's own number.
const DELETE_LIMIT: Duration = Duration::from_secs(5);

/// A pod that other cases look at again after what they did.
pub(crate) const STEADY: &str = "steady";

pub(crate) fn node_is_ready(world: &mut World) -> Outcome {
    world.wait_node_ready()?;
    let kubelet = world.kubelet_caller()?;
    let direct = API_SERVER.trim_start_matches("https://");
    let answer = world.inside.on_network(|| kubelet.get(direct, "/api/v1/nodes"))??;
    ensure(answer.status == 401, || format!("the kubelet has another way in: {answer:?}"))?;
    let metrics = world.proxy.admin(world.inside, "/metrics")?;
    ensure(metrics.status == 200 && metrics.body.contains("kubelet_proxy_"), || {
        format!("metrics: {metrics:?}")
    })
}

pub(crate) fn allowed_pod_runs(world: &mut World) -> Outcome {
    world.kubectl.create(&allowed(STEADY))?;
    running(world, STEADY).map(drop)
}

pub(crate) fn privileged_pod_is_rejected(world: &mut World) -> Outcome {
    violation_is_rejected(world, Violation::Privileged)
}

pub(crate) fn privileged_init_is_rejected(world: &mut World) -> Outcome {
    violation_is_rejected(world, Violation::PrivilegedInit)
}

pub(crate) fn host_network_is_rejected(world: &mut World) -> Outcome {
    violation_is_rejected(world, Violation::HostNetwork)
}

pub(crate) fn host_path_is_rejected(world: &mut World) -> Outcome {
    violation_is_rejected(world, Violation::HostPath)
}

fn violation_is_rejected(world: &mut World, violation: Violation) -> Outcome {
    let name = violation.pod_name();
    world.kubectl.create(&denied(name, violation))?;
    rejected(world, name, violation.reason(), &[])
}

pub(crate) fn ephemeral_is_rejected(world: &mut World) -> Outcome {
    let name = "debugged";
    world.kubectl.create(&allowed(name))?;
    let before = running(world, name)?;
    let target = format!("pod/{name}");
    let debug = ["debug", &target, "--image", IMAGE, "--image-pull-policy", "Never"];
    let intruder = ["--profile", "sysadmin", "--container", "intruder", "--", "sleep", "600"];
    world.kubectl.run(&[&debug[..], &intruder[..]].concat())?;
    rejected(world, name, Violation::Privileged.reason(), &before)?;
    stopped(world, name)?;
    no_container(world, name, &before)
}

pub(crate) fn rejected_pod_is_deleted(world: &mut World) -> Outcome {
    let name = "short-lived";
    world.kubectl.create(&denied(name, Violation::Privileged))?;
    rejected(world, name, Violation::Privileged.reason(), &[])?;
    world.kubectl.run(&["delete", "pod", name, "--wait=false"])?;
    eventually(&format!("pod {name} gone"), DELETE_LIMIT, || {
        let found = world.kubectl.run(&["get", "pod", name, "--ignore-not-found", "-o", "name"])?;
        ensure(found.is_empty(), || format!("still there: {found}"))
    })
}

pub(crate) fn burst_is_sorted(world: &mut World) -> Outcome {
    let deny = |index: usize| index % 2 == 1;
    let pod = |index| {
        let name = format!("burst-{index}");
        if deny(index) {
            denied(&name, Violation::ALL[(index / 2) % Violation::ALL.len()])
        } else {
            allowed(&name)
        }
    };
    let mut pods = list((0..BURST).map(pod).collect());
    for pod in pods["items"].as_array_mut().into_iter().flatten() {
        pod["metadata"]["labels"]["app"] = "burst".into();
    }
    world.kubectl.create(&pods)?;
    eventually("burst sorted", START_LIMIT + REJECT_LIMIT, || {
        let pods = world.kubectl.get(&["pods", "--selector", "app=burst"])?;
        let pods = pods["items"].as_array().ok_or("no items")?;
        ensure(pods.len() == BURST, || format!("{} pods", pods.len()))?;
        pods.iter().try_for_each(is_sorted)
    })?;
    (0..BURST)
        .filter(|index| deny(*index))
        .try_for_each(|index| no_container(world, &format!("burst-{index}"), &[]))?;
    world.kubectl.run(&["delete", "pods", "--selector", "app=burst", "--wait=false"]).map(drop)
}

/// A pod of the burst is where it belongs, by its number.
fn is_sorted(pod: &Value) -> Outcome {
    let name = pod["metadata"]["name"].as_str().unwrap_or_default();
    let index = name.strip_prefix("burst-").unwrap_or_default().parse::<usize>()?;
    let sorted = if index % 2 == 1 {
        is_rejected(pod, Violation::ALL[(index / 2) % Violation::ALL.len()].reason())
    } else {
        is_running(pod)
    };
    sorted.map_err(|error| format!("{name}: {error}").into())
}

/// Every denied pod of the whole run, once more and at the end, when nothing can still be under way.
pub(crate) fn nothing_denied_was_created(world: &mut World) -> Outcome {
    world.containers.check_running()?;
    let pods = world.kubectl.get(&["pods"])?;
    let pods = pods["items"].as_array().ok_or("no items")?;
    let names = pods
        .iter()
        .filter(|pod| breaks_policy(&pod["spec"]))
        .filter_map(|pod| pod["metadata"]["name"].as_str());
    names.into_iter().try_for_each(|name| no_container(world, name, &[]))
}

/// What `policy()` says, in other words than the proxy's. Ephemeral containers came to a pod that
/// ran rightly: their case looks for itself.
fn breaks_policy(spec: &Value) -> bool {
    let containers = ["containers", "initContainers"].map(|field| spec[field].as_array());
    let mut containers = containers.into_iter().flatten().flatten();
    let mut volumes = spec["volumes"].as_array().into_iter().flatten();
    spec["hostNetwork"] == true
        || containers.any(|container| container["securityContext"]["privileged"] == true)
        || volumes.any(|volume| volume["hostPath"].is_object())
}

/// The same node, the same kubelet, the same pod: it is the proxy that stands in the way. This also
/// shows that a created container would have been seen.
pub(crate) fn control_without_proxy(world: &mut World) -> Outcome {
    world.node.kubelet.stop()?;
    world.start_kubelet(Route::Direct)?;
    let name = "unprotected";
    world.kubectl.create(&denied(name, Violation::Privileged))?;
    running(world, name)?;
    ensure(no_container(world, name, &[]).is_err(), || "its containers went unseen".to_owned())
}
