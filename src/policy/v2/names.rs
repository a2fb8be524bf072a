//! A list of names or patterns of names, of which one must match.

use crate::policy::error::{PolicyError, Warnings};
use crate::policy::located::Located;
use crate::policy::pattern::Pattern;

/// Patterns of which one must match.
#[derive(Clone, Debug)]
pub(in crate::policy) struct Names(Vec<Pattern>);

impl Names {
    /// Reads a list that must have some.
    pub(in crate::policy) fn read(at: &Located<'_>) -> Result<Self, PolicyError> {
        at.elements()?.iter().map(read_pattern).collect::<Result<_, _>>().map(Self)
    }

    /// Reads patterns of what is a DNS label, such as a namespace.
    pub(in crate::policy) fn read_labels(at: &Located<'_>) -> Result<Self, PolicyError> {
        let is_allowed = |character: char| matches!(character, 'a'..='z' | '0'..='9' | '-');
        let read = |at: &Located<'_>| {
            Pattern::read(at, is_allowed, "lower-case letters, digits and dashes")
        };
        at.elements()?.iter().map(read).collect::<Result<_, _>>().map(Self)
    }

    /// Reads patterns of what is a DNS subdomain, such as a pod's name.
    pub(in crate::policy) fn read_subdomains(at: &Located<'_>) -> Result<Self, PolicyError> {
        let is_allowed = |character: char| matches!(character, 'a'..='z' | '0'..='9' | '-' | '.');
        let read = |at: &Located<'_>| {
            Pattern::read(at, is_allowed, "lower-case letters, digits, dots and dashes")
        };
        at.elements()?.iter().map(read).collect::<Result<_, _>>().map(Self)
    }

    /// Reads a single pattern.
    pub(in crate::policy) fn read_one(at: &Located<'_>) -> Result<Self, PolicyError> {
        read_pattern(at).map(|pattern| Self(vec![pattern]))
    }

    /// As [`Names::read`], and points out a list that permits every name.
    pub(in crate::policy) fn read_permit(
        at: &Located<'_>,
        warnings: &mut Warnings,
    ) -> Result<Self, PolicyError> {
        let names = Self::read(at)?;
        if names.match_everything() {
            warnings.broad(at, "permits every name; list those that are needed");
        }
        Ok(names)
    }

    /// Every name there can be.
    pub(in crate::policy) fn everything() -> Self {
        Self(vec![Pattern::Any])
    }

    /// Does one of them match?
    pub(in crate::policy) fn match_name(&self, name: &str) -> bool {
        self.0.iter().any(|pattern| pattern.matches(name))
    }

    /// May some name match both lists?
    pub(in crate::policy) fn may_share(&self, other: &Self) -> bool {
        self.0.iter().any(|pattern| other.0.iter().any(|it| pattern.may_share(it)))
    }

    /// Does every name match?
    pub(in crate::policy) fn match_everything(&self) -> bool {
        self.0.contains(&Pattern::Any)
    }

    /// For findings.
    pub(in crate::policy) fn describe(&self) -> String {
        let written: Vec<_> = self.0.iter().map(ToString::to_string).collect();
        match written.as_slice() {
            [one] => super::text_rule::quoted(one),
            several => format!("one of {}", super::text_rule::list(several)),
        }
    }
}

fn read_pattern(at: &Located<'_>) -> Result<Pattern, PolicyError> {
    let is_allowed = |character: char| character.is_ascii_graphic() && character != '*';
    Pattern::read(at, is_allowed, "printable ASCII without spaces")
}
