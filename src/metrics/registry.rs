//! All metrics of a process, and the handles that feed them.
//!
//! Handles are asked for at start or per rule, not per event: asking takes a lock, counting does
//! not. Only [`RequestMeter`] may ask later, for a status code that is not among the usual ones.

use std::borrow::Cow;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use prometheus_client::encoding::text;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::{Metric, Registry};

use super::handles::{Counter, Facts, Gauge, Timing};
use super::names::{self, Description};
use crate::http::budget::BodyBudget;
use crate::http::tls_refusal::Refusal;

/// Media type of [`Metrics::encode`].
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// From a small object answered by a local API server to the slowest a kubelet waits for.
const REQUEST_BOUNDS: [Duration; 11] = [
    Duration::from_micros(500),
    Duration::from_millis(1),
    Duration::from_micros(2500),
    Duration::from_millis(5),
    Duration::from_millis(10),
    Duration::from_millis(25),
    Duration::from_millis(100),
    Duration::from_millis(500),
    Duration::from_secs(2),
    Duration::from_secs(10),
    Duration::from_secs(60),
];

/// Around the goal for one decision, 20 µs.
const DECISION_BOUNDS: [Duration; 9] = [
    Duration::from_micros(1),
    Duration::from_micros(2),
    Duration::from_micros(5),
    Duration::from_micros(10),
    Duration::from_micros(20),
    Duration::from_micros(50),
    Duration::from_micros(100),
    Duration::from_millis(1),
    Duration::from_millis(10),
];

/// Status codes met all day: their counters are resolved beforehand.
const USUAL_CODES: [u16; 4] = [200, 201, 404, 409];

/// Label of requests that went as they should.
const NO_FAULT: &str = "none";

/// Label values in the order of the metric's [`Description::labels`].
type Labels<const N: usize> = [(&'static str, Cow<'static, str>); N];

/// The metrics of one process; clones share them.
#[derive(Clone, Debug)]
pub struct Metrics {
    shared: Arc<Shared>,
}

/// Counts the requests of one kind.
#[derive(Clone, Debug)]
pub struct RequestMeter {
    metrics: Metrics,
    kind: &'static str,
    usual: [Counter; USUAL_CODES.len()],
    duration: Timing,
}

#[derive(Debug)]
struct Shared {
    registry: Registry,
    build: Facts,
    policy: Facts,
    decisions: Family<Labels<2>, Counter>,
    object_decisions: Family<Labels<2>, Counter>,
    decision_duration: Timing,
    requests: Family<Labels<3>, Counter>,
    request_duration: Family<Labels<1>, Timing>,
    refused: Family<Labels<1>, Counter>,
    kubelet_api_calls: Family<Labels<2>, Counter>,
    kubelet_api_streams: Gauge,
    kubelet_api_pods: Gauge,
    watch_streams: Gauge,
    watch_events: Family<Labels<2>, Counter>,
    rejections: Family<Labels<1>, Counter>,
    rejection_queue_length: Gauge,
    upstream_up: Gauge,
    certificate_expiry: Family<Labels<1>, Gauge>,
    credential_reloads: Family<Labels<2>, Counter>,
    reloads: Family<Labels<1>, Counter>,
    body_memory: Family<Labels<1>, Gauge>,
    body_budget: OnceLock<BodyBudget>,
    connections: Gauge,
    tls_refusals: Family<Labels<1>, Counter>,
    accept_failures: Counter,
    capabilities_left: Family<Labels<1>, Gauge>,
    sandbox: Facts,
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    /// All metrics, at zero.
    pub fn new() -> Self {
        let mut registry = Registry::with_prefix(names::PREFIX);
        let r = &mut registry;
        let durations = Family::new_with_constructor(new_request_timing as fn() -> Timing);
        let shared = Shared {
            build: register(r, &names::BUILD, Facts::default()),
            policy: register(r, &names::POLICY, Facts::default()),
            decisions: register(r, &names::DECISIONS, Family::default()),
            object_decisions: register(r, &names::OBJECT_DECISIONS, Family::default()),
            decision_duration: register(
                r,
                &names::DECISION_DURATION,
                Timing::new(&DECISION_BOUNDS),
            ),
            requests: register(r, &names::REQUESTS, Family::default()),
            request_duration: register(r, &names::REQUEST_DURATION, durations),
            refused: register(r, &names::REFUSED, Family::default()),
            kubelet_api_calls: register(r, &names::KUBELET_API_CALLS, Family::default()),
            kubelet_api_streams: register(r, &names::KUBELET_API_STREAMS, Gauge::default()),
            kubelet_api_pods: register(r, &names::KUBELET_API_PODS, Gauge::default()),
            watch_streams: register(r, &names::WATCH_STREAMS, Gauge::default()),
            watch_events: register(r, &names::WATCH_EVENTS, Family::default()),
            rejections: register(r, &names::REJECTIONS, Family::default()),
            rejection_queue_length: register(r, &names::REJECTION_QUEUE_LENGTH, Gauge::default()),
            upstream_up: register(r, &names::UPSTREAM_UP, Gauge::default()),
            certificate_expiry: register(r, &names::CERTIFICATE_EXPIRY, Family::default()),
            credential_reloads: register(r, &names::CREDENTIAL_RELOADS, Family::default()),
            reloads: register(r, &names::RELOADS, Family::default()),
            body_memory: register(r, &names::BODY_MEMORY, Family::default()),
            body_budget: OnceLock::new(),
            connections: register(r, &names::CONNECTIONS, Gauge::default()),
            tls_refusals: register(r, &names::TLS_REFUSALS, Family::default()),
            accept_failures: register(r, &names::ACCEPT_FAILURES, Counter::default()),
            capabilities_left: register(r, &names::CAPABILITIES_LEFT, Family::default()),
            sandbox: register(r, &names::SANDBOX, Facts::default()),
            registry,
        };
        Self { shared: Arc::new(shared) }
    }

    /// States which program runs.
    pub fn state_build(&self, sha256: &str) {
        let values = [env!("CARGO_PKG_VERSION").to_owned(), sha256.to_owned()];
        self.shared.build.state(labels(&names::BUILD, values).map(owned).to_vec());
    }

    /// States the policy in force.
    pub fn state_policy(&self, name: &str, sha256: &str) {
        let facts = labels(&names::POLICY, [name.to_owned(), sha256.to_owned()]).map(owned);
        self.shared.policy.state(facts.to_vec());
    }

    /// Decisions by one rule (empty: none matched). Ask once per rule of the policy.
    pub fn decisions(&self, verdict: &'static str, rule: String) -> Counter {
        let verdict = Cow::Borrowed(verdict);
        resolve(&self.shared.decisions, labels(&names::DECISIONS, [verdict, rule.into()]))
    }

    /// Decisions on objects of one kind.
    pub fn object_decisions(&self, verdict: &'static str, kind: &'static str) -> Counter {
        let values = [verdict, kind].map(Cow::Borrowed);
        resolve(&self.shared.object_decisions, labels(&names::OBJECT_DECISIONS, values))
    }

    /// Time of decisions.
    pub fn decision_duration(&self) -> Timing {
        self.shared.decision_duration.clone()
    }

    /// Requests of one kind.
    pub fn requests(&self, kind: &'static str) -> RequestMeter {
        RequestMeter {
            metrics: self.clone(),
            kind,
            usual: USUAL_CODES.map(|code| self.request_counter(kind, code, NO_FAULT)),
            duration: resolve(
                &self.shared.request_duration,
                labels(&names::REQUEST_DURATION, [kind]),
            ),
        }
    }

    /// Things refused for one reason.
    pub fn refused(&self, reason: &'static str) -> Counter {
        resolve(&self.shared.refused, labels(&names::REFUSED, [reason]))
    }

    /// Calls of one kind to the kubelet's own API that were decided one way.
    pub fn kubelet_api_calls(&self, call: &'static str, decision: &'static str) -> Counter {
        let labels = labels(&names::KUBELET_API_CALLS, [call, decision]);
        resolve(&self.shared.kubelet_api_calls, labels)
    }

    /// Open streams to the kubelet.
    pub fn kubelet_api_streams(&self) -> Gauge {
        self.shared.kubelet_api_streams.clone()
    }

    /// Pods on record for the guard of the kubelet's own API.
    pub fn kubelet_api_pods(&self) -> Gauge {
        self.shared.kubelet_api_pods.clone()
    }

    /// Open pod watches.
    pub fn watch_streams(&self) -> Gauge {
        self.shared.watch_streams.clone()
    }

    /// Watch events of one type that one thing was done with.
    pub fn watch_events(&self, event_type: &'static str, action: &'static str) -> Counter {
        resolve(&self.shared.watch_events, labels(&names::WATCH_EVENTS, [event_type, action]))
    }

    /// Reports of denied pods that ended one way.
    pub fn rejections(&self, outcome: &'static str) -> Counter {
        resolve(&self.shared.rejections, labels(&names::REJECTIONS, [outcome]))
    }

    /// Denied pods waiting to be reported.
    pub fn rejection_queue_length(&self) -> Gauge {
        self.shared.rejection_queue_length.clone()
    }

    /// Does the API server answer? 1 or 0.
    pub fn upstream_up(&self) -> Gauge {
        self.shared.upstream_up.clone()
    }

    /// End of validity of the certificate of this name (`server`, `client`), in Unix seconds.
    pub fn certificate_expiry(&self, name: &'static str) -> Gauge {
        resolve(&self.shared.certificate_expiry, labels(&names::CERTIFICATE_EXPIRY, [name]))
    }

    /// Reloads of a credential file of this kind (not its path) that ended one way.
    pub fn credential_reloads(&self, file: &'static str, outcome: &'static str) -> Counter {
        resolve(
            &self.shared.credential_reloads,
            labels(&names::CREDENTIAL_RELOADS, [file, outcome]),
        )
    }

    /// Reloads that were asked for and ended one way.
    pub fn reloads(&self, outcome: &'static str) -> Counter {
        resolve(&self.shared.reloads, labels(&names::RELOADS, [outcome]))
    }

    /// States the budget whose use is shown; read at each scrape.
    pub fn state_body_budget(&self, budget: BodyBudget) {
        // Ignored: a process has one budget, the first stands.
        let _ = self.shared.body_budget.set(budget);
    }

    /// States how many capabilities one set still holds.
    pub fn state_capabilities_left(&self, set: &'static str, count: usize) {
        let gauge =
            resolve(&self.shared.capabilities_left, labels(&names::CAPABILITIES_LEFT, [set]));
        gauge.set(i64::try_from(count).unwrap_or(i64::MAX));
    }

    /// States the sandbox: values of the labels in their order.
    pub fn state_sandbox(&self, values: [String; 5]) {
        self.shared.sandbox.state(labels(&names::SANDBOX, values).map(owned).to_vec());
    }

    /// All metrics as OpenMetrics text.
    pub fn encode(&self) -> String {
        self.refresh_body_memory();
        let mut encoded = String::new();
        // Writing to a string does not fail; an encoder that did would leave a text without its
        // end marker, which scrapers refuse.
        let _ = text::encode(&mut encoded, &self.shared.registry);
        encoded
    }

    pub(super) fn connections(&self) -> Gauge {
        self.shared.connections.clone()
    }

    pub(super) fn tls_refusals(&self, reason: Refusal) -> Counter {
        resolve(&self.shared.tls_refusals, labels(&names::TLS_REFUSALS, [reason.as_str()]))
    }

    pub(super) fn accept_failures(&self) -> Counter {
        self.shared.accept_failures.clone()
    }

    fn request_counter(&self, kind: &'static str, code: u16, fault: &'static str) -> Counter {
        // The API server is untrusted and could answer with 900 codes; those of HTTP are enough.
        let code = match code {
            100..=599 => Cow::Owned(code.to_string()),
            0..=99 | 600..=u16::MAX => Cow::Borrowed("other"),
        };
        let values = [Cow::Borrowed(kind), code, Cow::Borrowed(fault)];
        resolve(&self.shared.requests, labels(&names::REQUESTS, values))
    }

    fn refresh_body_memory(&self) {
        let Some(budget) = self.shared.body_budget.get() else {
            return;
        };
        for (state, bytes) in [
            ("in_use", budget.in_use_bytes()),
            ("peak", budget.peak_bytes()),
            ("limit", budget.limit_bytes()),
        ] {
            let gauge = resolve(&self.shared.body_memory, labels(&names::BODY_MEMORY, [state]));
            gauge.set(i64::try_from(bytes).unwrap_or(i64::MAX));
        }
    }
}

impl RequestMeter {
    /// Counts an answered request that went as it should, whatever its status code.
    pub fn answered(&self, code: u16, took: Duration) {
        let usual = USUAL_CODES.iter().position(|usual| *usual == code);
        match usual.and_then(|at| self.usual.get(at)) {
            Some(counter) => counter.increment(),
            None => self.metrics.request_counter(self.kind, code, NO_FAULT).increment(),
        }
        self.duration.observe(took);
    }

    /// Counts a failed request and whose fault it was.
    pub fn failed(&self, code: u16, fault: &'static str, took: Duration) {
        self.metrics.request_counter(self.kind, code, fault).increment();
        self.duration.observe(took);
    }
}

fn register<M: Metric + Clone>(registry: &mut Registry, of: &Description, metric: M) -> M {
    registry.register(of.name, of.help, metric.clone());
    metric
}

fn labels<const N: usize>(
    of: &Description,
    values: [impl Into<Cow<'static, str>>; N],
) -> Labels<N> {
    let mut names = of.labels.iter().copied();
    values.map(|value| (names.next().unwrap_or_default(), value.into()))
}

fn owned((name, value): (&'static str, Cow<'static, str>)) -> (&'static str, String) {
    (name, value.into_owned())
}

fn resolve<const N: usize, M, C>(family: &Family<Labels<N>, M, C>, labels: Labels<N>) -> M
where
    M: Clone,
    C: prometheus_client::metrics::family::MetricConstructor<M>,
{
    family.get_or_create_owned(&labels)
}

fn new_request_timing() -> Timing {
    Timing::new(&REQUEST_BOUNDS)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Feeds every metric once.
    fn fed() -> Metrics {
        let metrics = Metrics::new();
        metrics.state_build("cd34");
        metrics.state_policy("strict", "ab12");
        metrics.decisions("deny", "deny-privileged".to_owned()).increment();
        metrics.object_decisions("deny", "secrets").increment();
        metrics.decision_duration().observe(Duration::from_micros(3));
        metrics.requests("pods_list").answered(200, Duration::from_millis(2));
        metrics.requests("pods_list").failed(502, "api_server", Duration::from_secs(120));
        metrics.refused("duplicate_key").add(2);
        metrics.kubelet_api_calls("exec", "deny").increment();
        metrics.kubelet_api_streams().set(1);
        metrics.kubelet_api_pods().set(2);
        metrics.watch_streams().set(1);
        metrics.watch_events("ADDED", "deleted").increment();
        metrics.rejections("patched").increment();
        metrics.rejection_queue_length().set(3);
        metrics.upstream_up().set(1);
        metrics.certificate_expiry("server").set(1_800_000_000);
        metrics.credential_reloads("client_certificate", "ok").increment();
        metrics.reloads("refused").increment();
        metrics.state_body_budget(BodyBudget::new(4096));
        metrics.connections().set(2);
        metrics.tls_refusals(Refusal::TimedOut).increment();
        metrics.accept_failures().increment();
        metrics.state_capabilities_left("bounding", 0);
        metrics.state_sandbox(["require", "enforced", "7", "enforced", "true"].map(str::to_owned));
        metrics
    }

    #[test]
    fn every_described_metric_can_be_fed_and_is_encoded() {
        let encoded = fed().encode();
        for metric in names::ALL {
            let name = metric.exposed_name();
            let sample = encoded.lines().find(|line| line.starts_with(&name));
            let sample = sample.unwrap_or_else(|| panic!("{name} is missing in:\n{encoded}"));
            for label in metric.labels {
                assert!(sample.contains(&format!("{label}=\"")), "{label} is missing in {sample}");
            }
        }
        assert!(encoded.ends_with("# EOF\n"));
    }

    #[test]
    fn values_arrive_where_their_labels_say() {
        let encoded = fed().encode();
        for line in [
            "kubelet_proxy_policy_info{name=\"strict\",sha256=\"ab12\"} 1",
            "kubelet_proxy_decisions_total{verdict=\"deny\",rule=\"deny-privileged\"} 1",
            "kubelet_proxy_requests_total{kind=\"pods_list\",code=\"502\",fault=\"api_server\"} 1",
            "kubelet_proxy_requests_total{kind=\"pods_list\",code=\"200\",fault=\"none\"} 1",
            "kubelet_proxy_refused_total{reason=\"duplicate_key\"} 2",
            "kubelet_proxy_request_duration_seconds_bucket{le=\"0.001\",kind=\"pods_list\"} 0",
            "kubelet_proxy_request_duration_seconds_bucket{le=\"0.0025\",kind=\"pods_list\"} 1",
            "kubelet_proxy_request_duration_seconds_bucket{le=\"60.0\",kind=\"pods_list\"} 1",
            "kubelet_proxy_request_duration_seconds_bucket{le=\"+Inf\",kind=\"pods_list\"} 2",
            "kubelet_proxy_request_duration_seconds_count{kind=\"pods_list\"} 2",
            "kubelet_proxy_body_memory_bytes{state=\"limit\"} 4096",
        ] {
            assert!(encoded.lines().any(|found| found == line), "{line} is missing in:\n{encoded}");
        }
    }

    #[test]
    fn codes_that_http_does_not_have_share_one_label() {
        let metrics = Metrics::new();
        let meter = metrics.requests("other");
        for code in [99, 600, 999] {
            meter.answered(code, Duration::ZERO);
        }
        let line = "kubelet_proxy_requests_total{kind=\"other\",code=\"other\",fault=\"none\"} 3";
        assert!(metrics.encode().contains(line));
    }

    #[test]
    fn a_counted_one_is_taken_back_when_dropped() {
        let metrics = Metrics::new();
        let one = metrics.watch_streams().count_one();
        assert!(metrics.encode().contains("kubelet_proxy_watch_streams 1"));
        drop(one);
        assert!(metrics.encode().contains("kubelet_proxy_watch_streams 0"));
    }

    #[test]
    fn a_rule_name_cannot_break_the_text() {
        let metrics = Metrics::new();
        metrics.decisions("deny", "a\"} 1\nfaked 2 \\".to_owned()).increment();
        let encoded = metrics.encode();
        assert!(encoded.contains(r#"rule="a\"} 1\nfaked 2 \\""#), "{encoded}");
        assert!(!encoded.lines().any(|line| line.starts_with("faked")));
    }
}
