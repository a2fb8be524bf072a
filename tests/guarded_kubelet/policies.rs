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

/// Labelled `mild` it is admitted, and a command that goes on for ever is permitted on it.
pub(crate) const TURNCOAT: &str = "turncoat";

/// Labelled `strict` nothing is permitted on it, labelled `mild` what is on [`OPEN`].
pub(crate) const HEIR: &str = "heir";

/// A command that goes on for ever.
pub(crate) const FOLLOW: [&str; 2] = ["sleep", "2147483647"];

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
            labelled(TURNCOAT, "mild", json!({ "exec": [FOLLOW] })),
            labelled(HEIR, "strict", json!({})),
            labelled(HEIR, "mild", json!({ "exec": exec })),
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

/// The rule of one pod for as long as it has this label: the test's way to change its mind.
fn labelled(pod: &str, temper: &str, access: Value) -> Value {
    let mut rule = rule(pod, access);
    rule["name"] = format!("{pod}-{temper}").into();
    rule["match"]["labels"] = json!({ "temper": temper });
    rule
}

/// Creates a pod with this label, which leaves its node so many seconds after it is asked to.
pub(crate) fn start_labelled(world: &mut World, name: &str, temper: &str, grace: u32) -> Outcome {
    let mut pod = pod(name);
    pod["metadata"]["labels"] = json!({ "temper": temper });
    pod["spec"]["terminationGracePeriodSeconds"] = grace.into();
    world.kubectl.create(&pod)?;
    wait_running(world, name)
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
    [OPEN, CLOSED].iter().try_for_each(|name| wait_running(world, name))
}

fn wait_running(world: &mut World, name: &str) -> Outcome {
    eventually(&format!("pod {name} running"), START_LIMIT, || {
        let pod = world.kubectl.pod(name)?;
        ensure(pod["status"]["phase"] == "Running", || pod["status"].to_string())
    })
    .map_err(|error| format!("{error}\n{}", world.tails()).into())
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
