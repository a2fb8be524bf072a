//! The status object as lines: a name, then what there is to say of it.

use serde_json::Value;

/// For what the object does not hold.
const UNKNOWN: &str = "unknown";

/// Wide enough for the longest name.
const NAME_WIDTH: usize = 12;

/// The report, one line a subject.
pub(super) fn lines(status: &Value) -> Vec<String> {
    [
        ("version", version(status)),
        ("policy", policy(status)),
        ("upstream", upstream(status)),
        ("sandbox", sandbox(status)),
        ("capabilities", capabilities(status)),
        ("landlock", restriction(status, "landlock")),
        ("seccomp", restriction(status, "seccomp")),
        ("last reload", last_reload(status)),
        ("watchdog", on_or_off(status, "/watchdog/enabled", "enabled", "not enabled")),
    ]
    .into_iter()
    .map(|(name, said)| format!("{name:NAME_WIDTH$}  {said}"))
    .collect()
}

fn version(status: &Value) -> String {
    format!("{}, binary sha256:{}", text(status, "/version"), text(status, "/binarySha256"))
}

fn policy(status: &Value) -> String {
    let rules = status.pointer("/policy/rules").and_then(Value::as_u64);
    let rules = match rules {
        Some(1) => "1 rule".to_owned(),
        Some(number) => format!("{number} rules"),
        None => format!("{UNKNOWN} rules"),
    };
    format!(
        "{}, {rules}, sha256:{}, {}",
        text(status, "/policy/name"),
        text(status, "/policy/sha256"),
        on_or_off(status, "/policy/immutable", "immutable", "reloadable")
    )
}

fn upstream(status: &Value) -> String {
    let reached = on_or_off(status, "/upstream/up", "up", "down");
    format!("{}, {reached}", text(status, "/upstream/server"))
}

fn sandbox(status: &Value) -> String {
    let privileges = on_or_off(status, "/sandbox/noNewPrivileges", "set", "NOT SET");
    format!("{}, no_new_privs {privileges}", text(status, "/sandbox/mode"))
}

/// Sets that are empty are not named.
fn capabilities(status: &Value) -> String {
    let Some(sets) = status.pointer("/sandbox/capabilitiesLeft").and_then(Value::as_object) else {
        return UNKNOWN.to_owned();
    };
    let left: Vec<_> = sets
        .iter()
        .filter_map(|(set, names)| {
            let names: Vec<_> = names.as_array()?.iter().filter_map(Value::as_str).collect();
            (!names.is_empty()).then(|| format!("{} left in {set}", names.join(" ")))
        })
        .collect();
    if left.is_empty() { "none left".to_owned() } else { left.join(", ") }
}

fn restriction(status: &Value, name: &str) -> String {
    let state = text(status, &format!("/sandbox/{name}/state"));
    let abi = status.pointer(&format!("/sandbox/{name}/abi")).and_then(Value::as_u64);
    let abi = abi.map_or_else(String::new, |abi| format!(", ABI {abi}"));
    format!("{state}{abi}{}", reason(status, &format!("/sandbox/{name}/reason")))
}

fn last_reload(status: &Value) -> String {
    format!("{}{}", text(status, "/lastReload/outcome"), reason(status, "/lastReload/reason"))
}

fn reason(status: &Value, pointer: &str) -> String {
    let reason = status.pointer(pointer).and_then(Value::as_str);
    reason.map_or_else(String::new, |reason| format!(": {reason}"))
}

fn text<'a>(status: &'a Value, pointer: &str) -> &'a str {
    status.pointer(pointer).and_then(Value::as_str).unwrap_or(UNKNOWN)
}

fn on_or_off(status: &Value, pointer: &str, on: &str, off: &str) -> String {
    match status.pointer(pointer).and_then(Value::as_bool) {
        Some(true) => on.to_owned(),
        Some(false) => off.to_owned(),
        None => UNKNOWN.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_field_of_the_object_is_told() {
        let status = json!({
            "version": "0.1.0", "binarySha256": "bb",
            "policy": {"name": "strict", "sha256": "aa", "rules": 3, "immutable": true},
            "sandbox": {
                "mode": "require", "noNewPrivileges": true,
                "capabilitiesLeft": {"effective": [], "bounding": ["CAP_KILL", "CAP_CHOWN"]},
                "landlock": {"state": "partial", "abi": 3, "reason": "no network rules"},
                "seccomp": {"state": "enforced"}
            },
            "upstream": {"server": "https://10.0.0.1:6443", "up": false},
            "lastReload": {"outcome": "refused", "reason": "policy.json: rules (line 2): no"},
            "watchdog": {"enabled": true}
        });
        let expected = [
            "version       0.1.0, binary sha256:bb",
            "policy        strict, 3 rules, sha256:aa, immutable",
            "upstream      https://10.0.0.1:6443, down",
            "sandbox       require, no_new_privs set",
            "capabilities  CAP_KILL CAP_CHOWN left in bounding",
            "landlock      partial, ABI 3: no network rules",
            "seccomp       enforced",
            "last reload   refused: policy.json: rules (line 2): no",
            "watchdog      enabled",
        ];
        assert_eq!(lines(&status), expected);
    }

    #[test]
    fn what_is_not_there_is_unknown_and_never_good_news() {
        for line in lines(&json!({})) {
            assert!(line.contains(UNKNOWN), "{line}");
        }
        let empty = json!({"sandbox": {"capabilitiesLeft": {"effective": []}}});
        assert!(lines(&empty).contains(&"capabilities  none left".to_owned()));
    }
}
