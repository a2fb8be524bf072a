//! Counts what happens to connections, and logs refusals sparingly.
//!
//! Any local process can cause refusals by the thousand, so at most one line a second is written;
//! the metric counts them all.

use std::io;
use std::net::SocketAddr;
use std::sync::Mutex;
use std::time::Duration;

use tokio::time::Instant;

use super::handles::{Counter, Gauge};
use super::registry::Metrics;
use crate::http::listen::ListenerEvents;
use crate::http::tls_refusal::Refusal;

/// Pause between two log lines about refusals.
const LOG_PAUSE: Duration = Duration::from_secs(1);

/// The listener's events, as metrics.
#[derive(Debug)]
pub struct ConnectionCounts {
    connections: Gauge,
    refusals: [(Refusal, Counter); Refusal::ALL.len()],
    accept_failures: Counter,
    last_line: Mutex<Option<Instant>>,
}

impl ConnectionCounts {
    /// Counts into these metrics.
    pub fn new(metrics: &Metrics) -> Self {
        Self {
            connections: metrics.connections(),
            refusals: Refusal::ALL.map(|reason| (reason, metrics.tls_refusals(reason))),
            accept_failures: metrics.accept_failures(),
            last_line: Mutex::new(None),
        }
    }

    fn may_log(&self) -> bool {
        // A poisoned lock only means that a thread ended while holding it; the time is still good.
        let mut last = self.last_line.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let may = last.is_none_or(|last| last.elapsed() >= LOG_PAUSE);
        if may {
            *last = Some(Instant::now());
        }
        may
    }
}

impl ListenerEvents for ConnectionCounts {
    fn connections_changed(&self, by: i64) {
        self.connections.add(by);
    }

    fn refused(&self, reason: Refusal, peer: SocketAddr) {
        if let Some((_, counter)) = self.refusals.iter().find(|(known, _)| *known == reason) {
            counter.increment();
        }
        if self.may_log() {
            tracing::warn!(reason = reason.as_str(), %peer, "connection refused");
        }
    }

    fn accept_failed(&self, error: &io::Error) {
        self.accept_failures.increment();
        if self.may_log() {
            tracing::warn!(%error, "accepting a connection did not work");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn every_refusal_is_counted_and_one_a_second_is_logged() {
        let metrics = Metrics::new();
        let counts = ConnectionCounts::new(&metrics);
        assert!(counts.may_log());
        assert!(!counts.may_log());
        tokio::time::advance(LOG_PAUSE).await;
        assert!(counts.may_log());
        for reason in Refusal::ALL {
            counts.refused(reason, ([127, 0, 0, 1], 1).into());
        }
        counts.connections_changed(1);
        let encoded = metrics.encode();
        for reason in Refusal::ALL {
            let label = reason.as_str();
            let line = format!("kubelet_proxy_tls_refusals_total{{reason=\"{label}\"}} 1");
            assert!(encoded.contains(&line), "{line}");
        }
        assert!(encoded.contains("kubelet_proxy_connections 1"));
    }
}
