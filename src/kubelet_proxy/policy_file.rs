//! From the policy's file to a policy: whose file it is, what it says, what its author should look at.

use std::path::{Path, PathBuf};

use super::trusted_file::{self, TrustedFileError};
use crate::policy::{MAX_POLICY_BYTES, Policy, PolicyError};

/// Why a policy file is not put in force.
#[derive(Debug, thiserror::Error)]
pub(super) enum PolicyFileError {
    /// Somebody other than root could have written it, or it cannot be read.
    #[error("--admission-policy: {0}")]
    Untrusted(#[from] TrustedFileError),
    /// It cannot be understood in full.
    #[error("{path}: {source}")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong in it.
        source: PolicyError,
    },
}

/// Reads the policy and logs its warnings.
pub(super) fn load(path: &Path) -> Result<Policy, PolicyFileError> {
    let text = trusted_file::read(path, MAX_POLICY_BYTES)?;
    let loaded = Policy::parse(&text)
        .map_err(|source| PolicyFileError::Malformed { path: path.to_owned(), source })?;
    for warning in &loaded.warnings {
        tracing::warn!(file = %path.display(), "{warning}");
    }
    Ok(loaded.policy)
}
