//! One entry of `rules`: which pods it is about, and what it permits or objects to.

use super::check::Unlisted;
use super::finding::Findings;
use super::objections::Objections;
use super::permit::PodPermit;
use super::scope::{Scope, warn_of_escapes};
use super::subject::Subject;
use super::text_rule::read_word;
use crate::policy::error::{PolicyError, Warnings};
use crate::policy::explanation::Finding;
use crate::policy::located::{Located, Object};

const KEYS: [&str; 9] =
    ["name", "description", "action", "mode", "match", "message", "permit", "unless", "cel"];

const ACTIONS: [&str; 2] = ["allow", "deny"];

const MODES: [&str; 2] = ["enforce", "observe"];

/// One rule.
#[derive(Clone, Debug)]
pub(in crate::policy) struct Rule {
    pub(super) name: String,
    pub(super) message: Option<String>,
    /// What it would deny is logged and let through.
    pub(super) observes: bool,
    pub(super) scope: Scope,
    pub(super) effect: Effect,
}

/// What a rule does with a pod that it is about.
#[derive(Clone, Debug)]
pub(in crate::policy) enum Effect {
    /// Lets it run if it fits.
    Allow(Box<PodPermit>),
    /// Keeps it from running if there is something against it.
    Deny(Objections),
}

impl Rule {
    /// Reads one entry.
    pub(super) fn read(at: &Located<'_>, warnings: &mut Warnings) -> Result<Self, PolicyError> {
        let block = at.object(&KEYS)?;
        let name = block.required("name", "records tell rules by it; add one")?.name()?;
        block.read("description", Located::string)?;
        let remedy = "write \"allow\" or \"deny\"";
        let action = read_word(block.required("action", remedy)?, &ACTIONS)?;
        let observes = read_mode(&block, warnings)?;
        let matching = block.required("match", "write `\"match\": {}` to mean every pod")?;
        let scope = Scope::read(matching, warnings)?;
        let effect = match action {
            "allow" => Effect::read_allow(&block, &scope, warnings)?,
            _ => {
                warn_of_escapes(matching, warnings)?;
                Effect::read_deny(&block, warnings)?
            }
        };
        let message = block.read("message", Located::name)?;
        Ok(Self { name, message, observes, scope, effect })
    }

    /// What it lets run.
    pub(super) fn permit(&self) -> Option<&PodPermit> {
        match &self.effect {
            Effect::Allow(permit) => Some(permit),
            Effect::Deny(_) => None,
        }
    }

    /// Does it keep pods from running?
    pub(super) fn denies(&self) -> bool {
        match self.effect {
            Effect::Allow(_) => false,
            Effect::Deny(_) => true,
        }
    }

    /// How many expressions it has.
    pub(super) fn expressions(&self) -> usize {
        match &self.effect {
            Effect::Allow(_) => 0,
            Effect::Deny(objections) => objections.expressions(),
        }
    }

    /// Does every pod that it is about end here, whatever it is?
    pub(super) fn is_final(&self) -> bool {
        match &self.effect {
            Effect::Allow(_) => self.observes,
            Effect::Deny(objections) => objections.are_unconditional() && !self.observes,
        }
    }
}

impl Effect {
    fn read_allow(
        block: &Object<'_>,
        scope: &Scope,
        warnings: &mut Warnings,
    ) -> Result<Self, PolicyError> {
        for key in ["unless", "cel", "message"] {
            if let Some(at) = block.find(key) {
                return Err(at.refuse("is for deny rules; an allow rule has `permit`"));
            }
        }
        let remedy = "an allow rule permits what is listed there";
        let permit = block.required("permit", remedy)?;
        let mut permit = PodPermit::read(permit, Unlisted::Refuse, warnings)?;
        permit.take_service_accounts(scope);
        Ok(Self::Allow(Box::new(permit)))
    }

    fn read_deny(block: &Object<'_>, warnings: &mut Warnings) -> Result<Self, PolicyError> {
        if let Some(at) = block.find("permit") {
            return Err(at.refuse("is for allow rules; a deny rule has `unless`"));
        }
        Objections::read(block, warnings).map(Self::Deny)
    }
}

/// The first thing about the pod that does not fit.
pub(super) fn first_finding(permit: &PodPermit, subject: &Subject<'_>) -> Option<Finding> {
    let mut findings = Findings::first();
    let _ = permit.check(subject, &mut findings);
    findings.into_kept().into_iter().next()
}

/// Is it `observe`?
pub(super) fn read_mode(block: &Object<'_>, warnings: &mut Warnings) -> Result<bool, PolicyError> {
    let Some(at) = block.find("mode") else { return Ok(false) };
    let observes = read_word(at, &MODES)? == "observe";
    if observes {
        warnings.add(at, "denies nothing, and only logs what it would; write \"enforce\"");
    }
    Ok(observes)
}
