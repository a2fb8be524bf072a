//! One connection, from its first byte to its last: handshake, protocol, requests, drain.
//!
//! HTTP/2 or 1.1 is what ALPN settled; plain text is 1.1 only, so no upgrade is ever looked for.
//! Invariant: no request is read before the peer is authenticated and has a place.

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::limits;
use super::listen::{BodyError, ListenerEvents, Peer, Places, Transport};
use super::tls_refusal::Refusal;
use crate::net::drain::Drain;
use crate::net::socket_options;

/// ALPN name of HTTP/2 (RFC 9113 section 3.1).
const ALPN_HTTP2: &[u8] = b"h2";

/// A connection as the listener hands it over.
pub(super) struct Accepted {
    pub(super) stream: TcpStream,
    pub(super) address: SocketAddr,
    pub(super) transport: Transport,
    pub(super) handshake_place: OwnedSemaphorePermit,
    pub(super) places: Places,
    pub(super) drain: Drain,
    pub(super) events: Arc<dyn ListenerEvents>,
}

/// Counts a connection past its handshake for as long as it lives.
struct Established {
    _place: OwnedSemaphorePermit,
    events: Arc<dyn ListenerEvents>,
}

/// Serves one connection to its end.
pub(super) async fn run<M, S, R, B>(accepted: Accepted, make_service: M)
where
    M: Fn(&Peer) -> Option<S> + Send,
    S: Fn(Request<Incoming>) -> R + Clone + Send + 'static,
    R: Future<Output = Response<B>> + Send + 'static,
    B: Body<Data = Bytes, Error: Into<BodyError>> + Send + 'static,
{
    let Accepted { stream, address, transport, handshake_place, places, drain, events } = accepted;
    let refuse = |reason| events.refused(reason, address);
    if socket_options::apply(&stream).is_err() {
        return refuse(Refusal::Closed);
    }
    let establish = |peer: &Peer| {
        let place = places.establish().ok_or(Refusal::TooManyConnections)?;
        let service = make_service(peer).ok_or(Refusal::Uninvited)?;
        Ok((service, Established::new(place, &events)))
    };
    match transport {
        Transport::Plaintext => {
            drop(handshake_place);
            match establish(&Peer { address, certificates: Arc::new([]) }) {
                Ok((service, _established)) => serve_http1(stream, service, &drain).await,
                Err(reason) => refuse(reason),
            }
        }
        Transport::Tls(config) => {
            let handshake = Box::pin(shake_hands(stream, config(), &drain)).await;
            drop(handshake_place);
            let served = handshake.and_then(|stream| {
                establish(&peer_of(&stream, address))
                    .map(|(service, place)| (stream, service, place))
            });
            match served {
                Ok((stream, service, _established)) => serve_tls(stream, service, &drain).await,
                Err(reason) => refuse(reason),
            }
        }
    }
}

impl Established {
    fn new(place: OwnedSemaphorePermit, events: &Arc<dyn ListenerEvents>) -> Self {
        events.connections_changed(1);
        Self { _place: place, events: Arc::clone(events) }
    }
}

impl Drop for Established {
    fn drop(&mut self) {
        self.events.connections_changed(-1);
    }
}

async fn shake_hands(
    stream: TcpStream,
    config: Arc<ServerConfig>,
    drain: &Drain,
) -> Result<TlsStream<TcpStream>, Refusal> {
    let handshake = timeout(limits::HANDSHAKE_TIMEOUT, TlsAcceptor::from(config).accept(stream));
    let shaken = tokio::select! {
        // Nobody is owed an answer yet, so a drain need not wait for this one.
        () = drain.draining() => return Err(Refusal::Closed),
        shaken = handshake => shaken,
    };
    match shaken {
        Err(_elapsed) => Err(Refusal::TimedOut),
        Ok(Err(error)) => {
            tracing::debug!(%error, "TLS handshake refused");
            Err(Refusal::of_handshake(&error))
        }
        Ok(Ok(stream)) => Ok(stream),
    }
}

fn peer_of(stream: &TlsStream<TcpStream>, address: SocketAddr) -> Peer {
    let (_, session) = stream.get_ref();
    let chain = session.peer_certificates().unwrap_or_default();
    Peer { address, certificates: chain.iter().cloned().collect() }
}

async fn serve_tls<S, R, B>(stream: TlsStream<TcpStream>, service: S, drain: &Drain)
where
    S: Fn(Request<Incoming>) -> R + Clone + Send + 'static,
    R: Future<Output = Response<B>> + Send + 'static,
    B: Body<Data = Bytes, Error: Into<BodyError>> + Send + 'static,
{
    let (_, session) = stream.get_ref();
    if session.alpn_protocol() == Some(ALPN_HTTP2) {
        Box::pin(serve_http2(stream, service, drain)).await;
    } else {
        Box::pin(serve_http1(stream, service, drain)).await;
    }
}

/// HTTP/1.1 on a stream that needs no handshake, or has had it.
pub(super) async fn serve_http1<I, S, R, B>(stream: I, service: S, drain: &Drain)
where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    S: Fn(Request<Incoming>) -> R,
    R: Future<Output = Response<B>>,
    B: Body<Data = Bytes, Error: Into<BodyError>> + 'static,
{
    let asked = FirstRequest::default();
    let seen = asked.clone();
    let answer = service_fn(move |request| {
        seen.arrived();
        let reply = service(request);
        async { Ok::<_, Infallible>(reply.await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits::HEADER_READ_TIMEOUT)
        .max_buf_size(limits::HTTP1_BUFFER_BYTES)
        .max_header_size(limits::MAX_HEADER_BYTES as usize)
        .serve_connection(TokioIo::new(stream), answer)
        // A connection is handed over only where the service itself answers 101.
        .with_upgrades();
    let begin_shutdown = http1::UpgradeableConnection::graceful_shutdown;
    run_until_cut_off(pin!(connection), begin_shutdown, asked, drain).await;
}

async fn serve_http2<I, S, R, B>(stream: I, service: S, drain: &Drain)
where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    S: Fn(Request<Incoming>) -> R + Clone + Send + 'static,
    R: Future<Output = Response<B>> + Send + 'static,
    B: Body<Data = Bytes, Error: Into<BodyError>> + Send + 'static,
{
    let asked = FirstRequest::default();
    let seen = asked.clone();
    let answer = service_fn(move |request| {
        seen.arrived();
        let reply = service(request);
        async { Ok::<_, Infallible>(reply.await) }
    });
    let connection = http2::Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .keep_alive_interval(limits::PING_INTERVAL)
        .keep_alive_timeout(limits::PING_TIMEOUT)
        .max_concurrent_streams(limits::MAX_CONCURRENT_STREAMS)
        .max_header_list_size(limits::MAX_HEADER_BYTES)
        .initial_stream_window_size(limits::STREAM_WINDOW_BYTES)
        .initial_connection_window_size(limits::CONNECTION_WINDOW_BYTES)
        .max_send_buf_size(limits::STREAM_SEND_BUFFER_BYTES)
        .max_pending_accept_reset_streams(limits::MAX_PENDING_RESETS)
        .max_local_error_reset_streams(limits::MAX_ERROR_RESETS)
        .serve_connection(TokioIo::new(stream), answer);
    run_until_cut_off(pin!(connection), http2::Connection::graceful_shutdown, asked, drain).await;
}

/// Drives a connection: freely until the drain, then without new requests, then not at all.
///
/// A connection that was never asked anything ends at the drain at once, and in any case when its
/// first request does not come: hyper waits for an HTTP/2 preface for ever.
async fn run_until_cut_off<C>(
    mut connection: Pin<&mut C>,
    begin_shutdown: impl FnOnce(Pin<&mut C>),
    asked: FirstRequest,
    drain: &Drain,
) where
    C: Future<Output = Result<(), hyper::Error>>,
{
    let ended = tokio::select! {
        ended = connection.as_mut() => Some(ended),
        () = drain.draining() => None,
        () = asked.never_came() => return,
    };
    let ended = match ended {
        Some(ended) => ended,
        None if !asked.came() => return,
        None => {
            begin_shutdown(connection.as_mut());
            tokio::select! {
                ended = connection.as_mut() => ended,
                () = drain.cut_off() => return,
            }
        }
    };
    if let Err(error) = ended {
        // The peer's doing nearly always: reset, malformed request, time-out. Nobody to tell.
        tracing::debug!(%error, "connection ended early");
    }
}

/// Whether a connection has been asked anything yet.
#[derive(Clone, Default)]
struct FirstRequest {
    came: Arc<AtomicBool>,
}

impl FirstRequest {
    fn arrived(&self) {
        self.came.store(true, Ordering::Relaxed);
    }

    fn came(&self) -> bool {
        self.came.load(Ordering::Relaxed)
    }

    /// Resolves when the time for a first request is over and none came.
    async fn never_came(&self) {
        sleep(limits::HEADER_READ_TIMEOUT).await;
        if self.came() {
            std::future::pending::<()>().await;
        }
    }
}
