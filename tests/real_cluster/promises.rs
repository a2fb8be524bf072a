//! The promises to operators, as `vm-tests/node_promises` checks them, on this node.
//!
//! The program runs inside as it would on any node. It knows nothing of worlds: where a machine of its
//! own has systemctl, it is given commands that ask this test.

use std::fs::{File, read_to_string, write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::hooks::Hooks;
use crate::support::wait::{Outcome, ensure};
use crate::support::world::control_plane::{API_SERVER, path};
use crate::support::world::image::IMAGE;
use crate::support::world::node::{CONTAINERD, NODE};
use crate::support::world::proxy::LISTEN;
use crate::support::world::{Route, World};

/// Where this node's kubelet would look for static pods if it did.
const STATIC_PODS: &str = "/run/nodeward/manifests";

/// What leaves the proxy alone. The last is about everything since the proxy and the kubelet started.
const CALM: [&str; 7] = [
    "allowed-pod-runs",
    "refused-pod-never-starts",
    "static-pod-is-ignored",
    "other-local-process-is-refused",
    "heartbeats-go-on",
    "service-is-confined",
    "nothing-else-is-refused",
];

const INTERRUPTIONS: [&str; 3] = [
    "policy-reload-stops-denied-pod",
    "watch-survives-proxy-restart",
    "proxy-down-means-no-new-pods",
];

/// What the program is told to be the proxy.
struct Suspect<'a> {
    address: &'a str,
    process: &'a str,
}

const PROXY: Suspect<'static> = Suspect { address: LISTEN, process: "kubelet-proxy" };

pub(crate) fn kept(world: &mut World) -> Outcome {
    check(world, &PROXY, &CALM).map(drop)
}

pub(crate) fn kept_through_interruptions(world: &mut World) -> Outcome {
    check(world, &PROXY, &INTERRUPTIONS).map(drop)
}

/// Once more for what the cases since the last restart made the kubelet ask for.
pub(crate) fn nothing_was_refused(world: &mut World) -> Outcome {
    check(world, &PROXY, &["nothing-else-is-refused"]).map(drop)
}

/// The control: a kubelet that goes past the proxy and reads static pods, the API server in the
/// proxy's place, containerd's process instead of its own, and a request that was refused.
pub(crate) fn seen_broken(world: &mut World) -> Outcome {
    world.node.kubelet.stop()?;
    let config = world.dir().join("kubelet.json");
    let mut settings = serde_json::from_str::<Value>(&read_to_string(&config)?)?;
    settings["staticPodPath"] = STATIC_PODS.into();
    write(&config, settings.to_string())?;
    // Before the kubelet: it watches a directory that is there, and looks only every 20 s for others.
    let made = world.inside.command("mkdir").args(["-p", STATIC_PODS]).status()?;
    ensure(made.success(), || format!("mkdir {STATIC_PODS}: {made}"))?;
    world.start_kubelet(Route::Direct)?;
    let kubelet = world.kubelet_caller()?;
    let nosy = world.inside.on_network(|| kubelet.get(LISTEN, "/api/v1/secrets"))??;
    ensure(nosy.status == 403, || format!("all secrets: {nosy:?}"))?;

    let expected = [
        ("refused-pod-never-starts", &["containerd created for pod "][..]),
        // Whichever is seen first.
        ("static-pod-is-ignored", &["containerd created for pod ", "there is a mirror pod: "]),
        (
            "other-local-process-is-refused",
            &["a caller without a certificate: the handshake was not"],
        ),
        ("service-is-confined", &["/proc/"]),
        ("nothing-else-is-refused", &["the proxy has refused: kubelet_proxy_refused_total"]),
    ];
    let suspect =
        Suspect { address: API_SERVER.trim_start_matches("https://"), process: "containerd" };
    let said = match check(world, &suspect, &expected.map(|(promise, _)| promise)) {
        Ok(said) => return Err(format!("nothing broken was seen: {said}").into()),
        Err(error) => error.to_string(),
    };
    expected.into_iter().try_for_each(|(promise, reasons)| {
        let seen = |reason: &&str| said.contains(&format!("FAIL {promise}: {reason}"));
        ensure(reasons.iter().any(seen), || format!("{promise} for {reasons:?}? It said: {said}"))
    })
}

/// Runs the program for `promises`. What it said, as an error if one is not kept.
fn check(world: &mut World, suspect: &Suspect<'_>, promises: &[&str]) -> Outcome<String> {
    let mut hooks = Hooks::lay(world.dir())?;
    let log = world.dir().join("logs/node-promises.log");
    let mut program = world
        .inside
        .command(program()?)
        .args(["--node", NODE, "--image", IMAGE, "--proxy-address", suspect.address])
        .arg("--kubeconfig")
        .arg(world.kubectl.kubeconfig())
        .args(["--kubectl", &path(world.kubectl.program())])
        .args(["--ctr", &format!("ctr --address {CONTAINERD}")])
        .arg("--admin-socket")
        .arg(world.proxy.admin_socket()?)
        .args(["--static-pod-directory", STATIC_PODS])
        .args(["--restart-proxy", &hooks.command("restart")])
        .args(["--stop-proxy", &hooks.command("stop")])
        .args(["--start-proxy", &hooks.command("start")])
        .args(["--main-pid", &format!("pidof {}", suspect.process)])
        .args(["--reload-proxy", &hooks.command("reload")])
        .arg("--policy-file")
        .arg(world.proxy.policy_file()?)
        .args(promises)
        .stdout(File::create(&log)?)
        .stderr(Stdio::inherit())
        .spawn()?;
    let inside = world.inside;
    let status = hooks.serve(&mut program, |word| match word {
        "reload" => world.proxy.reload(inside),
        "restart" => world.proxy.restart(inside),
        "stop" => world.proxy.stop(),
        "start" => world.proxy.start(inside),
        other => Err(format!("nobody knows how to {other}").into()),
    })?;
    let said = read_to_string(&log)?;
    let all = format!("\n{} passed, 0 failed\n", promises.len());
    ensure(status.success() && said.ends_with(&all), || format!("{status}\n{said}"))?;
    Ok(said)
}

/// The program, built if what is there is older than its source. Cargo builds examples for a test
/// only when all of them are asked for.
fn program() -> Outcome<PathBuf> {
    let build = ["build", "--quiet", "--locked", "--example", "node-promises"];
    let built = Command::new(env!("CARGO")).args(build).status()?;
    ensure(built.success(), || format!("cargo {}: {built}", build.join(" ")))?;
    let beside = Path::new(env!("CARGO_BIN_EXE_kubelet-proxy")).parent().ok_or("no directory")?;
    Ok(beside.join("examples/node-promises"))
}
