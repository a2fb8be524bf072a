//! Single requests: who asks, what arrives, what is refused, over HTTP/2, HTTP/1.1 and plain TCP.

use std::pin::Pin;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request};
use http_body::{Body, Frame};
use http_body_util::BodyExt;
use nodeward::upstream::{Fault, Lane, RequestBody, UpstreamError};

use tokio::time::Instant;

use super::server::{Options, Server};
use super::site::{HEAD_LIMIT, Site, get, text};

const PROTOCOLS: [&str; 2] = ["h2", "http/1.1"];

fn options(protocol: &'static str) -> Options {
    Options { protocol, ..Options::default() }
}

#[tokio::test]
async fn a_request_arrives_as_the_node_and_as_nobody_else() {
    for protocol in PROTOCOLS {
        let site = Site::new();
        let server = Server::start(&site.authority, options(protocol)).await;
        let upstream = site.upstream(&format!("{}/base/", server.url()));
        assert!(!upstream.is_up());
        let request = Request::get("https://attacker/api/v1/nodes?limit=1")
            .header("authorization", "Bearer stolen")
            .header("host", "attacker")
            .header("impersonate-user", "system:admin")
            .header("accept", "application/json")
            .body(RequestBody::Empty)
            .unwrap();
        let response = upstream.send(Lane::Short, request, HEAD_LIMIT).await.unwrap();
        assert_eq!(text(response).await, "ok");
        let (client, path, authority, headers) = server.seen.last();
        assert_eq!(client, "system:node:a");
        assert_eq!(path, "/base/api/v1/nodes?limit=1");
        let host = headers.get("host").map_or(authority, |host| host.to_str().unwrap().to_owned());
        assert_eq!(host, format!("localhost:{}", server.address.port()));
        assert_eq!(headers["accept"], "application/json");
        assert!(!headers.contains_key("authorization"));
        assert!(!headers.contains_key("impersonate-user"));
        assert!(upstream.is_up());
        let certificate = upstream.client_certificate().unwrap();
        assert_eq!(certificate.common_name.as_deref(), Some("system:node:a"));
    }
}

#[tokio::test]
async fn a_token_goes_over_plain_http_when_that_was_accepted() {
    let site = Site::new();
    let server = Server::start_plain().await;
    let upstream = site.upstream_as(&server.plain_url(), "{token: tok}", Default::default());
    for _ in 0..3 {
        let response = get(&upstream, Lane::Short, "/x").await.unwrap();
        assert_eq!(text(response).await, "ok");
    }
    let (_, path, _, headers) = server.seen.last();
    assert_eq!((path.as_str(), headers["authorization"].to_str().unwrap()), ("/x", "Bearer tok"));
    assert_eq!(server.seen.connections.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn bodies_of_every_kind_arrive_whole_in_both_directions() {
    // Beyond the windows of stream and connection, so that flow control has to work.
    let large = Bytes::from(vec![7; 9 << 20]);
    for protocol in PROTOCOLS {
        let site = Site::new();
        let server = Server::start(&site.authority, options(protocol)).await;
        let upstream = site.upstream(&server.url());
        let pieces: Vec<_> = large.chunks(100_000).map(|piece| large.slice_ref(piece)).collect();
        let boxed = Box::pin(Pieces { pieces: pieces.into_iter(), error: None });
        let bodies = [
            (RequestBody::Empty, 0),
            (RequestBody::Full(Bytes::from_static(b"abc")), 3),
            (RequestBody::Full(large.clone()), large.len()),
            (RequestBody::Boxed(boxed), large.len()),
        ];
        for (body, length) in bodies {
            let request = Request::post("/echo").body(body).unwrap();
            let response = upstream.send(Lane::Short, request, HEAD_LIMIT).await.unwrap();
            let echoed = response.into_body().collect().await.unwrap().to_bytes();
            assert_eq!(echoed.len(), length, "{protocol}");
            assert!(echoed.iter().all(|byte| *byte == 7 || length == 3));
        }
        let request = Request::patch("/count").body(RequestBody::Full(large.clone())).unwrap();
        let response = upstream.send(Lane::Short, request, HEAD_LIMIT).await.unwrap();
        assert_eq!(text(response).await, large.len().to_string());
    }
}

/// Sends its pieces one by one; an error last, if it has one.
struct Pieces {
    pieces: std::vec::IntoIter<Bytes>,
    error: Option<&'static str>,
}

impl Body for Pieces {
    type Data = Bytes;
    type Error = Box<dyn std::error::Error + Send + Sync>;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        match self.pieces.next() {
            Some(piece) => Poll::Ready(Some(Ok(Frame::data(piece)))),
            None => Poll::Ready(self.error.take().map(|error| Err(error.into()))),
        }
    }
}

#[tokio::test]
async fn a_request_body_that_breaks_off_never_looks_complete() {
    for protocol in PROTOCOLS {
        let site = Site::new();
        let server = Server::start(&site.authority, options(protocol)).await;
        let upstream = site.upstream(&server.url());
        let pieces = vec![Bytes::from_static(b"half")].into_iter();
        let body = Pieces { pieces, error: Some("the kubelet left") };
        let request = Request::post("/count").body(RequestBody::Boxed(Box::pin(body))).unwrap();
        let error = upstream.send(Lane::Short, request, HEAD_LIMIT).await.unwrap_err();
        assert!(!error.is_connect() && !error.is_timeout(), "{error}");
        if protocol == "h2" {
            assert_eq!(error.to_string(), "the request body broke off: the kubelet left");
            assert_eq!(error.fault(), Fault::Client);
        }
        // The next request is not affected.
        assert_eq!(text(get(&upstream, Lane::Short, "/x").await.unwrap()).await, "ok");
    }
}

#[tokio::test]
async fn an_answer_that_comes_before_the_request_was_sent_lets_both_go_on() {
    let site = Site::new();
    let server = Server::start(&site.authority, options("h2")).await;
    let upstream = site.upstream(&server.url());
    let piece = Bytes::from(vec![7; 1 << 20]);
    let body = Pieces { pieces: vec![piece; 6].into_iter(), error: None };
    let request = Request::post("/early").body(RequestBody::Boxed(Box::pin(body))).unwrap();
    let response = upstream.send(Lane::Short, request, HEAD_LIMIT).await.unwrap();
    assert_eq!(text(response).await, "early");
}

#[tokio::test]
async fn trailers_are_dropped_and_a_protocol_switch_is_an_error() {
    let site = Site::new();
    for protocol in PROTOCOLS {
        let server = Server::start(&site.authority, options(protocol)).await;
        let upstream = site.upstream(&server.url());
        let request = Request::get("/trailers").header("te", "trailers");
        let request = request.body(RequestBody::Empty).unwrap();
        let response = upstream.send(Lane::Short, request, HEAD_LIMIT).await.unwrap();
        let collected = response.into_body().collect().await.unwrap();
        assert!(collected.trailers().is_none());
        assert_eq!(collected.to_bytes(), "body");
    }
    let server = Server::start(&site.authority, options("http/1.1")).await;
    let upstream = site.upstream(&server.url());
    let error = get(&upstream, Lane::Short, "/switch").await.unwrap_err();
    assert!(matches!(error, UpstreamError::Protocol(_)), "{error}");
}

#[tokio::test]
async fn a_silent_server_costs_the_head_limit_and_no_more() {
    for protocol in PROTOCOLS {
        let site = Site::new();
        let server = Server::start(&site.authority, options(protocol)).await;
        let upstream = site.upstream(&server.url());
        let start = Instant::now();
        let request = Request::get("/never").body(RequestBody::Empty).unwrap();
        let limit = Duration::from_millis(200);
        let error = upstream.send(Lane::Short, request, limit).await.unwrap_err();
        assert!(error.is_timeout() && error.fault() == Fault::ApiServer, "{error}");
        assert!(start.elapsed() < Duration::from_secs(3));
        assert_eq!(text(get(&upstream, Lane::Short, "/x").await.unwrap()).await, "ok");
        assert_eq!(upstream.snapshot().lanes[1].in_flight, 0);
    }
}

#[tokio::test]
async fn a_path_that_is_not_absolute_is_not_sent() {
    let site = Site::new();
    let server = Server::start(&site.authority, options("h2")).await;
    let upstream = site.upstream(&server.url());
    let request = Request::builder().method(Method::OPTIONS).uri("*");
    let request = request.body(RequestBody::Empty).unwrap();
    let error = upstream.send(Lane::Short, request, HEAD_LIMIT).await.unwrap_err();
    assert_eq!(error.fault(), Fault::Client, "{error}");
    assert_eq!(server.seen.connections.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_graceful_end_of_a_connection_costs_no_request() {
    for protocol in PROTOCOLS {
        let site = Site::new();
        let server = Server::start(&site.authority, options(protocol)).await;
        let upstream = site.upstream(&server.url());
        for round in 0..50 {
            assert_eq!(text(get(&upstream, Lane::Short, "/x").await.unwrap()).await, "ok");
            server.go_away();
            if round % 2 == 0 {
                tokio::task::yield_now().await;
            }
        }
        assert!(server.seen.connections.load(Ordering::SeqCst) > 1);
    }
}
