//! The way from a value to one of its nodes, in the words of the Kubernetes API.
//!
//! Only for faults: it searches, so it costs what the value is long. Keys come from a hostile peer, so
//! they are escaped and cut; the result is plain ASCII of bounded length.

use std::fmt::Write;

use super::value::Value;

/// Longest path shown, in bytes; what is behind it tells an operator nothing more.
const LONGEST_PATH: usize = 240;
/// Longest key shown, in characters; the longest of the Kubernetes API has 47.
const LONGEST_KEY: usize = 63;

/// The path of the node at `target` inside `root`.
pub(super) fn of(root: Value<'_>, target: u32) -> String {
    let mut path = String::new();
    let mut here = root;
    while here.position() < target && path.len() < LONGEST_PATH {
        let Some(inner) = step(here, target, &mut path) else { break };
        here = inner;
    }
    if path.len() > LONGEST_PATH {
        path.truncate(LONGEST_PATH);
        path.push_str("...");
    }
    path
}

/// Appends one step towards the target; `None` when it was reached.
fn step<'a>(here: Value<'a>, target: u32, path: &mut String) -> Option<Value<'a>> {
    if here.is_array() {
        let (index, element) =
            here.elements().enumerate().find(|(_, element)| target < element.following())?;
        // Writing to a String cannot fail.
        let _ = write!(path, "[{index}]");
        return Some(element);
    }
    let (key, value) = here.members().find(|(_, value)| target < value.following())?;
    push_key(key.as_str().unwrap_or_default(), path);
    (target != key.position()).then_some(value)
}

fn push_key(key: &str, path: &mut String) {
    let is_simple = !key.is_empty()
        && key.len() <= LONGEST_KEY
        && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
    if is_simple {
        if !path.is_empty() {
            path.push('.');
        }
        path.push_str(key);
        return;
    }
    path.push_str("[\"");
    path.extend(key.chars().take(LONGEST_KEY).flat_map(char::escape_default));
    path.push_str(if key.chars().nth(LONGEST_KEY).is_some() { "...\"]" } else { "\"]" });
}
