//! The `Authorization` header of this moment: none, fixed, from a file, or from a plugin.
//!
//! Client certificates are `identity.rs`'s. Invariant: a token is held only as a header value marked
//! sensitive, which `Debug` does not print and HPACK does not index.

use std::path::PathBuf;
use std::sync::Arc;

use arc_swap::ArcSwap;
use http::HeaderValue;

use super::exec_plugin::{PluginCredentials, PluginTiming};
use super::kubeconfig::TokenSource;
use crate::tls::{Material, Prepared, Reload, TlsError};

/// `Bearer` with the token as a header value; surrounding white space is not part of a token.
///
/// # Errors
/// The broken rule; the token itself is never quoted.
pub(super) fn bearer(token: &[u8]) -> Result<HeaderValue, &'static str> {
    let token = token.trim_ascii();
    if token.is_empty() {
        return Err("the token is empty");
    }
    // RFC 6750 §2.1 allows fewer characters; what must not pass is what ends or splits a header.
    if !token.iter().all(u8::is_ascii_graphic) {
        return Err("the token holds white space or characters outside ASCII");
    }
    let mut value = HeaderValue::from_bytes(&[b"Bearer ", token].concat())
        .map_err(|_| "the token does not fit a header")?;
    value.set_sensitive(true);
    Ok(value)
}

/// Source of the bearer token.
#[derive(Debug)]
pub(super) enum Credentials {
    Absent,
    Fixed(HeaderValue),
    File(Arc<TokenFile>),
    Plugin(Arc<PluginCredentials>),
}

impl Credentials {
    pub(super) fn load(source: TokenSource, timing: PluginTiming) -> Result<Self, TlsError> {
        Ok(match source {
            TokenSource::Absent => Self::Absent,
            TokenSource::Fixed(header) => Self::Fixed(header),
            TokenSource::File(material) => Self::File(Arc::new(TokenFile::load(material)?)),
            TokenSource::Plugin(command) => {
                Self::Plugin(Arc::new(PluginCredentials::new(*command, timing)))
            }
        })
    }

    /// # Errors
    /// Why the plugin has no credential to give.
    pub(super) async fn header(&self) -> Result<Option<HeaderValue>, Arc<str>> {
        match self {
            Self::Absent => Ok(None),
            Self::Fixed(header) => Ok(Some(header.clone())),
            Self::File(file) => Ok(Some(file.current.load().as_ref().clone())),
            Self::Plugin(plugin) => plugin.header().await,
        }
    }

    /// The API server answered 401. A file is looked at every second anyway.
    pub(super) fn invalidate(&self) {
        match self {
            Self::Absent | Self::Fixed(_) | Self::File(_) => {}
            Self::Plugin(plugin) => plugin.invalidate(),
        }
    }
}

/// A token in a file, such as a projected service account token.
#[derive(Debug)]
pub(super) struct TokenFile {
    material: Material,
    current: ArcSwap<HeaderValue>,
}

impl TokenFile {
    fn load(material: Material) -> Result<Self, TlsError> {
        let current = ArcSwap::from_pointee(read(&material)?);
        Ok(Self { material, current })
    }
}

fn read(material: &Material) -> Result<HeaderValue, TlsError> {
    bearer(&material.read()?).map_err(|reason| TlsError::malformed(material.origin(), reason))
}

impl Reload for TokenFile {
    fn subject(&self) -> &'static str {
        "upstream-token"
    }

    fn files(&self) -> Vec<PathBuf> {
        self.material.path().map(PathBuf::from).into_iter().collect()
    }

    fn prepare(&self) -> Result<Prepared<'_>, TlsError> {
        let header = read(&self.material)?;
        if header == **self.current.load() {
            return Ok(Prepared::unchanged());
        }
        Ok(Prepared::change(|| self.current.store(Arc::new(header))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tls::Reloaded;

    #[test]
    fn a_token_is_trimmed_and_hidden() {
        let header = bearer(b" abc.def \n").unwrap();
        assert_eq!(header, "Bearer abc.def");
        assert!(header.is_sensitive() && !format!("{header:?}").contains("abc"));
    }

    #[test]
    fn tokens_that_could_split_a_header_are_refused() {
        for bad in [&b""[..], b" \n", b"a b", b"a\r\nX: y", b"a\0b", "tok\u{e9}n".as_bytes()] {
            assert!(bearer(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_token_file_is_read_anew_and_an_emptied_one_keeps_the_old_token() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let write = |text: &str| std::fs::write(file.path(), text).unwrap();
        write("one\n");
        let token = TokenFile::load(Material::File(file.path().to_owned())).unwrap();
        assert_eq!(token.reload().unwrap(), Reloaded::Unchanged);
        write("");
        let error = token.reload().unwrap_err().to_string();
        assert!(error.contains("the token is empty"), "{error}");
        assert_eq!(**token.current.load(), "Bearer one");
        write("two");
        assert_eq!(token.reload().unwrap(), Reloaded::Swapped);
        assert_eq!(**token.current.load(), "Bearer two");
    }
}
