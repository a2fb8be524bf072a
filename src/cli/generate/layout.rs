//! JSON as a person would write it: what fits a line stands on one, keys in the order of the language.

use serde_json::Value;

/// Longest line that is still read at once.
const MAX_WIDTH: usize = 100;

/// What comes first in an object; other keys follow in alphabetical order.
const FIRST_KEYS: [&str; 14] = [
    "apiVersion",
    "kind",
    "name",
    "names",
    "kinds",
    "action",
    "match",
    "images",
    "command",
    "args",
    "env",
    "containers",
    "volumes",
    "permit",
];

/// The document, with a line end.
pub(super) fn laid_out(value: &Value) -> String {
    let mut out = String::new();
    write(value, 0, 0, &mut out);
    out.push('\n');
    out
}

/// `depth` levels in, with `taken` characters on the line already.
fn write(value: &Value, depth: usize, taken: usize, out: &mut String) {
    let flat = flat(value);
    let width = depth.saturating_mul(2).saturating_add(taken).saturating_add(flat.chars().count());
    let parts = match value {
        _ if width <= MAX_WIDTH && depth > 1 => None,
        Value::Array(items) => Some(items.iter().map(|item| (String::new(), item)).collect()),
        Value::Object(_) => Some(members(value)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
    };
    let Some(parts) = parts.filter(|parts: &Vec<_>| !parts.is_empty()) else {
        out.push_str(&flat);
        return;
    };
    let [opening, closing] = if value.is_array() { ["[", "]"] } else { ["{", "}"] };
    let inner = depth.saturating_add(1);
    out.push_str(opening);
    for (index, (key, part)) in parts.iter().enumerate() {
        out.push_str(if index == 0 { "\n" } else { ",\n" });
        out.push_str(&"  ".repeat(inner));
        out.push_str(key);
        write(part, inner, key.chars().count(), out);
    }
    out.push('\n');
    out.push_str(&"  ".repeat(depth));
    out.push_str(closing);
}

/// Each with its key as text, in the order of reading.
fn members(value: &Value) -> Vec<(String, &Value)> {
    let mut members: Vec<_> = value.as_object().into_iter().flatten().collect();
    members.sort_by_key(|(key, _)| {
        let rank = FIRST_KEYS.iter().position(|first| first == key);
        (rank.unwrap_or(FIRST_KEYS.len()), key.as_str())
    });
    let quoted = |key: &str| format!("{}: ", Value::from(key));
    members.into_iter().map(|(key, value)| (quoted(key), value)).collect()
}

fn flat(value: &Value) -> String {
    let list = |parts: Vec<String>| parts.join(", ");
    match value {
        Value::Array(items) => format!("[{}]", list(items.iter().map(flat).collect())),
        Value::Object(_) => {
            let parts = members(value).into_iter().map(|(key, value)| key + &flat(value));
            format!("{{{}}}", list(parts.collect()))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_fits_a_line_stands_on_one() {
        let value = json!({"rules": [{"permit": {"a": "x".repeat(90), "b": []}, "name": "r"}], "name": "n"});
        let text = laid_out(&value);
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), value);
        let expected = format!(
            "{{\n  \"name\": \"n\",\n  \"rules\": [\n    {{\n      \"name\": \"r\",\n      \
             \"permit\": {{\n        \"a\": \"{}\",\n        \"b\": []\n      }}\n    }}\n  ]\n}}\n",
            "x".repeat(90)
        );
        assert_eq!(text, expected);
    }
}
