//! Why a verb did not do what was asked, and the exit code that says so.

use std::io;

use super::exit_code::Exit;

/// One line for whoever called.
#[derive(Debug, thiserror::Error)]
pub(super) enum VerbError {
    /// Something is not as it should be, or did not work this time.
    #[error("{0}")]
    Failed(String),
    /// What was named cannot be used; trying again does not help.
    #[error("{0}")]
    BadConfiguration(String),
    /// The answer could not be given.
    #[error("standard output: {0}")]
    Unheard(#[from] io::Error),
}

impl VerbError {
    pub(super) fn failed(error: impl ToString) -> Self {
        Self::Failed(error.to_string())
    }

    pub(super) fn bad(error: impl ToString) -> Self {
        Self::BadConfiguration(error.to_string())
    }

    pub(super) fn exit(&self) -> Exit {
        match self {
            Self::Failed(_) | Self::Unheard(_) => Exit::Failure,
            Self::BadConfiguration(_) => Exit::BadConfiguration,
        }
    }
}
