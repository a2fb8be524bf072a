//! Looks after the API server's side while requests go by: is it there, how long do certificates last,
//! have files changed.

use std::sync::Arc;

use super::limits::UPSTREAM_LOOK;
use crate::metrics::readiness::Condition;
use crate::metrics::registry::Metrics;
use crate::tls::{FileFollower, ServerTls};
use crate::upstream::Upstream;

/// Shows whether the API server can be reached and how long certificates last, and keeps a
/// credential plugin's answer fresh.
pub(super) async fn run(
    upstream: Arc<Upstream>,
    server: Option<Arc<ServerTls>>,
    metrics: Metrics,
    reached: Condition,
) {
    let fresh = Arc::clone(&upstream);
    tokio::spawn(async move {
        fresh.keep_fresh(|reason| tracing::warn!(reason, "credential plugin")).await;
    });
    let mut up = upstream.up();
    loop {
        if !upstream.is_up() {
            // Readiness must not wait for a kubelet that waits for readiness.
            let _ = upstream.probe().await;
        }
        let is_up = *up.borrow_and_update();
        reached.set(is_up);
        metrics.upstream_up().set(i64::from(is_up));
        if let Some(certificate) = upstream.client_certificate() {
            metrics.certificate_expiry("client").set(certificate.not_after_seconds);
        }
        if let Some(server) = &server {
            metrics.certificate_expiry("server").set(server.not_after_seconds());
        }
        // Now and then for expiries, and to see an API server that came up meanwhile.
        match tokio::time::timeout(UPSTREAM_LOOK, up.changed()).await {
            Ok(Ok(())) | Err(_) => {}
            Ok(Err(_closed)) => return,
        }
    }
}

/// Reads credential files again when they change, and counts and logs it.
pub(super) fn follow_files(metrics: &Metrics) -> FileFollower {
    let metrics = metrics.clone();
    FileFollower::new(move |report| {
        let outcome = if report.outcome.is_ok() { "ok" } else { "failed" };
        metrics.credential_reloads(report.subject, outcome).increment();
        match &report.outcome {
            Ok(()) => tracing::info!(subject = report.subject, "reloaded"),
            Err(error) => tracing::warn!(
                subject = report.subject, %error, "not reloaded; the old one stays in use"
            ),
        }
    })
}
