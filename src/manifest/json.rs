//! JSON of a manifest, one value after the other, without duplicate keys.
//!
//! `serde_json` would keep the last of two equal keys; which one the API server keeps depends on its
//! version. Two are refused.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use super::error::ManifestError;

/// The values, each with the line on which it begins.
pub(super) fn values(text: &str) -> Result<Vec<(usize, Value)>, ManifestError> {
    let mut values = Vec::new();
    let mut stream = serde_json::Deserializer::from_str(text).into_iter::<Strict>();
    loop {
        let before = text.get(..stream.byte_offset()).unwrap_or_default();
        let rest = text.get(stream.byte_offset()..).unwrap_or_default();
        let space = rest.len().saturating_sub(rest.trim_start().len());
        let space = rest.get(..space).unwrap_or_default();
        let line = lines(before).saturating_add(lines(space)).saturating_add(1);
        match stream.next() {
            None => return Ok(values),
            Some(Ok(Strict(value))) => values.push((line, value)),
            Some(Err(error)) => return Err(syntax(&error)),
        }
    }
}

fn lines(text: &str) -> usize {
    text.bytes().filter(|byte| *byte == b'\n').count()
}

fn syntax(error: &serde_json::Error) -> ManifestError {
    let (line, column) = (error.line(), error.column());
    let text = error.to_string();
    let problem = text.strip_suffix(&format!(" at line {line} column {column}")).unwrap_or(&text);
    ManifestError::Syntax {
        line,
        problem: format!("{problem} (column {column}); correct the JSON"),
    }
}

/// A value in which no object has a key twice.
struct Strict(Value);

struct Reader;

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(Reader).map(Self)
    }
}

impl<'de> Visitor<'de> for Reader {
    type Value = Value;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("JSON")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("no finite number"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(Strict(item)) = items.next_element()? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some(key) = members.next_key::<String>()? {
            let Strict(value) = members.next_value()?;
            if map.contains_key(&key) {
                return Err(A::Error::custom(format!("the key {key:?} appears twice")));
            }
            map.insert(key, value);
        }
        Ok(Value::Object(map))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values_follow_each_other() {
        let text = "{\"a\": [1, -2, 3.5, true, null, \"x\"]}\n\n{}";
        let expected = json!({"a": [1, -2, 3.5, true, null, "x"]});
        assert_eq!(values(text).unwrap(), [(1, expected), (3, json!({}))]);
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line() {
        for (text, expected) in [
            ("{\"a\": 1,\n \"a\": 2}", "line 2: the key \"a\" appears twice"),
            ("{\"a\": {\"b\": 1, \"b\": 1}}", "the key \"b\" appears twice"),
            ("{\"a\":\n}", "line 2: expected value"),
            ("{} x", "line 1: expected value"),
            (&format!("{{\"a\":{}", "[".repeat(1000)), "recursion limit"),
        ] {
            let message = values(text).unwrap_err().to_string();
            assert!(message.contains(expected), "{message}");
            assert!(!message.contains('\n'), "{message}");
        }
    }
}
