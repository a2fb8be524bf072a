//! Whom the kubelet's own API serves: the answer to a kubelet that asks the API server.
//!
//! With a guard, or with `--deny-kubelet-api`, the question is answered here and never passed on. The
//! guard is known by the fingerprint that the kubelet took from its TLS handshake, so no certificate
//! of the cluster's own authority and no name can pass for it. Tokens are nobody's: their reviews
//! could hold any fingerprint. Without a guard nobody is served, `kubectl logs` included.

use std::sync::Arc;

use http::{HeaderMap, Response, StatusCode, header};
use hyper::body::Incoming;
use serde_json::json;

use super::error::AnswerFault;
use super::filter::KubeletBytes;
use super::forward::collect;
use super::limits::MAX_REVIEW_BYTES;
use super::respond::{self, AnswerBody};
use crate::kube_wire::access_review::AccessReview;
use crate::kubelet_api::kubelet::Kubelet;

/// Everything a kubelet asks about (`pkg/kubelet/server/auth.go`, 1.33 to 1.36).
const SUBRESOURCES: [&str; 9] =
    ["proxy", "stats", "metrics", "log", "checkpoint", "pods", "healthz", "configz", "statusz"];

/// Which review is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Review {
    /// May this caller do that?
    Access,
    /// Whose token is this?
    Token,
}

/// Answers reviews in the API server's place.
#[derive(Clone, Debug)]
pub(super) enum Reviews {
    /// The one caller that is served is this guard.
    Guarded(Arc<Kubelet>),
    /// `--deny-kubelet-api`: nobody is.
    DenyAll,
}

impl Reviews {
    /// Answers one review.
    pub(super) async fn answer(
        &self,
        review: Review,
        headers: &HeaderMap,
        body: Incoming,
    ) -> Result<Response<AnswerBody>, AnswerFault> {
        let body = collect(body, MAX_REVIEW_BYTES).await?;
        let answer = match review {
            Review::Token => ReviewAnswer::nobodys_token(),
            Review::Access => {
                let refusal = self.refusal(headers, &body);
                if let Some(reason) = &refusal {
                    tracing::info!(reason, "a caller of the kubelet's own API is refused");
                }
                ReviewAnswer::access(refusal)
            }
        };
        Ok(respond::object(StatusCode::CREATED, KubeletBytes::review(&answer)))
    }

    /// Why the caller is refused; `None` for the guard alone.
    fn refusal(&self, headers: &HeaderMap, body: &[u8]) -> Option<String> {
        let kubelet = match self {
            Self::Guarded(kubelet) => kubelet,
            Self::DenyAll => return Some("--deny-kubelet-api serves nobody".to_owned()),
        };
        let content_type = headers.get(header::CONTENT_TYPE);
        let content_type = content_type.and_then(|value| value.to_str().ok()).unwrap_or_default();
        let guard = kubelet.identity().map(|identity| credential_id(&identity.sha256));
        refusal_of(content_type, body, guard.as_deref())
    }
}

/// The answer where this is the guard's certificate: the whole way from bytes to bytes.
pub(super) fn answer_with(guard: Option<&[u8; 32]>, content_type: &str, body: &[u8]) -> Vec<u8> {
    let guard = guard.map(credential_id);
    ReviewAnswer::access(refusal_of(content_type, body, guard.as_deref())).to_json()
}

/// Why the caller that a review is about is refused; `None` for the guard alone.
fn refusal_of(content_type: &str, body: &[u8], guard: Option<&str>) -> Option<String> {
    match AccessReview::read(content_type, body) {
        Ok(review) => refusal(&review, guard),
        Err(fault) => Some(format!("the review cannot be read: {fault}")),
    }
}

/// What a kubelet is told. Made in this file alone.
#[derive(Debug)]
pub(super) struct ReviewAnswer(serde_json::Value);

impl ReviewAnswer {
    fn nobodys_token() -> Self {
        Self(json!({
            "kind": "TokenReview", "apiVersion": "authentication.k8s.io/v1",
            "metadata": {}, "spec": {},
            "status": {
                "authenticated": false,
                "error": "kubelet-proxy: the kubelet's API takes no tokens on this node",
            },
        }))
    }

    fn access(refusal: Option<String>) -> Self {
        let reason = refusal.as_deref().unwrap_or("this is the guard");
        Self(json!({
            "kind": "SubjectAccessReview", "apiVersion": "authorization.k8s.io/v1",
            "metadata": {}, "spec": {},
            "status": {
                "allowed": refusal.is_none(),
                "denied": refusal.is_some(),
                "reason": format!("kubelet-proxy: {reason}"),
            },
        }))
    }

    /// The object as JSON.
    pub(super) fn to_json(&self) -> Vec<u8> {
        self.0.to_string().into_bytes()
    }
}

/// Is it the guard, and a resource that the kubelet has?
fn refusal(review: &AccessReview, guard: Option<&str>) -> Option<String> {
    let asked = &review.resource;
    let is_guard = matches!(review.credentials.as_slice(), [one] if Some(one.as_str()) == guard);
    let is_kubelets = asked.resource == "nodes"
        && asked.group.is_empty()
        && asked.namespace.is_empty()
        && SUBRESOURCES.contains(&asked.subresource.as_str());
    if is_guard && is_kubelets {
        return None;
    }
    let user = crate::audit::escape::escaped(&review.user, 128);
    Some(format!(
        "{} of {}/{} is for the guard of the kubelet's API alone, and '{user}' did not show its \
         certificate",
        crate::audit::escape::escaped(&asked.verb, 32),
        crate::audit::escape::escaped(&asked.resource, 64),
        crate::audit::escape::escaped(&asked.subresource, 64),
    ))
}

/// As a kubelet writes the certificate of a caller (apiserver `x509.go`).
fn credential_id(sha256: &[u8; 32]) -> String {
    let digits: Vec<String> = sha256.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("X509SHA256={}", digits.concat())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kube_wire::access_review::Resource;

    fn review(credentials: &[&str], resource: &str, subresource: &str) -> AccessReview {
        AccessReview {
            user: "nodeward-guard".to_owned(),
            credentials: credentials.iter().map(|id| (*id).to_owned()).collect(),
            resource: Resource {
                verb: "get".to_owned(),
                resource: resource.to_owned(),
                subresource: subresource.to_owned(),
                ..Resource::default()
            },
        }
    }

    #[test]
    fn only_the_guards_own_certificate_passes() {
        let guard = credential_id(&[0xab; 32]);
        let passes = |credentials: &[&str], resource: &str, subresource: &str| {
            refusal(&review(credentials, resource, subresource), Some(&guard)).is_none()
        };
        for subresource in SUBRESOURCES {
            assert!(passes(&[&guard], "nodes", subresource));
        }
        assert!(!passes(&[], "nodes", "proxy"), "the name is no proof");
        assert!(!passes(&["X509SHA256=00"], "nodes", "proxy"));
        assert!(!passes(&[&guard, "JTI=1"], "nodes", "proxy"), "a token beside the certificate");
        assert!(!passes(&[&guard.to_uppercase()], "nodes", "proxy"));
        assert!(!passes(&[&guard], "pods", "exec"));
        assert!(!passes(&[&guard], "nodes", ""));
        assert!(!passes(&[&guard], "nodes", "status"));
        assert!(
            refusal(&review(&[], "nodes", "proxy"), None).is_some(),
            "no guard, no credentials"
        );
        let mut foreign = review(&[&guard], "nodes", "proxy");
        foreign.resource.group = "apps".to_owned();
        assert!(refusal(&foreign, Some(&guard)).is_some());
    }

    #[test]
    fn a_fingerprint_is_written_as_kubelets_write_it() {
        let id = credential_id(&[0x0f; 32]);
        assert_eq!(id, format!("X509SHA256={}", "0f".repeat(32)));
    }
}
