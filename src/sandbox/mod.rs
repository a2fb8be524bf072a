//! What the process takes from itself before it serves, and what the kernel says is gone.
//!
//! Two steps, in types so that their order is no accident: [`begin`] gives up every capability and
//! makes an [`Unprivileged`]; only that can be confined, by Landlock and seccomp, to a [`Sandboxed`],
//! which has no other maker and without which a role does not serve. Between the two the role reads
//! its kubeconfig and binds its sockets: what the limits depend on, and what they forbid.
//!
//! Landlock and seccomp bind the calling thread and those it starts. So all of it comes before the
//! runtime, and a second thread is a part missing.

mod capabilities;
mod denied_calls;
mod landlock;
mod missing;
mod report;
mod seccomp;

use std::fs;
use std::str::FromStr;

pub use self::capabilities::CapabilityError;
pub use self::landlock::LandlockState;
pub use self::missing::{Missing, SandboxError};
pub use self::report::{LandlockReport, SandboxReport, SeccompReport, SeccompState};

use self::landlock::Limits;

/// What becomes of a start whose sandbox has a part missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SandboxMode {
    /// It is refused.
    Require,
    /// It goes on with a warning for each part.
    BestEffort,
}

/// What a role must still be able to do inside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Needs {
    /// The TCP port of the API server, which it connects to.
    pub upstream_port: u16,
    /// The TCP port of the kubelet, if it connects to that too.
    pub kubelet_port: Option<u16>,
    /// The API server is given by name, so names have to be resolved.
    pub resolves_names: bool,
    /// File and field of a credential plugin: a program that cannot run inside.
    pub plugin: Option<String>,
}

/// A process without capabilities that is not yet confined.
#[derive(Debug)]
pub struct Unprivileged {
    mode: SandboxMode,
    bounding_left: Vec<String>,
}

/// A process that is confined as far as its [`SandboxMode`] demands. Nothing undoes it.
#[derive(Debug)]
pub struct Sandboxed {
    report: SandboxReport,
}

/// Gives up every capability and sets `no_new_privs`; reads both back.
///
/// # Errors
/// [`SandboxError`]: a capability is left that could be used, or, with [`SandboxMode::Require`], one
/// that a program could gain.
pub fn begin(mode: SandboxMode) -> Result<Unprivileged, SandboxError> {
    let bounding_left = capabilities::drop_all()?.bounding_left;
    let unprivileged = Unprivileged { mode, bounding_left };
    match mode {
        SandboxMode::Require => refuse(unprivileged.capabilities_missing())?,
        SandboxMode::BestEffort => {}
    }
    Ok(unprivileged)
}

impl Unprivileged {
    /// Takes the rest, tries what must fail, and tells in one log line how it is now.
    ///
    /// # Errors
    /// [`SandboxError::Missing`] with [`SandboxMode::Require`], if any part is not as it should be.
    pub fn confine(self, needs: &Needs) -> Result<Sandboxed, SandboxError> {
        let mut missing = self.capabilities_missing();
        let only_thread = only_thread();
        missing.extend(only_thread.as_ref().err().cloned());
        let (landlock, seccomp) = match &needs.plugin {
            Some(plugin) => {
                missing.push(Missing::Plugin(plugin.clone()));
                if self.mode == SandboxMode::Require {
                    return Err(SandboxError::Missing(missing));
                }
                (LandlockReport::off_for_plugin(), SeccompReport::off_for_plugin())
            }
            None => {
                let landlock = landlock::apply(&Limits::of(needs));
                let seccomp = seccomp::apply(needs.resolves_names);
                missing.extend(landlock.missing);
                missing.extend(seccomp.as_ref().err().cloned());
                (landlock.report, SeccompReport::of(seccomp))
            }
        };
        if self.mode == SandboxMode::Require {
            refuse(missing)?;
        } else {
            missing.iter().for_each(|part| tracing::warn!("--sandbox=best-effort: {part}"));
        }
        let report = SandboxReport::new(self.mode, self.bounding_left, landlock, seccomp);
        report.log();
        Ok(Sandboxed { report })
    }

    fn capabilities_missing(&self) -> Vec<Missing> {
        match self.bounding_left.is_empty() {
            true => Vec::new(),
            false => vec![Missing::BoundingSet(self.bounding_left.join(", "))],
        }
    }
}

impl Sandboxed {
    /// What holds.
    pub fn report(&self) -> &SandboxReport {
        &self.report
    }
}

impl FromStr for SandboxMode {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "require" => Ok(Self::Require),
            "best-effort" => Ok(Self::BestEffort),
            _ => Err("expected require or best-effort".to_owned()),
        }
    }
}

impl SandboxMode {
    /// As the flag spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Require => "require",
            Self::BestEffort => "best-effort",
        }
    }
}

fn refuse(missing: Vec<Missing>) -> Result<(), SandboxError> {
    if missing.is_empty() { Ok(()) } else { Err(SandboxError::Missing(missing)) }
}

/// A thread that was there before would stay outside.
fn only_thread() -> Result<(), Missing> {
    match fs::read_dir("/proc/self/task").map(Iterator::count) {
        Ok(1) => Ok(()),
        Ok(several) => Err(Missing::Threads(several)),
        Err(error) => Err(Missing::ThreadsUnknown(error.to_string())),
    }
}
