//! What one text of a pod may be: exactly this, one of these, anything of this shape, anything.
//!
//! "Anything" has to be asked for: an empty list or a missing rule never means it.

use std::fmt::Write as _;

use regex::{Regex, RegexBuilder};

use crate::policy::error::{PolicyError, Warnings};
use crate::policy::located::{Located, suggest};
use crate::policy::plain_regex;
use crate::policy::verdict::Quoted;

/// Largest compiled regex, far above any that a person writes.
const MAX_REGEX_BYTES: usize = 256 * 1024;

/// No regex that narrows anything down matches this.
const ODD_TEXT: &str = "\u{3a9} $(nodeward)/../\u{1}";

const KINDS: [&str; 3] = ["oneOf", "regex", "any"];

const FORMS: &str = "write \"the text\", {\"oneOf\": […]}, {\"regex\": \"…\"} or {\"any\": true}";

/// What a text may be.
#[derive(Clone, Debug)]
pub(in crate::policy) enum TextRule {
    /// This.
    Exact(String),
    /// One of these.
    OneOf(Vec<String>),
    /// What the whole of this expression matches.
    Regex(Box<WholeRegex>),
    /// Whatever it is.
    Any,
}

/// A regular expression that the whole text has to match.
#[derive(Clone, Debug)]
pub(in crate::policy) struct WholeRegex {
    written: String,
    compiled: Regex,
}

impl TextRule {
    /// Reads a rule.
    pub(in crate::policy) fn read(
        at: &Located<'_>,
        warnings: &mut Warnings,
    ) -> Result<Self, PolicyError> {
        if !at.is_object() {
            return at.string().map(Self::Exact);
        }
        let rule = at.object(&KINDS)?;
        match KINDS.map(|kind| rule.find(kind)) {
            [Some(list), None, None] => {
                let texts = list.elements()?.iter().map(Located::string).collect::<Result<_, _>>();
                texts.map(Self::OneOf)
            }
            [None, Some(regex), None] => {
                WholeRegex::read(regex, warnings).map(|regex| Self::Regex(Box::new(regex)))
            }
            [None, None, Some(any)] => {
                read_any(any)?;
                warnings.broad(at, "permits any text; list what is needed");
                Ok(Self::Any)
            }
            _ => Err(at.refuse(format!("says not one thing; {FORMS}"))),
        }
    }

    /// Is the text permitted?
    pub(in crate::policy) fn matches(&self, text: &str) -> bool {
        match self {
            Self::Exact(exact) => text == exact,
            Self::OneOf(texts) => texts.iter().any(|one| text == one),
            Self::Regex(regex) => regex.compiled.is_match(text),
            Self::Any => true,
        }
    }

    /// Does it say anything about the text? Only then may the text be expanded elsewhere.
    pub(in crate::policy) fn pins(&self) -> bool {
        match self {
            Self::Exact(_) | Self::OneOf(_) | Self::Regex(_) => true,
            Self::Any => false,
        }
    }

    /// For findings.
    pub(in crate::policy) fn describe(&self) -> String {
        match self {
            Self::Exact(text) => quoted(text),
            Self::OneOf(texts) => format!("one of {}", list(texts)),
            Self::Regex(regex) => format!("all of it to match `{}`", Quoted(&regex.written)),
            Self::Any => "anything".to_owned(),
        }
    }
}

impl WholeRegex {
    /// Compiles `^(?:…)$`, in linear time and bounded space.
    fn read(at: &Located<'_>, warnings: &mut Warnings) -> Result<Self, PolicyError> {
        let written = at.filled_string()?;
        // Alone first: `a)|(?:b` would be two halves of which one is not anchored.
        plain_regex::check(&written)
            .map_err(|problem| at.refuse(format!("is no usable regular expression: {problem}")))?;
        let compiled = RegexBuilder::new(&format!("^(?:{written})$"))
            .size_limit(MAX_REGEX_BYTES)
            .dfa_size_limit(MAX_REGEX_BYTES)
            .build()
            .map_err(|error| at.refuse(explain(&error.to_string())))?;
        if compiled.is_match(ODD_TEXT) {
            warnings.broad(at, "matches next to any text; say what is needed");
        }
        Ok(Self { written, compiled })
    }
}

/// Reads the `true` of `{"any": true}`.
pub(in crate::policy) fn read_any(at: &Located<'_>) -> Result<(), PolicyError> {
    match at.boolean()? {
        true => Ok(()),
        false => Err(at.refuse("says nothing; leave the rule out to permit nothing")),
    }
}

/// One of a few words.
pub(in crate::policy) fn read_word(
    at: &Located<'_>,
    known: &[&'static str],
) -> Result<&'static str, PolicyError> {
    let word = at.string()?;
    let found = known.iter().find(|known| **known == word);
    found.copied().ok_or_else(|| at.refuse(format!("is not known; {}", suggest(&word, known))))
}

/// Text of a pod or a policy, for a finding.
pub(in crate::policy) fn quoted(text: &str) -> String {
    format!("\"{}\"", Quoted(text))
}

/// Texts of a pod or a policy, for a finding.
pub(in crate::policy) fn list<T: AsRef<str>>(texts: &[T]) -> String {
    const SHOWN: usize = 20;
    let mut out = String::from("[");
    for (index, text) in texts.iter().take(SHOWN).enumerate() {
        let comma = if index == 0 { "" } else { ", " };
        let _ = write!(out, "{comma}\"{}\"", Quoted(text.as_ref()));
    }
    out.push_str(if texts.len() > SHOWN { ", …]" } else { "]" });
    out
}

/// One line, without the arrow that the engine draws under the pattern.
fn explain(error: &str) -> String {
    let cause = error.lines().last().unwrap_or_default().replace("error: ", "");
    format!("is no usable regular expression: {cause}; correct it")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::PolicyWarning;

    fn read(text: &str) -> Result<(TextRule, Vec<PolicyWarning>), PolicyError> {
        let at = Located::document(text)?;
        let mut warnings = Warnings::default();
        let rule = TextRule::read(&at, &mut warnings)?;
        Ok((rule, warnings.finish(&at)))
    }

    #[test]
    fn each_form_permits_what_it_says_and_nothing_else() {
        for (rule, fits, other) in [
            (r#""a""#, "a", "aa"),
            (r#""""#, "", "a"),
            (r#"{"oneOf":["a","b"]}"#, "b", "c"),
            (r#"{"regex":"a|b"}"#, "a", "ab"),
            (r#"{"regex":"a|b"}"#, "b", "xb"),
            (r#"{"regex":"[a-z]+"}"#, "abc", "abc\n"),
            (r#"{"regex":"(?m)a$"}"#, "a", "a\nb"),
            (r#"{"regex":"(?i)a"}"#, "A", "AA"),
        ] {
            let (read, warnings) = read(rule).unwrap();
            assert!(read.matches(fits) && !read.matches(other), "{rule}");
            assert!(read.pins() && warnings.is_empty(), "{rule}");
        }
    }

    #[test]
    fn anything_has_to_be_asked_for_and_is_pointed_out() {
        let (any, warnings) = read(r#"{"any":true}"#).unwrap();
        assert!(any.matches("x") && !any.pins() && warnings.len() == 1);
        for broad in [".*", "(?s).*", "(?s).+", "[^x]*"] {
            let text = serde_json::json!({ "regex": broad }).to_string();
            assert_eq!(read(&text).unwrap().1.len(), 1, "{broad}");
        }
    }

    #[test]
    fn what_is_no_rule_does_not_load() {
        for (rule, expected) in [
            ("{}", "says not one thing"),
            ("7", "is a number; it must be a string"),
            ("[]", "is a list; it must be a string"),
            (r#"{"oneOf":[]}"#, "is empty, so it checks nothing"),
            (r#"{"oneOf":["a"],"any":true}"#, "says not one thing"),
            (r#"{"any":false}"#, "says nothing; leave the rule out"),
            (r#"{"regexp":"a"}"#, "did you mean `regex`?"),
            (r#"{"regex":""}"#, "is empty; fill it"),
            (r#"{"regex":"a)|(?:b"}"#, "is no usable regular expression: unopened group"),
            (r#"{"regex":"(?x)a #"}"#, "is no usable regular expression: has a flag that"),
            (r#"{"regex":"v\\d"}"#, "is no usable regular expression: has `\\d`"),
            (r#"{"regex":"(?=a)"}"#, "is no usable regular expression"),
            (r#"{"regex":"((a{1000}){1000}){9}"}"#, "is no usable regular expression"),
        ] {
            let message = read(rule).unwrap_err().to_string();
            assert!(message.contains(expected) && !message.contains('\n'), "{rule}: {message}");
        }
    }
}
