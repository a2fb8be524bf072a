//! Runs a plugin once: bounded time, bounded output, and nothing of it left behind.
//!
//! It does not judge the output (`answer.rs`). Standard error goes where ours goes, as with kubectl.
//! Invariant: when this returns, or is dropped, no process of a plugin that misbehaved is running.

use std::io;
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::AsyncReadExt;
use tokio::process::{Child, ChildStdout, Command};

use super::ExecCommand;
use super::answer::{self, PluginCredential};
use crate::tls::TlsError;

/// A token of the largest clouds is 16 KiB, a certificate chain with its key about as much.
const MAX_OUTPUT_BYTES: u64 = 128 * 1024;

/// Variables of systemd's that are meant for this process only: a plugin that inherited them could
/// answer for us.
const OURS_ALONE: [&str; 6] = [
    "NOTIFY_SOCKET",
    "LISTEN_FDS",
    "LISTEN_PID",
    "LISTEN_FDNAMES",
    "WATCHDOG_PID",
    "WATCHDOG_USEC",
];

/// Why a plugin gave no credential.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PluginError {
    /// The program cannot be started.
    #[error("{origin}: cannot run {program}: {source}{hint}")]
    Start {
        /// Kubeconfig and field.
        origin: String,
        /// The program as configured.
        program: String,
        /// The kernel's reason.
        source: io::Error,
        /// `installHint`, or nothing.
        hint: String,
    },
    /// It did not finish in time; it and its children were killed.
    #[error("{origin}: the plugin did not finish within {} s and was killed", limit.as_secs())]
    TimedOut {
        /// Kubeconfig and field.
        origin: String,
        /// The time limit.
        limit: Duration,
    },
    /// It ended with an error; its standard error says why.
    #[error("{origin}: the plugin ended with {status}; see its own output in our log")]
    Exit {
        /// Kubeconfig and field.
        origin: String,
        /// Exit code or signal.
        status: std::process::ExitStatus,
    },
    /// It printed something else than a usable credential.
    #[error("{origin}: {reason}")]
    Output {
        /// Kubeconfig and field.
        origin: String,
        /// The broken rule.
        reason: &'static str,
    },
    /// Whoever listens could not keep it.
    #[error("the token is not kept: {0}")]
    NotKept(String),
    /// The cluster's CA, to be told to the plugin, or the certificate it gave, is unusable.
    #[error(transparent)]
    Material(#[from] TlsError),
}

/// Runs the plugin and reads its answer.
///
/// # Errors
/// [`PluginError`]; its text is safe to log.
pub(super) async fn run(
    command: &ExecCommand,
    limit: Duration,
) -> Result<PluginCredential, PluginError> {
    let mut group = ProcessGroup(start(command)?);
    let finished = tokio::time::timeout(limit, finish(&mut group, command)).await;
    match finished {
        Ok(result) => {
            let output = result?;
            answer::read(&output, command, jiff::Timestamp::now())
                .map_err(|reason| PluginError::Output { origin: command.origin.clone(), reason })
        }
        Err(_elapsed) => Err(PluginError::TimedOut { origin: command.origin.clone(), limit }),
    }
}

fn start(command: &ExecCommand) -> Result<Child, PluginError> {
    let mut child = Command::new(&command.program);
    child
        .args(&command.arguments)
        .env("KUBERNETES_EXEC_INFO", command.exec_info()?)
        .envs(command.environment.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true);
    for name in OURS_ALONE {
        child.env_remove(name);
    }
    child.spawn().map_err(|source| PluginError::Start {
        origin: command.origin.clone(),
        program: command.program.display().to_string(),
        source,
        hint: command.install_hint.as_ref().map(|hint| format!("; {hint}")).unwrap_or_default(),
    })
}

async fn finish(group: &mut ProcessGroup, command: &ExecCommand) -> Result<Vec<u8>, PluginError> {
    let origin = || command.origin.clone();
    let unreadable = |_| PluginError::Output { origin: origin(), reason: "stdout is not readable" };
    let stdout = group.0.stdout.take();
    let output = read_bounded(stdout).await.map_err(unreadable)?;
    let Some(output) = output else {
        return Err(PluginError::Output { origin: origin(), reason: "stdout exceeds 128 KiB" });
    };
    let status = group.0.wait().await.map_err(unreadable)?;
    match status.success() {
        true => Ok(output),
        false => Err(PluginError::Exit { origin: origin(), status }),
    }
}

/// `None` means more than the limit.
async fn read_bounded(stdout: Option<ChildStdout>) -> io::Result<Option<Vec<u8>>> {
    let mut output = Vec::new();
    if let Some(stdout) = stdout {
        stdout.take(MAX_OUTPUT_BYTES.saturating_add(1)).read_to_end(&mut output).await?;
    }
    let within = u64::try_from(output.len()).is_ok_and(|length| length <= MAX_OUTPUT_BYTES);
    Ok(within.then_some(output))
}

/// Kills the plugin's whole process group unless its leader has ended and been reaped.
struct ProcessGroup(Child);

impl Drop for ProcessGroup {
    fn drop(&mut self) {
        // `id` is there only until the leader is reaped, so the number cannot be anybody else's.
        let leader = self.0.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        if let Some(leader) = leader {
            // Fails only when the group is gone already, which is the aim.
            let _gone = kill_process_group(leader, Signal::KILL);
        }
    }
}
