//! One report: patch the status, tell an Event, end a deletion that nobody else will end.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header};
use serde_json::Value;

use super::Rejection;
use super::messages::{event, last_delete, status_patch};
use crate::kubelet_proxy::limits::REJECTION_TIMEOUT;
use crate::kubelet_proxy::meters::Meters;
use crate::upstream::{Lane, RequestBody, Upstream, UpstreamBody};

const STRATEGIC_MERGE_PATCH: &str = "application/strategic-merge-patch+json";
const JSON: &str = "application/json";

/// Longest `Retry-After` that is obeyed.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(120);

/// What reports need.
#[derive(Debug)]
pub(in crate::kubelet_proxy) struct Reporting {
    pub(in crate::kubelet_proxy) upstream: Arc<Upstream>,
    pub(in crate::kubelet_proxy) node: String,
    pub(in crate::kubelet_proxy) meters: Arc<Meters>,
}

/// How a report ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The cluster knows.
    Delivered,
    /// The pod is gone, or another pod has its name.
    Gone,
    /// The API server will not have it; trying again changes nothing.
    Refused {
        /// HTTP status.
        code: u16,
    },
    /// Overload, failure or silence.
    Retry {
        /// The API server asked for at least this pause.
        after: Option<Duration>,
    },
}

impl Outcome {
    pub(super) fn label(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Gone => "gone",
            Self::Refused { code: _ } => "refused",
            Self::Retry { after: _ } => "retry",
        }
    }
}

/// Delivers one report; a failed Event alone is no reason to repeat it.
pub(super) async fn deliver(reporting: &Reporting, rejection: &Rejection) -> Outcome {
    let now = jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let pod = format!("/api/v1/namespaces/{}/pods/{}", rejection.namespace, rejection.name);
    if rejection.wants_status {
        let patch = status_patch(rejection, &now);
        let path = format!("{pod}/status");
        let outcome = send(reporting, Method::PATCH, &path, STRATEGIC_MERGE_PATCH, &patch).await;
        if outcome != Outcome::Delivered {
            return outcome;
        }
        let events = format!("/api/v1/namespaces/{}/events", rejection.namespace);
        let told = event(rejection, &reporting.node, &now);
        let outcome = send(reporting, Method::POST, &events, JSON, &told).await;
        if outcome != Outcome::Delivered {
            reporting.meters.rejection("event-failed");
        }
    }
    if rejection.wants_delete {
        return send(reporting, Method::DELETE, &pod, JSON, &last_delete(rejection)).await;
    }
    Outcome::Delivered
}

async fn send(
    reporting: &Reporting,
    method: Method,
    path: &str,
    content_type: &str,
    body: &Value,
) -> Outcome {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header(header::CONTENT_TYPE, content_type)
        .header(header::ACCEPT, JSON)
        .header(header::ACCEPT_ENCODING, "identity")
        .header(header::USER_AGENT, concat!("kubelet-proxy/", env!("CARGO_PKG_VERSION")))
        .body(RequestBody::Full(Bytes::from(body.to_string())));
    let Ok(request) = request else {
        // Names of the path matched their grammar, so this is our mistake; repeating it helps nobody.
        return Outcome::Refused { code: 0 };
    };
    let sent = reporting.upstream.send(Lane::Short, request, REJECTION_TIMEOUT).await;
    sent.map_or(Outcome::Retry { after: None }, |response| outcome(&response))
}

fn outcome(response: &Response<UpstreamBody>) -> Outcome {
    match response.status() {
        status if status.is_success() => Outcome::Delivered,
        StatusCode::NOT_FOUND | StatusCode::CONFLICT | StatusCode::GONE => Outcome::Gone,
        StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT => retry(response),
        status if status.is_server_error() => retry(response),
        status => Outcome::Refused { code: status.as_u16() },
    }
}

fn retry(response: &Response<UpstreamBody>) -> Outcome {
    let seconds = response.headers().get(header::RETRY_AFTER);
    let seconds = seconds.and_then(|value| value.to_str().ok()?.parse().ok());
    let after = seconds.map(|seconds| Duration::from_secs(seconds).min(LONGEST_RETRY_AFTER));
    Outcome::Retry { after }
}
