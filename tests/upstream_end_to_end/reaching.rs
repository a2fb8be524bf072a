//! Reaching the server, the right one, again and again: trust, names, outages, silence.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use http::Request;
use http_body_util::BodyExt;
use nodeward::upstream::{
    Lane, RequestBody, Upstream, UpstreamConfig, UpstreamError, UpstreamRisks,
};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::Instant;

use super::server::{Options, Server};
use super::site::{Authority, Site, eventually, get, text};

/// An address that the server's certificate does not name.
fn elsewhere() -> Options {
    Options { address: ([127, 0, 0, 2], 0).into(), ..Options::default() }
}

#[tokio::test]
async fn a_server_of_another_authority_or_name_is_not_talked_to() {
    let site = Site::new();
    let foreign = Server::start(&Authority::new("foreign"), Options::default()).await;
    let error = get(&site.upstream(&foreign.url()), Lane::Short, "/x").await.unwrap_err();
    assert!(error.is_connect() && error.to_string().contains("UnknownIssuer"), "{error}");
    let server = Server::start(&site.authority, elsewhere()).await;
    let other_name = format!("https://{}", server.address);
    let error = get(&site.upstream(&other_name), Lane::Short, "/x").await.unwrap_err();
    assert!(error.is_connect() && error.to_string().contains("not valid for name"), "{error}");
    for seen in [&foreign.seen, &server.seen] {
        assert!(seen.requests.lock().unwrap().is_empty());
    }
}

#[tokio::test]
async fn accepted_risks_do_what_they_say_and_no_more() {
    let site = Site::new();
    let foreign = Server::start(&Authority::new("foreign"), Options::default()).await;
    let load = |cluster: &str, risks| {
        let user = "{token: tok}";
        let server = foreign.url();
        site.write_kubeconfig(&format!("{{server: \"{server}\", {cluster}}}"), user);
        Upstream::new(
            UpstreamConfig::load(&site.path("kubeconfig"), None, risks).unwrap(),
            Default::default(),
        )
    };
    let insecure = UpstreamRisks { insecure_tls: true, ..UpstreamRisks::default() };
    let upstream = load("insecure-skip-tls-verify: true", insecure).unwrap();
    // Not verified, so anybody gets the request.
    assert_eq!(text(get(&upstream, Lane::Short, "/x").await.unwrap()).await, "ok");
    let system = UpstreamRisks { system_roots: true, ..UpstreamRisks::default() };
    match load("tls-server-name: localhost", system) {
        Ok(upstream) => {
            let error = get(&upstream, Lane::Short, "/x").await.unwrap_err();
            assert!(error.to_string().contains("UnknownIssuer"), "{error}");
        }
        // A machine without a trust store is told so.
        Err(error) => assert!(error.to_string().contains("ca-certificates"), "{error}"),
    }
}

#[tokio::test]
async fn the_tls_server_name_is_the_one_that_is_verified() {
    let site = Site::new();
    let server = Server::start(&site.authority, elsewhere()).await;
    let user = "{client-certificate: node.pem, client-key: node.pem}";
    let address = format!("https://{}", server.address);
    for (name, expected) in [("localhost", true), ("elsewhere", false)] {
        let cluster = format!(
            "{{server: \"{address}\", certificate-authority: ca.crt, tls-server-name: {name}}}"
        );
        site.write_kubeconfig(&cluster, user);
        let config = UpstreamConfig::load(&site.path("kubeconfig"), None, Default::default());
        let upstream = Upstream::new(config.unwrap(), Default::default()).unwrap();
        let answer = get(&upstream, Lane::Short, "/x").await;
        assert_eq!(answer.is_ok(), expected, "{name}: {answer:?}");
    }
}

#[tokio::test]
async fn a_server_that_is_down_is_told_at_once_and_found_again_without_a_restart() {
    let site = Site::new();
    let server = Server::start(&site.authority, Options::default()).await;
    let address = server.address;
    let upstream = site.upstream(&server.url());
    assert_eq!(text(get(&upstream, Lane::Short, "/x").await.unwrap()).await, "ok");
    let watch = get(&upstream, Lane::Watch, "/watch").await.unwrap();
    let seen = Arc::clone(&server.seen);
    drop(server);
    eventually("closed", || seen.open_connections.load(Ordering::SeqCst) == 0).await;
    let error = watch.into_body().collect().await.unwrap_err();
    assert!(matches!(error, UpstreamError::BrokenOff(_)), "{error}");
    let start = Instant::now();
    let error = loop {
        match get(&upstream, Lane::Short, "/x").await {
            // The end of the connection may not have been noticed yet.
            Err(error) if error.is_connect() => break error,
            other => assert!(start.elapsed() < Duration::from_secs(5), "{other:?}"),
        }
    };
    assert!(error.to_string().contains(&format!("localhost:{}", address.port())), "{error}");
    assert!(!upstream.is_up());
    let _again = Server::start(&site.authority, Options { address, ..Options::default() }).await;
    assert_eq!(text(get(&upstream, Lane::Short, "/x").await.unwrap()).await, "ok");
    assert!(upstream.is_up());
}

#[tokio::test]
async fn a_connection_that_fell_silent_gets_no_further_requests() {
    let site = Site::new();
    let server = Server::start(&site.authority, Options::default()).await;
    let (wire, frozen) = Wire::start(server.address).await;
    let upstream = site.upstream(&format!("https://localhost:{}", wire.address.port()));
    for _ in 0..3 {
        assert_eq!(text(get(&upstream, Lane::Heartbeat, "/lease").await.unwrap()).await, "ok");
    }
    assert_eq!(wire.connections.load(Ordering::SeqCst), 1);
    // Nothing arrives any more on what is open; new connections work.
    frozen.send_replace(1);
    let request = Request::get("/lease").body(RequestBody::Empty).unwrap();
    let sent = upstream.send(Lane::Heartbeat, request, Duration::from_millis(4500)).await;
    assert!(sent.unwrap_err().is_timeout());
    let start = Instant::now();
    assert_eq!(text(get(&upstream, Lane::Heartbeat, "/lease").await.unwrap()).await, "ok");
    assert!(start.elapsed() < Duration::from_secs(2));
    assert_eq!(wire.connections.load(Ordering::SeqCst), 2);
}

async fn frozen_above(frozen: &mut watch::Receiver<usize>, number: usize) {
    // An error means that the sender, and with it the test, is gone.
    let _reached = frozen.wait_for(|frozen| *frozen > number).await;
}

/// Passes bytes on, until the connections made so far are told to freeze.
struct Wire {
    address: std::net::SocketAddr,
    connections: Arc<AtomicUsize>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Wire {
    /// Connections with a number below what the sender holds are frozen.
    async fn start(to: std::net::SocketAddr) -> (Self, watch::Sender<usize>) {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (freeze, frozen) = watch::channel(0);
        let connections = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&connections);
        let task = tokio::spawn(async move {
            let mut passing = tokio::task::JoinSet::new();
            while let Ok((mut near, _)) = listener.accept().await {
                let number = counted.fetch_add(1, Ordering::SeqCst);
                let mut frozen = frozen.clone();
                passing.spawn(async move {
                    let mut far = TcpStream::connect(to).await.unwrap();
                    tokio::select! {
                        _ended = tokio::io::copy_bidirectional(&mut near, &mut far) => {}
                        // Holds both sockets open, and reads neither.
                        () = frozen_above(&mut frozen, number) => {
                            std::future::pending::<()>().await;
                        }
                    }
                });
            }
        });
        (Self { address, connections, task }, freeze)
    }
}
