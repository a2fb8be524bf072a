//! Makes one connection: name, TCP, TLS, and HTTP/2 where the server offers it, else HTTP/1.1.
//!
//! It knows nothing of lanes. Invariant: an HTTP/2 connection is handed out only after its first
//! ping came back: a server's SETTINGS come before that, so its stream limit is known by then.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use h2::{Ping, PingPong};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, BufReader};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio_rustls::TlsConnector;

use super::connection::{Connection, Load, Wire};
use super::{STREAMS_PER_CONNECTION, drive};
use crate::net::socket_options;
use crate::upstream::endpoint::Endpoint;
use crate::upstream::identity::UpstreamIdentity;

/// Everything from the name to the first ping. Below the lanes' wait, so that the reason is told.
const CONNECT_LIMIT: Duration = Duration::from_secs(8);
/// One of several addresses that does not answer must leave time for the next.
const ADDRESS_LIMIT: Duration = Duration::from_secs(3);
/// One stream's share: the bandwidth-delay product of 1 Gbit/s at 8 ms.
const STREAM_WINDOW_BYTES: u32 = 1 << 20;
/// Bound of what one connection makes us hold while kubelets read slowly.
const CONNECTION_WINDOW_BYTES: u32 = 4 << 20;
/// What one read takes from the socket: rustls asks for 4 KiB at a time, a quarter of a record.
const READ_BUFFER_BYTES: usize = 64 << 10;
/// A list comes in fewer, larger pieces.
const MAX_FRAME_BYTES: u32 = 64 << 10;
/// A `Status`, an audit id, some warnings: nowhere near this.
const MAX_HEAD_BYTES: u32 = 64 << 10;
/// Same bound in hyper's terms: head and read buffer of an HTTP/1 connection.
const H1_BUFFER_BYTES: usize = 128 << 10;

/// Makes connections to one API server.
pub(crate) struct Dialer {
    endpoint: Endpoint,
    identity: Option<Arc<UpstreamIdentity>>,
    up: watch::Sender<bool>,
    connected: AtomicU64,
    failed: AtomicU64,
}

/// The work that keeps a connection going; ends when the connection does.
pub(super) type Driver = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A connection and its driver.
pub(super) struct Dialed {
    pub(super) connection: Connection,
    pub(super) driver: Driver,
}

impl Dialer {
    pub(crate) fn new(endpoint: Endpoint, identity: Option<Arc<UpstreamIdentity>>) -> Arc<Self> {
        let (up, _) = watch::channel(false);
        let (connected, failed) = (AtomicU64::new(0), AtomicU64::new(0));
        Arc::new(Self { endpoint, identity, up, connected, failed })
    }

    /// Connections must be of this generation to take requests.
    pub(super) fn generation(&self) -> u64 {
        self.identity.as_ref().map_or(0, |identity| identity.number())
    }

    pub(crate) fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// True while the last attempt to connect succeeded.
    pub(crate) fn subscribe(&self) -> watch::Receiver<bool> {
        self.up.subscribe()
    }

    /// Connections made, attempts failed.
    pub(crate) fn counts(&self) -> (u64, u64) {
        (self.connected.load(Ordering::Relaxed), self.failed.load(Ordering::Relaxed))
    }

    /// One attempt.
    pub(super) async fn dial(&self) -> Result<Dialed, Arc<str>> {
        let attempt = tokio::time::timeout(CONNECT_LIMIT, self.attempt()).await;
        let dialed = attempt.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
        let count = if dialed.is_ok() { &self.connected } else { &self.failed };
        count.fetch_add(1, Ordering::Relaxed);
        self.up.send_if_modified(|up| std::mem::replace(up, dialed.is_ok()) != dialed.is_ok());
        dialed.map_err(|error| Arc::from(format!("{}: {error}", self.endpoint.authority())))
    }

    async fn attempt(&self) -> io::Result<Dialed> {
        let tcp = connect_tcp(self.endpoint.host(), self.endpoint.port()).await?;
        socket_options::apply(&tcp)?;
        let Some(identity) = &self.identity else {
            return start_h1(tcp, 0).await;
        };
        let generation = identity.current();
        let connector = TlsConnector::from(Arc::clone(&generation.tls.config));
        let name = self.endpoint.server_name().clone();
        let tcp = BufReader::with_capacity(READ_BUFFER_BYTES, tcp);
        let tls = connector.connect(name, tcp).await?;
        if tls.get_ref().1.alpn_protocol() == Some(b"h2") {
            start_h2(tls, generation.number).await
        } else {
            start_h1(tls, generation.number).await
        }
    }
}

/// Tries every address of the name in the resolver's order.
async fn connect_tcp(host: &str, port: u16) -> io::Result<TcpStream> {
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for address in tokio::net::lookup_host((host, port)).await? {
        match tokio::time::timeout(ADDRESS_LIMIT, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => last = error,
            Err(_elapsed) => last = io::ErrorKind::TimedOut.into(),
        }
    }
    Err(last)
}

pub(super) async fn start_h2<S>(stream: S, generation: u64) -> io::Result<Dialed>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let (sender, mut connection) = h2::client::Builder::new()
        .enable_push(false)
        .initial_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .max_header_list_size(MAX_HEAD_BYTES)
        .max_frame_size(MAX_FRAME_BYTES)
        // Until SETTINGS say more.
        .initial_max_send_streams(1)
        .handshake::<_, Bytes>(stream)
        .await
        .map_err(io::Error::other)?;
    let mut pinger =
        connection.ping_pong().ok_or_else(|| io::Error::other("HTTP/2 pings are taken"))?;
    first_ping(&mut connection, &mut pinger).await.map_err(io::Error::other)?;
    let capacity = connection.max_concurrent_send_streams().min(STREAMS_PER_CONNECTION);
    if capacity == 0 {
        return Err(io::Error::other("the server allows no HTTP/2 stream"));
    }
    let wire = Wire::H2(Mutex::new(sender));
    let load = Load::new(capacity);
    let driver = Box::pin(drive::h2(connection, pinger, Arc::clone(&load)));
    Ok(Dialed { connection: Connection { wire, generation, load }, driver })
}

async fn start_h1<S>(stream: S, generation: u64) -> io::Result<Dialed>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let (sender, connection) = hyper::client::conn::http1::Builder::new()
        .max_buf_size(H1_BUFFER_BYTES)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(io::Error::other)?;
    let wire = Wire::H1(Mutex::new(sender));
    let load = Load::new(1);
    let driver = Box::pin(drive::h1(connection, Arc::clone(&load)));
    Ok(Dialed { connection: Connection { wire, generation, load }, driver })
}

async fn first_ping<S>(
    connection: &mut h2::client::Connection<S, Bytes>,
    pinger: &mut PingPong,
) -> Result<(), h2::Error>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    pinger.send_ping(Ping::opaque())?;
    poll_fn(|cx| {
        if let Poll::Ready(ended) = Pin::new(&mut *connection).poll(cx) {
            return Poll::Ready(ended.and(Err(h2::Reason::CONNECT_ERROR.into())));
        }
        pinger.poll_pong(cx).map_ok(drop)
    })
    .await
}
