//! What comes out of deciding on one pod: the verdict, and what whoever asked has to do about it.

use std::sync::Arc;

use super::remembered::Lasting;
use super::v2::{Access, Updates};
use super::verdict::{Reason, Verdict};

/// All that was decided about one pod.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Decision<'v> {
    /// May it run?
    pub verdict: Verdict<'v>,
    /// Denials that were not enforced, to be logged.
    pub observed: Vec<Observation<'v>>,
    /// The exceptions that the pod owes its admission to, each to be logged.
    pub exceptions: Vec<ExceptionUse<'v>>,
    /// Which of its fields may change while it runs.
    pub updates: Updates,
    /// The counter of the signed policy that admitted it, to be remembered.
    pub counter: Option<CounterUse<'v>>,
    /// Who may reach into it through the kubelet's own API, by what admitted it.
    pub access: Option<Arc<Access>>,
    /// The verdict, if it may be remembered.
    pub lasting: Option<Lasting>,
}

/// A denial that was not enforced, since its rule or the whole policy is in observe mode.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observation<'v> {
    /// Always a denial.
    denial: Verdict<'v>,
}

/// An exception that let a pod through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExceptionUse<'v> {
    /// Its `name`.
    pub name: &'v str,
    /// Its `reason`.
    pub reason: &'v str,
    /// Its `expires`, as written.
    pub expires: &'v str,
}

/// A signed policy that admitted a pod. Older ones must not be admitted from now on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CounterUse<'v> {
    /// The key that signed it.
    pub key_id: &'v str,
    /// Which of the key's policies.
    pub policy_id: String,
    /// How new it is.
    pub counter: u64,
}

impl<'v> Decision<'v> {
    /// A verdict and nothing to be done about it.
    pub(super) fn plain(verdict: Verdict<'v>) -> Self {
        Self {
            verdict,
            observed: Vec::new(),
            exceptions: Vec::new(),
            updates: Updates::ALL,
            counter: None,
            access: None,
            lasting: None,
        }
    }
}

impl<'v> Observation<'v> {
    /// Keeps a denial from being enforced.
    pub(super) fn of(denial: Verdict<'v>) -> Self {
        Self { denial }
    }

    /// The rule that would have denied the pod, `None` if no rule permitted it.
    pub fn rule(&self) -> Option<&'v str> {
        self.denial.rule()
    }

    /// Why it would have, formatted when displayed: for records, without values of the environment.
    pub fn reason(&self) -> Reason<'_> {
        self.denial.recorded_reason()
    }
}
