//! Accepts connections, bounds them, and gives each to `connection`.
//!
//! Whether a caller is served is decided by the TLS configuration and by the closure that makes the
//! service; what is served is the closure's matter alone. Invariant: connections in the handshake
//! and connections past it are counted apart, so a stranger cannot take the places of a known caller.

use std::future::Future;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use hyper::body::Incoming;
use rustix::net::{AddressFamily, SocketFlags, SocketType, listen, socket_with, sockopt};
use rustls::ServerConfig;
use rustls::pki_types::CertificateDer;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::sleep;

use super::connection;
use super::limits::{ACCEPT_PAUSE, MAX_ACCEPT_PAUSE, MAX_CONNECTIONS, MAX_HANDSHAKES};
use super::tls_refusal::Refusal;
use crate::net::drain::Drain;

/// Connections that wait for `accept`: a node restarts all its clients at once.
const BACKLOG: i32 = 1024;

/// The boxed error that hyper takes from a body.
pub type BodyError = Box<dyn std::error::Error + Send + Sync>;

/// What the bytes of a connection are wrapped in.
#[derive(Clone)]
pub enum Transport {
    /// Plain HTTP/1.1, for tests and behind an explicit flag.
    Plaintext,
    /// TLS. Asked for the configuration at every connection, so that a reload takes effect.
    Tls(Arc<dyn Fn() -> Arc<ServerConfig> + Send + Sync>),
}

/// Who is at the other end of a connection.
#[derive(Clone, Debug)]
pub struct Peer {
    /// Where the connection came from.
    pub address: SocketAddr,
    /// The chain that the TLS configuration's verifier accepted, leaf first. Empty without TLS or
    /// without client authentication.
    pub certificates: Arc<[CertificateDer<'static>]>,
}

/// What the listener tells whoever counts.
pub trait ListenerEvents: Send + Sync + 'static {
    /// A connection passed its handshake (`+1`) or ended (`-1`).
    fn connections_changed(&self, by: i64);
    /// A connection was refused before its first request.
    fn refused(&self, reason: Refusal, peer: SocketAddr);
    /// The kernel refused to accept, for instance for lack of descriptors.
    fn accept_failed(&self, error: &io::Error);
}

/// A bound socket and how its connections are treated.
pub struct Listener {
    /// The listening socket.
    pub socket: TcpListener,
    /// What its connections are wrapped in.
    pub transport: Transport,
    /// Ends the accept loop and its connections.
    pub drain: Drain,
    /// Told about connections.
    pub events: Arc<dyn ListenerEvents>,
}

/// Places for connections, by how far they got.
pub(super) struct Places {
    established: Arc<Semaphore>,
    handshakes: Arc<Semaphore>,
}

/// Binds a listening socket, ready to be adopted by a runtime that does not exist yet. Port 0 lets the
/// kernel choose, for tests.
///
/// Where the kernel has no IPv6, all interfaces means all IPv4 interfaces.
///
/// # Errors
/// The kernel's: address in use, not local, or a port that needs a privilege.
pub fn bind(address: SocketAddr) -> io::Result<std::net::TcpListener> {
    let bound = bind_one(address);
    if bound.is_err() && address.is_ipv6() && address.ip().is_unspecified() {
        return bind_one((Ipv4Addr::UNSPECIFIED, address.port()).into());
    }
    bound
}

fn bind_one(address: SocketAddr) -> io::Result<std::net::TcpListener> {
    let family = if address.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = socket_with(family, SocketType::STREAM, flags, None)?;
    // A restart must not wait for the connections of the run before.
    sockopt::set_socket_reuseaddr(&socket, true)?;
    rustix::net::bind(&socket, &address)?;
    listen(&socket, BACKLOG)?;
    Ok(socket.into())
}

/// Accepts until the drain begins, then returns; connections live on in their own tracked tasks.
///
/// `make_service` sees each authenticated peer once and returns the function that answers its
/// requests, or `None` to refuse it. A panic in a service ends its connection alone.
pub async fn serve<M, S, R, B>(listener: Listener, make_service: M)
where
    M: Fn(&Peer) -> Option<S> + Send + Sync + 'static,
    S: Fn(Request<Incoming>) -> R + Clone + Send + 'static,
    R: Future<Output = Response<B>> + Send + 'static,
    B: Body<Data = Bytes, Error: Into<BodyError>> + Send + 'static,
{
    let Listener { socket, transport, drain, events } = listener;
    let places = Places::new();
    let make_service = Arc::new(make_service);
    let mut pause = ACCEPT_PAUSE;
    loop {
        let Some((accepted, place)) = next_connection(&socket, &places, &drain).await else {
            return;
        };
        match accepted {
            Ok((stream, address)) => {
                pause = ACCEPT_PAUSE;
                let accepted = connection::Accepted {
                    stream,
                    address,
                    transport: transport.clone(),
                    handshake_place: place,
                    places: places.share(),
                    drain: drain.clone(),
                    events: Arc::clone(&events),
                };
                let make_service = Arc::clone(&make_service);
                let work = connection::run(accepted, move |peer| make_service(peer));
                tokio::spawn(drain.track(work));
            }
            Err(error) => {
                events.accept_failed(&error);
                if is_of_one_connection(&error) {
                    continue;
                }
                sleep(pause).await;
                pause = pause.saturating_mul(2).min(MAX_ACCEPT_PAUSE);
            }
        }
    }
}

impl std::fmt::Debug for Transport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Plaintext => "Plaintext",
            Self::Tls(_) => "Tls",
        })
    }
}

impl Places {
    fn new() -> Self {
        Self {
            established: Arc::new(Semaphore::new(MAX_CONNECTIONS)),
            handshakes: Arc::new(Semaphore::new(MAX_HANDSHAKES)),
        }
    }

    fn share(&self) -> Self {
        Self {
            established: Arc::clone(&self.established),
            handshakes: Arc::clone(&self.handshakes),
        }
    }

    /// A place for a connection past its handshake, if one is free.
    pub(super) fn establish(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.established).try_acquire_owned().ok()
    }
}

/// Waits for a free handshake place, then for a connection; `None` once draining.
async fn next_connection(
    socket: &TcpListener,
    places: &Places,
    drain: &Drain,
) -> Option<(io::Result<(TcpStream, SocketAddr)>, OwnedSemaphorePermit)> {
    let arrival = async {
        // Never closed, so this cannot fail; if it did, not accepting is the safe side.
        let place = Arc::clone(&places.handshakes).acquire_owned().await.ok()?;
        Some((socket.accept().await, place))
    };
    tokio::select! {
        biased;
        () = drain.draining() => None,
        arrived = arrival => arrived,
    }
}

/// Errors of `accept(2)` that concern the one connection that was to be accepted: the next may be
/// accepted at once. Anything else (no descriptors, no memory) needs time to pass.
fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::Interrupted
    )
}

#[cfg(test)]
mod tests;
