//! Exit codes, the same in every verb, and what each means to systemd.

use std::process::ExitCode;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// All went well, or a run ended because it was asked to.
    Success,
    /// Something failed that may work next time, or a check found something.
    Failure,
    /// The command line cannot be understood (`EX_USAGE`).
    Usage,
    /// The command line is clear, but what it names cannot be served safely (`EX_CONFIG`).
    /// Units go on trying, at intervals: whoever waits in their socket would otherwise start them again
    /// at once, or cost the socket by reaching a start limit.
    BadConfiguration,
}

impl Exit {
    /// The number, as in `sysexits.h`.
    pub fn code(self) -> u8 {
        match self {
            Self::Success => 0,
            Self::Failure => 1,
            Self::Usage => 64,
            Self::BadConfiguration => 78,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}
