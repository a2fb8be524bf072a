//! From the policy's files to a policy: whose files they are, what they say, what their author should
//! look at.

use std::path::{Path, PathBuf};

use super::trusted_file::{self, TrustedFileError};
use super::verification_key::{self, MAX_KEY_BYTES, VerificationKeyError};
use crate::policy::signed::trust::{KeyRefusal, TrustedKey, TrustedKeys};
use crate::policy::{MAX_POLICY_BYTES, Policy, PolicyError};

/// Why policy files are not put in force.
#[derive(Debug, thiserror::Error)]
pub(super) enum PolicyFileError {
    /// Somebody other than root could have written it, or it cannot be read.
    #[error("{flag}: {source}")]
    Untrusted {
        /// By which the file was named.
        flag: &'static str,
        /// What is wrong with it.
        source: TrustedFileError,
    },
    /// It cannot be understood in full.
    #[error("{path}: {source}")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong in it.
        source: PolicyError,
    },
    /// It holds no key that is taken.
    #[error("{KEY_FLAG}: {0}")]
    Key(#[from] VerificationKeyError),
    /// The keys together are not taken.
    #[error("{KEY_FLAG}: {path}: {source}")]
    Keys {
        /// The first of them.
        path: PathBuf,
        /// Why not.
        source: KeyRefusal,
    },
}

const DOCUMENT_FLAG: &str = "--admission-policy";
const KEY_FLAG: &str = "--policy-verification-cert";

/// Reads the policy and logs its warnings. At least one file is given.
pub(super) fn load(document: Option<&Path>, keys: &[PathBuf]) -> Result<Policy, PolicyFileError> {
    let document = document.map(load_document).transpose()?;
    let policy = match (document, keys) {
        (Some(policy), []) => {
            if policy.lacks_keys() {
                tracing::warn!("{DOCUMENT_FLAG}: signedPods has no effect without {KEY_FLAG}");
            }
            return Ok(policy);
        }
        (Some(policy), keys) => policy.and_signed(load_keys(keys)?),
        (None, keys) => Policy::only_signed(load_keys(keys)?),
    };
    if policy.overrules_default() {
        tracing::warn!(
            "{DOCUMENT_FLAG}: defaultAction \"allow\" counts as \"deny\" beside {KEY_FLAG}: pods \
             that no rule allows need a signature; write \"deny\", and rules for the others"
        );
    }
    Ok(policy)
}

fn load_document(path: &Path) -> Result<Policy, PolicyFileError> {
    let text = trusted_file::read(path, MAX_POLICY_BYTES)
        .map_err(|source| PolicyFileError::Untrusted { flag: DOCUMENT_FLAG, source })?;
    let loaded = Policy::parse(&text)
        .map_err(|source| PolicyFileError::Malformed { path: path.to_owned(), source })?;
    for warning in &loaded.warnings {
        tracing::warn!(file = %path.display(), "{warning}");
    }
    Ok(loaded.policy)
}

fn load_keys(paths: &[PathBuf]) -> Result<TrustedKeys, PolicyFileError> {
    let now = jiff::Timestamp::now().as_second();
    let keys = paths.iter().map(|path| {
        let text = trusted_file::read(path, MAX_KEY_BYTES)
            .map_err(|source| PolicyFileError::Untrusted { flag: KEY_FLAG, source })?;
        let key = verification_key::read(path, &text)?;
        tell(path, &key, now);
        Ok(key)
    });
    let keys = keys.collect::<Result<Vec<_>, PolicyFileError>>()?;
    let path = paths.first().cloned().unwrap_or_default();
    TrustedKeys::new(keys, now).map_err(|source| PolicyFileError::Keys { path, source })
}

/// Which keys count here belongs to the record as much as the policy's digest does.
fn tell(path: &Path, key: &TrustedKey, now: i64) {
    let (file, key_id, standing) = (path.display(), key.id(), key.standing(now));
    if standing.is_current() {
        tracing::info!(%file, key_id, "signatures of this key count");
    } else {
        let standing = standing.told();
        tracing::warn!(%file, key_id, "the certificate {standing}: signatures of its key do not count");
    }
}
