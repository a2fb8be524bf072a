//! A signed regular expression over the value of an environment variable.
//!
//! It must match the whole value: the seed anchors `a|b` as `^a|b$`, so that `a-and-anything` passed.

use regex::{Regex, RegexBuilder};

use crate::policy::plain_regex;

/// Compiled size. The engine is linear, this bounds its memory.
const MAX_COMPILED_BYTES: usize = 256 * 1024;

/// What Go reads as ASCII and the engine here as Unicode.
const ASCII_IN_GO: [&str; 8] = ["\\d", "\\D", "\\w", "\\W", "\\s", "\\S", "\\b", "\\B"];

/// To Go it is none of `\s`, to the engine here it is.
const VERTICAL_TAB: char = '\u{b}';

/// An expression as it was signed.
#[derive(Debug)]
pub(super) struct SignedPattern {
    written: String,
    whole: Regex,
    /// Go and the engine here agree on other values only.
    is_for_ascii: bool,
}

impl SignedPattern {
    /// Reads an expression of which the signer's program and this one have the same reading; `Err` says
    /// what is wrong with it.
    pub(super) fn new(written: String) -> Result<Self, String> {
        let is_for_ascii = ASCII_IN_GO.iter().any(|it| written.contains(it));
        // Alone first: `a)|(b` is an expression only once it is put between brackets.
        let refusal = |problem| format!("is no usable regular expression: {problem}");
        plain_regex::check_for_ascii(&written).map_err(refusal)?;
        let whole = RegexBuilder::new(&format!("^(?:{written})$"))
            .size_limit(MAX_COMPILED_BYTES)
            .build()
            .map_err(|_| refusal("takes too much memory; write a shorter one".to_owned()))?;
        Ok(Self { written, whole, is_for_ascii })
    }

    pub(super) fn matches(&self, value: &str) -> bool {
        let agrees = !self.is_for_ascii || (value.is_ascii() && !value.contains(VERTICAL_TAB));
        agrees && self.whole.is_match(value)
    }

    pub(super) fn as_written(&self) -> &str {
        &self.written
    }
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
            ("a#", "a#", true),
            ("", "", true),
            ("", "a", false),
            ("\\d+", "12", true),
            // ARABIC-INDIC DIGIT ONE: a digit for Unicode, not for Go.
            ("\\d+", "\u{661}", false),
            ("[\\w.]+", "a.b_1", true),
            ("[\\w.]+", "é", false),
            ("\\ba\\b.*", "a b", true),
            ("\\s", " ", true),
            ("\\s", "\u{b}", false),
            (".", "é", true),
        ] {
            let pattern = SignedPattern::new(written.to_owned()).unwrap();
            assert_eq!(pattern.matches(value), matches, "{written} {value:?}");
        }
    }

    #[test]
    fn what_is_no_expression_or_several_is_refused() {
        for (written, expected) in [
            ("a)|(b", "unopened group"),
            ("(", "unclosed group"),
            ("(?x)a # b", "has a flag that"),
            ("[a&&b]", "characters out"),
            ("\\pL", "write them out"),
            ("((a{1000}){1000}){100}", "takes too much memory"),
        ] {
            let refusal = SignedPattern::new(written.to_owned()).unwrap_err();
            assert!(refusal.contains(expected) && !refusal.contains('\n'), "{refusal}");
        }
    }
}
