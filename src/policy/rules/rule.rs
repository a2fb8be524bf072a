//! One rule: which pods it is about, what they must not do, and what then happens.
//!
//! A rule matches a pod of its scope; if it has conditions, then only one that violates any of
//! them. Conditions describe violations, so an allow rule with conditions would allow exactly the
//! violators: the type of [`Effect`] has no room for it, and loading refuses it.

use super::explain::finding;
use super::images::ImageConditions;
use super::scope::Scope;
use super::security::SecurityConditions;
use crate::policy::error::{PolicyError, Warnings};
use crate::policy::explanation::{Finding, RuleEffect, RuleExplanation, RuleOutcome};
use crate::policy::located::{Located, Object};
use crate::policy::pod_images::Subject;
use crate::policy::verdict::{Grounds, Verdict, Violation};

const KEYS: [&str; 4] = ["name", "action", "match", "message"];

const CONDITIONS: [&str; 2] = ["images", "security"];

/// One entry of `rules`.
#[derive(Clone, Debug)]
pub(in crate::policy) struct Rule {
    name: String,
    message: Option<String>,
    scope: Scope,
    effect: Effect,
}

#[derive(Clone, Debug)]
enum Effect {
    /// Every pod of the scope may run.
    Allow,
    /// No pod of the scope may run.
    DenyAll,
    /// Pods of the scope that violate a condition must not run.
    DenyViolators(Conditions),
}

/// At least one is there.
#[derive(Clone, Debug)]
struct Conditions {
    images: Option<ImageConditions>,
    security: Option<SecurityConditions>,
}

/// What `action` and `defaultAction` may say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::policy) enum Action {
    /// `allow`
    Allow,
    /// `deny`
    Deny,
}

impl Action {
    /// `None` for any other word, and in any other case.
    pub(in crate::policy) fn parse(word: &str) -> Option<Self> {
        match word {
            "allow" => Some(Self::Allow),
            "deny" => Some(Self::Deny),
            _ => None,
        }
    }
}

impl Rule {
    /// Reads entry `index` of `rules`.
    pub(in crate::policy) fn read(
        at: &Located<'_>,
        index: usize,
        warnings: &mut Warnings,
    ) -> Result<Self, PolicyError> {
        let rule = at.object(&KEYS)?;
        let name = match rule.find("name").map(Located::name).transpose()? {
            Some(name) => name,
            None => {
                warnings.add(at, "has no name, so its path stands for it; add a `name`");
                at.path().to_owned()
            }
        };
        let action = read_action(&rule, index, &name)?;
        let all = [&Scope::KEYS[..], &CONDITIONS[..]].concat();
        let block = rule
            .find("match")
            .ok_or_else(|| at.missing("match", "write `\"match\": {}` to mean every pod"))?
            .object(&all)?;
        let scope = Scope::read(&block, warnings)?;
        let effect = Effect::read(action, &block, warnings)?;
        let message = rule.find("message").map(Located::string).transpose()?;
        let message = message.filter(|message| !message.is_empty());
        let rule = Self { name, message, scope, effect };
        if rule.catches_everything() {
            warnings.add(block.at(), "has no criteria, so the rule matches every pod");
        }
        Ok(rule)
    }

    /// As in the policy.
    pub(in crate::policy) fn name(&self) -> &str {
        &self.name
    }

    /// Does no pod ever reach the rules behind this one?
    pub(in crate::policy) fn catches_everything(&self) -> bool {
        self.scope.is_everything()
            && match self.effect {
                Effect::Allow | Effect::DenyAll => true,
                Effect::DenyViolators(_) => false,
            }
    }

    /// `None` if the rule does not match.
    pub(in crate::policy) fn verdict<'v>(&'v self, subject: &Subject<'v>) -> Option<Verdict<'v>> {
        if !self.scope.includes(subject.pod()) {
            return None;
        }
        match &self.effect {
            Effect::Allow => Some(Verdict::Allow(self.grounds(None))),
            Effect::DenyAll => Some(Verdict::Deny(self.grounds(None))),
            Effect::DenyViolators(conditions) => conditions
                .violation(subject)
                .map(|violation| Verdict::Deny(self.grounds(Some(violation)))),
        }
    }

    /// What it says about the pod, in full; `is_decided`: an earlier rule has decided.
    pub(in crate::policy) fn explain<'r>(
        &'r self,
        subject: &Subject<'r>,
        is_decided: bool,
    ) -> RuleExplanation {
        let pod = subject.pod();
        let applies = if is_decided { RuleOutcome::Overruled } else { RuleOutcome::Decides };
        let misses = self.scope.misses(pod);
        let (effect, outcome, findings) = match &self.effect {
            Effect::Allow => (RuleEffect::Allow, applies, Vec::new()),
            Effect::DenyAll => (RuleEffect::Deny, applies, Vec::new()),
            Effect::DenyViolators(conditions) => {
                let findings = conditions.findings(subject);
                let is_violated = !findings.is_empty();
                let outcome = if is_violated { applies } else { RuleOutcome::DoesNotApply };
                (RuleEffect::Deny, outcome, findings)
            }
        };
        let (outcome, findings) = match misses.is_empty() {
            true => (outcome, findings),
            false => (RuleOutcome::OutOfScope, misses),
        };
        RuleExplanation { name: self.name.clone(), effect, outcome, findings }
    }

    fn grounds<'v>(&'v self, violation: Option<Violation<'v>>) -> Grounds<'v> {
        Grounds::Rule { name: &self.name, message: self.message.as_deref(), violation }
    }
}

impl Effect {
    fn read(
        action: Action,
        block: &Object<'_>,
        warnings: &mut Warnings,
    ) -> Result<Self, PolicyError> {
        let [images, security] = CONDITIONS.map(|key| block.find(key));
        match (action, images.or(security)) {
            (Action::Allow, None) => Ok(Self::Allow),
            (Action::Allow, Some(at)) => Err(at.refuse(
                "describes violations, so an allow rule with it would allow the violators; write \
                 a deny rule with it in front of an allow rule without it",
            )),
            (Action::Deny, None) => Ok(Self::DenyAll),
            (Action::Deny, Some(_)) => Ok(Self::DenyViolators(Conditions {
                images: images.map(|at| ImageConditions::read(at, warnings)).transpose()?,
                security: security.map(SecurityConditions::read).transpose()?,
            })),
        }
    }
}

impl Conditions {
    fn violation<'v>(&'v self, subject: &Subject<'v>) -> Option<Violation<'v>> {
        let images = self.images.as_ref().and_then(|images| images.violation(subject));
        images.or_else(|| self.security.as_ref()?.violation(subject.pod()))
    }

    fn findings<'r>(&'r self, subject: &Subject<'r>) -> Vec<Finding> {
        let pod = subject.pod();
        let images = self.images.iter().flat_map(|images| images.violations(subject));
        let security = self.security.iter().flat_map(|security| security.violations(pod));
        images.chain(security).map(|violation| finding(violation, pod)).collect()
    }
}

fn read_action(rule: &Object<'_>, index: usize, name: &str) -> Result<Action, PolicyError> {
    let remedy = "write \"allow\" or \"deny\"";
    let at = rule.find("action").ok_or_else(|| rule.at().missing("action", remedy))?;
    let written = at.string()?;
    Action::parse(&written).ok_or_else(|| {
        let written = written.escape_debug();
        at.refuse(format!("invalid action in rule {index} ({name}): {written}; {remedy}"))
    })
}
