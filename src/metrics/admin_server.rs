//! `/livez`, `/readyz`, `/healthz`, `/metrics`, and on the unix socket `/status`, over plain HTTP/1.1.
//!
//! Answers questions and changes nothing. Kept off the kubelet's address so that a scrape needs no
//! client certificate and a kubelet's certificate reads no metrics. Tells nothing about pods.

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, UnixListener, UnixStream};

use super::readiness::Readiness;
use super::registry::{self, Metrics};
use crate::http::body::GeneratedBody;
use crate::http::listen::{self, Listener, ListenerEvents, Transport};
use crate::http::local_socket;
use crate::http::tls_refusal::Refusal;
use crate::net::drain::Drain;

/// Enough for the head of the answer to `/livez`.
const MAX_LIVEZ_BYTES: u64 = 1024;

/// What the endpoint reports.
#[derive(Clone, Debug)]
pub struct Admin {
    /// Shown at `/metrics`.
    pub metrics: Metrics,
    /// Shown at `/readyz`.
    pub readiness: Readiness,
    /// Once it has begun, `/readyz` says no.
    pub drain: Drain,
    /// Shown at `/status`, where the asker is known to be of this machine.
    pub status: Option<StatusSource>,
}

/// Writes the present status as a JSON object.
#[derive(Clone)]
pub struct StatusSource(Arc<dyn Fn() -> String + Send + Sync>);

impl StatusSource {
    /// `write` is called for each question.
    pub fn new(write: impl Fn() -> String + Send + Sync + 'static) -> Self {
        Self(Arc::new(write))
    }
}

/// The listener's events, which here nobody needs.
struct Unobserved;

/// Answers until the drain begins.
pub async fn serve(socket: TcpListener, admin: Admin) {
    let listener = Listener {
        socket,
        transport: Transport::Plaintext,
        drain: admin.drain.clone(),
        events: Arc::new(Unobserved),
    };
    listen::serve(listener, move |_peer| {
        let admin = admin.clone();
        Some(move |request: Request<_>| {
            let response = admin.answer(&request);
            async { response }
        })
    })
    .await;
}

/// Answers on a unix socket until the drain begins.
pub async fn serve_local(socket: UnixListener, admin: Admin) {
    let drain = admin.drain.clone();
    local_socket::serve(socket, drain, move |request: Request<_>| {
        let response = admin.answer(&request);
        async { response }
    })
    .await;
}

/// Asks for `/livez` as any client would: over the socket, through the accept loop.
///
/// # Errors
/// The kernel's, or [`io::ErrorKind::InvalidData`] for any answer but 200.
pub async fn ask_livez(socket: &Path) -> io::Result<()> {
    let mut stream = UnixStream::connect(socket).await?;
    stream
        .write_all(b"GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        .await?;
    let mut answer = Vec::new();
    stream.take(MAX_LIVEZ_BYTES).read_to_end(&mut answer).await?;
    if answer.starts_with(b"HTTP/1.1 200 ") {
        Ok(())
    } else {
        Err(io::Error::new(io::ErrorKind::InvalidData, "/livez did not answer 200"))
    }
}

impl Admin {
    /// The answer to one request; its body is not looked at.
    pub fn answer<B>(&self, request: &Request<B>) -> Response<GeneratedBody> {
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            let mut refusal = text(StatusCode::METHOD_NOT_ALLOWED, "only GET and HEAD\n".into());
            refusal.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
            return refusal;
        }
        let is_verbose = request.uri().query().is_some_and(|query| {
            query.split('&').any(|pair| pair == "verbose" || pair.starts_with("verbose="))
        });
        match request.uri().path() {
            "/livez" | "/healthz" => health("livez", &[("ping", true)], is_verbose),
            "/readyz" => {
                let mut checks = self.readiness.conditions();
                checks.push(("not_draining", !self.drain.is_draining()));
                health("readyz", &checks, is_verbose)
            }
            "/metrics" => {
                let mut response = text(StatusCode::OK, self.metrics.encode());
                let content_type = HeaderValue::from_static(registry::CONTENT_TYPE);
                response.headers_mut().insert(CONTENT_TYPE, content_type);
                response
            }
            "/status" if self.status.is_some() => {
                let status = self.status.as_ref().map(|StatusSource(write)| write());
                let mut response = text(StatusCode::OK, status.unwrap_or_default());
                let content_type = HeaderValue::from_static("application/json");
                response.headers_mut().insert(CONTENT_TYPE, content_type);
                response
            }
            _ => text(StatusCode::NOT_FOUND, self.pages().into()),
        }
    }

    fn pages(&self) -> &'static str {
        match self.status {
            None => "there are /livez, /readyz, /healthz and /metrics\n",
            Some(_) => "there are /livez, /readyz, /healthz, /metrics and /status\n",
        }
    }
}

impl std::fmt::Debug for StatusSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("StatusSource")
    }
}

impl ListenerEvents for Unobserved {
    fn connections_changed(&self, _by: i64) {}
    fn refused(&self, _reason: Refusal, _peer: SocketAddr) {}
    fn accept_failed(&self, error: &io::Error) {
        tracing::debug!(%error, "accepting a connection to the admin endpoint did not work");
    }
}

/// Health in the words of the API server's own endpoints, which operators and probes know.
fn health(name: &str, checks: &[(&str, bool)], is_verbose: bool) -> Response<GeneratedBody> {
    let is_healthy = checks.iter().all(|(_, passed)| *passed);
    if is_healthy && !is_verbose {
        return text(StatusCode::OK, "ok".into());
    }
    let mut report = String::new();
    for (check, passed) in checks {
        report.push_str(&if *passed {
            format!("[+]{check} ok\n")
        } else {
            format!("[-]{check} failed\n")
        });
    }
    let (status, verdict) = if is_healthy {
        (StatusCode::OK, "passed")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "failed")
    };
    report.push_str(&format!("{name} check {verdict}\n"));
    text(status, report)
}

fn text(status: StatusCode, body: String) -> Response<GeneratedBody> {
    let mut response = Response::new(GeneratedBody::whole(Bytes::from(body)));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::drain;
    use http_body_util::BodyExt;
    use std::time::Duration;

    async fn ask(admin: &Admin, method: &str, target: &str) -> (u16, String) {
        let request = Request::builder().method(method).uri(target).body(()).unwrap();
        let response = admin.answer(&request);
        let status = response.status().as_u16();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    fn admin() -> (drain::DrainTrigger, Admin) {
        let (trigger, drain) = drain::channel();
        let admin =
            Admin { metrics: Metrics::new(), readiness: Readiness::default(), drain, status: None };
        (trigger, admin)
    }

    #[tokio::test]
    async fn readiness_follows_its_conditions_and_the_drain() {
        let (trigger, admin) = admin();
        let policy = admin.readiness.condition("policy");
        let unready = "[-]policy failed\n[+]not_draining ok\nreadyz check failed\n";
        assert_eq!(ask(&admin, "GET", "/readyz").await, (503, unready.to_owned()));
        policy.set(true);
        assert_eq!(ask(&admin, "GET", "/readyz").await, (200, "ok".to_owned()));
        let verbose = "[+]policy ok\n[+]not_draining ok\nreadyz check passed\n";
        assert_eq!(ask(&admin, "GET", "/readyz?verbose").await, (200, verbose.to_owned()));
        trigger.drain(Duration::ZERO).await;
        assert_eq!(ask(&admin, "GET", "/readyz").await.0, 503);
        assert_eq!(ask(&admin, "GET", "/livez").await, (200, "ok".to_owned()));
    }

    #[tokio::test]
    async fn other_paths_and_methods_are_refused() {
        let (_trigger, admin) = admin();
        assert_eq!(ask(&admin, "GET", "/debug").await.0, 404);
        assert_eq!(ask(&admin, "POST", "/metrics").await.0, 405);
        assert_eq!(ask(&admin, "HEAD", "/healthz").await.0, 200);
    }

    #[tokio::test]
    async fn metrics_are_served_as_openmetrics_over_a_real_socket() {
        let (trigger, admin) = admin();
        let socket = listen::bind(([127, 0, 0, 1], 0).into()).unwrap();
        let socket = TcpListener::from_std(socket).unwrap();
        let address = socket.local_addr().unwrap();
        let server = tokio::spawn(serve(socket, admin));
        let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
        let request = b"GET /metrics HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
        stream.write_all(request).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
        assert!(answer.contains("content-type: application/openmetrics-text; version=1.0.0"));
        assert!(answer.contains("kubelet_proxy_watch_streams 0\n"), "{answer}");
        trigger.drain(Duration::from_secs(5)).await;
        server.await.unwrap();
    }

    #[tokio::test]
    async fn the_status_is_told_where_there_is_one_and_livez_answers_through_the_socket() {
        let (trigger, mut admin) = admin();
        assert_eq!(ask(&admin, "GET", "/status").await.0, 404);
        admin.status = Some(StatusSource::new(|| "{}".to_owned()));
        assert_eq!(ask(&admin, "GET", "/status").await, (200, "{}".to_owned()));
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("admin.sock");
        assert!(ask_livez(&path).await.is_err());
        let socket = UnixListener::from_std(local_socket::bind(&path).unwrap()).unwrap();
        let server = tokio::spawn(serve_local(socket, admin));
        ask_livez(&path).await.unwrap();
        trigger.drain(Duration::from_secs(5)).await;
        server.await.unwrap();
    }
}
