//! What a plain YAML scalar is: null, boolean, number or text, as kubectl's reader decides.
//!
//! kubectl reads YAML 1.1 with go-yaml version 2: `yes` and `on` are booleans, `0644` is octal. The rules
//! are those of its `resolve.go`, so that a manifest means here what it means there.
//! `tests/manifests_match_go.rs` compares.

use serde_json::{Number, Value};

/// From here on Go's JSON writes whole floats with an exponent.
const LEAST_EXPONENT: f64 = 1e21;

/// The value of an untagged plain scalar, or what is wrong with it.
pub(super) fn resolve(text: &str) -> Result<Value, &'static str> {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Ok(Value::Null),
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => {
            return Ok(Value::Bool(true));
        }
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            return Ok(Value::Bool(false));
        }
        ".nan" | ".NaN" | ".NAN" | ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF"
        | "-.inf" | "-.Inf" | "-.INF" => {
            return Err("is no number that JSON has; quote it if it is text");
        }
        _ => {}
    }
    match text.as_bytes().first() {
        Some(b'.') => Ok(float(text).map_or_else(|| text.into(), Value::Number)),
        Some(b'0'..=b'9' | b'+' | b'-') => {
            let plain = text.replace('_', "");
            let number = integer(&plain).or_else(|| float(&plain));
            Ok(number.map_or_else(|| text.into(), Value::Number))
        }
        Some(_) | None => Ok(text.into()),
    }
}

/// Go's `ParseInt` with base 0, and go-yaml's own reading of `0b`.
fn integer(plain: &str) -> Option<Number> {
    let (is_negative, digits) = match plain.as_bytes().first() {
        Some(b'-') => (true, plain.get(1..)?),
        Some(b'+') => (false, plain.get(1..)?),
        Some(_) | None => (false, plain),
    };
    let (base, digits) = match digits.as_bytes() {
        [b'0', b'x' | b'X', ..] => (16, digits.get(2..)?),
        [b'0', b'b' | b'B', ..] => (2, digits.get(2..)?),
        [b'0', b'o' | b'O', ..] => (8, digits.get(2..)?),
        [b'0', _, ..] => (8, digits.get(1..)?),
        [..] => (10, digits),
    };
    // Rust takes another sign here, Go does not.
    if !digits.bytes().next()?.is_ascii_alphanumeric() {
        return None;
    }
    let number = i128::from_str_radix(digits, base).ok()?;
    let number = if is_negative { number.checked_neg()? } else { number };
    let signed = i64::try_from(number).map(Number::from);
    let unsigned = || u64::try_from(number).ok().filter(|_| !plain.starts_with('+'));
    signed.ok().or_else(|| unsigned().map(Number::from))
}

/// `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`
fn float(plain: &str) -> Option<Number> {
    let is_part = |byte: u8| byte.is_ascii_digit() || b".eE+-".contains(&byte);
    if !plain.bytes().all(is_part) || !plain.bytes().any(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let number: f64 = plain.parse().ok()?;
    // Digits that tell it from its neighbours, then zeros: Go writes the same.
    let digits = format!("{number}");
    let is_plain = number.abs() < LEAST_EXPONENT && !(number == 0.0 && number.is_sign_negative());
    let signed = digits.parse::<i64>().map(Number::from).ok();
    let whole = signed.or_else(|| digits.parse::<u64>().map(Number::from).ok());
    whole.filter(|_| is_plain).or_else(|| Number::from_f64(number))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn scalars_are_what_kubectl_takes_them_for() {
        for (text, expected) in [
            ("", Value::Null),
            ("~", Value::Null),
            ("yes", json!(true)),
            ("Off", json!(false)),
            ("y", json!(true)),
            ("yEs", json!("yEs")),
            ("0644", json!(420)),
            ("0o644", json!(420)),
            ("08", json!(8)),
            ("0x1F", json!(31)),
            ("0b101", json!(5)),
            ("-0b101", json!(-5)),
            ("1_000", json!(1000)),
            ("+12", json!(12)),
            ("-1", json!(-1)),
            ("--1", json!("--1")),
            ("+", json!("+")),
            ("1e3", json!(1000)),
            ("0.5", json!(0.5)),
            (".5", json!(0.5)),
            ("1.", json!(1)),
            ("1.2.3", json!("1.2.3")),
            ("12:30:45", json!("12:30:45")),
            ("2001-12-14", json!("2001-12-14")),
            ("18446744073709551615", json!(18446744073709551615_u64)),
            ("100Mi", json!("100Mi")),
            ("0x", json!("0x")),
            ("1e", json!("1e")),
            ("nginx", json!("nginx")),
            ("=", json!("=")),
        ] {
            assert_eq!(resolve(text), Ok(expected), "{text}");
        }
        assert!(resolve(".inf").is_err() && resolve(".nan").is_err());
    }
}
