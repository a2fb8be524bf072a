//! The parts that a sandbox can lack. Each line says what is missing and what would mend it.

use super::capabilities::CapabilityError;

/// Why the process is not sandboxed well enough to serve.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// Rights that the process could use are not known to be gone; no mode serves then.
    #[error(transparent)]
    Capabilities(#[from] CapabilityError),
    /// Parts are missing and the mode is `require`.
    #[error("--sandbox=require: {}", .0.iter().map(Missing::to_string).collect::<Vec<_>>().join("; "))]
    Missing(Vec<Missing>),
}

/// One part that is missing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Missing {
    /// Dropping from the bounding set takes `CAP_SETPCAP`, which an ordinary user has not.
    #[error(
        "capabilities are left in the bounding set ({0}): run in the unit, which empties it \
         (CapabilityBoundingSet=), or start with CAP_SETPCAP"
    )]
    BoundingSet(String),
    /// Whoever started them did so too early: a fault of this program.
    #[error("{0} threads run before the sandbox, and it would not hold for all: report this")]
    Threads(usize),
    /// There is no `/proc` to count threads in.
    #[error("threads cannot be counted in /proc/self/task ({0}): mount /proc")]
    ThreadsUnknown(String),
    /// A credential plugin is a program, and no program can be started inside.
    #[error(
        "{0}: a credential plugin cannot run in the sandbox: let the unit \
         kubelet-proxy-token.service run it, and name the file it writes as tokenFile instead of exec"
    )]
    Plugin(String),
    /// The kernel was built without Landlock.
    #[error("the kernel has no Landlock: use Linux 6.7 or later with CONFIG_SECURITY_LANDLOCK")]
    LandlockAbsent,
    /// The kernel was started without it.
    #[error("Landlock is off: add landlock to the kernel's lsm= list")]
    LandlockDisabled,
    /// An early one, without ports.
    #[error(
        "the kernel's Landlock (ABI {0}) cannot limit TCP ports: use Linux 6.7 (ABI 4) or later"
    )]
    LandlockOld(i32),
    /// A limit could not be set up, or the kernel refused it.
    #[error("Landlock: {0}")]
    Landlock(String),
    /// The state directory cannot be opened, so nothing in it could be written.
    #[error("STATE_DIRECTORY: {0}: create it, or leave the variable out")]
    StateDirectory(String),
    /// Landlock is in force and does not do what it is for.
    #[error("Landlock is in force, and {0} is possible all the same: report this kernel")]
    StillPossible(&'static str),
    /// The kernel refused the filter, or there is none for this processor.
    #[error("seccomp: {0}: use a kernel with CONFIG_SECCOMP_FILTER on x86_64 or aarch64")]
    Seccomp(String),
}
