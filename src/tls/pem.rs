//! PEM text to DER; the only user of rustls-pemfile (archived upstream, see `deny.toml`).
//!
//! It does not judge certificates. Invariant: an empty result is an error, so an emptied or
//! half-written file can never turn into "no certificate required".

use rustls_pemfile::Item;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use x509_parser::pem::Pem;

use super::{Material, TlsError};

/// More certificates than any chain or CA bundle holds; a file beyond it is not what it claims.
const MAX_CERTIFICATES: usize = 1024;

/// Every certificate in the material, in order.
///
/// # Errors
/// Unreadable, not PEM, none in it, or more than 1024.
pub(super) fn certificates(material: &Material) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let mut found = Vec::new();
    for item in items(material)? {
        if let Item::X509Certificate(certificate) = item {
            found.push(certificate);
        }
    }
    match found.len() {
        0 => Err(TlsError::malformed(
            material.origin(),
            "no certificate found; expected PEM with BEGIN CERTIFICATE",
        )),
        1..=MAX_CERTIFICATES => Ok(found),
        _ => Err(TlsError::malformed(material.origin(), "more than 1024 certificates")),
    }
}

/// The one private key in the material.
///
/// # Errors
/// Unreadable, not PEM, no key, or several (which of them is meant would be a guess).
pub(super) fn private_key(material: &Material) -> Result<PrivateKeyDer<'static>, TlsError> {
    let mut keys = items(material)?.into_iter().filter_map(as_private_key);
    match (keys.next(), keys.next()) {
        (Some(key), None) => Ok(key),
        (Some(_), Some(_)) => Err(TlsError::malformed(
            material.origin(),
            "more than one private key; leave the one that belongs to the certificate",
        )),
        (None, _) => Err(TlsError::malformed(
            material.origin(),
            "no private key found; expected unencrypted PEM with BEGIN PRIVATE KEY",
        )),
    }
}

/// The content of the one private key in the material: PKCS#8, PKCS#1 or SEC 1.
///
/// # Errors
/// Those of `private_key`.
pub fn private_key_der(material: &Material) -> Result<Vec<u8>, TlsError> {
    private_key(material).map(|key| key.secret_der().to_vec())
}

/// Label and content of the first PEM block, whatever it is. Text before it is passed over.
///
/// # Errors
/// No PEM, or a block that is not whole.
pub fn first_pem_block(origin: &str, content: &[u8]) -> Result<(String, Vec<u8>), TlsError> {
    // The other parser knows no block of the kind RSA PUBLIC KEY and would go on to the next.
    match Pem::iter_from_buffer(content).next() {
        Some(Ok(Pem { label, contents })) => Ok((label, contents)),
        Some(Err(error)) => {
            Err(TlsError::malformed(origin, format!("not valid PEM ({error}); is it complete?")))
        }
        None => Err(TlsError::malformed(
            origin,
            "no PEM found; expected BEGIN CERTIFICATE or BEGIN PUBLIC KEY",
        )),
    }
}

fn as_private_key(item: Item) -> Option<PrivateKeyDer<'static>> {
    if let Item::Pkcs8Key(key) = item {
        Some(key.into())
    } else if let Item::Sec1Key(key) = item {
        Some(key.into())
    } else if let Item::Pkcs1Key(key) = item {
        Some(key.into())
    } else {
        None
    }
}

fn items(material: &Material) -> Result<Vec<Item>, TlsError> {
    let bytes = material.read()?;
    let mut reader = bytes.as_slice();
    rustls_pemfile::read_all(&mut reader).collect::<Result<_, _>>().map_err(|error| {
        TlsError::malformed(material.origin(), format!("not valid PEM ({error}); is it complete?"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tls::test_pki::Authority;

    fn check(text: &str, certificates_found: Result<usize, &str>, key_found: Result<(), &str>) {
        let material = Material::inline("field", text.as_bytes().to_vec());
        match (certificates(&material), certificates_found) {
            (Ok(found), Ok(expected)) => assert_eq!(found.len(), expected),
            (Err(error), Err(part)) => assert!(error.to_string().contains(part), "{error}"),
            (found, expected) => panic!("{found:?}, expected {expected:?}"),
        }
        match (private_key(&material), key_found) {
            (Ok(_), Ok(())) => {}
            (Err(error), Err(part)) => assert!(error.to_string().contains(part), "{error}"),
            (found, expected) => panic!("{found:?}, expected {expected:?}"),
        }
    }

    #[test]
    fn certificates_and_keys_are_found_in_files_of_their_own_and_together() {
        let issued = Authority::new("ca").issue("node");
        let both = format!("{}{}", issued.certificate_pem, issued.key_pem);
        check(&issued.certificate_pem, Ok(1), Err("no private key"));
        check(&issued.key_pem, Err("no certificate"), Ok(()));
        check(&both, Ok(1), Ok(()));
        check(&format!("{both}{both}"), Ok(2), Err("more than one private key"));
    }

    #[test]
    fn empty_truncated_and_foreign_text_is_refused() {
        let issued = Authority::new("ca").issue("node");
        let cut = &issued.certificate_pem[..issued.certificate_pem.len() / 2];
        check("", Err("no certificate"), Err("no private key"));
        check("hello", Err("no certificate"), Err("no private key"));
        check(cut, Err("is it complete?"), Err("is it complete?"));
    }
}
