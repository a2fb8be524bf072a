//! What a command line may be: so many texts, each by its rule; one of several lines; anything.

use super::text_rule::{TextRule, read_any};
use crate::policy::error::{PolicyError, Warnings};
use crate::policy::located::Located;

const KINDS: [&str; 2] = ["oneOf", "any"];

/// What a list of arguments may be.
#[derive(Clone, Debug)]
pub(in crate::policy) enum ArgvRule {
    /// One of these lines: as long, and each text by its rule.
    OneOf(Vec<Vec<TextRule>>),
    /// Whatever it is.
    Any,
}

impl ArgvRule {
    /// Reads a rule.
    pub(in crate::policy) fn read(
        at: &Located<'_>,
        warnings: &mut Warnings,
    ) -> Result<Self, PolicyError> {
        if !at.is_object() {
            return Ok(Self::OneOf(vec![read_line(at, warnings)?]));
        }
        let rule = at.object(&KINDS)?;
        match KINDS.map(|kind| rule.find(kind)) {
            [Some(lines), None] => {
                let mut read = |line: &Located<'_>| read_line(line, warnings);
                lines.elements()?.iter().map(&mut read).collect::<Result<_, _>>().map(Self::OneOf)
            }
            [None, Some(any)] => {
                read_any(any)?;
                warnings.broad(at, "permits any command line; list what is needed");
                Ok(Self::Any)
            }
            _ => Err(at.refuse(
                "says not one thing; write [\"each\", \"argument\"], {\"oneOf\": [[…], […]]} or \
                 {\"any\": true}",
            )),
        }
    }

    /// Is the list permitted?
    pub(in crate::policy) fn matches<T: AsRef<str>>(&self, texts: &[T]) -> bool {
        match self {
            Self::OneOf(lines) => lines.iter().any(|line| {
                line.len() == texts.len()
                    && line.iter().zip(texts).all(|(rule, text)| rule.matches(text.as_ref()))
            }),
            Self::Any => true,
        }
    }

    /// Does it say anything about the texts?
    pub(in crate::policy) fn pins(&self) -> bool {
        match self {
            Self::OneOf(_) => true,
            Self::Any => false,
        }
    }

    /// For findings.
    pub(in crate::policy) fn describe(&self) -> String {
        let line = |line: &Vec<TextRule>| {
            let texts: Vec<_> = line.iter().map(TextRule::describe).collect();
            format!("[{}]", texts.join(", "))
        };
        match self {
            Self::OneOf(lines) => lines.iter().map(line).collect::<Vec<_>>().join(" or "),
            Self::Any => "anything".to_owned(),
        }
    }
}

fn read_line(at: &Located<'_>, warnings: &mut Warnings) -> Result<Vec<TextRule>, PolicyError> {
    let texts = at.elements_or_none()?;
    if texts.is_empty() {
        return Err(at.refuse(
            "is an empty command line; leave the rule out to permit none, or give it a text",
        ));
    }
    texts.iter().map(|text| TextRule::read(text, warnings)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<ArgvRule, PolicyError> {
        ArgvRule::read(&Located::document(text)?, &mut Warnings::default())
    }

    #[test]
    fn length_order_and_each_text_count() {
        let rule = read(r#"["sh","-c",{"regex":"echo [a-z]+"}]"#).unwrap();
        for (texts, fits) in [
            (&["sh", "-c", "echo hi"][..], true),
            (&["sh", "-c", "echo hi; id"], false),
            (&["sh", "-c"], false),
            (&["sh", "-c", "echo hi", "more"], false),
            (&["-c", "sh", "echo hi"], false),
            (&[], false),
        ] {
            assert_eq!(rule.matches(texts), fits, "{texts:?}");
        }
    }

    #[test]
    fn one_of_several_lines_fits_as_a_whole() {
        let rule = read(r#"{"oneOf":[["a","b"],["c","d"]]}"#).unwrap();
        assert!(rule.matches(&["c", "d"]) && !rule.matches(&["a", "d"]));
        assert!(read(r#"{"any":true}"#).unwrap().matches(&["x"]));
    }

    #[test]
    fn what_is_no_rule_does_not_load() {
        for (rule, expected) in [
            ("[]", "is an empty command line"),
            (r#"{"oneOf":[]}"#, "is empty, so it checks nothing"),
            (r#"{"oneOf":[[]]}"#, "is an empty command line"),
            (r#"{"oneOf":["a"]}"#, "is a string; it must be a list"),
            (r#"{"any":false}"#, "says nothing"),
            (r#"{}"#, "says not one thing"),
            (r#""sh -c""#, "is a string; it must be a list"),
        ] {
            let message = read(rule).unwrap_err().to_string();
            assert!(message.contains(expected), "{rule}: {message}");
        }
    }
}
