//! What each rule says about a pod, for people: the order of deciding, with nothing left out.

use super::NodePolicy;
use super::exception::Exception;
use super::finding::{Findings, Fit};
use super::permit::PodPermit;
use super::rule::{Effect, Rule};
use super::subject::Subject;
use super::text_rule::quoted;
use crate::kube_wire::received_pod::SoundPod;
use crate::policy::circumstances::Circumstances;
use crate::policy::explanation::{Explanation, Finding, RuleEffect, RuleExplanation, RuleOutcome};
use crate::policy::verdict::Verdict;

impl NodePolicy {
    /// Every rule in its order, then every exception.
    pub(in crate::policy) fn explain(
        &self,
        pod: &SoundPod<'_>,
        at: &Circumstances<'_>,
    ) -> Explanation {
        let decision = self.decide(pod, at, None);
        let decisive = match &decision.verdict {
            Verdict::Allow(_) | Verdict::Deny(_) => decision.verdict.rule(),
        };
        let subject = Subject::of(pod);
        let rules = self.rules.iter().map(|rule| self.explain_rule(rule, &subject, at, decisive));
        let exceptions =
            self.exceptions.iter().map(|it| explain_exception(it, &subject, at, decisive));
        Explanation { rules: rules.chain(exceptions).collect() }
    }

    fn explain_rule(
        &self,
        rule: &Rule,
        subject: &Subject<'_>,
        at: &Circumstances<'_>,
        decisive: Option<&str>,
    ) -> RuleExplanation {
        let effect = if rule.denies() { RuleEffect::Deny } else { RuleEffect::Allow };
        let out = |outcome, findings| {
            let name = rule.name.clone();
            RuleExplanation { name, effect, outcome, findings }
        };
        let outside = all(|findings| rule.scope.check(subject, findings));
        if !outside.is_empty() {
            return out(RuleOutcome::OutOfScope, outside);
        }
        let is_decisive = decisive == Some(&rule.name);
        let applies = if is_decisive { RuleOutcome::Decides } else { RuleOutcome::Overruled };
        match &rule.effect {
            Effect::Allow(permit) => {
                let findings = misfits(permit, subject, "permit");
                match (findings.is_empty(), rule.observes) {
                    (true, _) => out(applies, findings),
                    (false, true) => out(RuleOutcome::Observes, findings),
                    (false, false) => out(RuleOutcome::DoesNotApply, findings),
                }
            }
            Effect::Deny(objections) => {
                let Some(mut findings) = objections.explain(subject) else {
                    return out(RuleOutcome::DoesNotApply, Vec::new());
                };
                let lifting: Vec<_> =
                    self.lifting(rule, subject, at.now).map(|it| quoted(&it.name)).collect();
                if !lifting.is_empty() {
                    let found = format!("lifted by {}", lifting.join(" and "));
                    let expected = "no exception, for the rule to deny";
                    findings.insert(0, Finding::of_pod("exceptions", expected, found));
                    return out(RuleOutcome::Overruled, findings);
                }
                match rule.observes || self.observes {
                    true => out(RuleOutcome::Observes, findings),
                    false => out(applies, findings),
                }
            }
        }
    }
}

fn explain_exception(
    exception: &Exception,
    subject: &Subject<'_>,
    at: &Circumstances<'_>,
    decisive: Option<&str>,
) -> RuleExplanation {
    let out = |outcome, findings| {
        let name = exception.name.clone();
        RuleExplanation { name, effect: RuleEffect::Allow, outcome, findings }
    };
    if !exception.is_live(at.now) {
        let used = exception.used();
        let found = format!("it expired at {}", used.expires);
        let finding = Finding::of_pod("the exception", "one that still holds", found);
        return out(RuleOutcome::DoesNotApply, vec![finding]);
    }
    let outside = all(|findings| exception.scope.check(subject, findings));
    if !outside.is_empty() {
        return out(RuleOutcome::OutOfScope, outside);
    }
    let Some(permit) = &exception.permit else {
        return out(RuleOutcome::Overruled, Vec::new());
    };
    let findings = misfits(permit, subject, "permit");
    match (findings.is_empty(), decisive == Some(&exception.name)) {
        (true, true) => out(RuleOutcome::Decides, findings),
        (true, false) => out(RuleOutcome::Overruled, findings),
        (false, _) => out(RuleOutcome::DoesNotApply, findings),
    }
}

/// Everything that does not fit; changes are places in the rule.
fn misfits(permit: &PodPermit, subject: &Subject<'_>, key: &'static str) -> Vec<Finding> {
    all(|findings| findings.below(|| key.to_owned(), |findings| permit.check(subject, findings)))
}

fn all(look: impl FnOnce(&mut Findings) -> Fit) -> Vec<Finding> {
    let mut findings = Findings::all();
    let _ = look(&mut findings);
    findings.into_kept()
}
