//! `make demo`: a real Kubernetes node with kubelet-proxy in front of it, one pod that the node's
//! policy allows and one that it denies, and what an operator gets to see of both.
//!
//! The cluster is the one of `tests/real_cluster.rs`. Nothing of it is left afterwards, also when the
//! demonstration is interrupted. It shows; what must hold is asserted by the tests.

#![expect(clippy::indexing_slicing, reason = "JSON gives null for a field that is not there")]

#[path = "../tests/support/mod.rs"]
mod support;

use std::env::{current_exe, var_os};
use std::io::{IsTerminal, Write, stdout};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

use support::wait::{Outcome, ensure, eventually};
use support::world::World;
use support::world::manifest::{Violation, allowed, denied};
use support::world::proxy::{Place, policy};

/// Far more than it takes: see `make demo`'s own line on how long it took.
const LIMIT: Duration = Duration::from_secs(90);

/// The two pods.
const ALLOWED: &str = "well-behaved";
const DENIED: &str = "privileged";

fn main() -> ExitCode {
    let begin = Instant::now();
    match demonstrate() {
        Ok(()) => {
            println!("\nDone and cleaned up, {:.1} s in all.", begin.elapsed().as_secs_f64());
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("\n{error}");
            ExitCode::FAILURE
        }
    }
}

fn demonstrate() -> Outcome {
    heading("A real node: kubelet -> kubelet-proxy -> API server");
    let mut steps = Steps::default();
    let world = World::boot(Place::Process(&program()?), &policy(), &mut |what| steps.next(what))?;

    steps.next("one pod that the node's policy allows, and one that it denies");
    world.kubectl.create(&allowed(ALLOWED))?;
    world.kubectl.create(&denied(DENIED, Violation::Privileged))?;
    let phases = [(ALLOWED, "Running"), (DENIED, "Failed")];
    for (pod, phase) in phases {
        eventually(pod, LIMIT, || {
            let status = &world.kubectl.pod(pod)?["status"];
            ensure(status["phase"] == phase, || status.to_string())
        })?;
    }
    let record = eventually("decision record", LIMIT, || decision_record(&world))?;
    let event = eventually("Event", LIMIT, || event(&world))?;
    steps.finish();

    show(&world, &["get", "pods"])?;
    show(&world, &["logs", ALLOWED])?;
    heading("The denied pod's status");
    fields(&world.kubectl.pod(DENIED)?["status"], &["phase", "reason", "message"]);
    heading("Its Event");
    fields(&event, &["type", "reason", "message"]);
    heading("The proxy's decision record");
    println!("{}", serde_json::to_string_pretty(&record)?);
    heading("Containers that containerd ever created for it");
    let created = world.containers.of_pod(DENIED);
    ensure(created.is_empty(), || format!("{created:?}"))?;
    println!("none");
    Ok(())
}

/// The proxy's binary, built by the same cargo as this example: one directory up.
fn program() -> Outcome<PathBuf> {
    let own = current_exe()?;
    let built = own.parent().and_then(|examples| examples.parent()).ok_or("no parent directory")?;
    let program = built.join("kubelet-proxy");
    ensure(program.exists(), || format!("{} is missing: make demo", program.display()))?;
    Ok(program)
}

fn decision_record(world: &World) -> Outcome<Value> {
    let pod = world.kubectl.pod(DENIED)?;
    let uid = pod["metadata"]["uid"].as_str().ok_or("no uid")?;
    let mut records = world.proxy.records().into_iter();
    let tells = |record: &Value| record.to_string().contains(uid);
    Ok(records.find(tells).ok_or("none yet")?)
}

fn event(world: &World) -> Outcome<Value> {
    let selector = format!("involvedObject.name={DENIED},reason=NodeAdmissionRejected");
    let events = world.kubectl.get(&["events", "--field-selector", &selector])?;
    Ok(events["items"].get(0).ok_or("none yet")?.clone())
}

fn show(world: &World, command: &[&str]) -> Outcome {
    heading(&format!("$ kubectl {}", command.join(" ")));
    print!("{}", world.kubectl.run(command)?);
    Ok(())
}

fn fields(object: &Value, names: &[&str]) {
    for name in names {
        println!("{name:8} {}", object[name].as_str().unwrap_or("-"));
    }
}

fn heading(text: &str) {
    if is_pretty() {
        println!("\n\x1b[1m{text}\x1b[0m");
    } else {
        println!("\n{text}");
    }
}

/// Whether somebody is looking who likes colour.
fn is_pretty() -> bool {
    stdout().is_terminal() && var_os("NO_COLOR").is_none()
}

/// What is being done now, and how long what came before took.
#[derive(Default)]
struct Steps(Option<(String, Instant)>);

impl Steps {
    fn next(&mut self, what: &str) {
        self.finish();
        if stdout().is_terminal() {
            print!("     … {what}");
            let _shown = stdout().flush();
        }
        self.0 = Some((what.to_owned(), Instant::now()));
    }

    fn finish(&mut self) {
        if let Some((what, begin)) = self.0.take() {
            let line_start = if stdout().is_terminal() { "\r" } else { "" };
            println!("{line_start}{:5.1} s {what}", begin.elapsed().as_secs_f64());
        }
    }
}
