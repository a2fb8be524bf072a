//! The guard's answers: its own refusals, and the kubelet's words as they come.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use thiserror::Error;

use super::call::Refusal;
use super::kubelet::KubeletFault;
use super::upgrade;
use crate::http::hop_headers;
use crate::kube_wire::status_object::Status;

/// The body of an answer.
pub(super) struct AnswerBody(Kind);

enum Kind {
    Whole(Option<Bytes>),
    Relayed { body: Incoming, cut: Cut },
}

/// Resolves when the answer has to end, finished or not.
pub(super) type Cut = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Why a relayed body ended.
#[derive(Debug, Error)]
pub(super) enum BodyFault {
    /// The kubelet's side broke.
    #[error("the kubelet's answer broke off: {0}")]
    Broken(#[from] hyper::Error),
    /// The grant ended, or this process does.
    #[error("the answer was cut")]
    Cut,
}

/// A refusal in words. As a Status: clients would take a line of text with a colon for YAML.
pub(super) fn text(code: StatusCode, message: &str) -> Response<AnswerBody> {
    let reason = code.canonical_reason().unwrap_or_default().replace(' ', "");
    let message = format!("kubelet-proxy: {message}");
    let status = Status::failure(code.as_u16(), &reason, &message);
    let body = Bytes::copy_from_slice(status.as_json());
    let length = HeaderValue::from(body.len());
    let mut response = Response::new(AnswerBody(Kind::Whole(Some(body))));
    *response.status_mut() = code;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::CONTENT_LENGTH, length);
    // Whoever was refused may have sent on as if it was not: nothing after it is a request.
    headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}

/// A request that no call of the kubelet's API is.
pub(super) fn refusal(refusal: Refusal) -> Response<AnswerBody> {
    let code = StatusCode::from_u16(refusal.code).unwrap_or(StatusCode::FORBIDDEN);
    text(code, &format!("refused by rule {}: {}", refusal.rule, refusal.message))
}

/// A kubelet that does not answer as it should.
pub(super) fn fault(fault: &KubeletFault) -> Response<AnswerBody> {
    text(StatusCode::BAD_GATEWAY, &fault.to_string())
}

/// The consent to leave HTTP.
pub(super) fn switched(headers: header::HeaderMap) -> Response<AnswerBody> {
    let mut response = Response::new(AnswerBody(Kind::Whole(None)));
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    *response.headers_mut() = headers;
    response
}

/// An ordinary answer of the kubelet. Redirects do not pass.
pub(super) fn relayed(
    response: Response<Incoming>,
    cut: Cut,
) -> Result<Response<AnswerBody>, KubeletFault> {
    let (head, body) = response.into_parts();
    if head.status.is_redirection() || head.status.is_informational() {
        return Err(KubeletFault::UnexpectedStatus(head.status));
    }
    let mut answer = Response::new(AnswerBody(Kind::Relayed { body, cut }));
    *answer.status_mut() = head.status;
    *answer.headers_mut() = hop_headers::coming_down(&head.headers);
    upgrade::refusal_fields(&head.headers, answer.headers_mut());
    Ok(answer)
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = BodyFault;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyFault>>> {
        match &mut self.0 {
            Kind::Whole(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Kind::Relayed { body, cut } => {
                if cut.as_mut().poll(context).is_ready() {
                    return Poll::Ready(Some(Err(BodyFault::Cut)));
                }
                Pin::new(body).poll_frame(context).map_err(Into::into)
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            Kind::Whole(bytes) => bytes.is_none(),
            Kind::Relayed { body, cut: _ } => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Kind::Whole(Some(bytes)) => SizeHint::with_exact(bytes.len() as u64),
            Kind::Whole(None) => SizeHint::with_exact(0),
            Kind::Relayed { body, cut: _ } => body.size_hint(),
        }
    }
}
