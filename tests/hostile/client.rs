//! A client that sends exactly the bytes it is given over TLS, for what no Go client would send.
//!
//! It reads one answer per request, on HTTP/1.1, and decides nothing.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::support::pki::IdentityFiles;

const PATIENCE: Duration = Duration::from_secs(20);

/// A connection to the proxy.
pub(crate) struct RawClient {
    stream: BufReader<TlsStream<TcpStream>>,
}

/// An answer, whole.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl RawClient {
    /// Connects, with a client certificate or without.
    pub(crate) async fn connect(
        address: SocketAddr,
        authority: &Path,
        identity: Option<&IdentityFiles>,
    ) -> std::io::Result<Self> {
        let stream = connect_tls(address, authority, identity, b"http/1.1").await?;
        Ok(Self { stream: BufReader::new(stream) })
    }

    /// GETs a target that is sent as it is.
    pub(crate) async fn get(&mut self, target: &str) -> std::io::Result<Reply> {
        self.request("GET", target, "", b"").await
    }

    /// Any request; `headers` are whole lines, each with its end.
    pub(crate) async fn request(
        &mut self,
        method: &str,
        target: &str,
        headers: &str,
        body: &[u8],
    ) -> std::io::Result<Reply> {
        let length = match body.len() {
            0 => String::new(),
            length => format!("Content-Length: {length}\r\n"),
        };
        let head = format!("{method} {target} HTTP/1.1\r\nHost: proxy\r\n{headers}{length}\r\n");
        self.stream.write_all(head.as_bytes()).await?;
        self.stream.write_all(body).await?;
        self.stream.flush().await?;
        let reply = tokio::time::timeout(PATIENCE, self.reply()).await;
        reply.unwrap_or_else(|_| Err(std::io::ErrorKind::TimedOut.into()))
    }

    async fn reply(&mut self) -> std::io::Result<Reply> {
        let start = self.line().await?;
        let status = start.split(' ').nth(1).and_then(|code| code.parse().ok());
        let status = status.ok_or(std::io::ErrorKind::UnexpectedEof)?;
        let mut reply = Reply { status, headers: Vec::new(), body: Vec::new() };
        while let Some((name, value)) = self.line().await?.split_once(':') {
            reply.headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        if reply.header("transfer-encoding").is_some() {
            self.chunks(&mut reply.body).await?;
        } else if let Some(length) = reply.header("content-length") {
            reply.body = vec![0; length.parse().expect("a length")];
            self.stream.read_exact(&mut reply.body).await?;
        } else {
            self.stream.read_to_end(&mut reply.body).await?;
        }
        Ok(reply)
    }

    async fn chunks(&mut self, body: &mut Vec<u8>) -> std::io::Result<()> {
        loop {
            let size = self.line().await?;
            let size = usize::from_str_radix(&size, 16);
            let size = size.map_err(|_| std::io::ErrorKind::UnexpectedEof)?;
            let mut chunk = vec![0; size];
            self.stream.read_exact(&mut chunk).await?;
            body.extend_from_slice(&chunk);
            self.line().await?;
            if size == 0 {
                return Ok(());
            }
        }
    }

    async fn line(&mut self) -> std::io::Result<String> {
        let mut line = Vec::new();
        self.stream.read_until(b'\n', &mut line).await?;
        Ok(String::from_utf8_lossy(&line).trim_end().to_owned())
    }
}

impl Reply {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| {
            panic!(
                "{} is not JSON: {error}: {:?}",
                self.status,
                String::from_utf8_lossy(&self.body)
            )
        })
    }

    /// The answer is a `Status` object of this code, in its own type.
    pub(crate) fn assert_status(&self, code: u16) {
        assert_eq!(self.status, code, "{self:?}");
        assert_eq!(self.header("content-type"), Some("application/json"), "{self:?}");
        let status = self.json();
        assert_eq!(status["kind"], "Status", "{status}");
        assert_eq!(status["code"], code, "{status}");
        assert!(status["message"].as_str().is_some_and(|text| !text.is_empty()), "{status}");
    }
}

/// A TLS connection for one application protocol.
pub(super) async fn connect_tls(
    address: SocketAddr,
    authority: &Path,
    identity: Option<&IdentityFiles>,
    protocol: &[u8],
) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(authority).expect("PEM")).expect("authority");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("protocol versions")
        .with_root_certificates(roots);
    let mut config = match identity {
        Some(files) => config
            .with_client_auth_cert(
                vec![CertificateDer::from_pem_file(&files.certificate).expect("PEM")],
                PrivateKeyDer::from_pem_file(&files.key).expect("PEM"),
            )
            .expect("identity of the client"),
        None => config.with_no_client_auth(),
    };
    config.alpn_protocols = vec![protocol.to_vec()];
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let name = ServerName::from(address.ip());
    TlsConnector::from(Arc::new(config)).connect(name, stream).await
}
