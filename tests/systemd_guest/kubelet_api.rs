//! The guard of the kubelet's own API as an operator has it: the examples of the package, switched on by
//! the commands of the page that tells operators how (`docs/how-to/guard-the-kubelet-api.md`).

use std::time::Duration;

use serde_json::{Value, json};

use crate::expect::running;
use crate::support::guest::machine::Machine;
use crate::support::pki::Authority;
use crate::support::wait::{Outcome, ensure, eventually};
use crate::support::world::guard::{API_SERVER_NAME, GUARD, GUARD_NAME};
use crate::support::world::manifest::allowed;
use crate::support::world::namespace::NODE_ADDRESS;
use crate::support::world::node::NODE;
use crate::support::world::proxy::policy;
use crate::support::world::{Route, World};

const PAGE: &str = include_str!("../../docs/how-to/guard-the-kubelet-api.md");

/// The identifier of records of calls (`docs/reference/kubelet-api-record.md`).
const CALL_MESSAGE_ID: &str = "2d1c7c1ae4f94b1c8f1b8f0d5e6a9b37";

/// What is added to the machine, and taken away again.
const ADDED: [&str; 2] = [
    "/etc/systemd/system/kubelet-proxy-kubelet-api.socket",
    "/etc/systemd/system/kubelet-proxy.service.d/20-kubelet-api.conf",
];

/// What watches the guard's credentials.
const WATCHES: [&str; 2] =
    ["kubelet-proxy-credential@kubelet-*.path", "kubelet-proxy-credential@guard.*.path"];

/// What the page has operators put beside the policy.
const CREDENTIALS: [&str; 6] = [
    "kubelet-api.crt",
    "kubelet-api.key",
    "kubelet-api-clients.crt",
    "kubelet-serving-ca.crt",
    "guard.crt",
    "guard.key",
];

const POD: &str = "guarded";

/// The kubelet reconnects, lists, and what it says about itself is old by some seconds.
const SETTLED_LIMIT: Duration = Duration::from_secs(60);

pub(crate) fn examples_guard_the_kubelet(world: &mut World) -> Outcome {
    world.node.kubelet.stop()?;
    let outcome = switch_on(world).and_then(|()| guarded(world));
    let outcome = outcome.map_err(|error| format!("{error}\n{}", world.proxy.tail()));
    switch_off(world)?;
    Ok(outcome?)
}

fn switch_on(world: &mut World) -> Outcome {
    let guards = Authority::new("guards");
    world.move_kubelet_to_loopback(&guards)?;
    let (servers, operators) = (&world.authorities.servers, &world.authorities.operators);
    let serving = servers.server(&[NODE_ADDRESS]);
    let (callers, kubelets) = (operators.pem(), servers.pem());
    let proxy = world.proxy.packaged()?;
    proxy.put_identity("kubelet-api", &serving);
    proxy.put_identity("guard", &guards.client(GUARD_NAME, None));
    proxy.put("kubelet-api-clients.crt", &callers);
    proxy.put("kubelet-serving-ca.crt", &kubelets);
    proxy.put_policy(&guarding_policy().to_string())?;
    proxy.machine()?.run("sh", &["-euc", &commands()?])?;
    proxy.wait_live()?;
    world.start_kubelet(Route::Proxy)?;
    world.wait_node_ready()
}

/// The page's commands, with this node's addresses and names.
fn commands() -> Outcome<String> {
    let commands = PAGE.lines().filter_map(|line| line.strip_prefix("   # ")).collect::<Vec<_>>();
    ensure(commands.len() > 6, || format!("{commands:?}"))?;
    let words = [("/NODE/", NODE_ADDRESS), ("/CALLER/", NODE_ADDRESS), ("/NAME/", API_SERVER_NAME)];
    Ok(words
        .iter()
        .fold(commands.join("\n"), |text, (word, value)| text.replace(word, &format!("/{value}/"))))
}

fn guarding_policy() -> Value {
    json!({
        "apiVersion": "nodeward.dev/v2",
        "kind": "NodePolicy",
        "name": "guarding",
        "rules": [{
            "name": "all", "action": "allow", "match": {}, "permit": { "unlisted": "permit" },
        }],
        "kubeletApi": { "endpoints": ["metrics"], "defaults": { "logs": true } },
    })
}

fn guarded(world: &mut World) -> Outcome {
    let listening = listeners(world.proxy.packaged()?.machine()?)?;
    ensure(listening.iter().any(|line| line.contains(GUARD)), || format!("{listening:?}"))?;
    world.kubectl.create(&allowed(POD))?;
    running(world, POD)?;
    eventually("logs through the guard", SETTLED_LIMIT, || {
        world.kubectl.run(&["logs", POD]).map(drop)
    })?;
    let metrics = format!("/api/v1/nodes/{NODE}/proxy/metrics");
    world.kubectl.run(&["get", "--raw", &metrics])?;
    let denied = world.kubectl.run(&["exec", POD, "--", "true"]).err().ok_or("exec is granted")?;
    let reason = "kubelet-proxy: the pod's rule does not permit exec";
    ensure(denied.to_string().contains(reason), || denied.to_string())?;
    let records = world.proxy.packaged()?.records(CALL_MESSAGE_ID)?;
    let watched = world
        .proxy
        .packaged()?
        .machine()?
        .run("systemctl", &["is-active", "kubelet-proxy-credential@guard.key.path"])?;
    ensure(watched.trim() == "active", || format!("the guard's key is watched: {watched}"))?;
    for (call, decision) in [("logs", "allow"), ("exec", "deny")] {
        let has = records.iter().any(|record| {
            record["call"] == call && record["decision"] == decision && record["pod"] == POD
        });
        ensure(has, || format!("no record of {call} and {decision} in {records:?}"))?;
    }
    Ok(())
}

/// Of TCP sockets on the kubelet's port.
fn listeners(machine: &Machine) -> Outcome<Vec<String>> {
    let listening = machine.run("ss", &["-Hltn", "sport", "= :10250"])?;
    Ok(listening.lines().map(str::to_owned).collect())
}

fn switch_off(world: &mut World) -> Outcome {
    // The pod is gone before the kubelet, so that no later case meets it.
    let _gone = world.kubectl.run(&["delete", "pod", POD, "--ignore-not-found"]);
    // It may not have been started yet.
    let _stopped = world.node.kubelet.stop();
    world.move_kubelet_back()?;
    world.proxy.write_policy(&policy())?;
    let proxy = world.proxy.packaged()?;
    let machine = proxy.machine()?;
    machine.run("systemctl", &["disable", "--now", "kubelet-proxy-kubelet-api.socket"])?;
    // Before their files: a credential that goes away is a change, and asks for a restart.
    machine.run("systemctl", &[&["stop"], &WATCHES[..]].concat())?;
    proxy.take_away(&CREDENTIALS)?;
    machine.run("rm", &[&["-f"], &ADDED[..]].concat())?;
    machine.run("systemctl", &["daemon-reload"])?;
    proxy.systemctl("restart")?;
    proxy.wait_live()?;
    world.start_kubelet(Route::Proxy)?;
    world.wait_node_ready()
}
