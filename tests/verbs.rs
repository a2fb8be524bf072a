//! The verbs beside `run`, asked of the real binary.
//!
//! What they talk to is real where it runs here: the proxy itself, kubectl, a shell. systemd-pcrextend
//! and an admin socket's answers are played by sockets that speak their protocols.

#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "test code, which clippy recognises only in unit tests"
)]

#[path = "verbs/certificates.rs"]
mod certificates;
#[path = "verbs/description.rs"]
mod description;
#[path = "verbs/digest.rs"]
mod digest;
#[path = "verbs/exit_codes.rs"]
mod exit_codes;
#[path = "verbs/kubeconfig.rs"]
mod kubeconfig;
#[path = "verbs/measure.rs"]
mod measure;
#[path = "verbs/policies.rs"]
mod policies;
#[path = "verbs/proxy.rs"]
mod proxy;
#[path = "verbs/signing.rs"]
mod signing;
#[path = "verbs/status.rs"]
mod status;
#[path = "verbs/token.rs"]
mod token;
#[path = "verbs/tools.rs"]
mod tools;
#[path = "verbs/verifying.rs"]
mod verifying;

use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

const BINARY: &str = env!("CARGO_BIN_EXE_kubelet-proxy");

/// What any step may take on a loaded machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// How a verb ended: exit code, standard output, standard error.
type Ended = (i32, String, String);

fn ask(words: &[&str]) -> Ended {
    ended(&Command::new(BINARY).args(words).output().unwrap())
}

fn ended(output: &Output) -> Ended {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
}

/// A failure with this code whose one line says this.
#[track_caller]
fn refused(ended: &Ended, code: i32, expected: &str) {
    let (found, stdout, stderr) = ended;
    assert_eq!(*found, code, "{stdout}{stderr}");
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
    assert!(stderr.starts_with("kubelet-proxy: ") && stderr.contains(expected), "{stderr}");
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}
