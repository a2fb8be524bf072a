//! The four wildcard shapes of the policy language: `*`, `x*`, `*x` and `*x*`, and plain text.
//!
//! A star anywhere else was plain text to the seed and so matched nothing: here it refuses to load.
//! Invariant: the text of a pattern is never empty and holds no star.

use std::fmt;

use super::error::PolicyError;
use super::located::Located;

/// What a text must look like to match. Comparison is byte by byte.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Pattern {
    /// `*`
    Any,
    /// `x`
    Exact(String),
    /// `x*`
    Prefix(String),
    /// `*x`
    Suffix(String),
    /// `*x*`
    Contains(String),
}

impl Pattern {
    /// Reads a pattern whose text may hold only what `is_allowed` accepts.
    pub(super) fn read(
        at: &Located<'_>,
        is_allowed: fn(char) -> bool,
        allowed: &str,
    ) -> Result<Self, PolicyError> {
        let written = at.filled_string()?;
        let pattern = Self::parse(&written).ok_or_else(|| {
            at.refuse("is no pattern; write `*`, `x*`, `*x`, `*x*` or the plain text")
        })?;
        match pattern.text().chars().find(|character| !is_allowed(*character)) {
            Some(odd) => Err(at.refuse(format!(
                "holds {odd:?}, so it can never match; use {allowed}, and `*` at the ends only"
            ))),
            None => Ok(pattern),
        }
    }

    /// `None` for a star in the middle, for `**` and for nothing at all.
    pub(super) fn parse(written: &str) -> Option<Self> {
        if written == "*" {
            return Some(Self::Any);
        }
        let (open_start, text) = strip(written, str::strip_prefix);
        let (open_end, text) = strip(text, str::strip_suffix);
        if text.is_empty() || text.contains('*') {
            return None;
        }
        let text = text.to_owned();
        Some(match (open_start, open_end) {
            (false, false) => Self::Exact(text),
            (false, true) => Self::Prefix(text),
            (true, false) => Self::Suffix(text),
            (true, true) => Self::Contains(text),
        })
    }

    /// Does the whole text match?
    pub(super) fn matches(&self, text: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Exact(exact) => text == exact,
            Self::Prefix(prefix) => text.starts_with(prefix.as_str()),
            Self::Suffix(suffix) => text.ends_with(suffix.as_str()),
            Self::Contains(part) => text.contains(part.as_str()),
        }
    }

    /// May some text match both? Two open patterns are taken for it.
    pub(super) fn may_share(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Exact(text), pattern) | (pattern, Self::Exact(text)) => pattern.matches(text),
            (
                Self::Any | Self::Prefix(_) | Self::Suffix(_) | Self::Contains(_),
                Self::Any | Self::Prefix(_) | Self::Suffix(_) | Self::Contains(_),
            ) => true,
        }
    }

    /// The text without its stars.
    fn text(&self) -> &str {
        match self {
            Self::Any => "",
            Self::Exact(text) | Self::Prefix(text) | Self::Suffix(text) | Self::Contains(text) => {
                text
            }
        }
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => out.write_str("*"),
            Self::Exact(text) => out.write_str(text),
            Self::Prefix(text) => write!(out, "{text}*"),
            Self::Suffix(text) => write!(out, "*{text}"),
            Self::Contains(text) => write!(out, "*{text}*"),
        }
    }
}

fn strip<'t>(text: &'t str, cut: fn(&'t str, char) -> Option<&'t str>) -> (bool, &'t str) {
    cut(text, '*').map_or((false, text), |rest| (true, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_four_shapes_and_plain_text_match_as_written() {
        for (pattern, matching, other) in [
            ("*", "anything", None),
            ("prod", "prod", Some("prod-1")),
            ("prod-*", "prod-1", Some("xprod-1")),
            ("*-prod", "eu-prod", Some("eu-prod2")),
            ("*prod*", "eu-prod-1", Some("eu-pro-d")),
        ] {
            let parsed = Pattern::parse(pattern).unwrap();
            assert!(parsed.matches(matching), "{pattern}");
            assert_eq!(parsed.to_string(), pattern);
            assert!(!other.is_some_and(|other| parsed.matches(other)), "{pattern}");
        }
    }

    #[test]
    fn stars_elsewhere_are_no_pattern() {
        for written in ["", "**", "***", "a*b", "*a*b", "a**", "**a"] {
            assert_eq!(Pattern::parse(written), None, "{written}");
        }
    }
}
