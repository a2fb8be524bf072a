//! From the bytes of a policy file to a [`Policy`], or to the one line that says what to change.
//!
//! Whatever could make a rule mean less than its author thinks refuses to load; what is odd but
//! clear becomes a warning. Nothing is left to be found out while deciding.

use aws_lc_rs::digest::{SHA256, digest};

use super::error::{MAX_POLICY_BYTES, PolicyError, Warnings};
use super::located::{Located, quoted};
use super::v1::SeedRules;
use super::v2::NodePolicy;
use super::v2::document::API_VERSION;
use super::{Document, LoadedPolicy, Policy};

/// Every pod may meet every rule, and each may hold a compiled regex.
pub(super) const MAX_RULES: usize = 1000;

/// Says which language a document is written in.
const VERSION_KEY: &str = "apiVersion";

/// Stands for the name that a policy does not have.
const UNNAMED: &str = "unnamed";

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Reads a whole policy.
pub(super) fn load(bytes: &[u8]) -> Result<LoadedPolicy, PolicyError> {
    let text = checked_text(bytes)?;
    let document = Located::document(text)?;
    let mut warnings = Warnings::default();
    let (name, read) = match version(&document)? {
        None => {
            let (name, rules) = SeedRules::read(&document, &mut warnings)?;
            (name.unwrap_or_else(|| UNNAMED.to_owned()), Document::V1(rules))
        }
        Some(()) => {
            let (name, policy) = NodePolicy::read(&document, &mut warnings)?;
            (name, Document::V2(Box::new(policy)))
        }
    };
    let policy = Policy { name, digest: hex_sha256(bytes), document: read, signed: None };
    Ok(LoadedPolicy { policy, warnings: warnings.finish(&document) })
}

/// `None` for the first version, which does not say so.
fn version(document: &Located<'_>) -> Result<Option<()>, PolicyError> {
    let members = document.members()?;
    let Some((_, at)) = members.iter().find(|(key, _)| key == VERSION_KEY) else {
        return Ok(None);
    };
    match at.string()?.as_str() {
        API_VERSION => Ok(Some(())),
        other => Err(at.refuse(format!(
            "{} is not known here; write {API_VERSION:?}, or leave the key out for the first \
             version of the language",
            quoted(other)
        ))),
    }
}

/// SHA-256 in lower-case hexadecimal.
pub(super) fn hex_sha256(bytes: &[u8]) -> String {
    digest(&SHA256, bytes).as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(super) fn checked_text(bytes: &[u8]) -> Result<&str, PolicyError> {
    if bytes.len() > MAX_POLICY_BYTES {
        return Err(PolicyError::TooLarge { bytes: bytes.len() });
    }
    if bytes.starts_with(BYTE_ORDER_MARK) {
        return Err(PolicyError::ByteOrderMark);
    }
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let valid = bytes.get(..error.valid_up_to()).unwrap_or_default();
        let lines = valid.iter().filter(|byte| **byte == b'\n').count();
        PolicyError::NotUtf8 { line: lines.saturating_add(1) }
    })?;
    if text.trim().is_empty() { Err(PolicyError::Empty) } else { Ok(text) }
}

#[cfg(test)]
mod tests {
    use super::super::sample_pods::verdict;
    use super::super::v1::ALLOW_ALL;
    use super::*;

    fn refusal(text: impl AsRef<[u8]>) -> String {
        load(text.as_ref()).unwrap_err().to_string()
    }

    fn warnings(text: &str) -> Vec<String> {
        load(text.as_bytes()).unwrap().warnings.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn what_is_no_policy_document_does_not_load() {
        for (text, expected) in [
            (&b""[..], "the policy is empty; write a policy, or accept every pod with"),
            (b" \n\t ", "the policy is empty"),
            (b"\xef\xbb\xbf{}", "line 1: begins with a byte order mark"),
            (b"{\n\n\"name\": \"\xff\"}", "line 3: not valid UTF-8"),
            (b"{} {}", "line 1, column 4: trailing characters"),
            (b"{}x", "line 1, column 3: trailing characters"),
            (b"{\"rules\": [}", "line 1, column 12: expected value"),
            (b"{\"defaultAction\":\"allow\",}", "line 1, column 26: key must be a string"),
            (b"{\"name\": NaN}", "line 1, column 10"),
            (b"{\"name\": 1e999}", "name (line 1): is a number; it must be a string"),
            (b"[]", "the policy (line 1): is a list; it must be an object"),
            (b"null", "the policy (line 1): is null; it must be an object"),
            (b"{\"name\": \"\\ud800\"}", "name (line 1): holds an escape that is not Unicode"),
            (b"{\"\\ud800\": 1}", "holds an escape that is not Unicode"),
            (
                b"{\"apiVersion\": \"v9\"}",
                "apiVersion (line 1): \"v9\" is not known here; write \"nodeward.dev/v2\"",
            ),
            (b"{\"apiVersion\": 2}", "apiVersion (line 1): is a number; it must be a string"),
        ] {
            let message = refusal(text);
            assert!(message.starts_with(expected) || message.contains(expected), "{message}");
            assert!(!message.contains('\n'), "{message}");
        }
    }

    #[test]
    fn a_policy_above_the_limit_does_not_load() {
        let mut text = ALLOW_ALL.to_owned();
        text.extend(std::iter::repeat_n(' ', MAX_POLICY_BYTES - ALLOW_ALL.len()));
        assert!(load(text.as_bytes()).is_ok());
        text.push(' ');
        assert!(refusal(&text).contains("the limit is 1048576"));
    }

    #[test]
    fn more_rules_or_warnings_than_anyone_reads_are_bounded() {
        let rule = r#"{"action":"deny","match":{"namespaces":["a"]}}"#;
        let text = |count: usize| {
            format!(r#"{{"defaultAction":"allow","rules":[{}]}}"#, vec![rule; count].join(","))
        };
        assert!(refusal(text(MAX_RULES + 1)).contains("has 1001 rules; the limit is 1000"));
        let warnings = warnings(&text(MAX_RULES));
        assert!(warnings.len() == 51 && warnings[50].contains("has 951 more"), "{warnings:?}");
    }

    #[test]
    fn a_name_without_letters_or_with_control_characters_does_not_load() {
        for name in [r#""""#, r#""a\nb""#, r#""\u001b[31m""#] {
            let text = format!(r#"{{"name":{name},"defaultAction":"allow"}}"#);
            assert!(refusal(text).starts_with("name (line 1): "), "{name}");
        }
    }

    #[test]
    fn deep_nesting_is_a_refusal_and_no_crash() {
        let text = format!("{{\"rules\": {}", "[".repeat(MAX_POLICY_BYTES / 2));
        refusal(text);
        let depth = MAX_POLICY_BYTES / 4;
        let text = format!("{{\"name\": {}{}}}", "[".repeat(depth), "]".repeat(depth));
        assert!(refusal(text).contains("is a list; it must be a string"));
    }

    #[test]
    fn actions_other_than_allow_and_deny_do_not_load() {
        for (text, expected) in [
            (
                r#"{"rules":[]}"#,
                "defaultAction (line 1): is missing; invalid default action:  (must be 'allow' or 'deny')",
            ),
            (
                "{\n\"defaultAction\": \"Allow\"}",
                "defaultAction (line 2): invalid default action: Allow (must be 'allow' or 'deny')",
            ),
            (
                r#"{"defaultAction":"deny","rules":[{"name":"r","action":"audit","match":{}}]}"#,
                "rules[0].action (line 1): invalid action in rule 0 (r): audit; write \"allow\" or",
            ),
            (
                r#"{"defaultAction":"deny","rules":[{"name":"r","match":{}}]}"#,
                "rules[0].action (line 1): is missing; write \"allow\" or \"deny\"",
            ),
            (
                r#"{"defaultAction":"deny","rules":[{"name":"r","action":"deny"}]}"#,
                "rules[0].match (line 1): is missing; write `\"match\": {}` to mean every pod",
            ),
        ] {
            let message = refusal(text);
            assert!(message.starts_with(expected), "{message}");
        }
    }

    #[test]
    fn a_refusal_names_the_path_and_the_line_of_the_value() {
        let text = r#"{"name": "p",
            "defaultAction": "allow",
            "rules": [
                {"name": "a", "action": "deny", "match": {"namespaces": ["x"]}},
                {"name": "b", "action": "deny",
                 "match": {"images": {"allowedRegistries": ["gcr.io",
                    "https://evil.io"]}}}]}"#;
        let expected = "rules[1].match.images.allowedRegistries[1] (line 7): ";
        assert!(refusal(text).starts_with(expected), "{}", refusal(text));
    }

    #[test]
    fn hostile_keys_are_escaped_and_cut_in_messages() {
        let text = format!(r#"{{"a\n\u001b{}": 1}}"#, "x".repeat(10_000));
        let message = refusal(text);
        assert!(message.len() < 400 && !message.contains(['\n', '\u{1b}']), "{message}");
    }

    #[test]
    fn missing_names_and_doubtful_policies_warn() {
        assert_eq!(warnings(r#"{"name":"p","defaultAction":"deny"}"#), [""; 0]);
        let [unnamed, open] = warnings(r#"{"defaultAction":"allow"}"#).try_into().unwrap();
        assert!(unnamed.contains("has no name") && open.contains("so every pod may run"));
        let rule = r#"{"action":"deny","match":{"namespaces":["a"]}}"#;
        let text = format!(r#"{{"name":"p","defaultAction":"allow","rules":[{rule}]}}"#);
        assert!(warnings(&text)[0].starts_with("rules[0] (line 1): has no name"));
        let named = rule.replace("{\"action", "{\"name\":\"n\",\"action");
        let text = format!(r#"{{"name":"p","defaultAction":"allow","rules":[{named},{named}]}}"#);
        assert!(warnings(&text)[0].contains("has the name \"n\" of an earlier rule"));
    }

    #[test]
    fn the_digest_is_that_of_the_exact_bytes() {
        // printf '%s' '{"defaultAction":"deny"}' | sha256sum
        let loaded = load(br#"{"defaultAction":"deny"}"#).unwrap();
        assert_eq!(
            loaded.policy.digest(),
            "dabe5038089573d951c0c212ceabbfbd46ee0de14c7c7c0a05888788103a0431"
        );
        assert_ne!(
            load(br#"{"defaultAction": "deny"}"#).unwrap().policy.digest(),
            "dabe5038089573d951c0c212ceabbfbd46ee0de14c7c7c0a05888788103a0431"
        );
        assert_eq!(loaded.policy.name(), "unnamed");
    }

    #[test]
    fn allow_all_is_what_its_document_says() {
        let LoadedPolicy { policy, .. } = load(ALLOW_ALL.as_bytes()).unwrap();
        assert_eq!(format!("{policy:?}"), format!("{:?}", Policy::allow_all()));
        let pod = super::super::sample_pods::harmless_pod();
        assert!(verdict(&policy, &pod).is_allow());
    }
}
