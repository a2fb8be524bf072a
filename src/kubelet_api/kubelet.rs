//! The kubelet on the other side: one connection for one call, with the guard's own certificate.
//!
//! No connection is used twice, so an answer that says more than one call asked for has no second
//! caller to reach. The kubelet's certificate is verified: another process may have taken its port.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode, Uri, header};
use http_body_util::Empty;
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use thiserror::Error;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::call::Asked;
use super::limits::{CONNECT_LIMIT, KUBELET_BUFFER_BYTES, RUNNING_PODS_LIMIT};
use crate::http::hop_headers;
use crate::net::drain::Drain;
use crate::net::socket_options;
use crate::tls::{
    CertificateSummary, ClientTls, KeyPair, Material, Prepared, Reload, ServerTrust, TlsError,
    client_tls,
};

/// ALPN name of the one protocol in which a connection can be upgraded.
pub const ALPN_HTTP1: &[u8] = b"http/1.1";

/// Where the kubelet is and how the guard meets it.
#[derive(Clone, Debug)]
pub struct KubeletOptions {
    /// Its address, on loopback.
    pub address: SocketAddr,
    /// The name that its serving certificate must have.
    pub name: ServerName<'static>,
    /// Who signed that certificate.
    pub ca: Material,
    /// The guard's own certificate, for client authentication.
    pub pair: KeyPair,
}

/// Why the kubelet gave no answer to relay.
#[derive(Debug, Error)]
pub enum KubeletFault {
    /// No connection, or not to the kubelet.
    #[error("no connection to the kubelet: {0}")]
    Unreachable(#[source] std::io::Error),
    /// It ended the exchange half-way.
    #[error("the kubelet's answer broke off: {0}")]
    Broken(#[from] hyper::Error),
    /// Nothing came.
    #[error("the kubelet did not answer in time")]
    TooSlow,
    /// A redirect, or a change of protocol that nobody asked for.
    #[error("the kubelet answered with status {0}, which does not belong here")]
    UnexpectedStatus(StatusCode),
    /// The request could not be written.
    #[error("the request has no form that the kubelet takes")]
    Unsendable,
}

/// The kubelet, as the guard reaches it; certificates are reloaded when their files change.
#[derive(Debug)]
pub struct Kubelet {
    options: KubeletOptions,
    current: ArcSwap<ClientTls>,
}

impl Kubelet {
    /// Loads the certificates.
    ///
    /// # Errors
    /// [`TlsError`] naming the file at fault.
    pub fn load(options: KubeletOptions) -> Result<Self, TlsError> {
        let current = ArcSwap::from_pointee(load(&options)?);
        Ok(Self { options, current })
    }

    /// The guard's own certificate: who the kubelet says is calling.
    pub fn identity(&self) -> Option<CertificateSummary> {
        self.current.load().identity.clone()
    }

    /// Asks the kubelet and waits for the head of its answer.
    pub(super) async fn ask(
        &self,
        asked: &Asked,
        received: &header::HeaderMap,
        drain: &Drain,
    ) -> Result<Response<Incoming>, KubeletFault> {
        self.exchange(self.request(asked, received)?, asked.patience(), drain).await
    }

    /// Asks it which pods run: a question of the guard's own, with nothing of a caller's in it.
    pub(super) async fn ask_for_running_pods(
        &self,
        drain: &Drain,
    ) -> Result<Response<Incoming>, KubeletFault> {
        let mut request = Request::new(Empty::new());
        *request.uri_mut() = Uri::from_static("/runningpods/");
        let headers = request.headers_mut();
        headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert(header::HOST, self.host()?);
        self.exchange(request, RUNNING_PODS_LIMIT, drain).await
    }

    async fn exchange(
        &self,
        request: Request<Empty<Bytes>>,
        patience: Duration,
        drain: &Drain,
    ) -> Result<Response<Incoming>, KubeletFault> {
        let connecting = timeout(CONNECT_LIMIT, self.connect(drain)).await;
        let mut sender = connecting.map_err(|_| KubeletFault::TooSlow)??;
        let answer = timeout(patience, sender.send_request(request)).await;
        Ok(answer.map_err(|_| KubeletFault::TooSlow)??)
    }

    fn host(&self) -> Result<HeaderValue, KubeletFault> {
        HeaderValue::from_str(&self.options.name.to_str()).map_err(|_| KubeletFault::Unsendable)
    }

    /// The request as the kubelet gets it: written from what was judged.
    fn request(
        &self,
        asked: &Asked,
        received: &header::HeaderMap,
    ) -> Result<Request<Empty<Bytes>>, KubeletFault> {
        let mut request = Request::new(Empty::new());
        *request.method_mut() = asked.method.clone();
        *request.uri_mut() = asked.target.parse().map_err(|_| KubeletFault::Unsendable)?;
        let headers = request.headers_mut();
        *headers = hop_headers::going_up(received);
        // There is no body, and hyper says so itself where that is needed.
        headers.remove(header::CONTENT_LENGTH);
        headers.remove(header::CONTENT_TYPE);
        if let Some(protocol) = asked.protocol {
            protocol.ask(received, headers);
        }
        headers.insert(header::HOST, self.host()?);
        Ok(request)
    }

    async fn connect(&self, drain: &Drain) -> Result<SendRequest<Empty<Bytes>>, KubeletFault> {
        let tcp =
            TcpStream::connect(self.options.address).await.map_err(KubeletFault::Unreachable)?;
        socket_options::apply(&tcp).map_err(KubeletFault::Unreachable)?;
        let config = http1_only(&self.current.load().config);
        let tls = TlsConnector::from(config).connect(self.options.name.clone(), tcp);
        let tls = tls.await.map_err(KubeletFault::Unreachable)?;
        let mut builder = http1::Builder::new();
        builder.max_buf_size(KUBELET_BUFFER_BYTES);
        let (sender, connection) = builder.handshake(TokioIo::new(tls)).await?;
        let ending = drain.clone();
        tokio::spawn(drain.track(async move {
            tokio::select! {
                // Whoever waits for the answer is told by it what went wrong.
                _ = connection.with_upgrades() => {}
                () = ending.cut_off() => {}
            }
        }));
        Ok(sender)
    }
}

fn load(options: &KubeletOptions) -> Result<ClientTls, TlsError> {
    client_tls(&ServerTrust::Roots(options.ca.clone()), Some(&options.pair))
}

fn http1_only(config: &Arc<ClientConfig>) -> Arc<ClientConfig> {
    let mut config = ClientConfig::clone(config);
    config.alpn_protocols = vec![ALPN_HTTP1.to_vec()];
    Arc::new(config)
}

impl Reload for Kubelet {
    fn subject(&self) -> &'static str {
        "kubelet-api-tls"
    }

    fn files(&self) -> Vec<PathBuf> {
        self.options.pair.files().chain(self.options.ca.path()).map(PathBuf::from).collect()
    }

    fn prepare(&self) -> Result<Prepared<'_>, TlsError> {
        let next = load(&self.options)?;
        if next.digest == self.current.load().digest {
            return Ok(Prepared::unchanged());
        }
        Ok(Prepared::change(|| self.current.store(Arc::new(next))))
    }
}
