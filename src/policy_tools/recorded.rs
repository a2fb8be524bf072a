//! Decision records as the proxy logs them, read back: JSON lines of its own, or of `journalctl -o json`.
//!
//! A record holds no pod. The pod comes from `--log-pod-payloads` lines, secrets redacted, or from whoever
//! has it; without one nothing can be said about another policy.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// What `--log-pod-payloads` writes in place of a secret.
const REDACTED: &str = "[redacted]";

/// In front of field names in the journal.
const JOURNAL_PREFIX: &str = "KP_";

/// The last decision on one pod, and the pod if its payload was logged.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Recorded {
    /// `namespace/name`.
    pub title: String,
    /// Was it admitted?
    pub is_admitted: bool,
    /// Why, in words.
    pub reason: String,
    /// SHA-256 of the policy that decided.
    pub policy_digest: String,
}

/// What log lines say about pods.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Records {
    /// By UID.
    pub decisions: BTreeMap<String, Recorded>,
    /// Pods by UID, secrets redacted.
    pub payloads: BTreeMap<String, Value>,
    /// Lines that say nothing about pods.
    pub other_lines: usize,
}

/// Reads log lines; the last decision on a UID counts.
///
/// # Errors
/// The number of a line that is no JSON object.
pub fn read(text: &str) -> Result<Records, usize> {
    let mut records = Records::default();
    for (index, line) in text.lines().enumerate() {
        if line.trim().is_empty() {
            continue;
        }
        let Ok(Value::Object(fields)) = serde_json::from_str(line) else {
            return Err(index.saturating_add(1));
        };
        if !records.take(&fields) {
            records.other_lines = records.other_lines.saturating_add(1);
        }
    }
    Ok(records)
}

impl Records {
    /// Does the line say something about a pod?
    fn take(&mut self, fields: &Map<String, Value>) -> bool {
        if let Some(payload) = field(fields, "payload") {
            let pod: Value = serde_json::from_str(payload).unwrap_or_default();
            let uid = pod.pointer("/metadata/uid").and_then(Value::as_str).map(str::to_owned);
            return uid.map(|uid| self.payloads.insert(uid, pod)).is_some();
        }
        let decision = field(fields, "decision").filter(|word| ["admit", "deny"].contains(word));
        let (Some(decision), Some(uid)) = (decision, field(fields, "uid")) else { return false };
        let text = |name| field(fields, name).unwrap_or_default().to_owned();
        let recorded = Recorded {
            title: format!("{}/{}", text("namespace"), text("pod")),
            is_admitted: decision == "admit",
            reason: text("reason"),
            policy_digest: text("policy_digest"),
        };
        self.decisions.insert(uid.to_owned(), recorded);
        true
    }
}

/// A field as the proxy writes it, or as the journal has it.
fn field<'f>(fields: &'f Map<String, Value>, name: &str) -> Option<&'f str> {
    let in_journal = || fields.get(&format!("{JOURNAL_PREFIX}{}", name.to_uppercase()));
    fields.get(name).or_else(in_journal).and_then(Value::as_str)
}

/// Is something missing from the pod that a rule may ask about?
pub fn is_redacted(pod: &Value) -> bool {
    match pod {
        Value::String(text) => text == REDACTED,
        Value::Array(items) => items.iter().any(is_redacted),
        Value::Object(fields) => fields.values().any(is_redacted),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::redact::redacted_pod;
    use serde_json::json;

    #[test]
    fn lines_of_the_proxy_and_of_the_journal_are_read_and_the_last_counts() {
        let line = |decision: &str| {
            json!({"level": "INFO", "message": "pod denied", "decision": decision, "namespace": "n",
                "pod": "p", "uid": "u", "reason": "r", "policy_digest": "d"})
        };
        let journal = json!({"MESSAGE": "pod denied", "KP_DECISION": "deny", "KP_UID": "v",
            "KP_NAMESPACE": "n", "KP_POD": "q", "KP_REASON": "r", "KP_POLICY_DIGEST": "d"});
        let text = format!("{}\n{}\n{journal}\n{{}}\n\n", line("deny"), line("admit"));
        let records = read(&text).unwrap();
        assert_eq!(records.decisions.len(), 2);
        assert!(records.decisions["u"].is_admitted);
        assert_eq!(records.decisions["v"].title, "n/q");
        assert_eq!(records.other_lines, 1);
        assert_eq!(read("{}\nnot json\n").unwrap_err(), 2);
    }

    #[test]
    fn what_is_logged_of_a_pod_is_known_to_be_redacted() {
        let pod = json!({"metadata": {"uid": "u", "annotations": {"a": "b"}}, "spec": {}});
        let payload = redacted_pod(pod.to_string().as_bytes()).unwrap();
        let line = json!({"message": "pod payload", "payload": payload}).to_string();
        let records = read(&line).unwrap();
        assert!(is_redacted(&records.payloads["u"]));
        assert!(!is_redacted(&pod));
    }
}
