//! A signed regular expression over the value of an environment variable.
//!
//! It must match the whole value: the seed anchors `a|b` as `^a|b$`, so that `a-and-anything` passed.

use regex::{Regex, RegexBuilder};

/// Compiled size; larger ones match nothing. The engine is linear, this bounds its memory.
const MAX_COMPILED_BYTES: usize = 256 * 1024;

/// What Go reads as ASCII and the engine here as Unicode.
const ASCII_IN_GO: [&str; 8] = ["\\d", "\\D", "\\w", "\\W", "\\s", "\\S", "\\b", "\\B"];

/// An expression as it was signed. One that does not compile matches nothing, as in the seed.
#[derive(Debug)]
pub(super) struct SignedPattern {
    written: String,
    whole: Option<Regex>,
}

impl SignedPattern {
    pub(super) fn new(written: String) -> Self {
        // Alone first: `a)|(b` is an expression only once it is put between brackets.
        let alone = compile(&written);
        let whole = alone.and_then(|_| compile(&format!("^(?:{written})$")));
        Self { written, whole }
    }

    pub(super) fn matches(&self, value: &str) -> bool {
        let agrees = value.is_ascii() || !ASCII_IN_GO.iter().any(|it| self.written.contains(it));
        agrees && self.whole.as_ref().is_some_and(|regex| regex.is_match(value))
    }

    pub(super) fn as_written(&self) -> &str {
        &self.written
    }
}

fn compile(expression: &str) -> Option<Regex> {
    RegexBuilder::new(expression).size_limit(MAX_COMPILED_BYTES).build().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expression_matches_a_whole_value_and_nothing_around_it() {
        for (written, value, matches) in [
            ("debug|info", "debug", true),
            ("debug|info", "info", true),
            ("debug|info", "debug-and-more", false),
            ("debug|info", "more-info", false),
            ("debug", "debug\n", false),
            ("(?m)debug", "x\ndebug", false),
            ("a)|(b", "b", false),
            ("(", "(", false),
            ("a#", "a#", true),
            ("(?x)a # b", "a", false),
            ("", "", true),
            ("", "a", false),
            ("\\d+", "12", true),
            // ARABIC-INDIC DIGIT ONE: a digit for Unicode, not for Go.
            ("\\d+", "\u{661}", false),
            (".", "é", true),
            ("((a{1000}){1000}){100}", "a", false),
        ] {
            let pattern = SignedPattern::new(written.to_owned());
            assert_eq!(pattern.matches(value), matches, "{written} {value:?}");
        }
    }
}
