//! One request on an HTTP/2 connection, without a task and without a copy of the sending half.
//!
//! The caller's task polls the stream itself; hyper's client would spawn a task for each request.
//! Invariant: a request counts as not sent only when the server has said so, or when nothing of it
//! was handed over.

use std::future::poll_fn;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use h2::Reason;
use h2::client::{ResponseFuture, SendRequest};
use http::uri::PathAndQuery;
use http::{Request, Response, header, request};
use http_body::Body;

use super::body::{RequestBody, UpstreamBody};
use super::h2_upload::Upload;
use super::lanes::Permit;
use super::send::{Attempt, Unanswered};
use super::{Upstream, UpstreamError};

/// What is needed to send the same request again.
enum Again {
    Whole(Box<request::Parts>, Bytes),
    /// A streamed body is spent with the first attempt.
    Impossible,
}

pub(super) async fn exchange(
    upstream: &Upstream,
    sender: &Mutex<SendRequest<Bytes>>,
    request: Request<RequestBody>,
    path: &PathAndQuery,
    permit: Permit,
) -> Attempt {
    let Some(uri) = upstream.endpoint().absolute(path.clone()) else {
        return Err(Unanswered::Failed(UpstreamError::Unsendable("the path is not absolute")));
    };
    let (mut head, body) = request.into_parts();
    head.uri = uri;
    head.headers.remove(header::HOST);
    let again = match &body {
        RequestBody::Empty => Again::Whole(Box::new(head.clone()), Bytes::new()),
        RequestBody::Full(bytes) => Again::Whole(Box::new(head.clone()), bytes.clone()),
        RequestBody::Streaming(_) | RequestBody::Boxed(_) => Again::Impossible,
    };
    let (response, upload) = match hand_over(sender, head, body) {
        Ok(handed_over) => handed_over,
        Err(Refused::Untouched(request)) => {
            permit.discard_connection();
            return Err(Unanswered::NotSent(request));
        }
        Err(Refused::Lost(error)) => return again.after(&error, &permit),
    };
    match head_of(response, upload).await {
        Ok((response, upload)) => Ok(wrap(response, upload, permit)),
        Err(Ended::Stream(error)) => again.after(&error, &permit),
        Err(Ended::Request(error)) => Err(Unanswered::Failed(error)),
    }
}

enum Refused {
    Untouched(Box<Request<RequestBody>>),
    Lost(h2::Error),
}

/// Gives the head, and a body in hand, to the connection's task.
fn hand_over(
    sender: &Mutex<SendRequest<Bytes>>,
    head: request::Parts,
    body: RequestBody,
) -> Result<(ResponseFuture, Option<Upload>), Refused> {
    let mut sender = sender.lock().unwrap_or_else(PoisonError::into_inner);
    match sender.poll_ready(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(Ok(())) => {}
        Poll::Ready(Err(_closed)) => {
            return Err(Refused::Untouched(Box::new(Request::from_parts(head, body))));
        }
        // The stream opened last still waits for a slot of the server's. Ours is counted, so it
        // gets the next one; a clone does not wait for the other stream.
        Poll::Pending => *sender = sender.clone(),
    }
    let nothing_to_send = body.is_end_stream();
    let (response, mut stream) = sender
        .send_request(Request::from_parts(head, ()), nothing_to_send)
        .map_err(Refused::Lost)?;
    drop(sender);
    let upload = match body {
        _ if nothing_to_send => None,
        RequestBody::Full(bytes) => {
            stream.send_data(bytes, true).map_err(Refused::Lost)?;
            None
        }
        body @ (RequestBody::Empty | RequestBody::Streaming(_) | RequestBody::Boxed(_)) => {
            Some(Upload::new(body, stream))
        }
    };
    Ok((response, upload))
}

enum Ended {
    Stream(h2::Error),
    Request(UpstreamError),
}

type Answer = (Response<h2::RecvStream>, Option<Upload>);

async fn head_of(mut response: ResponseFuture, upload: Option<Upload>) -> Result<Answer, Ended> {
    let mut upload = upload;
    let answered = poll_fn(|cx| {
        if let Some(sending) = &mut upload {
            match sending.poll_sent(cx) {
                Poll::Ready(Ok(())) => upload = None,
                Poll::Ready(Err(error)) => return Poll::Ready(Err(Ended::Request(error))),
                Poll::Pending => {}
            }
        }
        std::pin::Pin::new(&mut response).poll(cx).map_err(Ended::Stream)
    });
    let answered = answered.await?;
    Ok((answered, upload))
}

fn wrap(
    response: Response<h2::RecvStream>,
    upload: Option<Upload>,
    permit: Permit,
) -> Response<UpstreamBody> {
    let (head, stream) = response.into_parts();
    let length = head.headers.get(header::CONTENT_LENGTH);
    let length = length.and_then(|it| it.to_str().ok()).and_then(|it| it.parse().ok());
    Response::from_parts(head, UpstreamBody::h2(stream, upload, permit, length))
}

impl Again {
    /// RFC 9113 §8.7: a stream above the last one of a GOAWAY, and one that is refused, was not
    /// acted on. Go's client sends such requests again, and kubelets rely on that.
    fn after(self, error: &h2::Error, permit: &Permit) -> Attempt {
        let refused = error.is_reset() && error.reason() == Some(Reason::REFUSED_STREAM);
        let not_acted_on = error.is_remote() && (error.is_go_away() || refused);
        if error.is_go_away() || error.is_io() {
            permit.discard_connection();
        }
        match self {
            Self::Whole(head, bytes) if not_acted_on => {
                let body =
                    if bytes.is_empty() { RequestBody::Empty } else { RequestBody::Full(bytes) };
                Err(Unanswered::NotSent(Box::new(Request::from_parts(*head, body))))
            }
            Self::Whole(_, _) | Self::Impossible => Err(Unanswered::Failed(stream_error(error))),
        }
    }
}

fn stream_error(error: &h2::Error) -> UpstreamError {
    let text = Arc::from(error.to_string());
    match error.is_library() {
        true => UpstreamError::Protocol(text),
        false => UpstreamError::BrokenOff(text),
    }
}
