//! TLS towards the API server: whom we trust and as whom we appear.
//!
//! It does not connect. Skipping verification exists only as [`ServerTrust::Unverified`], which
//! `upstream::kubeconfig` constructs behind its own flag. Invariant: an identity is used only when
//! its key belongs to its certificate.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{
    ClientConfig, DigitallySignedStruct, Error, InconsistentKeys, RootCertStore, SignatureScheme,
};

use super::reload::MaterialDigest;
use super::{
    CertificateSummary, KeyPair, Material, TLS_VERSIONS, TlsError, alpn_protocols, pem, provider,
};

/// How the server's certificate is judged.
#[derive(Clone, Debug)]
pub enum ServerTrust {
    /// Signed by one of these authorities.
    Roots(Material),
    /// Signed by an authority of the machine's own store; anyone who can buy a certificate for the
    /// name passes, so it hides behind `--allow-system-roots`.
    SystemRoots,
    /// Not judged at all, behind `--allow-insecure-upstream-tls`.
    Unverified,
}

/// A client configuration and what it was made from.
#[derive(Clone, Debug)]
pub struct ClientTls {
    /// For `tokio_rustls::TlsConnector`.
    pub config: Arc<ClientConfig>,
    /// The certificate shown to the server, if any.
    pub identity: Option<CertificateSummary>,
    pub(crate) digest: MaterialDigest,
}

/// Reads all material anew and builds the configuration.
///
/// # Errors
/// [`TlsError`] naming the file or field at fault.
pub fn client_tls(trust: &ServerTrust, pair: Option<&KeyPair>) -> Result<ClientTls, TlsError> {
    let mut digest = MaterialDigest::default();
    let builder = ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(TLS_VERSIONS)
        .map_err(|source| TlsError::Rustls { origin: "TLS versions".to_owned(), source })?;
    let builder = match trust {
        ServerTrust::Roots(ca) => builder.with_root_certificates(roots(ca, &mut digest)?),
        ServerTrust::SystemRoots => builder.with_root_certificates(system_roots()?),
        ServerTrust::Unverified => builder
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(AcceptAnyServer(provider()))),
    };
    let (mut config, identity) = match pair {
        None => (builder.with_no_client_auth(), None),
        Some(pair) => {
            let certified = certified_key(pair, &mut digest)?;
            let identity = summary(&certified, pair)?;
            let resolver = Arc::new(SingleCertAndKey::from(certified));
            (builder.with_client_cert_resolver(resolver), Some(identity))
        }
    };
    config.alpn_protocols = alpn_protocols();
    Ok(ClientTls { config: Arc::new(config), identity, digest })
}

/// The certificate with its key, proven to belong together.
pub(super) fn certified_key(
    pair: &KeyPair,
    digest: &mut MaterialDigest,
) -> Result<CertifiedKey, TlsError> {
    let chain = pem::certificates(&pair.certificate)?;
    let key = pem::private_key(&pair.key)?;
    chain.iter().for_each(|certificate| digest.add(certificate.as_ref()));
    digest.add(key.secret_der());
    // `from_der` lets an unknown match pass; a pair that cannot be compared is not a pair.
    let rustls_error = |origin: &Material| {
        let origin = origin.origin();
        move |source| TlsError::Rustls { origin, source }
    };
    let certified = match CertifiedKey::from_der(chain, key, &provider()) {
        Err(Error::InconsistentKeys(InconsistentKeys::KeyMismatch)) => return Err(mismatch(pair)),
        other => other.map_err(rustls_error(&pair.key))?,
    };
    certified.keys_match().map_err(rustls_error(&pair.certificate))?;
    Ok(certified)
}

fn mismatch(pair: &KeyPair) -> TlsError {
    TlsError::KeyMismatch { certificate: pair.certificate.origin(), key: pair.key.origin() }
}

pub(super) fn summary(
    certified: &CertifiedKey,
    pair: &KeyPair,
) -> Result<CertificateSummary, TlsError> {
    let origin = pair.certificate.origin();
    match certified.cert.first() {
        Some(leaf) => CertificateSummary::of(leaf, &origin),
        None => Err(TlsError::malformed(origin, "no certificate found")),
    }
}

/// Trust anchors out of a CA bundle; every certificate in it must be usable.
pub(super) fn roots(ca: &Material, digest: &mut MaterialDigest) -> Result<RootCertStore, TlsError> {
    let mut store = RootCertStore::empty();
    for certificate in pem::certificates(ca)? {
        digest.add(certificate.as_ref());
        store
            .add(certificate)
            .map_err(|source| TlsError::Rustls { origin: ca.origin(), source })?;
    }
    Ok(store)
}

fn system_roots() -> Result<RootCertStore, TlsError> {
    let found = rustls_native_certs::load_native_certs();
    let mut store = RootCertStore::empty();
    let (usable, _ignored) = store.add_parsable_certificates(found.certs);
    if usable == 0 {
        let reason = found.errors.first().map_or_else(|| "no root".to_owned(), ToString::to_string);
        return Err(TlsError::NoSystemRoots { reason });
    }
    Ok(store)
}

/// Takes any certificate, yet still proves that the peer holds its key.
#[derive(Debug)]
struct AcceptAnyServer(Arc<CryptoProvider>);

impl ServerCertVerifier for AcceptAnyServer {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tls::test_pki::Authority;

    #[test]
    fn the_identity_is_the_certificates_common_name() {
        let authority = Authority::new("ca");
        let pair = authority.issue("system:node:a").pair();
        let made = client_tls(&ServerTrust::Roots(authority.material()), Some(&pair)).unwrap();
        assert_eq!(made.identity.unwrap().common_name.as_deref(), Some("system:node:a"));
        assert_eq!(made.config.alpn_protocols, [b"h2".to_vec(), b"http/1.1".to_vec()]);
    }

    #[test]
    fn a_digest_tells_new_material_from_rewritten_material() {
        let authority = Authority::new("ca");
        let (one, two) = (authority.issue("a").pair(), authority.issue("a").pair());
        let trust = ServerTrust::Roots(authority.material());
        let digest = |pair| client_tls(&trust, Some(pair)).unwrap().digest;
        assert_eq!(digest(&one), digest(&one));
        assert_ne!(digest(&one), digest(&two));
    }
}
