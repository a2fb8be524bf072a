//! Phase 7: the answer to the kubelet, made only of what an earlier phase vouches for.
//!
//! There are three kinds of body and no fourth: bytes that the filter made, a filtered stream, and a
//! relayed body, which needs the [`Relay`] permit that `classify` gives to routes without pods.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use http_body::{Body, Frame, SizeHint};
use tokio_util::sync::CancellationToken;

use super::classify::{Refusal, Relay};
use super::error::AnswerFault;
use super::filter::{FilteredBody, ItemWriter, KubeletBytes};
use crate::http::hop_headers;
use crate::kube_wire::resource::PODS;
use crate::kube_wire::status_object::Status;
use crate::net::drain::Drain;
use crate::upstream::UpstreamBody;

/// The body of an answer. Built by this file's functions alone.
pub struct AnswerBody(Kind);

enum Kind {
    Whole(Option<Bytes>),
    Filtered(Box<FilteredBody>),
    Relayed {
        body: UpstreamBody,
        /// What ends it early, if anything does.
        ending: Option<Ending>,
    },
}

/// The end of a relayed body before its own: the process drains, which a watch would keep for minutes, or
/// another policy may want to read it.
struct Ending {
    at: Moment,
    /// A watch's client goes on with another. Anything else is broken off: what came so far may be a whole
    /// object that only waits for its end.
    breaks_off: bool,
}

type Moment = Pin<Box<dyn Future<Output = ()> + Send>>;

/// The error of any of them.
pub type AnswerError = Box<dyn std::error::Error + Send + Sync>;

/// One whole object: a pod that was admitted, or a Status.
pub fn object(code: StatusCode, bytes: KubeletBytes) -> Response<AnswerBody> {
    let bytes = bytes.into_bytes();
    let length = HeaderValue::from(bytes.len());
    let mut response = json(code, Kind::Whole(Some(bytes)));
    response.headers_mut().insert(header::CONTENT_LENGTH, length);
    response
}

/// A watch that is over before its first event.
pub fn only_event(status: &Status) -> Response<AnswerBody> {
    let mut writer = ItemWriter::new(&PODS);
    writer.error(status);
    json(StatusCode::OK, Kind::Whole(writer.take().map(KubeletBytes::into_bytes)))
}

/// A list or a watch.
pub fn stream(body: FilteredBody) -> Response<AnswerBody> {
    json(StatusCode::OK, Kind::Filtered(Box::new(body)))
}

/// An answer that carries no pods, as it comes. Redirects and informational statuses do not pass. A
/// watch ends when the process drains; its client resumes where the last event left it. What a policy left
/// unread ends with that policy.
pub fn relayed(
    permit: &Relay,
    response: Response<UpstreamBody>,
    drain: &Drain,
) -> Response<AnswerBody> {
    let (head, body) = response.into_parts();
    if head.status.is_redirection() {
        return fault(&AnswerFault::Redirect);
    }
    if head.status.is_informational() {
        return fault(&AnswerFault::UnexpectedStatus(head.status));
    }
    let ending = if permit.is_watch() {
        Some(Ending { at: end_of_watch(drain.clone(), permit.ends()), breaks_off: false })
    } else {
        let cut = |ends: CancellationToken| Box::pin(ends.cancelled_owned());
        permit.ends().map(|ends| Ending { at: cut(ends), breaks_off: true })
    };
    let mut response = Response::new(AnswerBody(Kind::Relayed { body, ending }));
    *response.status_mut() = head.status;
    *response.headers_mut() = hop_headers::coming_down(&head.headers);
    response
}

fn end_of_watch(drain: Drain, ends: Option<CancellationToken>) -> Moment {
    Box::pin(async move {
        match ends {
            Some(ends) => tokio::select! {
                () = drain.draining() => {}
                () = ends.cancelled() => {}
            },
            None => drain.draining().await,
        }
    })
}

/// An orderly error of the API server, rebuilt.
pub fn error(
    code: StatusCode,
    status: &Status,
    retry_after: Option<HeaderValue>,
) -> Response<AnswerBody> {
    let mut response = object(code, KubeletBytes::status(status));
    if let Some(retry_after) = retry_after {
        response.headers_mut().insert(header::RETRY_AFTER, retry_after);
    }
    response
}

/// An answer of the API server that is not passed on.
pub fn fault(fault: &AnswerFault) -> Response<AnswerBody> {
    let (code, retry_after) = fault.answer();
    let reason = match code {
        StatusCode::BAD_REQUEST => "BadRequest",
        StatusCode::BAD_GATEWAY => "BadGateway",
        _ => "ServiceUnavailable",
    };
    let status = Status::failure(code.as_u16(), reason, &format!("kubelet-proxy: {fault}"));
    error(code, &status, retry_after.map(HeaderValue::from))
}

/// A request that no rule allows.
pub fn refusal(refusal: Refusal) -> Response<AnswerBody> {
    let Refusal { rule, message } = refusal;
    let message = format!("kubelet-proxy: refused by rule {rule}: {message}");
    let status = Status::failure(StatusCode::FORBIDDEN.as_u16(), "Forbidden", &message);
    object(StatusCode::FORBIDDEN, KubeletBytes::status(&status))
}

/// A pod that this kubelet does not have.
pub fn not_found(name: &str) -> Response<AnswerBody> {
    let message = format!("pods {name:?} not found");
    let status = Status::failure(StatusCode::NOT_FOUND.as_u16(), "NotFound", &message);
    object(StatusCode::NOT_FOUND, KubeletBytes::status(&status))
}

/// An object that the policy does not let this kubelet have.
pub fn withheld(plural: &str, name: &str, reason: &str) -> Response<AnswerBody> {
    let message =
        format!("kubelet-proxy: {plural} {name:?} withheld by the node's policy: {reason}");
    let status = Status::failure(StatusCode::FORBIDDEN.as_u16(), "Forbidden", &message);
    object(StatusCode::FORBIDDEN, KubeletBytes::status(&status))
}

fn json(code: StatusCode, kind: Kind) -> Response<AnswerBody> {
    let mut response = Response::new(AnswerBody(kind));
    *response.status_mut() = code;
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    response
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = AnswerError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, AnswerError>>> {
        match &mut self.0 {
            Kind::Whole(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Kind::Filtered(body) => Pin::new(body).poll_frame(context).map_err(Into::into),
            Kind::Relayed { body, ending } => {
                if let Some(ending) = ending
                    && ending.at.as_mut().poll(context).is_ready()
                {
                    let reason = "another policy is in force, which may not let it through";
                    return Poll::Ready(ending.breaks_off.then(|| Err(reason.into())));
                }
                Pin::new(body).poll_frame(context).map_err(Into::into)
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            Kind::Whole(bytes) => bytes.is_none(),
            Kind::Filtered(body) => body.is_end_stream(),
            Kind::Relayed { body, ending: _ } => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Kind::Whole(Some(bytes)) => SizeHint::with_exact(bytes.len() as u64),
            Kind::Whole(None) => SizeHint::with_exact(0),
            Kind::Filtered(_) => SizeHint::default(),
            Kind::Relayed { body, ending: _ } => body.size_hint(),
        }
    }
}
