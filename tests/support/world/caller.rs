//! A bare HTTPS client: one GET, and what became of it, down to the certificate that was served.
//!
//! Deliberately no library client: those retry, pool and hide whether a handshake was refused.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use crate::support::pki::{Authority, Identity};
use crate::support::wait::Outcome;

/// On loopback: what takes longer hangs.
const LIMIT: Duration = Duration::from_secs(10);

/// Whom the caller trusts and who it says it is.
pub(crate) struct Caller {
    tls: Option<ClientConfig>,
    limit: Duration,
    /// `host:port` whose certificate is expected, if not that of the address.
    expected: Option<String>,
}

/// An HTTP answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: String,
    /// The certificate that the server showed, DER. Empty without TLS.
    pub(crate) certificate: Vec<u8>,
}

impl Caller {
    /// A caller without TLS.
    pub(crate) fn plaintext() -> Self {
        Self { tls: None, limit: LIMIT, expected: None }
    }

    /// A caller that trusts `servers` and shows `identity`, if any.
    pub(crate) fn new(servers: &Authority, identity: Option<&Identity>) -> Outcome<Self> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(servers.pem().as_bytes())?)?;
        let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots);
        let config = match identity {
            Some(identity) => config.with_client_auth_cert(
                vec![CertificateDer::from_pem_slice(identity.certificate.as_bytes())?],
                PrivateKeyDer::from_pem_slice(identity.key.as_bytes())?,
            )?,
            None => config.with_no_client_auth(),
        };
        Ok(Self { tls: Some(config), limit: LIMIT, expected: None })
    }

    /// The same caller with the patience of a kubelet whose server is being restarted.
    pub(crate) fn waiting(self, limit: Duration) -> Self {
        Self { limit, ..self }
    }

    /// The same caller, who expects the certificate of `address` wherever it connects.
    pub(crate) fn expecting(self, address: &str) -> Self {
        Self { expected: Some(address.to_owned()), ..self }
    }

    /// `METHOD target` at `address`, with more header lines.
    pub(crate) fn ask(
        &self,
        address: &str,
        method: &str,
        target: &str,
        headers: &str,
    ) -> Outcome<Answer> {
        self.send(address, &format!("{method} {target} HTTP/1.1\r\n{headers}"))
    }

    /// `GET target` at `address`. An error before the answer is complete is an error here.
    pub(crate) fn get(&self, address: &str, target: &str) -> Outcome<Answer> {
        self.ask(address, "GET", target, "")
    }

    fn send(&self, address: &str, begin: &str) -> Outcome<Answer> {
        let stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(self.limit))?;
        stream.set_write_timeout(Some(self.limit))?;
        let Some(config) = &self.tls else {
            return answer(exchange(stream, address, begin)?.1, Vec::new());
        };
        let expected = self.expected.as_deref().unwrap_or(address);
        let host = expected.rsplit_once(':').map_or(expected, |(host, _)| host);
        let name = ServerName::try_from(host.to_owned())?;
        let session = ClientConnection::new(Arc::new(config.clone()), name)?;
        let (tls, said) = exchange(StreamOwned::new(session, stream), address, begin)?;
        let shown = tls.conn.peer_certificates().and_then(|chain| chain.first());
        answer(said, shown.map(|certificate| certificate.to_vec()).unwrap_or_default())
    }
}

fn exchange<S: Read + Write>(mut stream: S, host: &str, begin: &str) -> Outcome<(S, Vec<u8>)> {
    write!(stream, "{begin}Host: {host}\r\nConnection: close\r\n\r\n")?;
    stream.flush()?;
    let mut said = Vec::new();
    stream.read_to_end(&mut said)?;
    Ok((stream, said))
}

fn answer(said: Vec<u8>, certificate: Vec<u8>) -> Outcome<Answer> {
    let text = String::from_utf8_lossy(&said);
    let (head, body) =
        text.split_once("\r\n\r\n").ok_or("the connection ended without an answer")?;
    let status = head.split(' ').nth(1).ok_or("no status line")?.parse()?;
    Ok(Answer { status, body: body.to_owned(), certificate })
}
