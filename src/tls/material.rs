//! Where a certificate, key, CA or token comes from: a file that may change, or bytes that cannot.
//!
//! It reads and bounds; it does not parse. Inline bytes never appear in `Debug`.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::TlsError;

/// Largest file taken as TLS material: a full system bundle is about 250 KiB.
pub const MAX_MATERIAL_BYTES: u64 = 1 << 20;

/// One piece of credential material.
#[derive(Clone)]
pub enum Material {
    /// Bytes of the kubeconfig or of a plugin; `origin` names the field in messages.
    Inline {
        /// Name for messages, such as `/etc/kubeconfig: users[node].client-key-data`.
        origin: Arc<str>,
        /// PEM text (or a token).
        bytes: Arc<[u8]>,
    },
    /// A file, read anew on every load.
    File(PathBuf),
}

impl Material {
    /// Inline bytes under a name for messages.
    pub fn inline(origin: impl Into<Arc<str>>, bytes: impl Into<Arc<[u8]>>) -> Self {
        Self::Inline { origin: origin.into(), bytes: bytes.into() }
    }

    /// Name for messages: the path, or the inline field.
    pub fn origin(&self) -> String {
        match self {
            Self::Inline { origin, bytes: _ } => origin.as_ref().to_owned(),
            Self::File(path) => path.display().to_string(),
        }
    }

    /// The file to watch, if there is one.
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::Inline { origin: _, bytes: _ } => None,
            Self::File(path) => Some(path),
        }
    }

    /// The bytes as they are now.
    ///
    /// # Errors
    /// [`TlsError::Unreadable`] when the file cannot be read or exceeds [`MAX_MATERIAL_BYTES`].
    pub fn read(&self) -> Result<Vec<u8>, TlsError> {
        match self {
            Self::Inline { origin: _, bytes } => Ok(bytes.to_vec()),
            Self::File(path) => read_bounded(path)
                .map_err(|source| TlsError::Unreadable { origin: self.origin(), source }),
        }
    }
}

impl fmt::Debug for Material {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Material").field(&self.origin()).finish()
    }
}

fn read_bounded(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let limit = MAX_MATERIAL_BYTES.saturating_add(1);
    let read = File::open(path)?.take(limit).read_to_end(&mut bytes)?;
    if u64::try_from(read).unwrap_or(u64::MAX) > MAX_MATERIAL_BYTES {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "larger than 1 MiB"));
    }
    Ok(bytes)
}

/// A certificate chain and its private key; both may name the same file.
#[derive(Clone, Debug)]
pub struct KeyPair {
    /// Leaf first, then intermediates.
    pub certificate: Material,
    /// PKCS#8, PKCS#1 or SEC1.
    pub key: Material,
}

impl KeyPair {
    /// The files behind the pair.
    pub fn files(&self) -> impl Iterator<Item = &Path> {
        self.certificate.path().into_iter().chain(self.key.path())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inline_bytes_never_show_in_debug_output() {
        let secret = Material::inline("users[a].token", b"s3cret".to_vec());
        let shown = format!("{secret:?}");
        assert!(shown.contains("users[a].token") && !shown.contains("s3cret"), "{shown}");
    }

    #[test]
    fn a_missing_file_is_named_with_the_remedy() {
        let error = Material::File("/nowhere/ca.pem".into()).read().unwrap_err().to_string();
        assert!(error.starts_with("/nowhere/ca.pem: ") && error.contains("readable"), "{error}");
    }

    #[test]
    fn an_endless_file_is_refused_at_the_limit() {
        let error = Material::File("/dev/zero".into()).read().unwrap_err().to_string();
        assert!(error.contains("larger than 1 MiB"), "{error}");
    }
}
