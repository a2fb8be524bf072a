//! Signed expressions over values of environment variables: read as the seed's engine reads them, and
//! the whole value or nothing.

use serde_json::{Value, json};

use super::super::test_keys::Signer;
use super::{pod, signed_by};

const REFUSED: &str = "invalid policy JSON: [0].properties.environmentVariables[0].value (line 1): \
                       is no usable regular expression: ";

fn with_port(port: &str) -> Value {
    pod(json!({"name": "app", "image": "x", "command": ["serve", "$(PORT)"],
        "env": [{"name": "PORT", "value": port}]}))
}

fn decide(signer: &Signer, pod: Value, expression: &str) -> (bool, String) {
    let policy = json!([{"name": "app", "properties": {
        "image": "x", "command": ["serve", "$(PORT)"],
        "environmentVariables": [{"name": "PORT", "value": expression, "regex": true}],
    }}]);
    signed_by(signer, pod, &policy.to_string())
}

#[test]
fn digits_letters_spaces_and_edges_of_words_are_those_of_go() {
    let signer = Signer::p256();
    for (expression, value, runs) in [
        ("\\d+", "80", true),
        ("\\d+", "8o", false),
        // ARABIC-INDIC DIGIT THREE.
        ("\\d+", "\u{663}", false),
        ("[\\w.]+", "a_1.b", true),
        ("a\\sb", "a b", true),
        ("a\\sb", "a\u{b}b", false),
        (".*\\bport\\b.*", "the port of", true),
        (".*\\bport\\b.*", "airports", false),
        ("", "", true),
        ("", "80", false),
        ("8|80", "80", true),
    ] {
        let (allowed, reason) = decide(&signer, with_port(value), expression);
        assert_eq!(allowed, runs, "{expression} {value:?}: {reason}");
        let is_told = reason.contains("does not match policy regex");
        assert_eq!(is_told, !runs, "{reason}");
    }
}

#[test]
fn an_expression_that_two_readers_read_in_two_ways_is_refused_where_it_stands() {
    let signer = Signer::p256();
    for (expression, expected) in
        [("(", "unclosed group"), ("[a&&b]", "has `&&`"), ("\\pN", "has `\\p`")]
    {
        let (runs, reason) = decide(&signer, with_port("80"), expression);
        let problem = reason.strip_prefix(REFUSED).unwrap_or_default();
        assert!(!runs && problem.starts_with(expected), "{reason}");
    }
}

#[test]
fn a_variable_stands_once() {
    let signer = Signer::p256();
    let mut pod = with_port("80");
    for earlier in ["81", "x"] {
        pod["spec"]["containers"][0]["env"] =
            json!([{"name": "PORT", "value": earlier}, {"name": "PORT", "value": "80"}]);
        let (runs, reason) = decide(&signer, pod.clone(), "\\d+");
        assert!(!runs && reason.contains("spec.containers[0].env["), "{reason}");
    }
}
