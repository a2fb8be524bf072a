//! What a node behind kubelet-proxy promises to its operator, checked on the real thing: a kubelet,
//! a containerd, an API server, the proxy between them.
//!
//! One file a promise. `tests/real_cluster.rs` runs this program on a node in namespaces, the VM
//! tests on machines of their own: what a promise means is written nowhere else. Promises that leave
//! the proxy alone are checked side by side, those that interrupt it one after the other.

#![expect(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    reason = "test code; JSON gives null for a field that is not there"
)]

mod allowed_pod_runs;
mod containers;
mod heartbeats_go_on;
mod node;
mod nothing_else_is_refused;
mod options;
mod other_local_process_is_refused;
#[path = "../../tests/support/pki.rs"]
#[allow(dead_code, clippy::expect_used, clippy::panic, reason = "shared with the tests")]
mod pki;
mod pods;
mod policy_reload_stops_denied_pod;
mod program;
mod proxy;
mod proxy_down_means_no_new_pods;
mod refused_pod_never_starts;
mod service_is_confined;
mod static_pod_is_ignored;
#[path = "../../tests/support/wait.rs"]
#[allow(dead_code, reason = "shared with the tests")]
mod wait;
mod watch_survives_proxy_restart;

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::panic::catch_unwind;
use std::process::ExitCode;
use std::thread::scope;

use clap::Parser;

use node::Node;
use options::Options;
use wait::Outcome;

/// Something that the node promises.
struct Promise {
    name: &'static str,
    /// Does not touch the proxy, so that others can be checked at the same time.
    is_quiet: bool,
    needs: &'static str,
    check: fn(&Node<'_>) -> Outcome,
}

const fn quiet(
    name: &'static str,
    needs: &'static str,
    check: fn(&Node<'_>) -> Outcome,
) -> Promise {
    Promise { name, is_quiet: true, needs, check }
}

const fn alone(
    name: &'static str,
    needs: &'static str,
    check: fn(&Node<'_>) -> Outcome,
) -> Promise {
    Promise { name, is_quiet: false, needs, check }
}

/// All promises, in the order in which they are checked.
const PROMISES: [Promise; 10] = [
    quiet("allowed-pod-runs", "", allowed_pod_runs::check),
    quiet("refused-pod-never-starts", "", refused_pod_never_starts::check),
    quiet("static-pod-is-ignored", "--static-pod-directory", static_pod_is_ignored::check),
    quiet("other-local-process-is-refused", "", other_local_process_is_refused::check),
    quiet("heartbeats-go-on", "", heartbeats_go_on::check),
    quiet("service-is-confined", "--main-pid --admin-socket", service_is_confined::check),
    // Before the restarts: it looks at everything since the proxy started.
    alone(
        "nothing-else-is-refused",
        "--admin-socket or --metrics-url",
        nothing_else_is_refused::check,
    ),
    alone(
        "policy-reload-stops-denied-pod",
        "--policy-file --reload-proxy --main-pid --admin-socket",
        policy_reload_stops_denied_pod::check,
    ),
    alone("watch-survives-proxy-restart", "--restart-proxy", watch_survives_proxy_restart::check),
    alone(
        "proxy-down-means-no-new-pods",
        "--stop-proxy --start-proxy",
        proxy_down_means_no_new_pods::check,
    ),
];

fn main() -> ExitCode {
    let options = Options::parse();
    if options.list {
        for promise in PROMISES {
            let needs = if promise.needs.is_empty() { "nothing else" } else { promise.needs };
            println!("{:32} needs {needs}", promise.name);
        }
        return ExitCode::SUCCESS;
    }
    let strange = |name: &&String| !PROMISES.iter().any(|promise| promise.name == **name);
    if let Some(unknown) = options.promises.iter().find(strange) {
        eprintln!("node-promises: there is no promise {unknown}; --list shows them");
        return ExitCode::FAILURE;
    }
    let kept = check_all(&options);
    let failed = kept.iter().filter(|kept| !**kept).count();
    println!("{} passed, {failed} failed", kept.len() - failed);
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Checks the promises that were asked for and tells of each; which of them are kept.
fn check_all(options: &Options) -> Vec<bool> {
    // Different in every process; no secret.
    let run = format!("{:08x}", RandomState::new().hash_one(0) >> 32);
    let asked = |promise: &&Promise| options.promises.iter().any(|name| name == promise.name);
    let (quiet, alone): (Vec<_>, Vec<_>) =
        PROMISES.iter().filter(asked).partition(|promise| promise.is_quiet);
    let mut kept = scope(|scope| {
        let checks = quiet.iter().map(|promise| scope.spawn(|| check(options, &run, promise)));
        let checks = checks.collect::<Vec<_>>();
        checks.into_iter().map(|check| check.join().unwrap_or(false)).collect::<Vec<_>>()
    });
    kept.extend(alone.into_iter().map(|promise| check(options, &run, promise)));
    kept
}

/// Whether the promise is kept and nothing is left of checking it.
fn check(options: &Options, run: &str, promise: &Promise) -> bool {
    let attempt = || {
        let node = Node::new(options, promise.name, run)?;
        let outcome = (promise.check)(&node);
        let cleaned = node.clean_up().map_err(|error| format!("cleaning up: {error}").into());
        outcome.and(cleaned)
    };
    // A panic must not take the others' results with it.
    let outcome = catch_unwind(attempt).unwrap_or_else(|_| Err("it panicked, see above".into()));
    match &outcome {
        Ok(()) => println!("ok {}", promise.name),
        Err(error) => println!("FAIL {}: {error}", promise.name),
    }
    outcome.is_ok()
}
