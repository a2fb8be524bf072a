//! Whoever is on the node but is not its kubelet gets nothing from the proxy: the handshake refuses
//! it before a request is read.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{ClientConfig, ClientConnection, DigitallySignedStruct, Error, SignatureScheme};

use crate::node::Node;
use crate::pki::{Authority, Identity};
use crate::wait::{Outcome, ensure};

/// Far longer than a handshake takes. Nothing within it means that a request is waited for.
const LIMIT: Duration = Duration::from_secs(5);

/// The first byte of a TLS record that carries an alert.
const ALERT: u8 = 21;

pub(crate) fn check(node: &Node<'_>) -> Outcome {
    let address = &node.options.proxy_address;
    let kubelet = format!("system:node:{}", node.name);
    let self_made = Authority::new("kubelets").client(&kubelet, Some("system:nodes"));
    for (who, identity) in [
        ("without a certificate", None),
        ("with the kubelet's name in a self-made certificate", Some(&self_made)),
    ] {
        refused(address, identity).map_err(|error| format!("a caller {who}: {error}"))?;
    }
    plaintext_gets_nothing(address).map_err(|error| format!("a caller without TLS: {error}").into())
}

/// The server shows itself, then refuses who does not prove to be the kubelet.
fn refused(address: &str, identity: Option<&Identity>) -> Outcome {
    let mut tcp = connect(address)?;
    let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
    let name = ServerName::try_from(host.to_owned())?;
    let mut tls = ClientConnection::new(Arc::new(client(identity)?), name)?;
    // With TLS 1.3 the client's part ends before the server has judged it: the judgement is what is
    // read next. No request is sent, so that the connection's end cannot overtake it.
    let ended = tls.complete_io(&mut tcp).and_then(|_| tls.complete_io(&mut tcp));
    ensure(tls.peer_certificates().is_some(), || format!("no TLS server there: {ended:?}"))?;
    let error = ended.as_ref().err().and_then(|error| error.get_ref()?.downcast_ref::<Error>());
    ensure(matches!(error, Some(Error::AlertReceived(_))), || {
        format!("the handshake was not refused; within {LIMIT:?}: {ended:?}")
    })
}

fn plaintext_gets_nothing(address: &str) -> Outcome {
    let mut tcp = connect(address)?;
    let request =
        format!("GET /api/v1/nodes HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    // All at once: the server may hang up after the first byte.
    tcp.write_all(request.as_bytes())?;
    let mut said = Vec::new();
    // Ignored: a reset is as good as an end.
    let _end = tcp.read_to_end(&mut said);
    let nothing = said.first().is_none_or(|byte| *byte == ALERT);
    ensure(nothing, || format!("it got {:?}", String::from_utf8_lossy(&said)))
}

fn connect(address: &str) -> Outcome<TcpStream> {
    let tcp = TcpStream::connect(address).map_err(|error| format!("{address}: {error}"))?;
    tcp.set_read_timeout(Some(LIMIT))?;
    tcp.set_write_timeout(Some(LIMIT))?;
    Ok(tcp)
}

fn client(identity: Option<&Identity>) -> Outcome<ClientConfig> {
    let provider = Arc::new(default_provider());
    let config = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(AnyServer(provider)));
    let Some(identity) = identity else { return Ok(config.with_no_client_auth()) };
    Ok(config.with_client_auth_cert(
        vec![CertificateDer::from_pem_slice(identity.certificate.as_bytes())?],
        PrivateKeyDer::from_pem_slice(identity.key.as_bytes())?,
    )?)
}

/// An intruder does not care whom it talks to.
#[derive(Debug)]
struct AnyServer(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyServer {
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
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
