//! The decision record: its schema and how it is logged.
//!
//! One record per decision. Denials are logged at info with the whole record, admissions at debug.
//! The schema is documented in `docs/reference/decision-record.md`; adding a field is compatible,
//! changing one is not. Takes the time from its caller and asks no clock.

use jiff::Timestamp;
use tracing::Level;

use super::escape::escaped;

/// Target of denials, also in the journal's filter.
pub const DENIAL_TARGET: &str = "nodeward::audit::denial";

/// Target of admissions.
pub const ADMISSION_TARGET: &str = "nodeward::audit::admission";

/// Journal message identifier of a denial.
pub const DENIAL_MESSAGE_ID: &str = "7f2a54a1d3be4c0c9f0b6de8c1a7e615";

/// Journal message identifier of an admission.
pub const ADMISSION_MESSAGE_ID: &str = "c95be0f87cf14e6f8a1f2b7f3f0d9a42";

/// Target of denials that were not enforced.
pub const OBSERVATION_TARGET: &str = "nodeward::audit::observation";

/// Journal message identifier of a denial that was not enforced.
pub const OBSERVATION_MESSAGE_ID: &str = "d9ccd00ce645475a8375b0395ab1d598";

/// Target of admissions by an exception.
pub const EXCEPTION_TARGET: &str = "nodeward::audit::exception";

/// Journal message identifier of an admission by an exception.
pub const EXCEPTION_MESSAGE_ID: &str = "8e9fa4e89b9540f58a59891a7dcdd67a";

/// Names, namespaces and nodes are at most 253 characters where the API checks them.
pub(super) const MAX_NAME_CHARS: usize = 253;

/// Reasons repeat names and images; this is room for several.
pub(super) const MAX_REASON_CHARS: usize = 1024;

/// An image reference with its digest is seldom longer than 200.
const MAX_IMAGE_CHARS: usize = 256;

/// Images listed; a pod with more says how many were left out.
const MAX_IMAGES: usize = 32;

/// What was decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// The pod may reach the kubelet.
    Admit,
    /// It may not.
    Deny,
    /// It may, since the rule or policy that denies it is in observe mode.
    WouldDeny,
    /// It may, by an exception.
    Except,
}

/// Where the pod came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The answer to a GET of one pod.
    Get,
    /// An item of a list.
    List,
    /// An event of a watch.
    Watch,
    /// The object in an answer to a write.
    Write,
}

/// One decision. Borrowed from the pod and the policy; unchecked text is welcome.
#[derive(Clone, Copy, Debug)]
pub struct DecisionRecord<'a> {
    /// When it was decided.
    pub decided_at: Timestamp,
    /// What was decided.
    pub decision: Decision,
    /// The pod's namespace; empty if none could be read.
    pub namespace: &'a str,
    /// The pod's name; empty if none could be read.
    pub pod: &'a str,
    /// The pod's UID; empty if none could be read.
    pub uid: &'a str,
    /// The rule that matched, if one did.
    pub rule: Option<&'a str>,
    /// Why, in words for people.
    pub reason: &'a str,
    /// The policy's name.
    pub policy: &'a str,
    /// SHA-256 of the policy file, in hexadecimal.
    pub policy_digest: &'a str,
    /// Images of the pod as written.
    pub images: &'a [&'a str],
    /// The node.
    pub node: &'a str,
    /// Where the pod came from.
    pub source: Source,
    /// `ADDED` or `MODIFIED` for a watch.
    pub event_type: Option<&'a str>,
    /// Records of its kind that were left out before this one.
    pub untold: u64,
}

impl Decision {
    /// As in the record.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Admit => "admit",
            Self::Deny => "deny",
            Self::WouldDeny => "would-deny",
            Self::Except => "except",
        }
    }
}

impl Source {
    /// As in the record.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::List => "list",
            Self::Watch => "watch",
            Self::Write => "write",
        }
    }
}

/// Expands to one event: level and target of an event are fixed where it is written.
macro_rules! log_record {
    ($level:expr, $target:expr, $message:literal, $record:expr) => {{
        let record: &DecisionRecord<'_> = $record;
        tracing::event!(
            target: $target,
            $level,
            decision = record.decision.as_str(),
            namespace = escaped(record.namespace, MAX_NAME_CHARS),
            pod = escaped(record.pod, MAX_NAME_CHARS),
            uid = escaped(record.uid, MAX_NAME_CHARS),
            rule = escaped(record.rule.unwrap_or_default(), MAX_NAME_CHARS),
            reason = escaped(record.reason, MAX_REASON_CHARS),
            policy = escaped(record.policy, MAX_NAME_CHARS),
            policy_digest = record.policy_digest,
            images = images(record.images),
            node = escaped(record.node, MAX_NAME_CHARS),
            source = record.source.as_str(),
            event_type = escaped(record.event_type.unwrap_or_default(), MAX_NAME_CHARS),
            decided_at = %record.decided_at,
            untold = record.untold,
            $message
        )
    }};
}

impl DecisionRecord<'_> {
    /// Logs the record. Costs next to nothing for admissions unless debug lines are logged.
    pub fn log(&self) {
        match self.decision {
            Decision::Admit => {
                log_record!(Level::DEBUG, ADMISSION_TARGET, "pod admitted", self);
            }
            Decision::Deny => log_record!(Level::INFO, DENIAL_TARGET, "pod denied", self),
            Decision::WouldDeny => {
                log_record!(Level::INFO, OBSERVATION_TARGET, "pod would be denied", self);
            }
            Decision::Except => {
                log_record!(Level::INFO, EXCEPTION_TARGET, "pod admitted by exception", self);
            }
        }
    }
}

fn images(references: &[&str]) -> String {
    let mut shown: Vec<_> =
        references.iter().take(MAX_IMAGES).map(|image| escaped(image, MAX_IMAGE_CHARS)).collect();
    let left_out = references.len().saturating_sub(MAX_IMAGES);
    if left_out > 0 {
        shown.push(format!("and {left_out} more"));
    }
    shown.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;
    use std::sync::{Arc, Mutex};
    use tracing::field::{Field, Visit};
    use tracing_subscriber::Layer;
    use tracing_subscriber::layer::{Context, SubscriberExt};

    type Event = (Level, String, BTreeMap<String, String>);

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
            let target = event.metadata().target().to_owned();
            self.0.lock().unwrap().push((*event.metadata().level(), target, fields.0));
        }
    }

    fn logged(record: &DecisionRecord<'_>) -> Event {
        let recorder = Recorder::default();
        let subscriber = tracing_subscriber::registry().with(recorder.clone());
        tracing::subscriber::with_default(subscriber, || record.log());
        let mut events = recorder.0.lock().unwrap().clone();
        assert_eq!(events.len(), 1);
        events.remove(0)
    }

    fn record() -> DecisionRecord<'static> {
        DecisionRecord {
            decided_at: Timestamp::UNIX_EPOCH,
            decision: Decision::Deny,
            namespace: "default",
            pod: "web",
            uid: "0f0e0d0c-0000-4000-8000-000000000000",
            rule: Some("deny-privileged"),
            reason: "container 'a' is privileged",
            policy: "strict",
            policy_digest: "ab12",
            images: &["nginx:1", "busybox"],
            node: "node-1",
            source: Source::Watch,
            event_type: Some("ADDED"),
            untold: 0,
        }
    }

    #[test]
    fn a_denial_is_logged_at_info_with_every_field_of_the_reference_page() {
        let (level, target, fields) = logged(&record());
        assert_eq!((level, target.as_str()), (Level::INFO, DENIAL_TARGET));
        assert_eq!(fields["message"], "pod denied");
        assert_eq!(fields["images"], "nginx:1, busybox");
        assert_eq!(fields["decided_at"], "1970-01-01T00:00:00Z");
        let page = include_str!("../../docs/reference/decision-record.md");
        for field in fields.keys().filter(|field| *field != "message") {
            assert!(page.contains(&format!("| `{field}` |")), "{field} is not in the reference");
        }
        let documented = page.lines().filter(|line| line.starts_with("| `")).count();
        assert_eq!(documented, fields.len() - 1, "the reference lists fields that do not exist");
        for id in
            [DENIAL_MESSAGE_ID, ADMISSION_MESSAGE_ID, OBSERVATION_MESSAGE_ID, EXCEPTION_MESSAGE_ID]
        {
            assert!(page.contains(id));
        }
    }

    #[test]
    fn what_is_admitted_in_spite_of_a_denial_is_logged_at_info() {
        for (decision, word, target) in [
            (Decision::WouldDeny, "would-deny", OBSERVATION_TARGET),
            (Decision::Except, "except", EXCEPTION_TARGET),
        ] {
            let (level, logged_to, fields) = logged(&DecisionRecord { decision, ..record() });
            assert_eq!((level, logged_to.as_str()), (Level::INFO, target));
            assert_eq!(fields["decision"], word);
        }
    }

    #[test]
    fn an_admission_is_logged_at_debug() {
        let admission =
            DecisionRecord { decision: Decision::Admit, rule: None, event_type: None, ..record() };
        let (level, target, fields) = logged(&admission);
        assert_eq!((level, target.as_str()), (Level::DEBUG, ADMISSION_TARGET));
        assert_eq!(fields["decision"], "admit");
        assert_eq!(fields["rule"], "");
    }

    #[test]
    fn hostile_text_neither_breaks_a_line_nor_fills_a_disk() {
        let long = "x".repeat(100_000);
        let images: Vec<&str> = vec![&long; 1000];
        let hostile = DecisionRecord {
            pod: "a\nMESSAGE=forged\u{202e}",
            namespace: &long,
            reason: &long,
            images: &images,
            ..record()
        };
        let (_, _, fields) = logged(&hostile);
        assert_eq!(fields["pod"], r"a\u{a}MESSAGE=forged\u{202e}");
        assert!(fields["images"].ends_with("and 968 more"));
        let size: usize = fields.values().map(|value| value.len()).sum();
        assert!(size < 16 * 1024, "{size}");
    }
}
