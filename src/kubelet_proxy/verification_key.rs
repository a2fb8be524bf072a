//! From a PEM file to a key whose signatures count.

use std::path::{Path, PathBuf};

use crate::policy::signed::trust::{KeyRefusal, TrustedKey};
use crate::tls::{TlsError, first_pem_block};

/// Largest file that is taken for a key: a certificate has some kilobytes.
pub const MAX_KEY_BYTES: usize = 64 * 1024;

/// Why a file holds no key to trust. The message names the file.
#[derive(Debug, thiserror::Error)]
pub enum VerificationKeyError {
    /// Not PEM.
    #[error(transparent)]
    Malformed(#[from] TlsError),
    /// PEM, but no key that is taken.
    #[error("{path}: {source}")]
    Refused {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: KeyRefusal,
    },
}

/// Reads the first PEM block of a file's content; what follows is passed over, as the seed does.
///
/// # Errors
/// [`VerificationKeyError`].
pub fn read(path: &Path, content: &[u8]) -> Result<TrustedKey, VerificationKeyError> {
    let (label, der) = first_pem_block(&path.display().to_string(), content)?;
    TrustedKey::read(&label, &der)
        .map_err(|source| VerificationKeyError::Refused { path: path.to_owned(), source })
}
