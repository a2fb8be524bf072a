//! Two pods, and what the policy permits on them.

use std::time::Duration;

use serde_json::{Value, json};

use crate::calls::exec;
use crate::support::wait::{Outcome, ensure, eventually};
use crate::support::world::World;
use crate::support::world::image::IMAGE;

/// Its policy permits one command and one port.
pub(crate) const OPEN: &str = "open";

/// Its policy permits nothing but what holds for every pod: its logs.
pub(crate) const CLOSED: &str = "closed";

/// The command that is permitted.
pub(crate) const COMMAND: [&str; 2] = ["echo", "from inside"];

/// The port that is permitted, and another on which the same program listens.
pub(crate) const PORTS: [u16; 2] = [8080, 8081];

/// What it says to whoever connects.
pub(crate) const GREETING: &str = "hello from the pod";

/// A pod starts in seconds; the tests may share two cores with compilers.
const START_LIMIT: Duration = Duration::from_secs(120);

/// The policy of most cases.
pub(crate) fn policy() -> Value {
    with_exec(json!([COMMAND]))
}

fn with_exec(exec: Value) -> Value {
    json!({
        "apiVersion": "nodeward.dev/v2",
        "kind": "NodePolicy",
        "name": "guarded",
        "rules": [
            rule(OPEN, json!({ "exec": exec, "portForward": [PORTS[0]] })),
            rule(CLOSED, json!({ "attach": false })),
        ],
        "kubeletApi": {
            "endpoints": ["metrics", "healthz"],
            "defaults": { "logs": true },
        },
    })
}

fn rule(pod: &str, access: Value) -> Value {
    json!({
        "name": pod,
        "action": "allow",
        "match": { "podNames": [pod] },
        "permit": { "unlisted": "permit", "access": access },
    })
}

fn pod(name: &str) -> Value {
    let listen = |port: u16| format!("busybox nc -ll -p {port} -e echo {GREETING} & ");
    let script = format!("echo {name} is up; {}sleep 2147483647", PORTS.map(listen).concat());
    json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": { "name": name },
        "spec": {
            "terminationGracePeriodSeconds": 1,
            "containers": [{
                "name": "main",
                "image": IMAGE,
                "imagePullPolicy": "Never",
                "command": ["sh", "-c", script],
                "stdin": true,
            }],
        },
    })
}

/// Creates both and waits until they run.
pub(crate) fn start_pods(world: &mut World) -> Outcome {
    for name in [OPEN, CLOSED] {
        world.kubectl.create(&pod(name))?;
    }
    for name in [OPEN, CLOSED] {
        eventually(&format!("pod {name} running"), START_LIMIT, || {
            let pod = world.kubectl.pod(name)?;
            ensure(pod["status"]["phase"] == "Running", || pod["status"].to_string())
        })
        .map_err(|error| format!("{error}\n{}", world.tails()))?;
    }
    Ok(())
}

/// Takes the one permitted command out of the policy and has the proxy read it again.
pub(crate) fn stricter_policy_takes_away(world: &mut World) -> Outcome {
    world.proxy.write_policy(&with_exec(json!([["true"]])))?;
    world.proxy.reload(world.inside)?;
    let refused = exec(world, "true", OPEN, &COMMAND);
    ensure(refused.is_err(), || format!("after the reload exec says {refused:?}"))?;
    eventually("the new permit", START_LIMIT, || exec(world, "true", OPEN, &["true"]).map(drop))?;
    let refused = exec(world, "true", OPEN, &COMMAND);
    ensure(refused.is_err(), || format!("by the new policy exec says {refused:?}"))
}
