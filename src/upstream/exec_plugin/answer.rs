//! The ExecCredential a plugin prints, read strictly.
//!
//! Anything but one JSON object of the version asked for is refused: the reference took any text as
//! a token and sent it for ever. Invariant: a value of [`PluginCredential`] can be used as it is.

use std::fmt;
use std::time::Duration;

use http::HeaderValue;
use jiff::Timestamp;
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::{ApiVersion, ExecCommand};
use crate::tls::{KeyPair, Material};
use crate::upstream::credentials::bearer;

/// What a plugin gave.
pub(crate) struct PluginCredential {
    /// Whole value of `Authorization`.
    pub(crate) header: Option<HeaderValue>,
    /// Client certificate with key.
    pub(crate) pair: Option<KeyPair>,
    /// Time left when the answer was read; `None` means that it does not expire.
    pub(crate) lifetime: Option<Duration>,
}

impl fmt::Debug for PluginCredential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PluginCredential")
            .field("header", &self.header.is_some())
            .field("pair", &self.pair.is_some())
            .field("lifetime", &self.lifetime)
            .finish()
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ExecCredential {
    api_version: String,
    kind: String,
    /// client-go's own plugins echo the spec back.
    #[serde(default)]
    #[expect(dead_code, reason = "accepted, because plugins echo it, and never looked at")]
    spec: Option<IgnoredAny>,
    #[serde(default)]
    #[expect(
        dead_code,
        reason = "accepted, because Go marshals an empty one, and never looked at"
    )]
    metadata: Option<IgnoredAny>,
    status: ExecCredentialStatus,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ExecCredentialStatus {
    expiration_timestamp: Option<String>,
    token: Option<String>,
    client_certificate_data: Option<String>,
    client_key_data: Option<String>,
}

/// Reads the plugin's whole output.
///
/// # Errors
/// The rule that is broken, as a fixed text: the output itself may be a secret.
pub(super) fn read(
    output: &[u8],
    command: &ExecCommand,
    now: Timestamp,
) -> Result<PluginCredential, &'static str> {
    let answer: ExecCredential = serde_json::from_slice(output)
        .map_err(|_| "stdout is not one ExecCredential object in JSON")?;
    if answer.kind != "ExecCredential"
        || ApiVersion::parse(&answer.api_version) != Some(command.api_version)
    {
        return Err("kind or apiVersion is not the one asked for");
    }
    let status = answer.status;
    let header = match status.token.filter(|token| !token.is_empty()) {
        Some(token) => Some(bearer(token.as_bytes())?),
        None => None,
    };
    let pair = read_pair(status.client_certificate_data, status.client_key_data, &command.origin)?;
    if header.is_none() && pair.is_none() {
        return Err("status has neither a token nor a client certificate");
    }
    let lifetime = match status.expiration_timestamp {
        Some(text) => Some(read_lifetime(&text, now)?),
        None => None,
    };
    Ok(PluginCredential { header, pair, lifetime })
}

fn read_pair(
    certificate: Option<String>,
    key: Option<String>,
    origin: &str,
) -> Result<Option<KeyPair>, &'static str> {
    let present = |text: Option<String>| text.filter(|text| !text.is_empty());
    match (present(certificate), present(key)) {
        (None, None) => Ok(None),
        (Some(certificate), Some(key)) => Ok(Some(KeyPair {
            certificate: Material::inline(
                format!("{origin}: clientCertificateData"),
                certificate.into_bytes(),
            ),
            key: Material::inline(format!("{origin}: clientKeyData"), key.into_bytes()),
        })),
        (Some(_), None) | (None, Some(_)) => {
            Err("clientCertificateData and clientKeyData only go together")
        }
    }
}

fn read_lifetime(text: &str, now: Timestamp) -> Result<Duration, &'static str> {
    let until: Timestamp =
        text.parse().map_err(|_| "expirationTimestamp is not an RFC 3339 time")?;
    let left = until.duration_since(now);
    match Duration::try_from(left) {
        Ok(left) if !left.is_zero() => Ok(left),
        Ok(_) | Err(_) => Err("expirationTimestamp is already past; check the clock"),
    }
}

#[cfg(test)]
mod tests;
