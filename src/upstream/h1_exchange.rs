//! One request on an HTTP/1.1 connection, which serves nothing else until the answer is read.
//!
//! Invariant: a connection is used again only after an answer that was read to its end.

use std::future::poll_fn;
use std::sync::{Arc, Mutex, PoisonError};

use http::uri::{PathAndQuery, Uri};
use http::{Request, StatusCode, Version, header};
use hyper::client::conn::http1::SendRequest;

use super::body::{RequestBody, UpstreamBody};
use super::lanes::Permit;
use super::send::{Attempt, Unanswered};
use super::{Upstream, UpstreamError};

pub(super) async fn exchange(
    upstream: &Upstream,
    sender: &Mutex<SendRequest<RequestBody>>,
    mut request: Request<RequestBody>,
    path: &PathAndQuery,
    permit: Permit,
) -> Attempt {
    *request.uri_mut() = Uri::from(path.clone());
    *request.version_mut() = Version::HTTP_11;
    request.headers_mut().insert(header::HOST, upstream.host_header());
    let replay = replayable(&request);
    let guard = Unfinished(Some(permit));
    let ready = poll_fn(|cx| lock(sender).poll_ready(cx)).await;
    if ready.is_err() {
        return Err(Unanswered::NotSent(Box::new(request)));
    }
    let sent = lock(sender).try_send_request(request);
    match sent.await {
        Ok(response) if response.status() == StatusCode::SWITCHING_PROTOCOLS => {
            Err(Unanswered::Failed(UpstreamError::Protocol(Arc::from("101 Switching Protocols"))))
        }
        Ok(response) => match guard.finish() {
            Some(permit) => Ok(response.map(|body| UpstreamBody::h1(body, permit))),
            None => Err(Unanswered::Failed(UpstreamError::BrokenOff(Arc::from("no connection")))),
        },
        Err(mut error) => match error.take_message() {
            Some(unsent) => Err(Unanswered::NotSent(Box::new(unsent))),
            // The server ended a connection that had been idle just as it was used again.
            None if error.error().is_incomplete_message() => Err(match replay {
                Some(again) => Unanswered::NotSent(again),
                None => Unanswered::Failed(exchange_error(error.error())),
            }),
            None => Err(Unanswered::Failed(exchange_error(error.error()))),
        },
    }
}

/// A copy of a request that changes nothing on the server, so that it may be sent twice (RFC 9110
/// §9.2.2). Go's client does the same for the same requests.
fn replayable(request: &Request<RequestBody>) -> Option<Box<Request<RequestBody>>> {
    let safe = request.method().is_safe() && matches!(request.body(), RequestBody::Empty);
    safe.then(|| {
        let mut copy = Request::new(RequestBody::Empty);
        *copy.method_mut() = request.method().clone();
        *copy.uri_mut() = request.uri().clone();
        *copy.headers_mut() = request.headers().clone();
        Box::new(copy)
    })
}

fn lock(
    sender: &Mutex<SendRequest<RequestBody>>,
) -> std::sync::MutexGuard<'_, SendRequest<RequestBody>> {
    sender.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Discards the connection unless an answer came: its state is unknown otherwise.
struct Unfinished(Option<Permit>);

impl Unfinished {
    fn finish(mut self) -> Option<Permit> {
        self.0.take()
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if let Some(permit) = &self.0 {
            permit.discard_connection();
        }
    }
}

fn exchange_error(error: &hyper::Error) -> UpstreamError {
    if error.is_parse() || error.is_parse_status() || error.is_parse_too_large() {
        UpstreamError::Protocol(Arc::from(error.to_string()))
    } else {
        UpstreamError::BrokenOff(Arc::from(error.to_string()))
    }
}
