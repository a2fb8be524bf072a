//! Phase 3: the request as the API server gets it, and the first look at what comes back.
//!
//! Upstream is asked for JSON without encoding, and an answer about pods counts only as exactly that.
//! client-go is far more forgiving (it takes 203, YAML, gzip, redirects), which is how a filter that
//! trusts it is walked around. Next in the story: `pods`, which decodes and decides.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Uri, header};
use http_body_util::{BodyExt, Limited};
use tokio::time::timeout;

use super::error::{AnswerFault, BreakOff};
use super::limits::{
    MAX_ERROR_BODY_BYTES, MID_OBJECT_SILENCE, OBJECT_LIMITS, RESPONSE_HEAD_TIMEOUT,
};
use crate::http::hop_headers;
use crate::kube_wire::status_object::Status;
use crate::upstream::{Lane, RequestBody, Upstream, UpstreamBody};

/// A request for pods, ready for upstream.
#[derive(Debug)]
pub(super) struct PodQuestion {
    pub(super) method: Method,
    /// Path and query, canonical.
    pub(super) target: String,
    pub(super) headers: HeaderMap,
    pub(super) body: RequestBody,
    pub(super) lane: Lane,
}

/// What upstream said about pods, judged by its head alone.
#[derive(Debug)]
pub(super) enum PodReply {
    /// The status that was asked for, plain JSON, body unread.
    Pods(StatusCode, UpstreamBody),
    /// An orderly error, rebuilt.
    Error(StatusCode, Status, Option<HeaderValue>),
}

/// Asks upstream about pods. `wanted`: the statuses that carry pods on this route.
pub(super) async fn ask(
    upstream: &Upstream,
    question: PodQuestion,
    wanted: &[StatusCode],
) -> Result<PodReply, AnswerFault> {
    let PodQuestion { method, target, headers, body, lane } = question;
    let mut request = Request::new(body);
    *request.method_mut() = method;
    *request.uri_mut() = target.parse::<Uri>().map_err(|_| AnswerFault::OtherObject)?;
    *request.headers_mut() = narrowed(&headers);
    let response = upstream.send(lane, request, RESPONSE_HEAD_TIMEOUT).await?;
    judge_head(response, wanted).await
}

/// The caller's headers, with the representation that we can read.
fn narrowed(headers: &HeaderMap) -> HeaderMap {
    let mut narrowed = hop_headers::going_up(headers);
    narrowed.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
    narrowed.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    narrowed
}

async fn judge_head(
    response: Response<UpstreamBody>,
    wanted: &[StatusCode],
) -> Result<PodReply, AnswerFault> {
    let (head, body) = response.into_parts();
    if head.status.is_redirection() {
        return Err(AnswerFault::Redirect);
    }
    if head.status.is_client_error() || head.status.is_server_error() {
        let status = read_error(head.status, &head.headers, body).await;
        let retry_after = head.headers.get(header::RETRY_AFTER).cloned();
        return Ok(PodReply::Error(head.status, status, retry_after));
    }
    if !wanted.contains(&head.status) {
        return Err(AnswerFault::UnexpectedStatus(head.status));
    }
    if head.headers.contains_key(header::CONTENT_ENCODING) {
        return Err(AnswerFault::ContentEncoding);
    }
    if !is_plain_json(&head.headers) {
        return Err(AnswerFault::ContentType);
    }
    Ok(PodReply::Pods(head.status, body))
}

/// Exactly one `Content-Type: application/json`, at most with `charset=utf-8`.
fn is_plain_json(headers: &HeaderMap) -> bool {
    let mut values = headers.get_all(header::CONTENT_TYPE).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return false };
    let Ok(value) = value.to_str() else { return false };
    let (kind, parameters) = value.split_once(';').unwrap_or((value, ""));
    let parameters = parameters.trim();
    kind.trim().eq_ignore_ascii_case("application/json")
        && (parameters.is_empty() || parameters.eq_ignore_ascii_case("charset=utf-8"))
}

/// The Status in an error answer; one of our own when there is none to be had. The HTTP status counts,
/// whatever the object claims.
async fn read_error(code: StatusCode, headers: &HeaderMap, body: UpstreamBody) -> Status {
    let readable = !headers.contains_key(header::CONTENT_ENCODING) && is_plain_json(headers);
    if readable
        && let Ok(document) = collect(body, MAX_ERROR_BODY_BYTES).await
        && let Ok(status) = Status::parse(&document, OBJECT_LIMITS)
        && status.code() == code.as_u16()
    {
        return status;
    }
    let reason = code.canonical_reason().unwrap_or("Unknown").replace(' ', "");
    let message = format!("the API server answered {code} without a readable Status");
    Status::failure(code.as_u16(), &reason, &message)
}

/// Reads a small body whole.
pub(super) async fn collect<B>(body: B, limit: usize) -> Result<Bytes, AnswerFault>
where
    B: http_body::Body<Data = Bytes>,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let limited = Limited::new(body, limit);
    match timeout(MID_OBJECT_SILENCE, limited.collect()).await {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(_lost_or_too_large)) => Err(AnswerFault::BrokenOff(BreakOff::Connection)),
        Err(_elapsed) => Err(AnswerFault::BrokenOff(BreakOff::TooSlow)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_json_is_json() {
        let check = |values: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(header::CONTENT_TYPE, HeaderValue::from_static(value));
            }
            is_plain_json(&headers)
        };
        for good in [
            "application/json",
            "application/json;charset=utf-8",
            "Application/JSON; charset=UTF-8",
        ] {
            assert!(check(&[good]), "{good}");
        }
        for bad in [
            "",
            "text/plain",
            "application/yaml",
            "application/vnd.kubernetes.protobuf",
            "application/cbor",
            "application/json;as=Table;v=v1;g=meta.k8s.io",
            "application/json;stream=watch",
            "application/json, text/plain",
            "application/json;charset=utf-16",
            "application/jsonx",
        ] {
            assert!(!check(&[bad]), "{bad}");
        }
        assert!(!check(&[]));
        assert!(!check(&["application/json", "application/json"]));
        assert!(!check(&["application/json", "application/yaml"]));
    }

    #[test]
    fn upstream_is_asked_for_json_without_encoding_and_without_borrowed_rights() {
        let mut headers = HeaderMap::new();
        headers.insert(
            header::ACCEPT,
            HeaderValue::from_static("application/vnd.kubernetes.protobuf"),
        );
        headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("gzip"));
        headers.insert(header::AUTHORIZATION, HeaderValue::from_static("Bearer x"));
        headers.insert("impersonate-user", HeaderValue::from_static("admin"));
        headers.insert(header::USER_AGENT, HeaderValue::from_static("kubelet"));
        let narrowed = narrowed(&headers);
        assert_eq!(narrowed.get(header::ACCEPT).unwrap(), "application/json");
        assert_eq!(narrowed.get(header::ACCEPT_ENCODING).unwrap(), "identity");
        assert_eq!(narrowed.get(header::USER_AGENT).unwrap(), "kubelet");
        assert_eq!(narrowed.len(), 3);
    }
}
