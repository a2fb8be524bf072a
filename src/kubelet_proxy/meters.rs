//! The counters of this role, and those of the policy in force.

use std::collections::HashMap;
use std::time::Duration;

use super::error::AnswerFault;
use crate::kube_wire::received_object::ObjectKind;
use crate::metrics::handles::{Counted, Counter, Gauge, Timing};
use crate::metrics::registry::{Metrics, RequestMeter};
use crate::policy::Policy;

/// The label of decisions that no rule of the policy made.
const NO_RULE: &str = "";

/// Handles for everything that this role counts.
#[derive(Debug)]
pub(super) struct Meters {
    metrics: Metrics,
    decision_time: Timing,
    watches: Gauge,
    pub(super) events: WatchEventCounters,
    waiting: Gauge,
    pub(super) relayed: RequestMeter,
    pub(super) pods: RequestMeter,
    pub(super) objects: RequestMeter,
    pub(super) refused: RequestMeter,
}

/// Decisions of one policy, by its rules.
#[derive(Debug)]
pub(super) struct RuleMeters {
    admitted: HashMap<String, Counter>,
    denied: HashMap<String, Counter>,
    observed: HashMap<String, Counter>,
}

/// What was done with watch events, by type.
#[derive(Debug)]
pub(super) struct WatchEventCounters {
    pub(super) added: Counter,
    pub(super) added_denied: Counter,
    pub(super) modified: Counter,
    pub(super) modified_denied: Counter,
    pub(super) deleted: Counter,
    pub(super) bookmark: Counter,
    pub(super) error: Counter,
}

impl RuleMeters {
    /// Resolved when a policy is loaded: a decision takes no lock to count.
    pub(super) fn new(metrics: &Metrics, policy: &Policy) -> Self {
        let per_rule = |verdict: &'static str| {
            let rules = policy.rule_names().chain([NO_RULE]);
            rules
                .map(|rule| (rule.to_owned(), metrics.decisions(verdict, rule.to_owned())))
                .collect()
        };
        Self {
            admitted: per_rule("allow"),
            denied: per_rule("deny"),
            observed: per_rule("would-deny"),
        }
    }

    pub(super) fn admitted(&self, rule: Option<&str>) {
        count(&self.admitted, rule);
    }

    pub(super) fn denied(&self, rule: Option<&str>) {
        count(&self.denied, rule);
    }

    /// A denial that was not enforced.
    pub(super) fn observed(&self, rule: Option<&str>) {
        count(&self.observed, rule);
    }
}

impl Meters {
    /// Resolved at start: a request takes no lock to count.
    pub(super) fn new(metrics: Metrics) -> Self {
        Self {
            decision_time: metrics.decision_duration(),
            watches: metrics.watch_streams(),
            events: WatchEventCounters {
                added: metrics.watch_events("ADDED", "passed"),
                added_denied: metrics.watch_events("ADDED", "deleted"),
                modified: metrics.watch_events("MODIFIED", "passed"),
                modified_denied: metrics.watch_events("MODIFIED", "deleted"),
                deleted: metrics.watch_events("DELETED", "passed"),
                bookmark: metrics.watch_events("BOOKMARK", "passed"),
                error: metrics.watch_events("ERROR", "passed"),
            },
            waiting: metrics.rejection_queue_length(),
            relayed: metrics.requests("relay"),
            pods: metrics.requests("pods"),
            objects: metrics.requests("objects"),
            refused: metrics.requests("refused"),
            metrics,
        }
    }

    pub(super) fn decided(&self, took: Duration) {
        self.decision_time.observe(took);
    }

    /// An object beside pods was let through or withheld.
    pub(super) fn object_decided(&self, kind: ObjectKind, is_admitted: bool) {
        let verdict = if is_admitted { "allow" } else { "deny" };
        self.metrics.object_decisions(verdict, kind.plural()).increment();
    }

    /// How many pods the guard of the kubelet's own API remembers.
    pub(super) fn access_entries(&self) -> Gauge {
        self.metrics.kubelet_api_pods()
    }

    /// One open pod watch for as long as the result lives.
    pub(super) fn watch_stream(&self) -> Counted {
        self.watches.count_one()
    }

    pub(super) fn answer_refused(&self, fault: &AnswerFault) {
        self.metrics.refused(fault.label()).increment();
    }

    pub(super) fn request_refused(&self, rule: &'static str) {
        self.metrics.refused(rule).increment();
    }

    pub(super) fn rejection(&self, outcome: &'static str) {
        self.metrics.rejections(outcome).increment();
    }

    pub(super) fn rejections_waiting(&self, waiting: usize) {
        self.waiting.set(i64::try_from(waiting).unwrap_or(i64::MAX));
    }
}

fn count(counters: &HashMap<String, Counter>, rule: Option<&str>) {
    if let Some(counter) = counters.get(rule.unwrap_or(NO_RULE)) {
        counter.increment();
    }
}
