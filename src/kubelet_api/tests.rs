//! The guard over real sockets: TLS both ways, a kubelet that answers what a test tells it to.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, timeout};
use tokio_rustls::{TlsAcceptor, TlsConnector, client};
use tokio_util::sync::CancellationToken;

use super::call::{Call, Endpoint};
use super::guard::{self, Guard};
use super::judge::{Grant, Judge, Opinion, Ruling, Verdict};
use super::kubelet::{Kubelet, KubeletOptions};
use super::ports::Ports;
use super::running::{RunningPods, RunningQuestion};
use crate::http::listen::Listener;
use crate::metrics::connection_counts::ConnectionCounts;
use crate::metrics::registry::Metrics;
use crate::net::drain::{self, Drain, DrainTrigger};
use crate::tls::test_pki::{Authority, Issued};
use crate::tls::{ClientRule, ServerTls, ServerTrust, client_tls};

mod forwards;
mod running;

const LIMIT: Duration = Duration::from_secs(10);

/// Grants `id`, port 80, logs and metrics in namespace `open` unless a pod `stranger` runs there; nothing
/// else.
struct Strict {
    until: CancellationToken,
}

impl Strict {
    fn rule(&self, is_granted: bool, reason: &str) -> Ruling {
        let verdict = if is_granted {
            Verdict::Allow(Grant {
                ports: Ports::Only([80].into()),
                policy_ends: CancellationToken::new(),
                access_ends: self.until.clone(),
            })
        } else {
            Verdict::Deny(reason.to_owned().into())
        };
        Ruling { verdict, policy: "test".into(), policy_digest: "".into(), uid: String::new() }
    }
}

impl Judge for Strict {
    fn judge(&self, call: &Call) -> Opinion {
        let is_open = call.pod().is_none_or(|pod| pod.namespace == "open");
        let is_granted = is_open
            && match call {
                Call::Exec { container: _, command } => command == &["id"],
                Call::PortForward { .. } | Call::Logs(_) => true,
                Call::Read(endpoint) => *endpoint == Endpoint::Metrics,
                Call::Run { .. } | Call::Attach(_) | Call::Checkpoint(_) => false,
            };
        match (is_granted, call.pod()) {
            (true, Some(_)) => Opinion::Ask { not_before: Instant::now() },
            (is_granted, _) => Opinion::Settled(self.rule(is_granted, "not here")),
        }
    }

    fn judge_with(&self, _: &Call, running: &RunningPods) -> Ruling {
        self.rule(running.under("open", "stranger").is_empty(), "a stranger runs")
    }

    fn judge_without(&self, _: &Call, reason: String) -> Ruling {
        self.rule(false, &reason)
    }
}

struct World {
    address: SocketAddr,
    servers: Authority,
    callers: Authority,
    /// What the kubelet got, one text a connection; questions about running pods are counted apart.
    heard: Arc<Mutex<Vec<Vec<u8>>>>,
    asked: Arc<AtomicUsize>,
    kubelet: KubeletOptions,
    drain: Drain,
    until: CancellationToken,
    trigger: DrainTrigger,
    metrics: Metrics,
}

impl World {
    /// A kubelet that runs no pods.
    async fn new(answer: &'static str) -> Self {
        Self::running(answer, NOTHING_RUNS).await
    }

    /// A kubelet that answers what runs with `running` and every other request with `answer`, then echoes
    /// what it gets in upper case if the answer was a change of protocol.
    async fn running(answer: &'static str, running: &'static str) -> Self {
        let (servers, callers, guards) =
            (Authority::new("servers"), Authority::new("callers"), Authority::new("guards"));
        let heard = Arc::new(Mutex::new(Vec::new()));
        let rule = ClientRule { ca: guards.material(), common_names: vec!["guard".to_owned()] };
        let kubelet_tls = ServerTls::load(servers.issue("kubelet").pair(), Some(rule)).unwrap();
        let kubelet = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let options = KubeletOptions {
            address: kubelet.local_addr().unwrap(),
            name: ServerName::try_from("localhost").unwrap(),
            ca: servers.material(),
            pair: guards.issue("guard").pair(),
        };
        let asked = Arc::new(AtomicUsize::new(0));
        let script = Script { answer, running, asked: Arc::clone(&asked) };
        tokio::spawn(play_kubelet(kubelet, kubelet_tls, script, Arc::clone(&heard)));
        let until = CancellationToken::new();
        let (trigger, drain) = drain::channel();
        let metrics = Metrics::new();
        let kubelet = Arc::new(Kubelet::load(options.clone()).unwrap());
        let guard = Guard::new(
            Arc::new(Strict { until: until.clone() }),
            Arc::clone(&kubelet),
            Arc::new(RunningQuestion::new(kubelet, drain.clone())),
            metrics.clone(),
            drain.clone(),
            "node-1".to_owned(),
        );
        let rule = ClientRule { ca: callers.material(), common_names: vec!["api".to_owned()] };
        let tls = Arc::new(ServerTls::load(servers.issue("guard").pair(), Some(rule)).unwrap());
        let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        let events = Arc::new(ConnectionCounts::new(&metrics));
        let listener =
            Listener { socket, transport: guard::transport(tls), drain: drain.clone(), events };
        tokio::spawn(guard::serve(listener, guard));
        Self {
            address,
            servers,
            callers,
            heard,
            asked,
            kubelet: options,
            drain,
            until,
            trigger,
            metrics,
        }
    }

    fn kubelet(&self) -> Arc<Kubelet> {
        Arc::new(Kubelet::load(self.kubelet.clone()).unwrap())
    }

    async fn connect(&self) -> client::TlsStream<TcpStream> {
        self.connect_as(Some(&self.callers.issue("api"))).await.unwrap()
    }

    async fn connect_as(
        &self,
        who: Option<&Issued>,
    ) -> std::io::Result<client::TlsStream<TcpStream>> {
        let trust = ServerTrust::Roots(self.servers.material());
        let pair = who.map(Issued::pair);
        let config = client_tls(&trust, pair.as_ref()).unwrap().config;
        let tcp = TcpStream::connect(self.address).await?;
        TlsConnector::from(config).connect("localhost".try_into().unwrap(), tcp).await
    }

    /// Sends `request` and reads until the guard has no more to say.
    async fn ask(&self, request: &str) -> String {
        let mut stream = self.connect().await;
        stream.write_all(request.as_bytes()).await.unwrap();
        read_all(&mut stream).await
    }

    fn heard(&self) -> Vec<String> {
        let heard = self.heard.lock().unwrap();
        heard.iter().map(|bytes| String::from_utf8_lossy(bytes).into_owned()).collect()
    }
}

/// What a kubelet answers.
#[derive(Clone)]
struct Script {
    answer: &'static str,
    running: &'static str,
    asked: Arc<AtomicUsize>,
}

async fn play_kubelet(
    listener: TcpListener,
    tls: ServerTls,
    script: Script,
    heard: Arc<Mutex<Vec<Vec<u8>>>>,
) {
    while let Ok((tcp, _)) = listener.accept().await {
        let (acceptor, heard) = (TlsAcceptor::from(tls.current()), Arc::clone(&heard));
        let Script { answer, running, asked } = script.clone();
        tokio::spawn(async move {
            let Ok(mut stream) = acceptor.accept(tcp).await else { return };
            let mut buffer = [0; 4096];
            let Ok(first @ 1..) = stream.read(&mut buffer).await else { return };
            if buffer.starts_with(b"GET /runningpods/ HTTP/1.1\r\n") {
                asked.fetch_add(1, Ordering::Relaxed);
                stream.write_all(running.as_bytes()).await.unwrap();
                // Whoever has the whole answer goes.
                let _ = stream.read(&mut buffer).await;
                return;
            }
            let at = {
                let mut heard = heard.lock().unwrap();
                let at = heard.len();
                heard.push(Vec::new());
                at
            };
            let mut answered = false;
            let mut unread = Some(first);
            while let Ok(read @ 1..) = match unread.take() {
                Some(first) => Ok(first),
                None => stream.read(&mut buffer).await,
            } {
                heard.lock().unwrap()[at].extend_from_slice(&buffer[..read]);
                let whole = heard.lock().unwrap()[at].windows(4).any(|four| four == b"\r\n\r\n");
                if whole && !answered {
                    answered = true;
                    stream.write_all(answer.as_bytes()).await.unwrap();
                } else if answered && answer.contains(" 101 ") {
                    let echo = buffer[..read].to_ascii_uppercase();
                    stream.write_all(&echo).await.unwrap();
                    if echo == b"END" {
                        stream.shutdown().await.unwrap();
                        // Half-closed: what the caller says goes nowhere, and nothing ends.
                        let _ = timeout(LIMIT.saturating_mul(2), stream.read(&mut buffer)).await;
                        return;
                    }
                }
            }
        });
    }
}

async fn read_all(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let mut all = Vec::new();
    // A connection that is cut gives an error after what came before.
    let _ = timeout(LIMIT, stream.read_to_end(&mut all)).await.expect("the guard goes on and on");
    String::from_utf8_lossy(&all).into_owned()
}

const NOTHING_RUNS: &str = "HTTP/1.1 200 OK\r\nContent-Length: 63\r\n\
     Content-Type: application/json\r\n\r\n\
     {\"kind\":\"PodList\",\"apiVersion\":\"v1\",\"metadata\":{},\"items\":null}";
const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Type: text/plain\r\n\r\nyes";
const SWITCHED: &str = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n\
     X-Stream-Protocol-Version: v4.channel.k8s.io\r\nSet-Cookie: a=b\r\n\r\n";
const EXEC: &str = "POST /exec/open/web/main?command=id&output=1 HTTP/1.1\r\nHost: node\r\n\
     Connection: Upgrade\r\nUpgrade: SPDY/3.1\r\nX-Stream-Protocol-Version: v4.channel.k8s.io\r\n\
     Authorization: Bearer stolen\r\nX-Remote-User: admin\r\nCookie: c\r\n\r\n";
const FORWARD: &str = "POST /portForward/open/web HTTP/1.1\r\nHost: node\r\n\
     Connection: Upgrade\r\nUpgrade: SPDY/3.1\r\n\r\n";

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: node\r\nConnection: close\r\n\r\n")
}

#[tokio::test]
async fn what_is_granted_is_relayed_with_the_guards_certificate_and_nothing_of_the_callers() {
    let world = World::new(OK).await;
    let answer = world.ask(&get("/metrics")).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("yes"), "{answer}");
    let logs = "GET /containerLogs/open/web/main?follow=true HTTP/1.1\r\nHost: node\r\n\
                Authorization: Bearer stolen\r\nX-Forwarded-For: a\r\nConnection: close\r\n\r\n";
    assert!(world.ask(logs).await.ends_with("yes"));
    let heard = world.heard();
    assert_eq!(heard.len(), 2, "each call has a connection of its own");
    assert!(heard[1].starts_with("GET /containerLogs/open/web/main?follow=true HTTP/1.1\r\n"));
    for absent in ["stolen", "authorization", "forwarded", "node\r\n"] {
        assert!(!heard[1].to_lowercase().contains(absent), "{absent}: {}", heard[1]);
    }
}

#[tokio::test]
async fn what_is_not_granted_never_reaches_the_kubelet() {
    let world = World::new(OK).await;
    for (target, code) in [
        ("/containerLogs/closed/web/main", "403"),
        ("/pods", "403"),
        ("/configz", "403"),
        ("/%6detrics", "400"),
        ("//metrics", "400"),
        ("/metrics/", "400"),
        ("/Metrics", "403"),
        ("/nowhere", "403"),
        ("http://kubelet/metrics", "400"),
    ] {
        let answer = world.ask(&get(target)).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {code} ")), "{target}: {answer}");
    }
    let other = EXEC.replace("command=id", "command=id&command=-u");
    assert!(world.ask(&other).await.starts_with("HTTP/1.1 403 "));
    let closed = FORWARD.replace("/open/", "/closed/");
    assert!(world.ask(&closed).await.starts_with("HTTP/1.1 403 "));
    assert!(world.heard().is_empty(), "{:?}", world.heard());
    let exposed = world.metrics.encode();
    for line in [
        r#"kubelet_api_calls_total{call="exec",decision="deny"} 1"#,
        r#"kubelet_api_calls_total{call="portForward",decision="deny"} 1"#,
    ] {
        assert!(exposed.contains(line), "{line} is not in {exposed}");
    }
}

#[tokio::test]
async fn only_the_named_callers_are_served() {
    let world = World::new(OK).await;
    let foreign = Authority::new("callers").issue("api");
    let stranger = world.callers.issue("stranger");
    for who in [None, Some(&foreign), Some(&stranger)] {
        let Ok(mut stream) = world.connect_as(who).await else { continue };
        // TLS 1.3 tells a client of its refusal when it reads.
        let _ = stream.write_all(get("/metrics").as_bytes()).await;
        assert_eq!(read_all(&mut stream).await, "");
    }
    assert!(world.heard().is_empty());
}

#[tokio::test]
async fn a_granted_upgrade_carries_bytes_both_ways() {
    let world = World::new(SWITCHED).await;
    let mut stream = world.connect().await;
    stream.write_all(EXEC.as_bytes()).await.unwrap();
    let head = read_head(&mut stream).await;
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    assert!(head.to_lowercase().contains("x-stream-protocol-version: v4.channel.k8s.io"), "{head}");
    assert!(!head.to_lowercase().contains("cookie"), "{head}");
    stream.write_all(b"anything, not http").await.unwrap();
    let mut echo = [0; 18];
    timeout(LIMIT, stream.read_exact(&mut echo)).await.unwrap().unwrap();
    assert_eq!(&echo, b"ANYTHING, NOT HTTP");
    assert!(world.metrics.encode().contains("kubelet_api_streams 1"));
    let heard = world.heard().remove(0).to_lowercase();
    assert!(heard.starts_with("post /exec/open/web/main?command=id&output=1 http/1.1\r\n"));
    assert!(heard.contains("upgrade: spdy/3.1\r\n"), "{heard}");
    for absent in ["stolen", "x-remote", "cookie", "content-length", "node\r\n"] {
        assert!(!heard.contains(absent), "{absent}: {heard}");
    }
    world.until.cancel();
    assert_eq!(read_all(&mut stream).await, "", "a stream ends with its grant");
}

#[tokio::test]
async fn a_stream_that_the_kubelet_ended_gives_its_place_back() {
    let world = World::new(SWITCHED).await;
    let mut stream = world.connect().await;
    stream.write_all(EXEC.as_bytes()).await.unwrap();
    read_head(&mut stream).await;
    stream.write_all(b"end").await.unwrap();
    // The kubelet's end is told, and this side stays open.
    assert_eq!(read_all(&mut stream).await, "END");
    assert!(world.metrics.encode().contains("kubelet_api_streams 1"));
    let ended = async {
        while !world.metrics.encode().contains("kubelet_api_streams 0") {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    timeout(LIMIT, ended).await.expect("a caller that says nothing holds its place");
}

#[tokio::test]
async fn after_a_refused_upgrade_nothing_more_is_heard_or_said() {
    // The kubelet refuses, and says more than one answer.
    let world = World::new(
        "HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nnoHTTP/1.1 200 OK\r\n\
         Content-Length: 8\r\n\r\nsmuggled",
    )
    .await;
    let both = format!("{EXEC}{}", get("/metrics"));
    let answer = world.ask(&both).await;
    assert!(answer.starts_with("HTTP/1.1 403 ") && answer.ends_with("no"), "{answer}");
    assert!(!answer.contains("smuggled") && answer.matches("HTTP/1.1").count() == 1, "{answer}");
    assert_eq!(world.heard().len(), 1);
    assert!(!world.heard()[0].contains("/metrics"), "{:?}", world.heard());
}

#[tokio::test]
async fn a_change_of_protocol_that_nobody_asked_for_is_not_passed_on() {
    let websocket = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n\
                     Upgrade: websocket\r\n\r\n";
    let silent = "HTTP/1.1 101 Switching Protocols\r\n\r\n";
    for (answer, request) in [
        (websocket, EXEC.to_owned()),
        (silent, EXEC.to_owned()),
        (SWITCHED, get("/metrics")),
        (
            "HTTP/1.1 302 Found\r\nLocation: http://elsewhere/\r\nContent-Length: 0\r\n\r\n",
            get("/metrics"),
        ),
    ] {
        let world = World::new(answer).await;
        let got = world.ask(&request).await;
        assert!(got.starts_with("HTTP/1.1 502 ") && !got.contains("elsewhere"), "{got}");
    }
}

#[tokio::test]
async fn a_drain_cuts_streams_after_its_grace() {
    let world = World::new(SWITCHED).await;
    let mut stream = world.connect().await;
    stream.write_all(EXEC.as_bytes()).await.unwrap();
    read_head(&mut stream).await;
    let outcome = world.trigger.drain(Duration::from_millis(200)).await;
    assert!(matches!(outcome, drain::DrainOutcome::CutOff { .. }), "{outcome:?}");
    assert_eq!(read_all(&mut stream).await, "");
}

#[tokio::test]
async fn a_kubelet_with_another_certificate_is_not_the_kubelet() {
    let mut world = World::new(OK).await;
    // The same name, signed by somebody else, in the kubelet's place.
    let impostor = Authority::new("servers");
    let rule = ClientRule { ca: world.callers.material(), common_names: vec!["guard".to_owned()] };
    let tls = ServerTls::load(impostor.issue("kubelet").pair(), Some(rule)).unwrap();
    let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let options = KubeletOptions {
        address: socket.local_addr().unwrap(),
        name: ServerName::try_from("localhost").unwrap(),
        ca: world.servers.material(),
        pair: world.callers.issue("guard").pair(),
    };
    let script = Script { answer: OK, running: NOTHING_RUNS, asked: Arc::clone(&world.asked) };
    tokio::spawn(play_kubelet(socket, tls, script, Arc::clone(&world.heard)));
    let (_trigger, drain) = drain::channel();
    let kubelet = Arc::new(Kubelet::load(options).unwrap());
    let guard = Guard::new(
        Arc::new(Strict { until: CancellationToken::new() }),
        Arc::clone(&kubelet),
        Arc::new(RunningQuestion::new(kubelet, drain.clone())),
        Metrics::new(),
        drain.clone(),
        "node-1".to_owned(),
    );
    let rule = ClientRule { ca: world.callers.material(), common_names: vec!["api".to_owned()] };
    let tls = Arc::new(ServerTls::load(world.servers.issue("guard").pair(), Some(rule)).unwrap());
    let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
    world.address = socket.local_addr().unwrap();
    let events = Arc::new(ConnectionCounts::new(&world.metrics));
    let listener = Listener { socket, transport: guard::transport(tls), drain, events };
    tokio::spawn(guard::serve(listener, guard));
    let answer = world.ask(&get("/metrics")).await;
    assert!(answer.starts_with("HTTP/1.1 502 "), "{answer}");
    // Nor is it asked which pods run.
    let answer = world.ask(EXEC).await;
    assert!(answer.starts_with("HTTP/1.1 403 ") && answer.contains("not known"), "{answer}");
    assert!(world.heard().is_empty());
    assert_eq!(world.asked.load(Ordering::Relaxed), 0);
}

async fn read_head(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let byte = timeout(LIMIT, stream.read_u8()).await.expect("no head in time");
        head.push(byte.expect("the guard closed the connection"));
    }
    String::from_utf8(head).unwrap()
}
