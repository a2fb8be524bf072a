//! What can be wrong with TLS material, told to the operator who has to mend it.
//!
//! Every message names the file (or the inline field) and what to do. No message carries key
//! material, and none is ever sent to a peer.

use std::io;

/// A certificate, key or CA that cannot be used. `origin` is a path or an inline field's name.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The file cannot be read, or is larger than [`super::MAX_MATERIAL_BYTES`].
    #[error("{origin}: {source}; the file must exist and be readable for this program")]
    Unreadable {
        /// Path of the file.
        origin: String,
        /// What the kernel said.
        source: io::Error,
    },
    /// The bytes are not the PEM or DER they should be.
    #[error("{origin}: {reason}")]
    Malformed {
        /// Path or field.
        origin: String,
        /// What is wrong and what is expected instead.
        reason: String,
    },
    /// Certificate and key do not belong together (also seen while a rotation is half done).
    #[error("{key}: this key does not belong to the certificate in {certificate}; give the pair")]
    KeyMismatch {
        /// Origin of the certificate.
        certificate: String,
        /// Origin of the key.
        key: String,
    },
    /// The machine's own trust store has no usable root.
    #[error(
        "system trust store: {reason}; install ca-certificates or name a certificate-authority"
    )]
    NoSystemRoots {
        /// What the search said.
        reason: String,
    },
    /// rustls refuses the combination.
    #[error("{origin}: {source}")]
    Rustls {
        /// Path or field.
        origin: String,
        /// rustls' reason.
        source: rustls::Error,
    },
}

impl TlsError {
    pub(crate) fn malformed(origin: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Malformed { origin: origin.into(), reason: reason.into() }
    }
}
