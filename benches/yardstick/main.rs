//! The yardstick: one client and one fake API server, measured directly, through haproxy and
//! through kubelet-proxy, in turns on one machine.
//!
//! Run by `cargo bench --bench yardstick` (`make bench`). It never judges a single run: every
//! figure is a median of rounds in which the three took turns, and every ratio pairs neighbours.
//! Everything is on loopback, and whatever it starts ends with it, however it ends.

mod arguments;
mod decision;

mod machine;
mod measure;
mod memory;
#[path = "../../tests/support/pki.rs"]
#[allow(dead_code, clippy::expect_used, clippy::panic, reason = "a fixture of the tests")]
mod pki;
mod report;
mod running;
mod speed;
mod stage;
mod start;
mod statistics;

use std::process::ExitCode;

use clap::Parser;
use tokio::signal::unix::{SignalKind, signal};

use crate::arguments::{Arguments, Subject};
use crate::report::Report;
use crate::stage::Stage;

/// Whatever ends a run early is for the person at the terminal: text, never matched on.
type Failure = Box<dyn std::error::Error + Send + Sync>;

fn main() -> ExitCode {
    if cfg!(debug_assertions) {
        eprintln!("yardstick: an unoptimised build measures nothing; use cargo bench");
        return ExitCode::FAILURE;
    }
    match run_until_interrupted(Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("yardstick: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Runs the measurement on a thread of its own and gives it up at the first signal. The kernel
/// kills what that thread started when the thread ends; the directory is removed here.
fn run_until_interrupted(arguments: Arguments) -> Result<(), Failure> {
    let dir = tempfile::Builder::new().prefix("yardstick-").tempdir()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let path = dir.path().to_owned();
    let outcome = runtime.block_on(async {
        let mut terminated = signal(SignalKind::terminate())?;
        let work = tokio::task::spawn_blocking(move || run(&arguments, &path));
        tokio::select! {
            finished = work => finished?,
            _ = tokio::signal::ctrl_c() => Err("interrupted".into()),
            _ = terminated.recv() => Err("terminated".into()),
        }
    });
    runtime.shutdown_background();
    outcome
}

fn run(arguments: &Arguments, dir: &std::path::Path) -> Result<(), Failure> {
    let stage = Stage::new(dir, arguments)?;
    if let Some(load) = arguments.single_load() {
        return speed::load_one(&stage, arguments, &load);
    }
    let mut report = Report::default();
    let machine = machine::Machine::read(arguments.rounds)?;
    let measured = measure_all(&stage, arguments, &mut report);
    // What was measured before something went wrong is worth seeing, but not worth keeping.
    print!("{}", report.text(&machine));
    measured?;
    match &arguments.markdown {
        Some(path) => report.write_markdown(&machine, path),
        None => Ok(()),
    }
}

fn measure_all(stage: &Stage, arguments: &Arguments, report: &mut Report) -> Result<(), Failure> {
    if !arguments.timed().is_empty() {
        speed::measure(stage, arguments, report)?;
    }
    if arguments.asks_for(Subject::Decision) {
        decision::measure(stage, arguments, report)?;
    }
    if arguments.asks_for(Subject::Start) {
        start::measure(stage, arguments, report)?;
    }
    if arguments.asks_for(Subject::Memory) {
        memory::measure(stage, arguments, report)?;
    }
    Ok(())
}
