//! A Debian trixie with systemd 257, which the units are written for and this machine may not have.

pub(crate) mod analysis;
pub(crate) mod machine;
pub(crate) mod packaged_proxy;

use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::support::wait::{Outcome, ensure};

/// The script that prints where the root of it is, and makes it if need be.
const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/guest/root");

/// The directory with all of it, never to be written to.
pub(crate) fn root() -> Outcome<PathBuf> {
    let output = Command::new(ROOT).stdin(Stdio::null()).stderr(Stdio::inherit()).output()?;
    ensure(output.status.success(), || format!("{ROOT}: {}", output.status))?;
    Ok(PathBuf::from(String::from_utf8(output.stdout)?.trim()))
}
