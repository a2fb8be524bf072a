//! Other programs: kubectl, ctr, and the commands that work the proxy. Each has a time limit.

use std::process::{Output, Stdio};
use std::str::FromStr;
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::process::Command;
use tokio::runtime::Builder;
use tokio::time::timeout;

use crate::wait::{Outcome, ensure};

/// What takes longer hangs. Stopping a unit may take its 30 s, on a busy machine more.
const LIMIT: Duration = Duration::from_secs(120);

/// A program and its first arguments.
#[derive(Clone, Debug)]
pub(crate) struct Words {
    program: String,
    arguments: Vec<String>,
}

impl FromStr for Words {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut words = text.split_whitespace().map(str::to_owned);
        let program = words.next().ok_or("a command needs a program")?;
        Ok(Self { program, arguments: words.collect() })
    }
}

impl Words {
    /// The same command with more arguments.
    pub(crate) fn with<S: AsRef<str>>(&self, more: &[S]) -> Self {
        let mut longer = self.clone();
        longer.arguments.extend(more.iter().map(|word| word.as_ref().to_owned()));
        longer
    }

    /// Runs it and gives what it printed, or what it complained about.
    pub(crate) fn run(&self) -> Outcome<String> {
        self.feed("")
    }

    /// Runs it with `input` on its standard input.
    pub(crate) fn feed(&self, input: &str) -> Outcome<String> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let ended = runtime.block_on(async { timeout(LIMIT, self.exchange(input)).await });
        let output = ended.map_err(|_| format!("{self}: not within {LIMIT:?}"))??;
        let complaint = String::from_utf8_lossy(&output.stderr);
        let succeeded = output.status.success();
        ensure(succeeded, || format!("{self}: {}: {}", output.status, complaint.trim()))?;
        Ok(String::from_utf8(output.stdout)?)
    }

    /// The command for those who follow its output while it runs.
    pub(crate) fn command(&self) -> std::process::Command {
        let mut command = std::process::Command::new(&self.program);
        command.args(&self.arguments).stdin(Stdio::null());
        command
    }

    async fn exchange(&self, input: &str) -> Outcome<Output> {
        let mut child = Command::new(&self.program)
            .args(&self.arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| format!("{self}: {error}"))?;
        if let Some(mut stdin) = child.stdin.take() {
            // Ignored: who does not read its input says in its exit code whether that was wrong.
            let _read = stdin.write_all(input.as_bytes()).await;
        }
        Ok(child.wait_with_output().await?)
    }
}

impl std::fmt::Display for Words {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.program, self.arguments.join(" "))
    }
}
