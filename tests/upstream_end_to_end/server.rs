//! A small API server: what it answers depends on the path, what it saw can be asked.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body::{Body, Frame};
use http_body_util::{BodyExt, Full, combinators::BoxBody};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use nodeward::tls::common_name_of;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

use super::site::{Authority, Issued};

/// What the server saw.
#[derive(Default)]
pub(crate) struct Seen {
    pub(crate) connections: AtomicUsize,
    pub(crate) open_connections: AtomicUsize,
    pub(crate) watches: AtomicUsize,
    /// Most streams at once on any one connection.
    pub(crate) most_streams: AtomicUsize,
    /// Common name of the client of each request, with path, authority and headers.
    pub(crate) requests: Mutex<Vec<(String, String, String, HeaderMap)>>,
}

impl Seen {
    pub(crate) fn last(&self) -> (String, String, String, HeaderMap) {
        self.requests.lock().unwrap().last().cloned().unwrap()
    }
}

/// Stops with all its connections when dropped.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) seen: Arc<Seen>,
    /// Asks all connections to end gracefully (GOAWAY) each time it changes.
    go_away: watch::Sender<u32>,
    acceptor: JoinHandle<()>,
}

#[derive(Clone)]
pub(crate) struct Options {
    pub(crate) protocol: &'static str,
    pub(crate) max_streams: u32,
    pub(crate) address: SocketAddr,
}

impl Default for Options {
    fn default() -> Self {
        Self { protocol: "h2", max_streams: 100, address: ([127, 0, 0, 1], 0).into() }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.acceptor.abort();
    }
}

impl Server {
    pub(crate) async fn start(authority: &Authority, options: Options) -> Self {
        let config = tls(authority, &authority.issue("api"), options.protocol);
        Self::serve(Some(TlsAcceptor::from(config)), options).await
    }

    pub(crate) async fn start_plain() -> Self {
        Self::serve(None, Options { protocol: "http/1.1", ..Options::default() }).await
    }

    async fn serve(tls: Option<TlsAcceptor>, options: Options) -> Self {
        let listener = TcpListener::bind(options.address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Seen::default());
        let (go_away, told) = watch::channel(0);
        let accepted = Arc::clone(&seen);
        let acceptor = tokio::spawn(async move {
            // Dropped with this task, and every connection with it.
            let mut connections = tokio::task::JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let (tls, options) = (tls.clone(), options.clone());
                let (seen, told) = (Arc::clone(&accepted), told.clone());
                connections.spawn(connection(stream, tls, options, seen, told));
            }
        });
        Self { address, seen, go_away, acceptor }
    }

    pub(crate) fn url(&self) -> String {
        format!("https://localhost:{}", self.address.port())
    }

    pub(crate) fn plain_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.address.port())
    }

    pub(crate) fn go_away(&self) {
        self.go_away.send_modify(|count| *count += 1);
    }
}

fn tls(authority: &Authority, issued: &Issued, protocol: &str) -> Arc<ServerConfig> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let certificates = |pem: &str| {
        CertificateDer::pem_slice_iter(pem.as_bytes()).collect::<Result<Vec<_>, _>>().unwrap()
    };
    let mut roots = rustls::RootCertStore::empty();
    roots.add(certificates(&authority.pem).remove(0)).unwrap();
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone())
        .allow_unauthenticated()
        .build()
        .unwrap();
    let key = PrivateKeyDer::from_pem_slice(issued.key.as_bytes()).unwrap();
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(verifier)
        .with_single_cert(certificates(&issued.certificate), key)
        .unwrap();
    config.alpn_protocols = vec![protocol.as_bytes().to_vec()];
    Arc::new(config)
}

async fn connection(
    stream: TcpStream,
    tls: Option<TlsAcceptor>,
    options: Options,
    seen: Arc<Seen>,
    told: watch::Receiver<u32>,
) {
    stream.set_nodelay(true).unwrap();
    let Some(tls) = tls else {
        return serve(stream, String::new(), options, seen, told).await;
    };
    // A client that refuses us is part of some tests.
    let Ok(stream) = tls.accept(stream).await else { return };
    let certificates = stream.get_ref().1.peer_certificates();
    let client = certificates.map(|chain| common_name_of(&chain[0]).unwrap()).unwrap_or_default();
    serve(stream, client, options, seen, told).await;
}

async fn serve<S>(
    stream: S,
    client: String,
    options: Options,
    seen: Arc<Seen>,
    mut told: watch::Receiver<u32>,
) where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    seen.connections.fetch_add(1, Ordering::SeqCst);
    let _open = Counted::new(&seen, |seen| &seen.open_connections);
    let streams = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&seen);
    let service = service_fn(move |request: Request<Incoming>| {
        let stream = Stream::new(&streams, &counter);
        answer(request, client.clone(), Arc::clone(&counter), stream)
    });
    let io = TokioIo::new(stream);
    told.mark_unchanged();
    if options.protocol == "h2" {
        let mut builder = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
        builder.max_concurrent_streams(options.max_streams);
        let mut serving = std::pin::pin!(builder.serve_connection(io, service));
        loop {
            tokio::select! {
                _ended = &mut serving => return,
                Ok(()) = told.changed() => serving.as_mut().graceful_shutdown(),
            }
        }
    }
    let serving = hyper::server::conn::http1::Builder::new().serve_connection(io, service);
    let mut serving = std::pin::pin!(serving);
    loop {
        tokio::select! {
            _ended = &mut serving => return,
            Ok(()) = told.changed() => serving.as_mut().graceful_shutdown(),
        }
    }
}

type Answer = Result<Response<BoxBody<Bytes, hyper::Error>>, Infallible>;

async fn answer(
    request: Request<Incoming>,
    client: String,
    seen: Arc<Seen>,
    stream: Stream,
) -> Answer {
    let (head, body) = request.into_parts();
    let path = head.uri.path_and_query().unwrap().to_string();
    let authority = head.uri.authority().map(ToString::to_string).unwrap_or_default();
    seen.requests.lock().unwrap().push((client, path.clone(), authority, head.headers));
    let last = path.rsplit('/').next().unwrap().to_owned();
    let mut response = Response::new(match last.as_str() {
        "watch" => {
            let guard = Counted::new(&seen, |seen| &seen.watches);
            Endless { first: Some("event"), _guard: guard, stream }.boxed()
        }
        "echo" => body.boxed(),
        "count" => whole(body.collect().await.map_or(0, |it| it.to_bytes().len()).to_string()),
        "early" => {
            // The answer comes before the request's body is read.
            tokio::spawn(body.collect());
            whole("early")
        }
        "never" => std::future::pending().await,
        "slow" => {
            tokio::time::sleep(Duration::from_millis(300)).await;
            whole("slow")
        }
        "trailers" => with_trailers("body"),
        _ => whole("ok"),
    });
    match last.as_str() {
        "401" => *response.status_mut() = StatusCode::UNAUTHORIZED,
        "switch" => *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS,
        "trailers" => {
            response.headers_mut().insert("trailer", "x-evil".parse().unwrap());
        }
        _ => {}
    }
    Ok(response)
}

fn whole(text: impl Into<Bytes>) -> BoxBody<Bytes, hyper::Error> {
    Full::new(text.into()).map_err(|never| match never {}).boxed()
}

fn with_trailers(text: &'static str) -> BoxBody<Bytes, hyper::Error> {
    let mut trailers = HeaderMap::new();
    trailers.insert("x-evil", "1".parse().unwrap());
    let body = Full::from(text).with_trailers(std::future::ready(Some(Ok(trailers))));
    body.map_err(|never: Infallible| match never {}).boxed()
}

/// Adds one to a counter of [`Seen`] while it lives.
struct Counted {
    seen: Arc<Seen>,
    counter: fn(&Seen) -> &AtomicUsize,
}

impl Counted {
    fn new(seen: &Arc<Seen>, counter: fn(&Seen) -> &AtomicUsize) -> Self {
        counter(seen).fetch_add(1, Ordering::SeqCst);
        Self { seen: Arc::clone(seen), counter }
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        (self.counter)(&self.seen).fetch_sub(1, Ordering::SeqCst);
    }
}

/// One stream of a connection.
struct Stream(Arc<AtomicUsize>);

impl Stream {
    fn new(streams: &Arc<AtomicUsize>, seen: &Seen) -> Self {
        let now = streams.fetch_add(1, Ordering::SeqCst) + 1;
        seen.most_streams.fetch_max(now, Ordering::SeqCst);
        Self(Arc::clone(streams))
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// One piece, then silence for ever.
struct Endless {
    first: Option<&'static str>,
    _guard: Counted,
    #[expect(dead_code, reason = "counts the stream until the body is dropped")]
    stream: Stream,
}

impl Body for Endless {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        match self.first.take() {
            Some(text) => Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(text.as_bytes()))))),
            None => Poll::Pending,
        }
    }
}
