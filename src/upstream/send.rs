//! One request to the API server and the head of its answer.
//!
//! It does not look into bodies and follows no redirect. Invariant: what leaves here carries the
//! node's own credential or none; nothing that the caller sent decides as whom, to which host, or
//! over which connection it goes.

use std::sync::Arc;
use std::time::Duration;

use http::header::{self, HeaderName};
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use http_body::Body;
use tokio::time::Instant;

use super::body::{RequestBody, UpstreamBody};
use super::lanes::{Connection, Lane, Wire};
use super::{Upstream, UpstreamError, h1_exchange, h2_exchange};

/// A connection may turn out closed when it is used; two such, then one made for this request.
const ATTEMPTS: usize = 3;

/// Without an answer for this long, the connection is not trusted with further requests. Below the
/// 10 s after which a kubelet gives up on a heartbeat, so that its next one goes another way.
const STALLED_AFTER: Duration = Duration::from_secs(4);

/// What became of one attempt.
pub(super) type Attempt = Result<Response<UpstreamBody>, Unanswered>;

/// An attempt without an answer.
pub(super) enum Unanswered {
    /// The server has not acted on it: safe to send again, whatever the method.
    NotSent(Box<Request<RequestBody>>),
    Failed(UpstreamError),
}

impl Upstream {
    /// Sends a request on a lane and waits at most `head_limit` for the head of the answer.
    ///
    /// Of the request's URI only path and query count. Scheme, host, `Authorization` and
    /// `Content-Length` are set here. Dropping the future resets the stream.
    ///
    /// # Errors
    /// [`UpstreamError`]; its [`fault`](UpstreamError::fault) says who is to blame.
    pub async fn send(
        &self,
        lane: Lane,
        mut request: Request<RequestBody>,
        head_limit: Duration,
    ) -> Result<Response<UpstreamBody>, UpstreamError> {
        let path =
            request.uri().path_and_query().and_then(|path| self.endpoint().origin_form(path));
        let path = path.ok_or(UpstreamError::Unsendable("the path is not absolute"))?;
        let work = async {
            let authorization = self.credentials.header().await;
            let authorization = authorization.map_err(UpstreamError::Credentials)?;
            prepare(&mut request, authorization);
            self.attempt_until_sent(lane, request, &path).await
        };
        let answered = tokio::time::timeout(head_limit, work).await;
        let response = answered.unwrap_or(Err(UpstreamError::HeadTimeout(head_limit)))?;
        if response.status() == StatusCode::UNAUTHORIZED {
            self.credentials.invalidate();
        }
        Ok(response)
    }

    async fn attempt_until_sent(
        &self,
        lane: Lane,
        mut request: Request<RequestBody>,
        path: &PathAndQuery,
    ) -> Result<Response<UpstreamBody>, UpstreamError> {
        for _ in 0..ATTEMPTS {
            let permit = self.pool(lane).take().await?;
            let connection = Arc::clone(&permit.connection);
            let mut suspicion = Suspicion::new(&connection);
            let attempt = match &connection.wire {
                Wire::H2(sender) => {
                    h2_exchange::exchange(self, sender, request, path, permit).await
                }
                Wire::H1(sender) => {
                    h1_exchange::exchange(self, sender, request, path, permit).await
                }
            };
            suspicion.dispel();
            match attempt {
                Ok(response) => return Ok(response),
                Err(Unanswered::Failed(error)) => return Err(error),
                Err(Unanswered::NotSent(unsent)) => request = *unsent,
            }
        }
        Err(UpstreamError::BrokenOff(Arc::from("every connection closed before it was used")))
    }
}

/// Closes a connection for further requests when this one is dropped after a long silence: by the
/// head's limit or because the kubelet gave up. The peer may be gone without a word.
struct Suspicion<'a> {
    connection: &'a Connection,
    since: Instant,
    dispelled: bool,
}

impl<'a> Suspicion<'a> {
    fn new(connection: &'a Connection) -> Self {
        Self { connection, since: Instant::now(), dispelled: false }
    }

    fn dispel(&mut self) {
        self.dispelled = true;
    }
}

impl Drop for Suspicion<'_> {
    fn drop(&mut self) {
        if !self.dispelled && self.since.elapsed() >= STALLED_AFTER {
            self.connection.take_no_more();
        }
    }
}

/// Makes the head ours: no foreign identity, nothing about the caller's connection.
fn prepare(request: &mut Request<RequestBody>, authorization: Option<HeaderValue>) {
    request.extensions_mut().clear();
    let length = request.body().size_hint().exact();
    let has_content = carries_content(request.method());
    let headers = request.headers_mut();
    remove_forbidden(headers);
    match length {
        Some(length) if length > 0 || has_content => {
            headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
        }
        Some(_) | None => {
            headers.remove(header::CONTENT_LENGTH);
        }
    }
    if let Some(authorization) = authorization {
        headers.insert(header::AUTHORIZATION, authorization);
    }
}

/// Methods whose empty body is worth saying (RFC 9110 §8.6).
fn carries_content(method: &Method) -> bool {
    matches!(*method, Method::POST | Method::PUT | Method::PATCH)
}

/// Fields that say who is asking, and fields about one connection (RFC 9110 §7.6.1).
const FORBIDDEN: [HeaderName; 11] = [
    header::AUTHORIZATION,
    header::PROXY_AUTHORIZATION,
    header::HOST,
    header::CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    header::EXPECT,
];

/// Prefixes of fields with which a caller could act as somebody else.
const FORBIDDEN_PREFIXES: [&str; 2] = ["impersonate-", "x-remote-"];

fn is_forbidden(name: &HeaderName) -> bool {
    FORBIDDEN.contains(name)
        || FORBIDDEN_PREFIXES.iter().any(|prefix| name.as_str().starts_with(prefix))
}

fn remove_forbidden(headers: &mut HeaderMap) {
    // Callers narrow the head to an allowlist before, so usually there is nothing to remove.
    if !headers.keys().any(is_forbidden) {
        return;
    }
    let found: Vec<HeaderName> =
        headers.keys().filter(|name| is_forbidden(name)).cloned().collect();
    for name in found {
        headers.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prepared(method: Method, body: RequestBody, fields: &[(&'static str, &str)]) -> HeaderMap {
        let mut request = Request::builder().method(method).uri("/").body(body).unwrap();
        for (name, value) in fields {
            request.headers_mut().append(*name, value.parse().unwrap());
        }
        prepare(&mut request, Some(HeaderValue::from_static("Bearer ours")));
        request.into_parts().0.headers
    }

    #[test]
    fn nothing_about_the_callers_identity_or_connection_survives() {
        let fields = [
            ("authorization", "Bearer theirs"),
            ("authorization", "Basic theirs"),
            ("proxy-authorization", "Basic theirs"),
            ("impersonate-user", "system:admin"),
            ("impersonate-extra-x", "y"),
            ("x-remote-group", "system:masters"),
            ("host", "elsewhere"),
            ("connection", "upgrade"),
            ("upgrade", "websocket"),
            ("transfer-encoding", "chunked"),
            ("te", "trailers"),
            ("expect", "100-continue"),
            ("accept", "application/json"),
        ];
        let headers = prepared(Method::GET, RequestBody::Empty, &fields);
        let mut left: Vec<_> = headers.iter().collect();
        left.sort_by_key(|(name, _)| name.as_str());
        assert_eq!(left.len(), 2, "{left:?}");
        assert_eq!(left[0].1, "application/json");
        assert_eq!(left[1].1, "Bearer ours");
    }

    #[test]
    fn the_length_is_that_of_the_body_and_not_what_the_caller_said() {
        let lie = [("content-length", "999")];
        let length = |method, body| {
            prepared(method, body, &lie)
                .get("content-length")
                .map(|it| it.to_str().unwrap().to_owned())
        };
        assert_eq!(length(Method::GET, RequestBody::Empty), None);
        assert_eq!(length(Method::POST, RequestBody::Empty).as_deref(), Some("0"));
        let full = RequestBody::Full(bytes::Bytes::from_static(b"abc"));
        assert_eq!(length(Method::PATCH, full).as_deref(), Some("3"));
    }
}
