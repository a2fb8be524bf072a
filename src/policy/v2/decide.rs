//! The order of deciding: deny rules, allow rules, exceptions, signatures, and else no.

use std::sync::Arc;

use super::NodePolicy;
use super::access::Access;
use super::exception::Exception;
use super::finding::Findings;
use super::permit::{PodPermit, Updates};
use super::rule::{Effect, Rule, first_finding};
use super::subject::Subject;
use crate::kube_wire::received_pod::SoundPod;
use crate::policy::circumstances::Circumstances;
use crate::policy::decision::{CounterUse, Decision, ExceptionUse, Observation};
use crate::policy::remembered::Lasting;
use crate::policy::signed::Signed;
use crate::policy::signed::denial::SignedDenial;
use crate::policy::verdict::{Grounds, Verdict};

/// What deciding has come to so far.
#[derive(Default)]
struct Course<'v> {
    observed: Vec<Observation<'v>>,
    exceptions: Vec<ExceptionUse<'v>>,
    access: Option<Arc<Access>>,
    counter: Option<CounterUse<'v>>,
    lasting: Option<Lasting>,
}

impl NodePolicy {
    /// Decides on one pod.
    pub(in crate::policy) fn decide<'v>(
        &'v self,
        pod: &'v SoundPod<'v>,
        at: &Circumstances<'_>,
        signed: Option<&'v Signed>,
    ) -> Decision<'v> {
        let subject = Subject::of(pod);
        let mut course = Course::default();
        let (verdict, updates) = self.rule((pod, &subject), at, signed, &mut course);
        let is_denied = !verdict.is_allow();
        if is_denied && !self.observes {
            // What let it past a deny rule did not let it run.
            course.exceptions.clear();
        }
        let verdict = match is_denied && self.observes {
            true => {
                course.observed.push(Observation::of(verdict));
                Verdict::Allow(Grounds::Observed { rule: None })
            }
            false => verdict,
        };
        let Course { observed, exceptions, access, counter, lasting } = course;
        let lasting = lasting.filter(|_| {
            observed.is_empty() && exceptions.is_empty() && self.sees_only_the_view(&subject)
        });
        Decision { verdict, observed, exceptions, updates, access, counter, lasting }
    }

    /// Expressions see the whole pod, and what `allowUnknownFields` leaves out of the kubelet's pod is in no
    /// pin, while rules may still see it inside of what they compare as it is written.
    fn sees_only_the_view(&self, subject: &Subject<'_>) -> bool {
        !subject.was_asked() && self.unknown_fields.is_empty()
    }

    /// The decision that a permission was remembered of, unless another policy gave it.
    pub(in crate::policy) fn recall(&self, permission: &Lasting) -> Option<Decision<'_>> {
        let rule = self.rules.get(permission.rule)?;
        let Effect::Allow(permit) = &rule.effect else { return None };
        permission.was_given_with(&permit.access).then(|| Decision {
            updates: permit.updates,
            access: Some(Arc::clone(&permit.access)),
            lasting: Some(permission.clone()),
            ..Decision::plain(Verdict::Allow(Grounds::Permit { rule: &rule.name }))
        })
    }

    fn rule<'v>(
        &'v self,
        (pod, subject): (&SoundPod<'_>, &Subject<'v>),
        at: &Circumstances<'_>,
        signed: Option<&'v Signed>,
        course: &mut Course<'v>,
    ) -> (Verdict<'v>, Updates) {
        let node = subject.view.spec.node_name;
        if node != at.node {
            let ours = at.node.to_owned();
            return (Verdict::Deny(Grounds::ForeignNode { node, ours }), Updates::USUAL);
        }
        if let Some(denial) = self.denial(subject, at, course) {
            return (denial, Updates::USUAL);
        }
        if let Some((number, rule, permit)) = self.permitting(subject) {
            course.access = Some(Arc::clone(&permit.access));
            course.lasting = Some(Lasting::new(number, &permit.access));
            let grounds = Grounds::Permit { rule: &rule.name };
            return (Verdict::Allow(grounds), permit.updates);
        }
        if let Some((exception, permit)) = self.excepting(subject, at.now) {
            course.exceptions.push(exception.used());
            course.access = Some(Arc::clone(&permit.access));
            let grounds = Grounds::Exception { name: &exception.name };
            return (Verdict::Allow(grounds), permit.updates);
        }
        let unsigned = match signed.map(|signed| signed.judge(pod, at)) {
            Some(Ok(vouched)) => {
                course.counter = vouched.counter;
                course.access = Some(vouched.access);
                let grounds = Grounds::Signed { key_id: vouched.key_id };
                return (Verdict::Allow(grounds), vouched.updates);
            }
            Some(Err(denial)) => Some(denial),
            None => None,
        };
        if let Some((rule, permit)) = self.observing(subject) {
            let denial = Verdict::Deny(unpermitted(Some((rule, permit)), subject, unsigned));
            course.observed.push(Observation::of(denial));
            course.access = Some(Arc::clone(&permit.access));
            let grounds = Grounds::Observed { rule: Some(&rule.name) };
            return (Verdict::Allow(grounds), permit.updates);
        }
        let grounds = unpermitted(self.nearest(subject), subject, unsigned);
        (Verdict::Deny(grounds), Updates::USUAL)
    }

    /// What a deny rule says. Observed and lifted ones are noted.
    fn denial<'v>(
        &'v self,
        subject: &Subject<'v>,
        at: &Circumstances<'_>,
        course: &mut Course<'v>,
    ) -> Option<Verdict<'v>> {
        for rule in &self.rules {
            let Effect::Deny(objections) = &rule.effect else { continue };
            if !rule.scope.includes(subject) {
                continue;
            }
            let Some(objection) = objections.first(subject) else { continue };
            if let Some(exception) = self.lifting(rule, subject, at.now).next() {
                course.exceptions.push(exception.used());
                continue;
            }
            let denial = Verdict::Deny(Grounds::Objection {
                rule: &rule.name,
                message: objection.message().or(rule.message.as_deref()),
                finding: objection.finding(subject).map(Box::new),
            });
            match rule.observes {
                true => course.observed.push(Observation::of(denial)),
                false => return Some(denial),
            }
        }
        None
    }

    /// The first allow rule that the pod fits, with its place among the rules.
    pub(super) fn permitting(&self, subject: &Subject<'_>) -> Option<(usize, &Rule, &PodPermit)> {
        self.allowing().find(|(_, rule, permit)| {
            rule.scope.includes(subject)
                && permit.check(subject, &mut Findings::any()).is_continue()
        })
    }

    /// The first exception that permits the pod and still holds.
    pub(super) fn excepting(
        &self,
        subject: &Subject<'_>,
        now: i64,
    ) -> Option<(&Exception, &PodPermit)> {
        let live = self.exceptions.iter().filter(|exception| exception.covers(subject, now));
        let mut permits =
            live.filter_map(|exception| Some((exception, exception.permit.as_deref()?)));
        permits.find(|(_, permit)| permit.check(subject, &mut Findings::any()).is_continue())
    }

    /// The first allow rule in observe mode that is about the pod.
    pub(super) fn observing(&self, subject: &Subject<'_>) -> Option<(&Rule, &PodPermit)> {
        let mut allowing = self.allowing().map(|(_, rule, permit)| (rule, permit));
        allowing.find(|(rule, _)| rule.observes && rule.scope.includes(subject))
    }

    /// The exceptions that lift this deny rule for the pod and still hold.
    pub(super) fn lifting(
        &self,
        rule: &Rule,
        subject: &Subject<'_>,
        now: i64,
    ) -> impl Iterator<Item = &Exception> {
        let lifts = |exception: &&Exception| exception.lifts.contains(&rule.name);
        self.exceptions.iter().filter(lifts).filter(move |exception| exception.covers(subject, now))
    }

    /// Of the allow rules that are about the pod the one that it fits best.
    fn nearest(&self, subject: &Subject<'_>) -> Option<(&Rule, &PodPermit)> {
        let mut nearest = None;
        let mut fewest = usize::MAX;
        for (_, rule, permit) in self.allowing() {
            if !rule.scope.includes(subject) {
                continue;
            }
            let mut findings = Findings::counting(fewest);
            let _ = permit.check(subject, &mut findings);
            if findings.count() < fewest {
                fewest = findings.count();
                nearest = Some((rule, permit));
            }
        }
        nearest
    }

    fn allowing(&self) -> impl Iterator<Item = (usize, &Rule, &PodPermit)> {
        self.rules.iter().enumerate().filter_map(|(number, rule)| match &rule.effect {
            Effect::Allow(permit) => Some((number, rule, &**permit)),
            Effect::Deny(_) => None,
        })
    }
}

fn unpermitted<'v>(
    nearest: Option<(&'v Rule, &'v PodPermit)>,
    subject: &Subject<'v>,
    unsigned: Option<SignedDenial>,
) -> Grounds<'v> {
    let nearest = nearest.and_then(|(rule, permit)| {
        Some((rule.name.as_str(), Box::new(first_finding(permit, subject)?)))
    });
    match unsigned {
        // A pod with a signature was meant to run by it: rules about others are no help.
        Some(denial) if !denial.is_absence() => Grounds::Unsigned { denial, nearest: None },
        Some(denial) => Grounds::Unsigned { denial, nearest },
        None => Grounds::Unpermitted { nearest },
    }
}
