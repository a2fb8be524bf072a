//! Every metric: name, help, kind, labels. No other file holds a metric's name.
//!
//! `docs/reference/metrics.md` lists the same and a test compares the two. Names follow OpenMetrics:
//! base units, no `_total` here because the encoder adds it to counters.

/// Put before every name.
pub const PREFIX: &str = "kubelet_proxy";

/// What a metric's value means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Only grows; exposed with the suffix `_total`.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Durations sorted into buckets; exposed as `_bucket`, `_sum` and `_count`.
    Histogram,
    /// Facts as labels, always 1; exposed with the suffix `_info`.
    Info,
}

/// One metric.
#[derive(Debug)]
pub struct Description {
    /// Without prefix and suffix.
    pub name: &'static str,
    /// What the value means.
    pub kind: Kind,
    /// One line for people; the encoder adds the full stop.
    pub help: &'static str,
    /// Label names, in the order the registry gives their values.
    pub labels: &'static [&'static str],
}

impl Description {
    /// The name as scraped, with prefix and suffix (`_bucket` and so on left out).
    pub fn exposed_name(&self) -> String {
        let suffix = match self.kind {
            Kind::Counter => "_total",
            Kind::Info => "_info",
            Kind::Gauge | Kind::Histogram => "",
        };
        format!("{PREFIX}_{}{suffix}", self.name)
    }
}

/// Build of the running program.
pub const BUILD: Description = Description {
    name: "build",
    kind: Kind::Info,
    help: "The running program, by its version and the SHA-256 of its file",
    labels: &["version", "sha256"],
};

/// Policy in force.
pub const POLICY: Description = Description {
    name: "policy",
    kind: Kind::Info,
    help: "The policy in force, by the SHA-256 of its file",
    labels: &["name", "sha256"],
};

/// Decisions on pods.
pub const DECISIONS: Description = Description {
    name: "decisions",
    kind: Kind::Counter,
    help: "Decisions on pods; rule is empty where none matched",
    labels: &["verdict", "rule"],
};

/// Decisions on objects beside pods.
pub const OBJECT_DECISIONS: Description = Description {
    name: "object_decisions",
    kind: Kind::Counter,
    help: "Decisions on services, and on runtime classes, volumes, config maps and secrets that the policy speaks of",
    labels: &["verdict", "kind"],
};

/// Time of one decision.
pub const DECISION_DURATION: Description = Description {
    name: "decision_duration_seconds",
    kind: Kind::Histogram,
    help: "Time to decide on one pod",
    labels: &[],
};

/// Requests answered.
pub const REQUESTS: Description = Description {
    name: "requests",
    kind: Kind::Counter,
    help: "Requests answered, by kind, status code and whose fault a failure was",
    labels: &["kind", "code", "fault"],
};

/// Time of one request.
pub const REQUEST_DURATION: Description = Description {
    name: "request_duration_seconds",
    kind: Kind::Histogram,
    help: "Time from the head of a request to the head of its response",
    labels: &["kind"],
};

/// Things refused.
pub const REFUSED: Description = Description {
    name: "refused",
    kind: Kind::Counter,
    help: "Requests, answers and items refused because safety could not be established",
    labels: &["reason"],
};

/// Calls to the kubelet's own API.
pub const KUBELET_API_CALLS: Description = Description {
    name: "kubelet_api_calls",
    kind: Kind::Counter,
    help: "Calls to the kubelet's own API that the guard decided on",
    labels: &["call", "decision"],
};

/// Open streams to the kubelet.
pub const KUBELET_API_STREAMS: Description = Description {
    name: "kubelet_api_streams",
    kind: Kind::Gauge,
    help: "Exec, attach and port-forward streams open through the guard now",
    labels: &[],
};

/// Pods that the guard remembers.
pub const KUBELET_API_PODS: Description = Description {
    name: "kubelet_api_pods",
    kind: Kind::Gauge,
    help: "Pods on record for the guard, gone ones that may still run included",
    labels: &[],
};

/// Open watches.
pub const WATCH_STREAMS: Description = Description {
    name: "watch_streams",
    kind: Kind::Gauge,
    help: "Pod watches open now",
    labels: &[],
};

/// Events of pod watches.
pub const WATCH_EVENTS: Description = Description {
    name: "watch_events",
    kind: Kind::Counter,
    help: "Events of pod watches, by the type received and what was done with them",
    labels: &["type", "action"],
};

/// Rejections reported to the API server.
pub const REJECTIONS: Description = Description {
    name: "rejections",
    kind: Kind::Counter,
    help: "Attempts to report a denied pod to the API server, by outcome",
    labels: &["outcome"],
};

/// Rejections waiting.
pub const REJECTION_QUEUE_LENGTH: Description = Description {
    name: "rejection_queue_length",
    kind: Kind::Gauge,
    help: "Denied pods waiting to be reported",
    labels: &[],
};

/// Is the API server reachable?
pub const UPSTREAM_UP: Description = Description {
    name: "upstream_up",
    kind: Kind::Gauge,
    help: "1 if the API server answered the last request at all, else 0",
    labels: &[],
};

/// End of certificates' validity.
pub const CERTIFICATE_EXPIRY: Description = Description {
    name: "certificate_expiry_timestamp_seconds",
    kind: Kind::Gauge,
    help: "End of validity of a certificate in use, in Unix time",
    labels: &["name"],
};

/// Credential files read again.
pub const CREDENTIAL_RELOADS: Description = Description {
    name: "credential_reloads",
    kind: Kind::Counter,
    help: "Credential files read again after a change",
    labels: &["file", "outcome"],
};

/// Reloads asked for.
pub const RELOADS: Description = Description {
    name: "reloads",
    kind: Kind::Counter,
    help: "Reloads of policy and certificates that were asked for, by outcome",
    labels: &["outcome"],
};

/// Bytes of bodies in flight.
pub const BODY_MEMORY: Description = Description {
    name: "body_memory_bytes",
    kind: Kind::Gauge,
    help: "Bytes of the body budget: in use now, most ever in use, and the limit",
    labels: &["state"],
};

/// Open connections.
pub const CONNECTIONS: Description = Description {
    name: "connections",
    kind: Kind::Gauge,
    help: "Connections past their handshake",
    labels: &[],
};

/// Connections refused.
pub const TLS_REFUSALS: Description = Description {
    name: "tls_refusals",
    kind: Kind::Counter,
    help: "Connections refused before their first request",
    labels: &["reason"],
};

/// Accepts that failed.
pub const ACCEPT_FAILURES: Description = Description {
    name: "accept_failures",
    kind: Kind::Counter,
    help: "Connections that the kernel could not hand over, for instance for lack of descriptors",
    labels: &[],
};

/// Capabilities still held.
pub const CAPABILITIES_LEFT: Description = Description {
    name: "capabilities_left",
    kind: Kind::Gauge,
    help: "Linux capabilities that the process still holds or could gain, by set",
    labels: &["set"],
};

/// Parts of the sandbox that hold.
pub const SANDBOX: Description = Description {
    name: "sandbox",
    kind: Kind::Info,
    help: "The sandbox of the process, by what the kernel says about its parts",
    labels: &["mode", "landlock", "landlock_abi", "seccomp", "no_new_privileges"],
};

/// All of them, in the order of the reference page.
pub const ALL: [&Description; 25] = [
    &BUILD,
    &POLICY,
    &DECISIONS,
    &OBJECT_DECISIONS,
    &DECISION_DURATION,
    &REQUESTS,
    &REQUEST_DURATION,
    &REFUSED,
    &KUBELET_API_CALLS,
    &KUBELET_API_STREAMS,
    &KUBELET_API_PODS,
    &WATCH_STREAMS,
    &WATCH_EVENTS,
    &REJECTIONS,
    &REJECTION_QUEUE_LENGTH,
    &UPSTREAM_UP,
    &CERTIFICATE_EXPIRY,
    &CREDENTIAL_RELOADS,
    &RELOADS,
    &BODY_MEMORY,
    &CONNECTIONS,
    &TLS_REFUSALS,
    &ACCEPT_FAILURES,
    &CAPABILITIES_LEFT,
    &SANDBOX,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reference_page_lists_every_metric_with_its_labels() {
        let page = include_str!("../../docs/reference/metrics.md");
        for metric in ALL {
            let labels = metric.labels.iter().map(|label| format!("`{label}`")).collect::<Vec<_>>();
            let labels = if labels.is_empty() { "–".to_owned() } else { labels.join(", ") };
            let row = format!("| `{}` | {} |", metric.exposed_name(), labels);
            assert!(
                page.contains(&row),
                "docs/reference/metrics.md lacks a row that begins: {row}"
            );
        }
        let rows = page.lines().filter(|line| line.starts_with("| `kubelet_proxy_")).count();
        assert_eq!(rows, ALL.len(), "docs/reference/metrics.md lists metrics that do not exist");
    }
}
