//! Pods as they may be logged by `--log-pod-payloads`: without environment values and annotations.
//!
//! Redacts by key wherever it occurs, so a list that a later API version adds is covered too.
//! Commands and arguments stay: the flag is there to see what a pod would run.

use serde_json::Value;

use super::escape::escaped;

/// Put in place of a value.
const REDACTED: &str = "[redacted]";

/// A pod is about 4 KiB; what is longer is cut, the log is not an archive.
const MAX_CHARS: usize = 32 * 1024;

/// Keys whose lists hold `name` and `value` pairs that may be secrets.
const PAIR_LISTS: [&str; 2] = ["env", "httpHeaders"];

/// A pod's JSON with secrets replaced, on one line, escaped and cut to length.
///
/// `None` if the bytes are not JSON: they are then not shown at all.
pub fn redacted_pod(json: &[u8]) -> Option<String> {
    let mut pod = serde_json::from_slice(json).ok()?;
    redact(&mut pod);
    Some(escaped(&pod.to_string(), MAX_CHARS))
}

/// Recursion is bounded by the depth that `serde_json` reads, 128.
fn redact(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(redact),
        Value::Object(fields) => {
            for (key, field) in fields {
                if key == "annotations" {
                    redact_map(field);
                } else if PAIR_LISTS.contains(&key.as_str()) {
                    redact_pairs(field);
                } else {
                    redact(field);
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn redact_map(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.values_mut().for_each(|field| *field = REDACTED.into());
        }
        Value::Null => {}
        Value::Array(_) | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            *value = REDACTED.into();
        }
    }
}

fn redact_pairs(value: &mut Value) {
    let Value::Array(pairs) = value else {
        *value = REDACTED.into();
        return;
    };
    for pair in pairs {
        match pair.as_object_mut() {
            Some(pair) => {
                if let Some(secret) = pair.get_mut("value") {
                    *secret = REDACTED.into();
                }
            }
            None => *pair = REDACTED.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn secrets_are_replaced_wherever_a_pod_may_hold_them() {
        let container = json!({
            "name": "a",
            "command": ["run"],
            "env": [
                {"name": "PASSWORD", "value": "hunter2"},
                {"name": "KEY", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}},
                "hunter2"
            ],
            "livenessProbe": {"httpGet": {"httpHeaders": [
                {"name": "Authorization", "value": "hunter2"}
            ]}}
        });
        let pod = json!({
            "metadata": {"name": "p", "annotations": {"last-applied": "hunter2"}},
            "spec": {
                "containers": [container],
                "initContainers": [container],
                "ephemeralContainers": [container],
                "volumes": [{"ephemeral": {"volumeClaimTemplate": {
                    "metadata": {"annotations": {"x": "hunter2"}}
                }}}]
            }
        });
        let shown = redacted_pod(pod.to_string().as_bytes()).unwrap();
        assert!(!shown.contains("hunter2"), "{shown}");
        for kept in ["PASSWORD", "secretKeyRef", "last-applied", r#""command":["run"]"#] {
            assert!(shown.contains(kept), "{kept} is missing in {shown}");
        }
    }

    #[test]
    fn oddly_shaped_secrets_are_replaced_as_well() {
        for pod in [
            json!({"env": "hunter2"}),
            json!({"env": {"A": "hunter2"}}),
            json!({"annotations": "hunter2"}),
            json!({"annotations": ["hunter2"]}),
            json!({"annotations": {"a": {"b": "hunter2"}}}),
        ] {
            let shown = redacted_pod(pod.to_string().as_bytes()).unwrap();
            assert!(!shown.contains("hunter2"), "{shown}");
        }
    }

    #[test]
    fn what_is_not_json_is_not_shown_and_what_is_long_is_cut() {
        assert_eq!(redacted_pod(b"password=hunter2"), None);
        let long = json!({"a": "x".repeat(1_000_000)});
        assert_eq!(redacted_pod(long.to_string().as_bytes()).unwrap().chars().count(), MAX_CHARS);
    }
}
