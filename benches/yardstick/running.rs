//! A started program that cannot outlive the benchmark.
//!
//! The kernel kills it when the thread that started it ends (`setpriv --pdeathsig`), so it goes
//! even when the benchmark itself is killed. Only what was started here is ever signalled.

use std::fs::{self, File};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tokio::time::Instant;

use crate::Failure;

/// How long a program may take to listen; haproxy and the proxy need well under a second, a
/// program under valgrind several.
const START_LIMIT: Duration = Duration::from_secs(30);
/// How long a program may take to end after SIGTERM before it is killed.
const STOP_LIMIT: Duration = Duration::from_secs(10);
/// Between two looks at something that is about to happen.
const PAUSE: Duration = Duration::from_millis(10);

/// A program that runs until this value is dropped.
pub(crate) struct Running {
    child: Child,
    name: String,
    log: PathBuf,
}

/// A command that dies with the thread that starts it.
pub(crate) fn bound(program: &Path) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL"]).arg(program);
    command.stdin(Stdio::null());
    command
}

impl Running {
    /// Starts `command`; what it prints goes to `DIR/NAME.log`.
    pub(crate) fn start(mut command: Command, dir: &Path, name: &str) -> Result<Self, Failure> {
        let log = dir.join(format!("{name}.log"));
        let output = File::create(&log)?;
        let child = command
            .stdout(output.try_clone()?)
            .stderr(output)
            .spawn()
            .map_err(|error| format!("{name}: {error} (setpriv is in util-linux)"))?;
        Ok(Self { child, name: name.to_owned(), log })
    }

    /// Waits until something accepts connections at `address`.
    pub(crate) fn wait_listening(&mut self, address: SocketAddr) -> Result<(), Failure> {
        self.wait(&format!("to listen on {address}"), || TcpStream::connect(address).ok())?;
        Ok(())
    }

    /// Waits until the program has printed a whole line, and returns its first one.
    pub(crate) fn wait_line(&mut self) -> Result<String, Failure> {
        let log = self.log.clone();
        self.wait("to print its address", || {
            let text = fs::read_to_string(&log).ok()?;
            text.split_once('\n').map(|(line, _)| line.to_owned())
        })
    }

    fn wait<T>(&mut self, what: &str, ready: impl Fn() -> Option<T>) -> Result<T, Failure> {
        let start = Instant::now();
        while start.elapsed() < START_LIMIT {
            if let Some(found) = ready() {
                return Ok(found);
            }
            if let Some(status) = self.child.try_wait()? {
                let log = fs::read_to_string(&self.log)?;
                return Err(format!("{} ended with {status}:\n{log}", self.name).into());
            }
            std::thread::sleep(PAUSE);
        }
        Err(format!("{}: {}s were not enough {what}", self.name, START_LIMIT.as_secs()).into())
    }

    /// The program's identifier: `setpriv` turns into it.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// A size from `/proc/PID/status`, in bytes: `VmRSS` (now) or `VmHWM` (the most so far).
    pub(crate) fn memory(&self, field: &str) -> Result<f64, Failure> {
        const KIBIBYTE: f64 = 1024.0;
        let status = fs::read_to_string(format!("/proc/{}/status", self.id()))?;
        let value = status
            .lines()
            .find_map(|line| line.strip_prefix(field)?.strip_prefix(':'))
            .and_then(|value| value.trim().strip_suffix(" kB")?.parse::<f64>().ok());
        Ok(value.ok_or_else(|| format!("{}: no {field} in its status", self.name))? * KIBIBYTE)
    }

    /// Processor time of all the program's living threads so far, in microseconds: what a load
    /// costs, whatever else the machine is busy with.
    pub(crate) fn processor_time(&self) -> Result<f64, Failure> {
        const NANOSECONDS: f64 = 1e3;
        let mut total = 0.0;
        for thread in fs::read_dir(format!("/proc/{}/task", self.id()))? {
            let schedule = fs::read_to_string(thread?.path().join("schedstat"))?;
            let first = schedule.split_whitespace().next().unwrap_or_default();
            total += first.parse::<f64>()? / NANOSECONDS;
        }
        Ok(total)
    }

    /// Ends the program as a service manager would, so that it can write what it has to.
    pub(crate) fn stop(mut self) -> Result<(), Failure> {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM)?;
        let start = Instant::now();
        while start.elapsed() < STOP_LIMIT && self.child.try_wait()?.is_none() {
            std::thread::sleep(PAUSE);
        }
        Ok(())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Both fail only if it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
