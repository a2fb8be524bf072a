//! What a number of a pod may be: a user, a group, a port, a time.

use std::ops::RangeInclusive;

use super::text_rule::read_any;
use crate::policy::error::{PolicyError, Warnings};
use crate::policy::located::Located;

const KINDS: [&str; 3] = ["min", "max", "any"];

/// The largest user there is. Beyond it a runtime could wrap around to root.
const LARGEST: i64 = i32::MAX as i64;

/// What a number may be.
#[derive(Clone, Debug)]
pub(in crate::policy) enum NumberRule {
    /// In one of these ranges, and set.
    OneOf(Vec<RangeInclusive<i64>>),
    /// Whatever it is, set or not.
    Any,
}

impl NumberRule {
    /// Reads a number, a list of them, `{"min": …, "max": …}` or `{"any": true}`.
    pub(in crate::policy) fn read(
        at: &Located<'_>,
        warnings: &mut Warnings,
    ) -> Result<Self, PolicyError> {
        if at.is_list() {
            let ranges = at.elements()?.iter().map(read_range).collect::<Result<_, _>>();
            return ranges.map(Self::OneOf);
        }
        if at.is_object()
            && let Some(any) = at.object(&KINDS)?.find(KINDS[2])
        {
            read_any(any)?;
            warnings.broad(at, "permits any number; list what is needed");
            return Ok(Self::Any);
        }
        Ok(Self::OneOf(vec![read_range(at)?]))
    }

    /// Is the number permitted?
    pub(in crate::policy) fn matches(&self, number: Option<i64>) -> bool {
        match (self, number) {
            (Self::OneOf(ranges), Some(number)) => {
                ranges.iter().any(|range| range.contains(&number))
            }
            (Self::OneOf(_), None) => false,
            (Self::Any, _) => true,
        }
    }

    /// Does it say nothing about the number?
    pub(in crate::policy) fn is_any(&self) -> bool {
        match self {
            Self::OneOf(_) => false,
            Self::Any => true,
        }
    }

    /// For findings.
    pub(in crate::policy) fn describe(&self) -> String {
        let range = |range: &RangeInclusive<i64>| match range.start() == range.end() {
            true => range.start().to_string(),
            false => format!("{} to {}", range.start(), range.end()),
        };
        match self {
            Self::OneOf(ranges) => ranges.iter().map(range).collect::<Vec<_>>().join(" or "),
            Self::Any => "anything".to_owned(),
        }
    }
}

fn read_range(at: &Located<'_>) -> Result<RangeInclusive<i64>, PolicyError> {
    if !at.is_object() {
        return at.integer().map(|number| number..=number);
    }
    let [min_key, max_key, _] = KINDS;
    let range = at.object(&[min_key, max_key])?;
    let min = range.required(min_key, "write the smallest number")?.integer()?;
    let max = range.read(max_key, Located::integer)?.unwrap_or(LARGEST);
    match min <= max {
        true => Ok(min..=max),
        false => Err(at.refuse(format!("holds no number: {min} is above {max}; correct it"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<NumberRule, PolicyError> {
        NumberRule::read(&Located::document(text)?, &mut Warnings::default())
    }

    #[test]
    fn each_form_permits_what_it_says_and_nothing_else() {
        for (rule, number, fits) in [
            ("7", Some(7), true),
            ("7", Some(8), false),
            ("7", None, false),
            ("[0,7]", Some(0), true),
            (r#"[{"min":1000,"max":1999},7]"#, Some(1500), true),
            (r#"{"min":1}"#, Some(0), false),
            (r#"{"min":1}"#, Some(1 << 31), false),
            (r#"{"min":1}"#, Some(1 << 32), false),
            (r#"{"min":1}"#, Some(LARGEST), true),
            (r#"{"min":1}"#, None, false),
            (r#"{"any":true}"#, None, true),
            (r#"{"any":true}"#, Some(0), true),
        ] {
            assert_eq!(read(rule).unwrap().matches(number), fits, "{rule} {number:?}");
        }
    }

    #[test]
    fn what_is_no_rule_does_not_load() {
        for (rule, expected) in [
            ("\"7\"", "is a string; it must be a whole number"),
            ("7.5", "is no such number; it must be a whole number"),
            ("99999999999999999999", "is no such number"),
            ("[]", "is empty, so it checks nothing"),
            ("{}", "min (line 1): is missing"),
            (r#"{"max":7}"#, "min (line 1): is missing"),
            (r#"{"min":8,"max":7}"#, "holds no number: 8 is above 7"),
            (r#"{"min":1,"any":false}"#, "says nothing"),
        ] {
            let message = read(rule).unwrap_err().to_string();
            assert!(message.contains(expected), "{rule}: {message}");
        }
    }
}
