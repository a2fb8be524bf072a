//! What a deny rule objects to: pods that do not fit `unless`, and pods of which some expression is true.
//!
//! With neither, every pod that the rule is about. An expression without an answer counts as true:
//! what cannot be said of a pod is said against it.

use super::check::Unlisted;
use super::demand::refuse_empty;
use super::finding::Findings;
use super::permit::PodPermit;
use super::subject::Subject;
use crate::policy::error::{PolicyError, Warnings};
use crate::policy::explanation::Finding;
use crate::policy::expressions::{Answer, Expression, Unanswered};
use crate::policy::located::{Located, Object};

const CONDITION_KEYS: [&str; 2] = ["expression", "message"];

/// What a deny rule holds against a pod that it is about.
#[derive(Clone, Debug)]
pub(in crate::policy) struct Objections {
    unless: Option<Box<PodPermit>>,
    conditions: Vec<Condition>,
}

/// One entry of `cel`.
#[derive(Clone, Debug)]
pub(super) struct Condition {
    written: String,
    expression: Expression,
    message: Option<String>,
}

/// What was found against a pod.
#[derive(Debug)]
pub(super) enum Objection<'r> {
    /// That it is one of those that the rule is about.
    Presence,
    /// It does not fit `unless`.
    Misfit(&'r PodPermit),
    /// The expression is true of it, or has no answer.
    Condition(&'r Condition, Option<Unanswered>),
}

impl Objections {
    /// Reads `unless` and `cel` of a rule.
    pub(super) fn read(block: &Object<'_>, warnings: &mut Warnings) -> Result<Self, PolicyError> {
        let unless = block.read("unless", |at| {
            if at.members()?.is_empty() {
                return Err(at.refuse("is empty, so every pod fits it; fill it or remove the key"));
            }
            let permit = PodPermit::read(at, Unlisted::Permit, warnings)?;
            refuse_empty(at)?;
            Ok(permit)
        })?;
        let conditions = block.list("cel", Condition::read)?.unwrap_or_default();
        Ok(Self { unless: unless.map(Box::new), conditions })
    }

    /// Does it object to every pod?
    pub(super) fn are_unconditional(&self) -> bool {
        self.unless.is_none() && self.conditions.is_empty()
    }

    /// How many expressions there are.
    pub(super) fn expressions(&self) -> usize {
        self.conditions.len()
    }

    /// The first objection to a pod, if there is one.
    pub(super) fn first(&self, subject: &Subject<'_>) -> Option<Objection<'_>> {
        if self.are_unconditional() {
            return Some(Objection::Presence);
        }
        let misfit = self
            .unless
            .as_deref()
            .filter(|unless| unless.check(subject, &mut Findings::any()).is_break());
        misfit.map(Objection::Misfit).or_else(|| self.conditions(subject).next())
    }

    /// Everything that speaks against a pod; `None` if nothing does.
    pub(super) fn explain(&self, subject: &Subject<'_>) -> Option<Vec<Finding>> {
        let mut findings = Findings::all();
        if let Some(unless) = &self.unless {
            let check = |findings: &mut Findings| unless.check(subject, findings);
            let _ = findings.below(|| "unless".to_owned(), check);
        }
        let mut found = findings.into_kept();
        found.extend(self.conditions(subject).filter_map(|it| it.finding(subject)));
        (self.are_unconditional() || !found.is_empty()).then_some(found)
    }

    fn conditions<'r>(&'r self, subject: &Subject<'_>) -> impl Iterator<Item = Objection<'r>> {
        self.conditions.iter().filter_map(|condition| match subject.ask(&condition.expression) {
            Answer::No => None,
            Answer::Yes => Some(Objection::Condition(condition, None)),
            Answer::Unanswered(reason) => Some(Objection::Condition(condition, Some(reason))),
        })
    }
}

impl<'r> Objection<'r> {
    /// The words of the policy's author for it.
    pub(super) fn message(&self) -> Option<&'r str> {
        match self {
            Self::Presence | Self::Misfit(_) => None,
            Self::Condition(condition, _) => condition.message.as_deref(),
        }
    }

    /// What does not fit, fit for a log; `None` where the rule says it all.
    pub(super) fn finding(&self, subject: &Subject<'_>) -> Option<Finding> {
        match self {
            Self::Presence => None,
            Self::Misfit(unless) => super::rule::first_finding(unless, subject),
            Self::Condition(condition, reason) => {
                let found = reason.as_ref().map_or_else(
                    || "true".to_owned(),
                    |reason| format!("no answer, which counts as true: {reason}"),
                );
                let expected = format!("`{}` to be false", condition.written);
                Some(Finding::of_pod("object", expected, found))
            }
        }
    }
}

impl Condition {
    fn read(at: &Located<'_>) -> Result<Self, PolicyError> {
        let block = at.object(&CONDITION_KEYS)?;
        let remedy = "write a condition in CEL, such as \"object.spec.hostNetwork\"";
        let place = block.required("expression", remedy)?;
        let written = place.filled_string()?;
        let expression = Expression::compile(&written).map_err(|problem| place.refuse(problem))?;
        Ok(Self { written, expression, message: block.read("message", Located::name)? })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::sample::{document, explain, permit, pod, refusal, ruling};
    use crate::policy::RuleOutcome;

    /// A policy that permits every pod of the sample, but for what the deny rule holds against it.
    fn denying(rule: Value) -> Value {
        let mut deny = json!({ "name": "d", "action": "deny", "match": {} });
        deny.as_object_mut().unwrap().extend(rule.as_object().unwrap().clone());
        let permit = permit(json!({ "hostNetwork": true }), json!({}));
        let allow = json!({ "name": "a", "action": "allow", "match": {}, "permit": permit });
        document(json!([allow, deny]), json!({}))
    }

    fn cel(expressions: &[&str]) -> Value {
        let entries: Vec<_> =
            expressions.iter().map(|it| json!({ "expression": it, "message": "not so" })).collect();
        denying(json!({ "cel": entries, "message": "whole rule" }))
    }

    fn plain() -> Value {
        pod(json!({}), json!({}))
    }

    #[test]
    fn any_expression_that_is_true_denies() {
        let (no, yes) =
            ("object.spec.containers[0].name == 'x'", "object.metadata.name == 'app-1'");
        assert!(ruling(&cel(&[no]), &plain()).0);
        for expressions in [&[yes][..], &[no, yes], &[yes, no]] {
            let (allowed, reason) = ruling(&cel(expressions), &plain());
            assert!(!allowed, "{expressions:?}");
            assert_eq!(
                reason,
                "denied by rule 'd': not so (object: found true, expected \
                 `object.metadata.name == 'app-1'` to be false)"
            );
        }
    }

    #[test]
    fn an_expression_without_an_answer_denies() {
        for (expression, reason) in [
            ("!object.spec.hostPID", "the pod has no `hostPID` there"),
            ("object.spec.containers[1].name == ''", "an index is outside"),
            ("1 / 0 == 1", "divided by zero"),
            (
                "object.spec.containers[0].args.exists(a, a.contains('x') && object.spec.hostIPC)",
                "",
            ),
        ] {
            let (allowed, told) = ruling(&cel(&[expression]), &plain());
            let denies = !reason.is_empty();
            assert_eq!(allowed, !denies, "{told}");
            assert!(told.contains(reason), "{told}");
        }
    }

    #[test]
    fn expressions_that_cost_too_much_together_deny() {
        let arguments: Vec<_> = (0..60).map(|index| format!("--argument-{index}")).collect();
        let wide = pod(json!({}), json!({ "args": arguments }));
        let costly =
            "object.spec.containers.exists(c, c.args.exists(x, c.args.exists(y, x + y == 'z')))";
        let open = |expressions: &[&str]| {
            let mut document = cel(expressions);
            document["rules"][0]["permit"]["containers"][0]["args"] = json!({ "any": true });
            document
        };
        assert!(ruling(&open(&[costly]), &wide).0);
        let (allowed, reason) = ruling(&open(&[costly; 40]), &wide);
        assert!(!allowed);
        assert!(reason.contains("cost more than"), "{reason}");
    }

    #[test]
    fn unless_and_expressions_each_suffice() {
        let both = denying(json!({
            "unless": { "hostNetwork": false },
            "cel": [{ "expression": "object.metadata.name == 'other'" }],
        }));
        assert!(ruling(&both, &plain()).0);
        let on_the_host = pod(json!({ "hostNetwork": true }), json!({}));
        assert!(!ruling(&both, &on_the_host).0);
        let mut other = plain();
        other["metadata"]["name"] = json!("other");
        let (allowed, reason) = ruling(&both, &other);
        assert!(!allowed);
        assert!(reason.starts_with("denied by rule 'd'"), "{reason}");
        let mut worst = on_the_host;
        worst["metadata"]["name"] = json!("other");
        let explained = explain(&both, &worst).rules.swap_remove(1);
        assert_eq!((explained.outcome, explained.findings.len()), (RuleOutcome::Decides, 2));
    }

    #[test]
    fn an_expression_that_cannot_be_meant_keeps_the_policy_from_loading() {
        for (rule, expected) in [
            (json!({ "cel": [] }), "rules[1].cel (line "),
            (json!({ "cel": [{}] }), "is missing; write a condition in CEL"),
            (json!({ "cel": [{ "expression": "" }] }), "is empty"),
            (
                json!({ "cel": [{ "expression": "object.spec.hostNetwrok" }] }),
                "did you mean `hostNetwork`?",
            ),
            (
                json!({ "cel": [{ "expression": "true", "mesage": "m" }] }),
                "did you mean `message`?",
            ),
        ] {
            let message = refusal(&denying(rule));
            assert!(message.contains(expected), "{message}");
        }
        let many = vec![json!({ "expression": "true" }); 257];
        assert!(refusal(&denying(json!({ "cel": many }))).contains("the limit is 256"));
        let mut allow = denying(json!({}));
        allow["rules"][0]["cel"] = json!([{ "expression": "true" }]);
        assert!(refusal(&allow).contains("is for deny rules"));
    }
}
