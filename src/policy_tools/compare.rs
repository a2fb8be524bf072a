//! What differs between two policies: settings, rules by name, and their order.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::policy::{Policy, PolicyError};

/// One difference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Such as `rule app` or `defaultAction`.
    pub subject: String,
    /// What became of it.
    pub change: Change,
}

/// What became of one part of a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Only the new policy has it.
    Added,
    /// Only the old policy has it.
    Removed,
    /// Rules that both have are tried in another order.
    Reordered,
    /// Places in it, with what stood there and what stands there now.
    Changed(Vec<(String, Value, Value)>),
}

/// The lists of a policy whose entries have names.
const NAMED_LISTS: [(&str, &str); 2] = [("rules", "rule"), ("exceptions", "exception")];

/// The differences, in the order of the new policy; both texts must load.
pub fn compare(old: &[u8], new: &[u8]) -> Result<Vec<Difference>, PolicyError> {
    let [old, new] = [fields(old)?, fields(new)?];
    let mut differences = Vec::new();
    for key in old.keys().chain(new.keys().filter(|key| !old.contains_key(*key))) {
        let [before, after] = [old.get(key), new.get(key)];
        match NAMED_LISTS.iter().find(|(list, _)| list == key) {
            Some((_, noun)) => compare_named(noun, before, after, &mut differences),
            None => differences.extend(difference(key.clone(), before, after)),
        }
    }
    Ok(differences)
}

fn fields(text: &[u8]) -> Result<Map<String, Value>, PolicyError> {
    Policy::parse(text)?;
    let value: Value = serde_json::from_slice(text).unwrap_or_default();
    Ok(value.as_object().cloned().unwrap_or_default())
}

fn difference(
    subject: String,
    before: Option<&Value>,
    after: Option<&Value>,
) -> Option<Difference> {
    let change = match (before, after) {
        (None, None) => return None,
        (None, Some(_)) => Change::Added,
        (Some(_), None) => Change::Removed,
        (Some(before), Some(after)) if before == after => return None,
        (Some(before), Some(after)) => {
            let mut places = Vec::new();
            changes("", before, after, &mut places);
            Change::Changed(places)
        }
    };
    Some(Difference { subject, change })
}

fn compare_named(
    noun: &str,
    before: Option<&Value>,
    after: Option<&Value>,
    differences: &mut Vec<Difference>,
) {
    let [old, new] = [named(before), named(after)];
    let find = |list: &[(String, Value)], name: &str| {
        list.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone())
    };
    for (name, value) in &old {
        let after = find(&new, name);
        differences.extend(difference(format!("{noun} {name}"), Some(value), after.as_ref()));
    }
    for (name, value) in &new {
        if find(&old, name).is_none() {
            differences.extend(difference(format!("{noun} {name}"), None, Some(value)));
        }
    }
    let common = |list: &[(String, Value)], other: &[(String, Value)]| -> Vec<String> {
        let names = list.iter().map(|(name, _)| name.clone());
        names.filter(|name| find(other, name).is_some()).collect()
    };
    if common(&old, &new) != common(&new, &old) {
        differences.push(Difference { subject: format!("{noun}s"), change: Change::Reordered });
    }
}

/// Entries by name; one without a name, or with that of another, goes by its position.
fn named(list: Option<&Value>) -> Vec<(String, Value)> {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let entries = list.and_then(Value::as_array).into_iter().flatten().enumerate();
    let name = |(index, entry): (usize, &Value)| {
        let name = entry.get("name").and_then(Value::as_str).map(str::to_owned);
        let name = name.unwrap_or_else(|| format!("[{index}]"));
        let count = seen.entry(name.clone()).or_default();
        *count = count.saturating_add(1);
        let name = if *count > 1 { format!("{name} [{index}]") } else { name };
        (name, entry.clone())
    };
    entries.map(name).collect()
}

/// Down to the values that differ; lists are compared as a whole.
fn changes(path: &str, before: &Value, after: &Value, into: &mut Vec<(String, Value, Value)>) {
    let (Value::Object(old), Value::Object(new)) = (before, after) else {
        if before != after {
            into.push((path.to_owned(), before.clone(), after.clone()));
        }
        return;
    };
    for key in old.keys().chain(new.keys().filter(|key| !old.contains_key(*key))) {
        let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        let side = |map: &Map<String, Value>| map.get(key).cloned().unwrap_or_default();
        changes(&path, &side(old), &side(new), into);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn policy(action: &str, rules: &str) -> Vec<u8> {
        format!(r#"{{"name":"n","defaultAction":"{action}","rules":[{rules}]}}"#).into_bytes()
    }

    fn rule(name: &str, namespace: &str) -> String {
        format!(r#"{{"name":"{name}","action":"deny","match":{{"namespaces":["{namespace}"]}}}}"#)
    }

    #[test]
    fn rules_are_compared_by_name_and_order() {
        let [a, b, c] = [rule("a", "x"), rule("b", "x"), rule("c", "x")];
        let old = policy("allow", &[a.as_str(), &b, &c].join(","));
        let new = policy("deny", &[c.as_str(), &rule("d", "x"), &rule("a", "y")].join(","));
        let found = compare(&old, &new).unwrap();
        let shown: Vec<_> = found
            .iter()
            .map(|one| match &one.change {
                Change::Added => format!("+{}", one.subject),
                Change::Removed => format!("-{}", one.subject),
                Change::Reordered => format!("~{}", one.subject),
                Change::Changed(places) => format!("{} {}", one.subject, places.len()),
            })
            .collect();
        assert_eq!(shown, ["defaultAction 1", "rule a 1", "-rule b", "+rule d", "~rules"]);
        let expected = ("match.namespaces".to_owned(), json!(["x"]), json!(["y"]));
        assert_eq!(found[1].change, Change::Changed(vec![expected]));
        assert_eq!(compare(&old, &old).unwrap(), []);
    }

    #[test]
    fn a_policy_that_does_not_load_is_not_compared() {
        assert!(compare(b"{}", &policy("allow", "")).is_err());
    }
}
