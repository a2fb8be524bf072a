//! From command line to exit code: parse, set the process up, run the role, say how it ended.
//!
//! The order matters: sockets are taken before anything else opens a descriptor, logging starts before
//! anything has something to say, capabilities go before anything is read, and the sandbox closes after
//! that and before the first thread starts.

use std::ffi::OsString;
use std::io;

use rustix::fs::Mode;

use super::args::{NotRun, Run};
use super::exit_code::Exit;
use super::terminal::complain;
use crate::audit::{call_record, object_record, record};
use crate::kubelet_proxy::config::{RunError, RunOptions};
use crate::sandbox::{self, Needs, Sandboxed};
use crate::systemd::journal::{self, MessageKind};
use crate::systemd::listen_fds::{self, InheritedSockets};
use crate::systemd::notify;

/// Threads that serve. Two forward more than a node's kubelet asks for; each costs memory.
const MAX_WORKERS: usize = 4;

/// Threads for file reads and exec plugins; tokio would start up to 512.
const MAX_BLOCKING_THREADS: usize = 8;

/// Kinds of log lines with a message identifier in the journal.
const MESSAGE_KINDS: [MessageKind; 6] = [
    MessageKind { target: record::DENIAL_TARGET, message_id: record::DENIAL_MESSAGE_ID },
    MessageKind { target: record::ADMISSION_TARGET, message_id: record::ADMISSION_MESSAGE_ID },
    MessageKind { target: record::OBSERVATION_TARGET, message_id: record::OBSERVATION_MESSAGE_ID },
    MessageKind { target: record::EXCEPTION_TARGET, message_id: record::EXCEPTION_MESSAGE_ID },
    MessageKind {
        target: object_record::WITHHELD_TARGET,
        message_id: object_record::WITHHELD_MESSAGE_ID,
    },
    MessageKind { target: call_record::CALL_TARGET, message_id: call_record::CALL_MESSAGE_ID },
];

/// Runs the role, in its two steps; `arguments` without the program's name.
///
/// `prepare` reads what the sandbox depends on and binds what it forbids to bind, in a process that has
/// no capability left and no second thread. `serve` runs, inside, until it is asked to end, and knows
/// how to be asked.
pub(super) fn execute<P, R, S, F>(arguments: Vec<OsString>, prepare: P, serve: S) -> Exit
where
    P: FnOnce(RunOptions, InheritedSockets) -> Result<(R, Needs), RunError>,
    S: FnOnce(R, Sandboxed) -> F,
    F: Future<Output = Result<(), RunError>>,
{
    match Run::from_arguments(arguments) {
        Ok(run) => ended(run_role(run, prepare, serve)),
        Err(NotRun::Answered(answer)) => {
            // Ignored: nobody is there to be told that nobody is there to be told.
            let _ = answer.print();
            if answer.use_stderr() { Exit::Usage } else { Exit::Success }
        }
        Err(NotRun::Refused(lines)) => {
            lines.iter().for_each(|line| complain(line));
            Exit::BadConfiguration
        }
    }
}

fn run_role<P, R, S, F>(run: Run, prepare: P, serve: S) -> Result<(), RunError>
where
    P: FnOnce(RunOptions, InheritedSockets) -> Result<(R, Needs), RunError>,
    S: FnOnce(R, Sandboxed) -> F,
    F: Future<Output = Result<(), RunError>>,
{
    let bad = |error: &dyn std::error::Error| RunError::BadConfiguration(error.to_string());
    // Before the admin socket is made: its mode says who may ask.
    rustix::process::umask(Mode::RWXG | Mode::RWXO);
    let sockets = listen_fds::inherited().map_err(|error| bad(&error))?;
    journal::start(run.log, &MESSAGE_KINDS).map_err(|error| bad(&error))?;
    let unprivileged = sandbox::begin(run.options.sandbox).map_err(|error| bad(&error))?;
    let (role, needs) = prepare(run.options, sockets)?;
    let sandboxed = unprivileged.confine(&needs).map_err(|error| bad(&error))?;
    let runtime = runtime().map_err(|error| RunError::Failed(error.to_string()))?;
    runtime.block_on(Box::pin(serve(role, sandboxed)))
}

fn ended(outcome: Result<(), RunError>) -> Exit {
    match outcome {
        Ok(()) => Exit::Success,
        Err(error) => {
            complain(&error.to_string());
            notify::status(&error.to_string());
            match error {
                RunError::BadConfiguration(_) => Exit::BadConfiguration,
                RunError::Failed(_) => Exit::Failure,
            }
        }
    }
}

fn runtime() -> io::Result<tokio::runtime::Runtime> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(cores.min(MAX_WORKERS))
        .max_blocking_threads(MAX_BLOCKING_THREADS)
        .enable_all()
        .build()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// A record without its identifier is in the journal and cannot be found there.
    #[test]
    fn every_kind_of_the_catalog_is_logged_with_its_identifier() {
        let catalog = include_str!("../../units/kubelet-proxy.catalog");
        let told = catalog.lines().filter_map(|line| line.strip_prefix("-- "));
        let logged = MESSAGE_KINDS.map(|kind| kind.message_id);
        assert_eq!(told.collect::<BTreeSet<_>>(), BTreeSet::from(logged));
    }
}
