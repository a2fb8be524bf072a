//! Restarts and crashes of each party, on a node that is in use.
//!
//! Running pods must not notice, and a denied pod must not slip through while somebody is away.

use serde_json::json;

use crate::admission::STEADY;
use crate::expect::{START_LIMIT, no_container, rejected, running, stopped, untouched};
use crate::support::wait::{Outcome, ensure, eventually};
use crate::support::world::manifest::{Violation, allowed, denied};
use crate::support::world::proxy::policy;
use crate::support::world::{Route, World};

pub(crate) fn proxy_crashes(world: &mut World) -> Outcome {
    interrupted(world, "proxy-crash", |world| world.proxy.crash(world.inside))
}

pub(crate) fn api_server_restarts(world: &mut World) -> Outcome {
    interrupted(world, "api-server-restart", |world| {
        world.control_plane.api_server.kill()?;
        world.control_plane.api_server.start(world.inside)?;
        world.control_plane.wait_ready(&world.kubectl.clone())
    })
}

/// Runs pods on both sides of `interruption`: the ones before stay as they are, those after are
/// decided on as ever.
fn interrupted(
    world: &mut World,
    name: &str,
    interruption: impl FnOnce(&mut World) -> Outcome,
) -> Outcome {
    let steady = steady(world)?;
    let rejected_before = format!("{name}-denied-before");
    world.kubectl.create(&denied(&rejected_before, Violation::Privileged))?;
    rejected(world, &rejected_before, Violation::Privileged.reason(), &[])?;
    interruption(world)?;
    let (runs, fails) = (format!("{name}-allowed"), format!("{name}-denied"));
    world.kubectl.create(&allowed(&runs))?;
    world.kubectl.create(&denied(&fails, Violation::HostPath))?;
    running(world, &runs)?;
    rejected(world, &fails, Violation::HostPath.reason(), &[])?;
    no_container(world, &rejected_before, &[])?;
    world.wait_node_ready()?;
    untouched(world, STEADY, &steady)
}

pub(crate) fn kubelet_restarts(world: &mut World) -> Outcome {
    let steady = steady(world)?;
    world.node.kubelet.stop()?;
    let (runs, fails) = ("bound-allowed", "bound-denied");
    world.kubectl.create(&allowed(runs))?;
    world.kubectl.create(&denied(fails, Violation::Privileged))?;
    for name in [runs, fails] {
        eventually(&format!("pod {name} bound"), START_LIMIT, || {
            let pod = world.kubectl.pod(name)?;
            ensure(pod["spec"]["nodeName"].is_string(), || pod["status"].to_string())
        })?;
    }
    world.start_kubelet(Route::Proxy)?;
    rejected(world, fails, Violation::Privileged.reason(), &[])?;
    running(world, runs)?;
    no_container(world, fails, &[])?;
    untouched(world, STEADY, &steady)
}

pub(crate) fn policy_gets_stricter(world: &mut World) -> Outcome {
    let name = "tolerated-so-far";
    let steady = steady(world)?;
    world.kubectl.create(&allowed(name))?;
    let before = running(world, name)?;
    let mut stricter = policy();
    let rule = json!({
        "name": "no-longer",
        "action": "deny",
        "match": { "labels": { "app": name } },
        "message": "This workload has had its time",
    });
    stricter["rules"].as_array_mut().ok_or("a policy without rules")?.push(rule);
    world.proxy.write_policy(&stricter)?;
    world.proxy.restart(world.inside)?;
    let reason = "denied by rule 'no-longer': This workload has had its time";
    let outcome = rejected(world, name, reason, &before)
        .and_then(|()| stopped(world, name))
        .and_then(|()| untouched(world, STEADY, &steady));
    // The cases that follow count on the policy they know.
    world.proxy.write_policy(&policy())?;
    outcome.and(world.proxy.restart(world.inside))
}

/// The containers of the pod that lives through everything; started here if its case did not run.
fn steady(world: &World) -> Outcome<Vec<String>> {
    if world.kubectl.pod(STEADY).is_err() {
        world.kubectl.create(&allowed(STEADY))?;
    }
    running(world, STEADY)
}
