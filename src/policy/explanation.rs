//! What each rule says about one pod, in full: for people who ask why, never on the way of a request.
//!
//! Values of the environment may be in it. What is shown to whom is for the caller to decide, and
//! texts are as the pod has them: whoever prints them escapes them.

use std::fmt;

use serde_json::Value;

/// Every rule on one pod, in the order in which they are tried.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Explanation {
    /// One entry a rule; exceptions and signatures have entries of their own.
    pub rules: Vec<RuleExplanation>,
}

/// One rule on one pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleExplanation {
    /// Its `name`.
    pub name: String,
    /// What it would do.
    pub effect: RuleEffect,
    /// What came of it.
    pub outcome: RuleOutcome,
    /// Why: the criteria that do not hold, what it objects to, or what it does not permit. Empty where
    /// the outcome needs no reason.
    pub findings: Vec<Finding>,
}

/// What a rule does with a pod that it applies to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RuleEffect {
    /// Lets it run.
    Allow,
    /// Keeps it from running.
    Deny,
}

/// What came of one rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RuleOutcome {
    /// The verdict is its.
    Decides,
    /// It applies, but something before it decided.
    Overruled,
    /// It would deny, but only observes.
    Observes,
    /// The pod is none that it is about.
    OutOfScope,
    /// It is about the pod, and does not apply: a deny rule finds no fault, an allow rule does not permit
    /// all of it.
    DoesNotApply,
}

/// One place of the pod that a rule looks at, and what it would rather have seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Such as `spec.containers[0].env[2].value`.
    pub path: String,
    /// What the rule wants there, in words.
    pub expected: String,
    /// What the pod has there, in words.
    pub found: String,
    /// The least change of the rule that would make this finding go away. `None` where the pod should
    /// change, not the rule.
    pub change: Option<Change>,
}

/// The least change of a rule that would make a finding go away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Where in the rule, such as `permit.containers[0].args`.
    pub place: String,
    /// What to write there; if a list is there already, what to add to it.
    pub value: Value,
}

impl Finding {
    /// A finding that only a change of the pod can mend.
    pub(super) fn of_pod(
        path: impl Into<String>,
        expected: impl Into<String>,
        found: impl Into<String>,
    ) -> Self {
        let (path, expected, found) = (path.into(), expected.into(), found.into());
        Self { path, expected, found, change: None }
    }

    /// Adds what to write into the rule, and where below its innermost entry.
    pub(super) fn fixed_by(mut self, place: impl Into<String>, value: impl Into<Value>) -> Self {
        self.change = Some(Change { place: place.into(), value: value.into() });
        self
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, expected, found, change: _ } = self;
        write!(out, "{path}: found {found}, expected {expected}")
    }
}

impl fmt::Display for Change {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { place, value } = self;
        write!(out, "{place}: {value}")
    }
}

impl RuleEffect {
    /// As in a policy.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Deny => "deny",
        }
    }
}

impl RuleOutcome {
    /// In one word, as JSON output has it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Decides => "decides",
            Self::DoesNotApply => "does-not-apply",
            Self::Observes => "observes",
            Self::OutOfScope => "out-of-scope",
            Self::Overruled => "overruled",
        }
    }
}
