//! A policy from the moment it is put in force until another takes its place.
//!
//! Makes a kubelet list anew when it might believe in pods that this policy never decided on: a
//! reflector that survives our restart or a reload resumes its watch at the last version it saw, and
//! pods that were admitted then would never come past again. So a watch ends with the policy it began
//! under, and until a whole list went through by the new one, a resumed watch gets `410 Expired`. That
//! list must have been the same reflector's, and all its pages decided by this policy.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio_util::sync::CancellationToken;

use super::limits::{LISTS_REMEMBERED, LONGEST_REMEMBERED_BYTES};
use super::meters::RuleMeters;
use crate::metrics::registry::Metrics;
use crate::policy::Policy;

/// One policy, what it has counted, and who has to hear when it ends.
#[derive(Debug)]
pub(super) struct PolicyInForce {
    policy: Policy,
    meters: RuleMeters,
    lists: Mutex<Lists>,
    superseded: CancellationToken,
}

/// Which reflector a list or watch belongs to, as far as a proxy can tell: the client's name for
/// itself, and what it selects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reflector(pub(super) String);

/// What was listed by one policy; the newest of each, since a node has one kubelet.
#[derive(Debug, Default)]
struct Lists {
    /// Reflectors that got a whole list.
    whole: VecDeque<String>,
    /// Where lists go on whose pages so far were decided by this policy.
    unfinished: VecDeque<String>,
}

impl PolicyInForce {
    pub(super) fn new(policy: Policy, metrics: &Metrics) -> Self {
        let meters = RuleMeters::new(metrics, &policy);
        let superseded = CancellationToken::new();
        Self { policy, meters, lists: Mutex::default(), superseded }
    }

    pub(super) fn policy(&self) -> &Policy {
        &self.policy
    }

    pub(super) fn meters(&self) -> &RuleMeters {
        &self.meters
    }

    /// A whole list, or all initial events of a WatchList, was decided by this policy.
    pub(super) fn listed(&self, by: &Reflector) {
        remember(&mut self.lists().whole, &by.0);
    }

    /// Must a resumed watch be sent back to list?
    pub(super) fn sends_back(&self, by: &Reflector) -> bool {
        !self.lists().whole.contains(&by.0)
    }

    /// A page was decided by this policy, and the list goes on at `token`.
    pub(super) fn goes_on(&self, token: &str) {
        remember(&mut self.lists().unfinished, token);
    }

    /// Were all pages before the one at `token` decided by this policy?
    pub(super) fn knows(&self, token: &str) -> bool {
        self.lists().unfinished.iter().any(|known| known == token)
    }

    fn lists(&self) -> MutexGuard<'_, Lists> {
        // Every change is whole in itself: a thread that ended in between left nothing half done.
        self.lists.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Another policy is in force: what is decided by this one has to end.
    pub(super) fn supersede(&self) {
        self.superseded.cancel();
    }

    /// Resolves when another policy is in force, at once if one is.
    pub(super) fn superseded(&self) -> impl Future<Output = ()> + Send + use<> {
        self.supersession().cancelled_owned()
    }

    /// Cancelled when another policy is in force.
    pub(super) fn supersession(&self) -> CancellationToken {
        self.superseded.clone()
    }
}

/// What is forgotten or too long costs a client another list, never the decision.
fn remember(known: &mut VecDeque<String>, text: &str) {
    if known.iter().any(|it| it == text) || text.len() > LONGEST_REMEMBERED_BYTES {
        return;
    }
    if known.len() >= LISTS_REMEMBERED {
        known.pop_front();
    }
    known.push_back(text.to_owned());
}
