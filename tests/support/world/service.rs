//! A long-running program inside the world: started, stopped, started again, its output in a file.
//!
//! Nothing restarts by itself: a program that died is a finding.

use std::fs::{OpenOptions, read_to_string};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::Duration;

use rustix::process::Signal;

use super::namespace::{Inside, inner_child, signal_inner};
use crate::support::wait::{Outcome, ensure, eventually};

/// Everything here ends within seconds when asked to; what does not is stuck.
const END_LIMIT: Duration = Duration::from_secs(40);

/// How much of a log helps with a failure.
const TAIL_LINES: usize = 25;
const TAIL_COLUMNS: usize = 300;

/// One program, its arguments and, while it runs, its process.
pub(crate) struct Service {
    name: &'static str,
    program: PathBuf,
    arguments: Vec<String>,
    environment: Vec<(&'static str, String)>,
    log: PathBuf,
    child: Option<Child>,
}

impl Service {
    /// Describes a service; nothing runs yet. Its output goes to `LOGS/NAME.log`.
    pub(crate) fn new(name: &'static str, program: &Path, logs: &Path) -> Self {
        Self {
            name,
            program: program.to_owned(),
            arguments: Vec::new(),
            environment: Vec::new(),
            log: logs.join(format!("{name}.log")),
            child: None,
        }
    }

    /// Adds one argument.
    pub(crate) fn arg(mut self, argument: impl Into<String>) -> Self {
        self.arguments.push(argument.into());
        self
    }

    /// Adds arguments of the form `--key=value`.
    pub(crate) fn flags<V: AsRef<str>>(mut self, flags: &[(&str, V)]) -> Self {
        self.arguments
            .extend(flags.iter().map(|(key, value)| format!("--{key}={}", value.as_ref())));
        self
    }

    /// The same for a service that is described already.
    pub(crate) fn add_flags(&mut self, flags: &[(&str, String)]) {
        self.arguments.extend(flags.iter().map(|(key, value)| format!("--{key}={value}")));
    }

    /// Adds an argument of the form `--key=value` for the next start.
    pub(crate) fn add_flag(&mut self, key: &str, value: &str) {
        self.arguments.push(format!("--{key}={value}"));
    }

    /// Takes away every argument of the form `--key=…`.
    pub(crate) fn drop_flag(&mut self, key: &str) {
        self.arguments.retain(|argument| !argument.starts_with(&format!("--{key}=")));
    }

    /// Sets an environment variable.
    pub(crate) fn env(mut self, key: &'static str, value: impl Into<String>) -> Self {
        self.environment.push((key, value.into()));
        self
    }

    /// Starts it inside; its output is appended to what an earlier start wrote.
    pub(crate) fn start(&mut self, inside: Inside) -> Outcome {
        ensure(self.child.is_none(), || format!("{} runs already", self.name))?;
        let log = OpenOptions::new().create(true).append(true).open(&self.log)?;
        let child = inside
            .command(&self.program)
            .args(&self.arguments)
            .envs(self.environment.iter().map(|(key, value)| (key, value)))
            .stdout(log.try_clone()?)
            .stderr(log)
            .stdin(Stdio::null())
            .spawn()
            .map_err(|error| format!("{}: {error}", self.name))?;
        self.child = Some(child);
        Ok(())
    }

    /// What it runs.
    pub(crate) fn program(&self) -> &Path {
        &self.program
    }

    /// Asks it to end (SIGTERM) and waits until it has.
    pub(crate) fn stop(&mut self) -> Outcome {
        self.end(Signal::TERM)
    }

    /// Ends it at once (SIGKILL), as a crash would.
    pub(crate) fn kill(&mut self) -> Outcome {
        self.end(Signal::KILL)
    }

    /// Tells it to read its files again (SIGHUP).
    pub(crate) fn hang_up(&self) -> Outcome {
        let child = self.child.as_ref().ok_or_else(|| format!("{} does not run", self.name))?;
        signal_inner(child, Signal::HUP)
    }

    /// The only child of the program, by its number outside.
    pub(crate) fn inner_child(&self) -> Outcome<i32> {
        let child = self.child.as_ref().ok_or_else(|| format!("{} does not run", self.name))?;
        inner_child(child)
    }

    fn end(&mut self, signal: Signal) -> Outcome {
        let mut child = self.child.take().ok_or_else(|| format!("{} does not run", self.name))?;
        signal_inner(&child, signal)?;
        let ended = eventually(&format!("end of {}", self.name), END_LIMIT, || {
            child.try_wait()?.map(drop).ok_or_else(|| "still running".into())
        });
        if ended.is_err() {
            signal_inner(&child, Signal::KILL)?;
            child.wait()?;
        }
        ended
    }

    /// An error that carries the end of the log if the program has ended by itself.
    pub(crate) fn check_running(&mut self) -> Outcome {
        let ended = match &mut self.child {
            Some(child) => child.try_wait()?,
            None => return Err(format!("{} was not started", self.name).into()),
        };
        match ended {
            Some(status) => Err(format!("{} ended: {status}\n{}", self.name, self.tail()).into()),
            None => Ok(()),
        }
    }

    /// Waits for `condition`, but not for a program that has ended; a failure carries its log.
    pub(crate) fn eventually(
        &mut self,
        what: &str,
        limit: Duration,
        mut condition: impl FnMut() -> Outcome,
    ) -> Outcome {
        let name = self.name;
        let waited = eventually(&format!("{name} {what}"), limit, || {
            // Ok ends the waiting, with whatever is in it.
            self.check_running().map_or_else(|ended| Ok(Err(ended)), |()| condition().map(Ok))
        });
        waited.map_err(|error| format!("{error}\n{}", self.tail()))?
    }

    /// Everything it has written so far.
    pub(crate) fn output(&self) -> String {
        read_to_string(&self.log).unwrap_or_default()
    }

    /// The last lines of its output, headed by its name.
    pub(crate) fn tail(&self) -> String {
        let output = self.output();
        let lines = output.lines().collect::<Vec<_>>();
        let last = lines[lines.len().saturating_sub(TAIL_LINES)..].iter();
        let last = last.map(|line| line.chars().take(TAIL_COLUMNS).collect::<String>());
        format!("--- {} ---\n{}", self.name, last.collect::<Vec<_>>().join("\n"))
    }

    /// Collects the process after the namespace has ended, so that no zombie stays.
    pub(crate) fn reap(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _gone = child.wait();
        }
    }
}
