//! From the bytes of a policy file to a [`Policy`], or to the one line that says what to change.
//!
//! Whatever could make a rule mean less than its author thinks refuses to load; what is odd but
//! clear becomes a warning. Nothing is left to be found out while deciding.

use aws_lc_rs::digest::{SHA256, digest};

use super::error::{MAX_POLICY_BYTES, PolicyError, PolicyWarning};
use super::located::{Located, Object, quoted};
use super::rules::rule::{Action, Rule};
use super::{LoadedPolicy, Policy};

const KEYS: [&str; 3] = ["name", "defaultAction", "rules"];

/// Stands for the name that a policy does not have.
const UNNAMED: &str = "unnamed";

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Reads a whole policy.
pub(super) fn load(bytes: &[u8]) -> Result<LoadedPolicy, PolicyError> {
    let text = checked_text(bytes)?;
    let document = Located::document(text)?;
    let policy = document.object(&KEYS)?;
    let mut warnings = Vec::new();
    let name = policy.find("name").map(Located::string).transpose()?.unwrap_or_default();
    if name.is_empty() {
        warnings.push(document.warning("has no name, so records cannot tell it; add a `name`"));
    }
    let policy = Policy {
        name: if name.is_empty() { UNNAMED.to_owned() } else { name },
        digest: hex_sha256(bytes),
        default_action: read_default_action(&policy)?,
        rules: read_rules(&policy, &mut warnings)?,
    };
    if policy.rules.is_empty() && policy.default_action == Action::Allow {
        warnings.push(document.warning("has no rules and allows by default, so every pod may run"));
    }
    Ok(LoadedPolicy { policy, warnings })
}

/// SHA-256 in lower-case hexadecimal.
pub(super) fn hex_sha256(bytes: &[u8]) -> String {
    digest(&SHA256, bytes).as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

fn checked_text(bytes: &[u8]) -> Result<&str, PolicyError> {
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

fn read_default_action(policy: &Object<'_>) -> Result<Action, PolicyError> {
    let invalid = |word| format!("invalid default action: {word} (must be 'allow' or 'deny')");
    let Some(at) = policy.find("defaultAction") else {
        let missing = invalid(String::new());
        return Err(policy.at().missing("defaultAction", &missing));
    };
    let word = at.string()?;
    Action::parse(&word).ok_or_else(|| at.refuse(invalid(word.escape_debug().to_string())))
}

fn read_rules(
    policy: &Object<'_>,
    warnings: &mut Vec<PolicyWarning>,
) -> Result<Vec<Rule>, PolicyError> {
    let elements = policy.find("rules").map_or(Ok(Vec::new()), Located::elements_or_none)?;
    let mut rules: Vec<Rule> = Vec::new();
    let mut names = std::collections::HashSet::new();
    let mut last: Option<String> = None;
    for (index, element) in elements.iter().enumerate() {
        let rule = Rule::read(element, index, warnings)?;
        let name = quoted(rule.name());
        if !names.insert(rule.name().to_owned()) {
            warnings
                .push(element.warning(format!("has the name {name} of an earlier rule; rename")));
        }
        if let Some(last) = &last {
            warnings
                .push(element.warning(format!("is never reached: rule {last} matches every pod")));
        } else if rule.catches_everything() {
            last = Some(name);
        }
        rules.push(rule);
    }
    Ok(rules)
}
