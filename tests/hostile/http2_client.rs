//! One HTTP/2 connection with many streams, as a kubelet has it.
//!
//! It opens streams and keeps them; reading on is not its business.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http2::SendRequest;
use hyper_util::rt::{TokioExecutor, TokioIo};

use super::client::connect_tls;
use super::proxy::Proxy;
use super::world::World;

const PATIENCE: Duration = Duration::from_secs(20);

/// An open connection.
pub(crate) struct Http2Client {
    sender: SendRequest<Full<Bytes>>,
}

/// A stream that has begun and goes on as long as this lives.
pub(crate) struct OpenStream {
    _body: Incoming,
}

impl Http2Client {
    pub(crate) async fn connect(world: &World, proxy: &Proxy) -> Self {
        let authority = &world.files.client_authority;
        let stream = connect_tls(proxy.address, authority, Some(&world.kubelet), b"h2").await;
        let stream = TokioIo::new(stream.expect("an invited client"));
        let (sender, connection) =
            hyper::client::conn::http2::handshake(TokioExecutor::new(), stream)
                .await
                .expect("HTTP/2");
        tokio::spawn(connection);
        Self { sender }
    }

    /// Sends a GET and waits for the first piece of its answer.
    pub(crate) async fn open(&mut self, target: &str) -> OpenStream {
        let response = self.send("GET", target, Bytes::new()).await;
        assert_eq!(response.status(), 200, "{target}");
        let mut body = response.into_body();
        let first = tokio::time::timeout(PATIENCE, body.frame()).await;
        first
            .unwrap_or_else(|_| panic!("{target} never began"))
            .expect("a frame")
            .expect("no error");
        OpenStream { _body: body }
    }

    /// Sends a PUT and gives the status of its answer.
    pub(crate) async fn put(&mut self, target: &str, body: &'static [u8]) -> u16 {
        self.send("PUT", target, Bytes::from_static(body)).await.status().as_u16()
    }

    async fn send(&mut self, method: &str, target: &str, body: Bytes) -> http::Response<Incoming> {
        let request = http::Request::builder()
            .method(method)
            .uri(format!("https://127.0.0.1{target}"))
            .header("content-type", "application/json")
            .body(Full::new(body))
            .expect("a request");
        self.sender.ready().await.expect("the connection lives");
        let answered = tokio::time::timeout(PATIENCE, self.sender.send_request(request)).await;
        answered.unwrap_or_else(|_| panic!("{target}: no answer")).expect("an answer")
    }
}
