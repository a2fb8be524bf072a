//! Who a certificate names: the one common name of its subject, and until when it is valid.
//!
//! It does not verify signatures (`client_verifier.rs` and rustls do). Invariant: a name is
//! returned only when it is the sole CN and prints as itself, so a subject such as
//! `CN=system:node:a, CN=system:node:b` or one with a NUL never matches anything.

use rustls_pki_types::CertificateDer;
use x509_parser::prelude::{FromDer, X509Certificate};

use super::TlsError;

/// Upper bound of a CN in X.520 (`ub-common-name` is 64; Kubernetes' own signers allow 253 + prefix).
const MAX_COMMON_NAME_BYTES: usize = 320;

/// What the rest of the program asks of a certificate it shows to others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateSummary {
    /// The subject's only common name; `None` when there is none, or none to rely on.
    pub common_name: Option<String>,
    /// End of validity, seconds since the Unix epoch.
    pub not_after_seconds: i64,
    /// SHA-256 of the whole certificate: nobody else can show one with the same.
    pub sha256: [u8; 32],
}

impl CertificateSummary {
    /// Reads the summary out of one DER certificate; `origin` names it in messages.
    ///
    /// # Errors
    /// [`TlsError::Malformed`] for bad DER.
    pub(super) fn of(certificate: &CertificateDer<'_>, origin: &str) -> Result<Self, TlsError> {
        let parsed = parse(certificate)
            .ok_or_else(|| TlsError::malformed(origin, "not an X.509 certificate"))?;
        Ok(Self {
            common_name: sole_common_name(&parsed).ok(),
            not_after_seconds: parsed.validity().not_after.timestamp(),
            sha256: sha256(certificate.as_ref()),
        })
    }
}

/// The common name of a peer's certificate, for use inside a handshake.
///
/// # Errors
/// The broken rule, as a fixed text: nothing of the certificate enters a log line.
pub fn common_name_of(certificate: &CertificateDer<'_>) -> Result<String, &'static str> {
    sole_common_name(&parse(certificate).ok_or("not an X.509 certificate")?)
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes);
    // A SHA-256 has 32 bytes.
    digest.as_ref().try_into().unwrap_or_default()
}

fn parse<'a>(certificate: &'a CertificateDer<'_>) -> Option<X509Certificate<'a>> {
    match X509Certificate::from_der(certificate.as_ref()) {
        Ok(([], parsed)) => Some(parsed),
        Ok(_) | Err(_) => None,
    }
}

fn sole_common_name(certificate: &X509Certificate<'_>) -> Result<String, &'static str> {
    let mut names = certificate.subject().iter_common_name();
    let (Some(name), None) = (names.next(), names.next()) else {
        return Err("the subject has no common name, or several");
    };
    let name = name.as_str().map_err(|_| "the common name is not plain text")?;
    if name.is_empty() || name.len() > MAX_COMMON_NAME_BYTES {
        return Err("the common name is empty or too long");
    }
    if name.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err("the common name holds control characters or spaces");
    }
    Ok(name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tls::pem;
    use crate::tls::test_pki::Authority;

    fn check(names: &[&str], expected: Result<&str, &str>) {
        let issued = Authority::new("ca").issue_with_names(names);
        let certificate = &pem::certificates(&issued.pair().certificate).unwrap()[0];
        match (common_name_of(certificate), expected) {
            (Ok(name), Ok(expected)) => assert_eq!(name, expected),
            (Err(reason), Err(part)) => assert!(reason.contains(part), "{reason}"),
            (found, expected) => panic!("{names:?}: {found:?}, expected {expected:?}"),
        }
        let summary = CertificateSummary::of(certificate, "node.pem").unwrap();
        assert_eq!(summary.common_name.as_deref(), expected.ok());
        assert!(summary.not_after_seconds > 1_700_000_000);
    }

    #[test]
    fn a_certificate_names_its_peer_only_by_one_plain_common_name() {
        check(&["system:node:worker-1"], Ok("system:node:worker-1"));
        check(&[], Err("no common name, or several"));
        check(&["system:node:a", "system:node:b"], Err("no common name, or several"));
        check(&[""], Err("empty or too long"));
        check(&["system:node:a\0.evil"], Err("control characters"));
        check(&["system:node:a b"], Err("control characters or spaces"));
        check(&[&"n".repeat(321)], Err("empty or too long"));
    }

    #[test]
    fn bytes_after_the_certificate_are_refused() {
        let issued = Authority::new("ca").issue("node");
        let mut der = pem::certificates(&issued.pair().certificate).unwrap()[0].to_vec();
        der.push(0);
        assert!(common_name_of(&CertificateDer::from(der)).is_err());
    }
}
