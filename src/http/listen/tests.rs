//! The listener against real sockets and real TLS clients.

use super::*;
use crate::http::body::{self, GeneratedBody};
use crate::net::drain::{self, DrainOutcome, DrainTrigger};

use std::sync::Mutex;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use http_body_util::{BodyExt, Empty};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::{PrivateKeyDer, ServerName};
use rustls::server::WebPkiClientVerifier;
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

const PATIENCE: Duration = Duration::from_secs(20);
const GRACE: Duration = Duration::from_millis(300);

/// One certificate authority for servers and clients.
struct Pki {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

struct Credential {
    certificate: CertificateDer<'static>,
    key: PrivateKeyDer<'static>,
}

impl Pki {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        Self { issuer }
    }

    fn issue(&self, name: &str) -> Credential {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new([name.to_owned()]).unwrap();
        Credential {
            certificate: params.signed_by(&key, &self.issuer).unwrap().der().clone(),
            key: PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
        }
    }

    fn roots(&self) -> Arc<RootCertStore> {
        let mut roots = RootCertStore::empty();
        roots.add(self.issuer.der().clone()).unwrap();
        Arc::new(roots)
    }

    fn server(&self) -> Arc<ServerConfig> {
        let verifier = WebPkiClientVerifier::builder(self.roots()).build().unwrap();
        let own = self.issue("localhost");
        let mut config = ServerConfig::builder()
            .with_client_cert_verifier(verifier)
            .with_single_cert(vec![own.certificate], own.key)
            .unwrap();
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Arc::new(config)
    }

    fn client(&self, alpn: &[u8], own: Option<Credential>) -> Arc<ClientConfig> {
        let builder = ClientConfig::builder().with_root_certificates(self.roots());
        let mut config = match own {
            Some(own) => builder.with_client_auth_cert(vec![own.certificate], own.key).unwrap(),
            None => builder.with_no_client_auth(),
        };
        config.alpn_protocols = vec![alpn.to_vec()];
        Arc::new(config)
    }
}

#[derive(Default)]
struct Counted {
    live: AtomicI64,
    asked: AtomicI64,
    readers_gone: AtomicI64,
    refusals: Mutex<Vec<Refusal>>,
}

impl ListenerEvents for Counted {
    fn connections_changed(&self, by: i64) {
        self.live.fetch_add(by, Ordering::SeqCst);
    }
    fn refused(&self, reason: Refusal, _peer: SocketAddr) {
        self.refusals.lock().unwrap().push(reason);
    }
    fn accept_failed(&self, error: &io::Error) {
        panic!("{error}");
    }
}

impl Counted {
    async fn first_refusal(&self) -> Refusal {
        eventually(|| self.refusals.lock().unwrap().first().copied()).await
    }

    async fn first_question(&self) {
        eventually(|| (self.asked.load(Ordering::SeqCst) > 0).then_some(())).await;
    }

    async fn nobody_left(&self) {
        eventually(|| (self.live.load(Ordering::SeqCst) == 0).then_some(())).await;
    }
}

async fn eventually<T>(mut look: impl FnMut() -> Option<T>) -> T {
    timeout(PATIENCE, async {
        loop {
            if let Some(seen) = look() {
                return seen;
            }
            sleep(Duration::from_millis(5)).await;
        }
    })
    .await
    .expect("did not happen in time")
}

struct Server {
    address: SocketAddr,
    counted: Arc<Counted>,
    trigger: DrainTrigger,
}

async fn start(transport: Transport) -> Server {
    let socket = TcpListener::from_std(bind(([127, 0, 0, 1], 0).into()).unwrap()).unwrap();
    let address = socket.local_addr().unwrap();
    let counted = Arc::new(Counted::default());
    let (trigger, drain) = drain::channel();
    let events: Arc<dyn ListenerEvents> = Arc::<Counted>::clone(&counted);
    let listener = Listener { socket, transport, drain, events };
    let noted = Arc::clone(&counted);
    tokio::spawn(serve(listener, move |peer| {
        // The last test below relies on it: a leaf with this name is not served.
        let uninvited = peer.certificates.first().is_some_and(|leaf| contains(leaf, b"stranger"));
        let certificates = peer.certificates.len();
        let noted = Arc::clone(&noted);
        (!uninvited).then_some(move |request| answer(request, certificates, Arc::clone(&noted)))
    }));
    Server { address, counted, trigger }
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle)
}

async fn answer(
    request: Request<Incoming>,
    certificates: usize,
    noted: Arc<Counted>,
) -> Response<GeneratedBody> {
    noted.asked.fetch_add(1, Ordering::SeqCst);
    let body = match request.uri().path() {
        "/broken" => {
            let (sender, body) = body::in_pieces(1);
            sender.send(Bytes::from_static(b"half of it")).await.unwrap();
            sender.break_off();
            body
        }
        "/endless" => {
            let (sender, body) = body::in_pieces(1);
            tokio::spawn(async move {
                sender.send(Bytes::from_static(b"first")).await.unwrap();
                sender.reader_gone().await;
                noted.readers_gone.fetch_add(1, Ordering::SeqCst);
            });
            body
        }
        "/slow" => {
            sleep(Duration::from_millis(100)).await;
            GeneratedBody::whole(Bytes::from_static(b"done"))
        }
        _ => GeneratedBody::whole(Bytes::from(format!("{certificates} {:?}", request.version()))),
    };
    Response::new(body)
}

async fn connect(
    server: SocketAddr,
    config: Arc<ClientConfig>,
) -> io::Result<TlsStream<TcpStream>> {
    let stream = TcpStream::connect(server).await?;
    let name = ServerName::try_from("localhost").unwrap();
    TlsConnector::from(config).connect(name, stream).await
}

/// Sends one request over a fresh connection, and reads the whole answer.
async fn fetch(
    server: SocketAddr,
    config: Arc<ClientConfig>,
    path: &str,
) -> Result<Bytes, BodyError> {
    let io = TokioIo::new(connect(server, Arc::clone(&config)).await?);
    let request = Request::get(format!("https://localhost{path}")).body(Empty::<Bytes>::new())?;
    let response = if config.alpn_protocols.contains(&b"h2".to_vec()) {
        let (mut sender, connection) =
            hyper::client::conn::http2::handshake(TokioExecutor::new(), io).await?;
        tokio::spawn(connection);
        sender.send_request(request).await?
    } else {
        let (mut sender, connection) = hyper::client::conn::http1::handshake(io).await?;
        tokio::spawn(connection);
        sender.send_request(request).await?
    };
    Ok(response.into_body().collect().await?.to_bytes())
}

fn fixed(config: Arc<ServerConfig>) -> Transport {
    Transport::Tls(Arc::new(move || Arc::clone(&config)))
}

const ALPN: [&[u8]; 2] = [b"h2", b"http/1.1"];

#[tokio::test]
async fn a_known_client_is_served_over_either_protocol_and_seen_by_its_certificate() {
    let pki = Pki::new();
    let server = start(fixed(pki.server())).await;
    for (alpn, expected) in [(ALPN[0], "1 HTTP/2.0"), (ALPN[1], "1 HTTP/1.1")] {
        let config = pki.client(alpn, Some(pki.issue("kubelet")));
        assert_eq!(fetch(server.address, config, "/").await.unwrap(), expected);
    }
    server.counted.nobody_left().await;
}

#[tokio::test]
async fn a_broken_off_body_is_an_error_to_clients_of_either_protocol() {
    let pki = Pki::new();
    let server = start(fixed(pki.server())).await;
    for alpn in ALPN {
        let config = pki.client(alpn, Some(pki.issue("kubelet")));
        assert!(fetch(server.address, config, "/broken").await.is_err(), "{alpn:?}");
    }
}

#[tokio::test]
async fn a_reader_that_leaves_a_silent_watch_is_noticed() {
    let pki = Pki::new();
    for alpn in ALPN {
        let server = start(fixed(pki.server())).await;
        let config = pki.client(alpn, Some(pki.issue("kubelet")));
        let reading = tokio::spawn(fetch(server.address, config, "/endless"));
        server.counted.first_question().await;
        reading.abort();
        let noted = &server.counted.readers_gone;
        eventually(|| (noted.load(Ordering::SeqCst) == 1).then_some(())).await;
    }
}

#[tokio::test]
async fn strangers_are_refused_for_a_reason_that_is_counted() {
    let pki = Pki::new();
    let elsewhere = Pki::new();
    for (own, expected) in [
        (None, Refusal::CertificateMissing),
        (Some(elsewhere.issue("kubelet")), Refusal::CertificateUntrusted),
        (Some(pki.issue("stranger")), Refusal::Uninvited),
    ] {
        let server = start(fixed(pki.server())).await;
        let fetched = fetch(server.address, pki.client(b"h2", own), "/").await;
        assert!(fetched.is_err(), "{expected:?}");
        assert_eq!(server.counted.first_refusal().await, expected);
    }
}

#[tokio::test]
async fn bytes_that_are_not_tls_are_refused() {
    let pki = Pki::new();
    let server = start(fixed(pki.server())).await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    assert_eq!(server.counted.first_refusal().await, Refusal::NotTls);
}

#[tokio::test(start_paused = true)]
async fn a_handshake_that_never_ends_is_ended() {
    let pki = Pki::new();
    let server = start(fixed(pki.server())).await;
    let _silent = TcpStream::connect(server.address).await.unwrap();
    let reason = loop {
        if let Some(reason) = server.counted.refusals.lock().unwrap().first() {
            break *reason;
        }
        sleep(Duration::from_secs(1)).await;
    };
    assert_eq!(reason, Refusal::TimedOut);
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_asks_nothing_is_ended() {
    let pki = Pki::new();
    for alpn in ALPN {
        let server = start(fixed(pki.server())).await;
        let config = pki.client(alpn, Some(pki.issue("kubelet")));
        let mut idle = connect(server.address, config).await.unwrap();
        let mut received = Vec::new();
        // Without a close of the TLS session, which is an error to read: what counts is that it ends.
        let _ = idle.read_to_end(&mut received).await;
        server.counted.nobody_left().await;
    }
}

#[tokio::test]
async fn silent_strangers_leave_room_for_the_kubelet() {
    let pki = Pki::new();
    let server = start(fixed(pki.server())).await;
    let mut silent = Vec::new();
    for _ in 1..MAX_HANDSHAKES {
        silent.push(TcpStream::connect(server.address).await.unwrap());
    }
    let config = pki.client(b"h2", Some(pki.issue("kubelet")));
    let served = timeout(PATIENCE, fetch(server.address, config, "/")).await.expect("starved");
    assert_eq!(served.unwrap(), "1 HTTP/2.0");
}

#[tokio::test]
async fn connections_past_the_handshake_are_bounded() {
    let server = start(Transport::Plaintext).await;
    let mut held = Vec::new();
    for _ in 0..=MAX_CONNECTIONS {
        held.push(TcpStream::connect(server.address).await.unwrap());
    }
    assert_eq!(server.counted.first_refusal().await, Refusal::TooManyConnections);
    assert_eq!(server.counted.live.load(Ordering::SeqCst), MAX_CONNECTIONS as i64);
}

#[tokio::test]
async fn a_new_configuration_counts_from_the_next_connection_on() {
    let (old, new) = (Pki::new(), Pki::new());
    let current = Arc::new(arc_swap::ArcSwap::new(old.server()));
    let source = Arc::clone(&current);
    let server = start(Transport::Tls(Arc::new(move || source.load_full()))).await;
    let by_old = old.client(b"h2", Some(old.issue("kubelet")));
    assert!(fetch(server.address, Arc::clone(&by_old), "/").await.is_ok());
    current.store(new.server());
    assert!(fetch(server.address, by_old, "/").await.is_err());
    let by_new = new.client(b"h2", Some(new.issue("kubelet")));
    assert!(fetch(server.address, by_new, "/").await.is_ok());
}

#[tokio::test]
async fn a_head_past_the_limit_is_refused() {
    let server = start(Transport::Plaintext).await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let long = "x".repeat(40 * 1024);
    let request = format!("GET / HTTP/1.1\r\nHost: a\r\nAccept: {long}\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut status = [0; 12];
    stream.read_exact(&mut status).await.unwrap();
    assert_eq!(&status, b"HTTP/1.1 431");
}

#[tokio::test]
async fn plain_text_knows_no_upgrade_to_http2() {
    let server = start(Transport::Plaintext).await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    timeout(PATIENCE, stream.read_to_end(&mut answer)).await.unwrap().unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 505") || answer.is_empty(), "{answer:?}");
}

#[tokio::test]
async fn a_drain_lets_running_requests_finish_and_closes_idle_connections() {
    let pki = Pki::new();
    for alpn in ALPN {
        let server = start(fixed(pki.server())).await;
        let config = pki.client(alpn, Some(pki.issue("kubelet")));
        let _idle = connect(server.address, Arc::clone(&config)).await.unwrap();
        let Server { address, counted, trigger } = server;
        let running = tokio::spawn(async move { fetch(address, config, "/slow").await });
        eventually(|| (counted.live.load(Ordering::SeqCst) == 2).then_some(())).await;
        counted.first_question().await;
        assert_eq!(trigger.drain(PATIENCE).await, DrainOutcome::Complete, "{alpn:?}");
        assert_eq!(running.await.unwrap().unwrap(), "done", "{alpn:?}");
    }
}

#[tokio::test]
async fn a_drain_cuts_off_what_does_not_end() {
    let pki = Pki::new();
    for alpn in ALPN {
        let server = start(fixed(pki.server())).await;
        let config = pki.client(alpn, Some(pki.issue("kubelet")));
        let Server { address, counted, trigger } = server;
        let endless = tokio::spawn(async move { fetch(address, config, "/endless").await });
        counted.first_question().await;
        assert_eq!(trigger.drain(GRACE).await, DrainOutcome::CutOff { remaining: 1 });
        assert!(endless.await.unwrap().is_err(), "{alpn:?}");
        counted.nobody_left().await;
    }
}
