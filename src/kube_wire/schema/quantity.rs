//! The grammar of `resource.Quantity`, narrower than Go's: what the API server itself writes.
//!
//! Values are not computed. Signs, fractions and suffixes as in the API's documentation; no bare point,
//! no space, short digits and exponents, because Go's arithmetic grows with them.

use super::super::json::{Kind, Value};

/// Longest quantity, in bytes: an `i64` with nine decimals needs 29.
const LONGEST: usize = 40;

/// Is this a quantity: a string of the grammar, or a number that reads the same way?
#[inline]
pub(super) fn is_quantity(value: Value<'_>) -> bool {
    match value.kind() {
        Kind::Text(text) | Kind::Number(text) => matches_grammar(text),
        Kind::Integer(_) => true,
        Kind::Null | Kind::Bool(_) | Kind::Array | Kind::Object => false,
    }
}

fn matches_grammar(text: &str) -> bool {
    if text.len() > LONGEST {
        return false;
    }
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let Some(behind_digits) = strip_digits(unsigned) else { return false };
    let suffix = match behind_digits.strip_prefix('.') {
        Some(fraction) => strip_digits(fraction),
        None => Some(behind_digits),
    };
    suffix.is_some_and(is_suffix)
}

/// What follows one or more digits.
fn strip_digits(text: &str) -> Option<&str> {
    let rest = text.trim_start_matches(|character: char| character.is_ascii_digit());
    (rest.len() < text.len()).then_some(rest)
}

fn is_suffix(suffix: &str) -> bool {
    match suffix {
        "" | "n" | "u" | "m" | "k" | "M" | "G" | "T" | "P" | "E" => true,
        "Ki" | "Mi" | "Gi" | "Ti" | "Pi" | "Ei" => true,
        exponent => exponent.strip_prefix(['e', 'E']).is_some_and(is_exponent),
    }
}

/// One or two digits: 10^99 is far past every limit.
fn is_exponent(text: &str) -> bool {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    matches!(unsigned.len(), 1..=2) && strip_digits(unsigned) == Some("")
}

#[cfg(test)]
mod tests {
    use super::matches_grammar;

    #[test]
    fn quantities_of_the_api_server_pass() {
        for text in [
            "0",
            "1",
            "100m",
            "1.5",
            "128Mi",
            "2Gi",
            "1Ei",
            "5E",
            "1e3",
            "1E3",
            "12e-6",
            "1e+9",
            "-1",
            "+1",
            "0.000000001",
            "500n",
            "250u",
            "9223372036854775807",
            "1k",
            "7T",
            "3P",
            "2M",
            "4G",
        ] {
            assert!(matches_grammar(text), "{text}");
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "",
            " 1",
            "1 ",
            ".5",
            "5.",
            "1..2",
            "1,5",
            "1K",
            "1mi",
            "1KiB",
            "e3",
            "1e",
            "1e-",
            "1e100",
            "--1",
            "+-1",
            "0x10",
            "1_000",
            "Inf",
            "NaN",
            "1Ki1",
            "1e3Mi",
            "m",
            "+",
            ".",
            "１",
            "11111111111111111111111111111111111111111",
        ] {
            assert!(!matches_grammar(text), "{text}");
        }
    }
}
