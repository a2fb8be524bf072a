//! The comparisons that all parts of a permit are made of.
//!
//! Each compares one value of a pod with the rule for it. Without a rule the value has to be absent,
//! or whatever it likes, as the enclosing entry says of what it does not list.

use serde_json::Value;

use super::argv_rule::ArgvRule;
use super::finding::{Findings, Fit, Place, finding};
use super::names::Names;
use super::number_rule::NumberRule;
use super::text_rule::{TextRule, list, quoted};
use crate::policy::explanation::Finding;

/// What is there when nothing is.
pub(super) const NOTHING: &str = "nothing";

/// What becomes of values that no rule is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::policy) enum Unlisted {
    /// They are permitted.
    Permit,
    /// They are not, unless they are harmless.
    Refuse,
}

/// One look at a pod, or at a part of it.
pub(super) struct Check<'f> {
    pub(super) unlisted: Unlisted,
    pub(super) findings: &'f mut Findings,
}

impl Check<'_> {
    /// Something does not fit. Out of line, with all that makes the text of it: nearly everything fits.
    #[cold]
    #[inline(never)]
    pub(super) fn add(&mut self, finding: impl FnOnce() -> Finding) -> Fit {
        self.findings.add(finding)
    }

    /// Something does not fit if it is true.
    #[inline]
    pub(super) fn unless(&mut self, fits: bool, finding: impl FnOnce() -> Finding) -> Fit {
        if fits { Fit::Continue(()) } else { self.add(finding) }
    }

    /// Nothing may be here, unless what is not listed may.
    #[inline]
    pub(super) fn unlisted(&mut self, is_absent: bool, finding: impl FnOnce() -> Finding) -> Fit {
        self.unless(is_absent || self.unlisted == Unlisted::Permit, finding)
    }

    /// A text; absent is empty.
    #[inline]
    pub(super) fn text(
        &mut self,
        rule: Option<&TextRule>,
        text: &str,
        place: &Place<'_>,
        key: &'static str,
    ) -> Fit {
        let fix = |finding: Finding| finding.fixed_by(key, text);
        match rule {
            Some(rule) => self
                .unless(rule.matches(text), || fix(finding(place, rule.describe(), shown(text)))),
            None => self.unlisted(text.is_empty(), || fix(finding(place, NOTHING, shown(text)))),
        }
    }

    /// A name; absent is empty.
    #[inline]
    pub(super) fn name(
        &mut self,
        rule: Option<&Names>,
        name: &str,
        place: &Place<'_>,
        key: &'static str,
    ) -> Fit {
        let fix = |finding: Finding| finding.fixed_by(key, vec![name]);
        match rule {
            Some(rule) => self.unless(rule.match_name(name), || {
                fix(finding(place, rule.describe(), shown(name)))
            }),
            None => self.unlisted(name.is_empty(), || fix(finding(place, NOTHING, shown(name)))),
        }
    }

    /// A number.
    #[inline]
    pub(super) fn number(
        &mut self,
        rule: Option<&NumberRule>,
        number: Option<i64>,
        place: &Place<'_>,
        key: &'static str,
    ) -> Fit {
        let fix = |finding: Finding| match number {
            Some(number) => finding.fixed_by(key, number),
            None => finding,
        };
        let found = || number.map_or_else(|| NOTHING.to_owned(), |number| number.to_string());
        match rule {
            Some(rule) => {
                self.unless(rule.matches(number), || fix(finding(place, rule.describe(), found())))
            }
            None => self.unlisted(number.is_none(), || fix(finding(place, NOTHING, found()))),
        }
    }

    /// A command line; absent is empty.
    #[inline]
    pub(super) fn argv(
        &mut self,
        rule: Option<&ArgvRule>,
        texts: &[&str],
        place: &Place<'_>,
        key: &'static str,
    ) -> Fit {
        let fix = |finding: Finding| finding.fixed_by(key, texts.to_vec());
        match rule {
            Some(rule) => self
                .unless(rule.matches(texts), || fix(finding(place, rule.describe(), list(texts)))),
            None => self.unlisted(texts.is_empty(), || fix(finding(place, NOTHING, list(texts)))),
        }
    }

    /// Something that may be only if the rule says so.
    #[inline]
    pub(super) fn may(
        &mut self,
        rule: Option<bool>,
        is: bool,
        place: &Place<'_>,
        key: &'static str,
    ) -> Fit {
        let finding = || finding(place, "false", "true").fixed_by(key, true);
        match rule {
            Some(may) => self.unless(may || !is, finding),
            None => self.unlisted(!is, finding),
        }
    }

    /// One word of a list; `absent` is what no word means.
    pub(super) fn word(
        &mut self,
        rule: &[&'static str],
        word: &str,
        place: &Place<'_>,
        key: &'static str,
    ) -> Fit {
        self.unless(rule.contains(&word), || {
            let expected = format!("one of {}", list(rule));
            finding(place, expected, shown(word)).fixed_by(key, Value::from(vec![word]))
        })
    }
}

/// A text for a finding.
pub(super) fn shown(text: &str) -> String {
    if text.is_empty() { NOTHING.to_owned() } else { quoted(text) }
}
