//! HTTP/2 through hyper, with the stream limit of a real API server.
//!
//! Bodies are sent step by step; a broken body is a reset stream. Raw answers cannot be had here.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::{Body, Frame, Incoming};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep};
use tokio_rustls::server::TlsStream;

use super::State;
use super::answer::{Answer, Framing, Step};
use super::request::Recorded;

/// As `k8s.io/apiserver/pkg/server/secure_serving.go` sets it.
const STREAMS_PER_CONNECTION: u32 = 100;

pub(super) async fn serve(stream: TlsStream<TcpStream>, state: Arc<State>) {
    let service = hyper::service::service_fn(move |request| respond(request, state.clone()));
    let _ = hyper::server::conn::http2::Builder::new(TokioExecutor::new())
        .max_concurrent_streams(STREAMS_PER_CONNECTION)
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

async fn respond(
    request: http::Request<Incoming>,
    state: Arc<State>,
) -> Result<http::Response<Steps>, Infallible> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map(|whole| whole.to_bytes().to_vec()).unwrap_or_default();
    let headers = parts.headers.iter().map(|(name, value)| {
        (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
    });
    let answer = state.answer(Recorded {
        arrived: Instant::now(),
        method: parts.method.to_string(),
        target: parts.uri.path_and_query().map(ToString::to_string).unwrap_or_default(),
        headers: headers.collect(),
        body,
    });
    assert!(answer.framing != Framing::Raw, "a raw answer needs Protocols::Http1");
    Ok(response(answer))
}

fn response(answer: Answer) -> http::Response<Steps> {
    let mut builder = http::Response::builder().status(answer.status);
    for (name, value) in &answer.headers {
        builder = builder.header(name, value);
    }
    let (sender, receiver) = mpsc::channel(1);
    tokio::spawn(send(answer.steps, sender));
    builder.body(Steps { receiver }).expect("a well-formed head")
}

async fn send(steps: Vec<Step>, sender: mpsc::Sender<Option<Bytes>>) {
    for step in steps {
        match step {
            Step::Send(bytes) => {
                if sender.send(Some(bytes)).await.is_err() {
                    return;
                }
            }
            Step::Pause(time) => sleep(time).await,
            Step::Hold => {
                sender.closed().await;
                return;
            }
            Step::Break => {
                let _ = sender.send(None).await;
                return;
            }
        }
    }
}

/// A body made of the steps that [`send`] takes; `None` breaks it.
struct Steps {
    receiver: mpsc::Receiver<Option<Bytes>>,
}

/// Makes hyper reset the stream.
#[derive(Debug, thiserror::Error)]
#[error("the script breaks this answer off")]
struct Broken;

impl Body for Steps {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        self.receiver.poll_recv(context).map(|received| match received {
            Some(Some(bytes)) => Some(Ok(Frame::data(bytes))),
            Some(None) => Some(Err(Broken)),
            None => None,
        })
    }
}
