//! `namespaces` and `namespaceRegex`: which namespaces a rule is about.
//!
//! The seed compiled the regex while deciding and let a bad one match nothing: here it refuses to
//! load. The engine runs in linear time, so no namespace can make a decision slow. Search semantics
//! are the seed's; a regex that is not anchored is reported, since `prod` also finds `not-prod`.

use regex::{Regex, RegexBuilder};
use regex_syntax::hir::{Hir, HirKind, Look};

use crate::policy::error::{PolicyError, Warnings};
use crate::policy::located::Located;
use crate::policy::pattern::Pattern;
use crate::policy::plain_regex;

/// Largest compiled regex: far above any list of namespaces, far below what hurts a node.
const MAX_REGEX_BYTES: usize = 1024 * 1024;

/// Patterns of which one must match.
#[derive(Clone, Debug)]
pub(super) struct NamespacePatterns(Vec<Pattern>);

impl NamespacePatterns {
    /// Reads the list.
    pub(super) fn read(at: &Located<'_>) -> Result<Self, PolicyError> {
        let is_allowed = |character: char| {
            character.is_ascii_lowercase() || character.is_ascii_digit() || character == '-'
        };
        let allowed = "lower-case letters, digits and dashes";
        let read = |element: &Located<'_>| Pattern::read(element, is_allowed, allowed);
        Ok(Self(at.elements()?.iter().map(read).collect::<Result<_, _>>()?))
    }

    /// Is the namespace among them?
    pub(super) fn match_namespace(&self, namespace: &str) -> bool {
        self.0.iter().any(|pattern| pattern.matches(namespace))
    }

    /// As in the policy.
    pub(super) fn written(&self) -> String {
        let patterns: Vec<_> = self.0.iter().map(|pattern| format!("`{pattern}`")).collect();
        patterns.join(" or ")
    }

    /// Do they match every namespace?
    pub(super) fn match_everything(&self) -> bool {
        self.0.contains(&Pattern::Any)
    }
}

/// Compiles the regex, and says so if it may find more than meant.
pub(super) fn read_regex(at: &Located<'_>, warnings: &mut Warnings) -> Result<Regex, PolicyError> {
    let written = at.filled_string()?;
    // A namespace is ASCII, or the pod is not sound: `\d` is what Go makes of it. `[a--b]` is not.
    plain_regex::check_for_ascii(&written)
        .map_err(|problem| at.refuse(format!("is no usable regular expression: {problem}")))?;
    let limited = RegexBuilder::new(&written)
        .size_limit(MAX_REGEX_BYTES)
        .dfa_size_limit(MAX_REGEX_BYTES)
        .build();
    let regex = limited.map_err(|error| at.refuse(explain(&error)))?;
    if !regex_syntax::parse(&written).is_ok_and(|hir| is_anchored(&hir)) {
        warnings.add(
            at,
            "is not anchored, so it also matches inside longer names; write `^(…)$`, or `^(…).*` \
             if longer names are meant",
        );
    }
    Ok(regex)
}

/// One line, without the pointing arrow that the engine draws under the pattern.
fn explain(error: &regex::Error) -> String {
    let cause = match error {
        regex::Error::CompiledTooBig(limit) => format!("larger than {limit} bytes when compiled"),
        // The enum is open: later kinds of error explain themselves as syntax errors do.
        regex::Error::Syntax(_) | _ => {
            error.to_string().lines().last().unwrap_or_default().replace("error: ", "")
        }
    };
    format!("is no usable regular expression: {cause}; correct it")
}

/// Both ends are fixed, or the end is left open on purpose by a last `.*` or `.+`.
fn is_anchored(hir: &Hir) -> bool {
    let properties = hir.properties();
    properties.look_set_prefix().contains(Look::Start)
        && (properties.look_set_suffix().contains(Look::End) || ends_open(hir))
}

fn ends_open(hir: &Hir) -> bool {
    match hir.kind() {
        HirKind::Repetition(repetition) => {
            repetition.max.is_none() && matches!(repetition.sub.kind(), HirKind::Class(_))
        }
        HirKind::Concat(parts) => parts.last().is_some_and(ends_open),
        HirKind::Capture(capture) => ends_open(&capture.sub),
        HirKind::Empty | HirKind::Literal(_) | HirKind::Class(_) => false,
        HirKind::Look(_) | HirKind::Alternation(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn regex(written: &str) -> Result<(Regex, Vec<crate::policy::PolicyWarning>), PolicyError> {
        let text = serde_json::to_string(written).unwrap();
        let mut warnings = Warnings::default();
        let at = Located::document(&text).unwrap();
        let regex = read_regex(&at, &mut warnings)?;
        Ok((regex, warnings.finish(&at)))
    }

    #[test]
    fn a_regex_that_is_not_anchored_warns() {
        for (written, warns) in [
            ("^prod$", false),
            ("^(prod|staging)$", false),
            ("^(azure|gatekeeper|calico|tigera).*", false),
            ("^prod-.+", false),
            ("prod", true),
            ("^prod", true),
            ("prod$", true),
            ("^prod|staging$", true),
            ("(?m)^prod$", true),
            ("", true),
        ] {
            match regex(written) {
                Ok((_, warnings)) => assert_eq!(!warnings.is_empty(), warns, "{written}"),
                Err(_) => assert!(written.is_empty(), "{written}"),
            }
        }
    }

    #[test]
    fn a_regex_searches_as_the_seed_does() {
        assert!(regex("prod").unwrap().0.is_match("not-prod-2"));
    }

    #[test]
    fn a_bad_or_huge_regex_does_not_load() {
        for written in
            ["(", "a{2,1}", "[z-a]", "(?=x)", "\\1", "((a{1000}){1000}){100}", "\\w{300}", "[a--b]"]
        {
            let message = regex(written).unwrap_err().to_string();
            assert!(message.contains("is no usable regular expression"), "{message}");
            assert!(!message.contains('\n'), "{message}");
        }
    }

    #[test]
    fn a_namespace_pattern_that_can_never_match_does_not_load() {
        for element in ["Prod", "a.b", "a_b", "a b", "a*b", "**", "", "pr?d", "[ab]"] {
            let text = serde_json::to_string(&[element]).unwrap();
            assert!(
                NamespacePatterns::read(&Located::document(&text).unwrap()).is_err(),
                "{element}"
            );
        }
    }
}
