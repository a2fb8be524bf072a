//! Refuses, inside the TLS handshake, every client that is not the one expected.
//!
//! The signature, validity and key usage rules are webpki's; this file only adds the name. It
//! authorises nothing else. Invariant: a client without a certificate of this CA **and** this
//! common name never gets to send a request (reference §5, row 66: other local processes).

use std::fmt;
use std::sync::Arc;

use rustls::client::danger::HandshakeSignatureValid;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, RootCertStore,
    SignatureScheme,
};

use super::peer_identity::common_name_of;
use super::{TlsError, provider};

/// A webpki verifier that also requires one of some common names.
pub(super) struct NamedClientVerifier {
    signed: Arc<dyn ClientCertVerifier>,
    common_names: Vec<String>,
}

impl NamedClientVerifier {
    /// `origin` names the CA in messages.
    pub(super) fn new(
        roots: RootCertStore,
        common_names: &[String],
        origin: &str,
    ) -> Result<Arc<Self>, TlsError> {
        let signed = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider())
            .build()
            .map_err(|error| TlsError::malformed(origin, error.to_string()))?;
        Ok(Arc::new(Self { signed, common_names: common_names.to_owned() }))
    }
}

impl fmt::Debug for NamedClientVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NamedClientVerifier").field("common_names", &self.common_names).finish()
    }
}

impl ClientCertVerifier for NamedClientVerifier {
    fn offer_client_auth(&self) -> bool {
        true
    }

    fn client_auth_mandatory(&self) -> bool {
        true
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.signed.root_hint_subjects()
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let verified = self.signed.verify_client_cert(end_entity, intermediates, now)?;
        match common_name_of(end_entity) {
            Ok(name) if self.common_names.contains(&name) => Ok(verified),
            Ok(_) | Err(_) => {
                Err(Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure))
            }
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.signed.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.signed.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.signed.supported_verify_schemes()
    }
}
