//! The record of a call to the kubelet's own API: who asked for what in which pod, and what was decided.
//!
//! Denials and granted calls about a pod are logged at info, granted reads of the node at debug: they come
//! every few seconds. The schema is documented in `docs/reference/kubelet-api-record.md`; adding a field
//! is compatible, changing one is not.

use jiff::Timestamp;
use tracing::Level;

use super::escape::escaped;

/// Target of these records, also in the journal's filter.
pub const CALL_TARGET: &str = "nodeward::audit::call";

/// Journal message identifier of a call.
pub const CALL_MESSAGE_ID: &str = "2d1c7c1ae4f94b1c8f1b8f0d5e6a9b37";

/// Names are at most 253 characters where the API checks them.
const MAX_NAME_CHARS: usize = 253;

/// Reasons repeat a command; this is room for a long one.
const MAX_REASON_CHARS: usize = 1024;

/// A command with its arguments, as far as it is worth a log line.
const MAX_COMMAND_CHARS: usize = 1024;

/// What was decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallDecision {
    /// The call is made.
    Allow,
    /// It is not.
    Deny,
}

impl CallDecision {
    /// As in the record.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Deny => "deny",
        }
    }
}

/// One call. Borrowed from the request and the ruling; unchecked text is welcome.
#[derive(Clone, Copy, Debug)]
pub struct CallRecord<'a> {
    /// When it was decided.
    pub decided_at: Timestamp,
    /// What was decided.
    pub decision: CallDecision,
    /// `exec`, `logs`, `metrics`, …
    pub call: &'static str,
    /// It concerns a pod, not the node.
    pub is_about_pod: bool,
    /// The pod's namespace.
    pub namespace: &'a str,
    /// The pod's name.
    pub pod: &'a str,
    /// The pod's UID as far as it is known.
    pub uid: &'a str,
    /// The container.
    pub container: &'a str,
    /// The command that would run.
    pub command: &'a [String],
    /// The port that a stream of a port-forward asked for.
    pub port: Option<u16>,
    /// The common name of the caller's certificate.
    pub caller: &'a str,
    /// Where the caller connected from.
    pub address: &'a str,
    /// Why, in words for people; empty for what is granted.
    pub reason: &'a str,
    /// The policy's name.
    pub policy: &'a str,
    /// SHA-256 of the policy file, in hexadecimal.
    pub policy_digest: &'a str,
    /// The node.
    pub node: &'a str,
}

/// Expands to one event: level and target of an event are fixed where it is written.
macro_rules! log_call {
    ($level:expr, $message:literal, $record:expr) => {{
        let record: &CallRecord<'_> = $record;
        tracing::event!(
            target: CALL_TARGET,
            $level,
            decision = record.decision.as_str(),
            call = record.call,
            namespace = escaped(record.namespace, MAX_NAME_CHARS),
            pod = escaped(record.pod, MAX_NAME_CHARS),
            uid = escaped(record.uid, MAX_NAME_CHARS),
            container = escaped(record.container, MAX_NAME_CHARS),
            command = command(record.command),
            port = record.port.unwrap_or_default(),
            caller = escaped(record.caller, MAX_NAME_CHARS),
            address = record.address,
            reason = escaped(record.reason, MAX_REASON_CHARS),
            policy = escaped(record.policy, MAX_NAME_CHARS),
            policy_digest = record.policy_digest,
            node = escaped(record.node, MAX_NAME_CHARS),
            decided_at = %record.decided_at,
            $message
        )
    }};
}

impl CallRecord<'_> {
    /// Logs the record.
    pub fn log(&self) {
        match (self.decision, self.is_about_pod) {
            (CallDecision::Deny, _) => log_call!(Level::INFO, "call to the kubelet denied", self),
            (CallDecision::Allow, true) => {
                log_call!(Level::INFO, "call to the kubelet granted", self);
            }
            (CallDecision::Allow, false) => {
                log_call!(Level::DEBUG, "call to the kubelet granted", self);
            }
        }
    }
}

/// The words of a command, each in quotes, so that no two commands look the same.
fn command(words: &[String]) -> String {
    if words.is_empty() {
        return String::new();
    }
    escaped(&format!("{words:?}"), MAX_COMMAND_CHARS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;
    use std::sync::{Arc, Mutex};
    use tracing::field::{Field, Visit};
    use tracing_subscriber::Layer;
    use tracing_subscriber::layer::{Context, SubscriberExt};

    type Event = (Level, BTreeMap<String, String>);

    #[derive(Clone, Default)]
    struct Recorder(Arc<Mutex<Vec<Event>>>);

    struct Fields(BTreeMap<String, String>);

    impl Visit for Fields {
        fn record_str(&mut self, field: &Field, value: &str) {
            self.0.insert(field.name().to_owned(), value.to_owned());
        }
        fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
            self.0.insert(field.name().to_owned(), format!("{value:?}"));
        }
    }

    impl<S: tracing::Subscriber> Layer<S> for Recorder {
        fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
            let mut fields = Fields(BTreeMap::new());
            event.record(&mut fields);
            assert_eq!(event.metadata().target(), CALL_TARGET);
            self.0.lock().unwrap().push((*event.metadata().level(), fields.0));
        }
    }

    fn logged(record: &CallRecord<'_>) -> Event {
        let recorder = Recorder::default();
        let subscriber = tracing_subscriber::registry().with(recorder.clone());
        tracing::subscriber::with_default(subscriber, || record.log());
        let mut events = recorder.0.lock().unwrap().clone();
        assert_eq!(events.len(), 1);
        events.remove(0)
    }

    fn record(command: &[String]) -> CallRecord<'_> {
        CallRecord {
            decided_at: Timestamp::UNIX_EPOCH,
            decision: CallDecision::Deny,
            call: "exec",
            is_about_pod: true,
            namespace: "default",
            pod: "web",
            uid: "",
            container: "main",
            command,
            port: None,
            caller: "kube-apiserver-kubelet-client",
            address: "10.0.0.1:40000",
            reason: "exec of this command is not permitted",
            policy: "strict",
            policy_digest: "ab12",
            node: "node-1",
        }
    }

    #[test]
    fn a_denial_has_every_field_of_the_reference_page() {
        let command = ["sh".to_owned(), "-c".to_owned(), "id; \"x\"\n\u{202e}".to_owned()];
        let (level, fields) = logged(&record(&command));
        assert_eq!(level, Level::INFO);
        assert_eq!(fields["command"], r#"["sh", "-c", "id; \"x\"\n\u{202e}"]"#);
        let page = include_str!("../../docs/reference/kubelet-api-record.md");
        for field in fields.keys().filter(|field| *field != "message") {
            assert!(page.contains(&format!("| `{field}` |")), "{field} is not in the reference");
        }
        let documented = page.lines().filter(|line| line.starts_with("| `")).count();
        assert_eq!(documented, fields.len() - 1, "the reference lists fields that do not exist");
        assert!(page.contains(CALL_MESSAGE_ID));
    }

    #[test]
    fn granted_calls_about_pods_are_logged_and_reads_of_the_node_are_not() {
        let granted = CallRecord { decision: CallDecision::Allow, ..record(&[]) };
        assert_eq!(logged(&granted).0, Level::INFO);
        assert_eq!(logged(&CallRecord { is_about_pod: false, ..granted }).0, Level::DEBUG);
    }

    #[test]
    fn a_long_command_does_not_fill_a_disk() {
        let long = vec!["x".repeat(100_000); 50];
        let (_, fields) = logged(&record(&long));
        assert!(fields["command"].ends_with('…') && fields["command"].len() < 2048);
    }
}
