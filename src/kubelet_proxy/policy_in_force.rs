//! A policy from the moment it is put in force until another takes its place.
//!
//! Makes a kubelet list anew when it might believe in pods that this policy never decided on: a
//! reflector that survives our restart or a reload resumes its watch at the last version it saw, and
//! pods that were admitted then would never come past again. So a watch ends with the policy it began
//! under, and until a whole list went through by the new one, a resumed watch gets `410 Expired`.

use std::sync::atomic::{AtomicBool, Ordering};

use tokio_util::sync::CancellationToken;

use super::meters::RuleMeters;
use crate::metrics::registry::Metrics;
use crate::policy::Policy;

/// One policy, what it has counted, and who has to hear when it ends.
#[derive(Debug)]
pub(super) struct PolicyInForce {
    policy: Policy,
    meters: RuleMeters,
    listed: AtomicBool,
    superseded: CancellationToken,
}

impl PolicyInForce {
    pub(super) fn new(policy: Policy, metrics: &Metrics) -> Self {
        let meters = RuleMeters::new(metrics, &policy);
        let superseded = CancellationToken::new();
        Self { policy, meters, listed: AtomicBool::new(false), superseded }
    }

    pub(super) fn policy(&self) -> &Policy {
        &self.policy
    }

    pub(super) fn meters(&self) -> &RuleMeters {
        &self.meters
    }

    /// A whole list, or all initial events of a WatchList, was decided by this policy.
    pub(super) fn listed(&self) {
        self.listed.store(true, Ordering::Release);
    }

    /// Must a resumed watch be sent back to list?
    pub(super) fn sends_back(&self) -> bool {
        !self.listed.load(Ordering::Acquire)
    }

    /// Another policy is in force: what is decided by this one has to end.
    pub(super) fn supersede(&self) {
        self.superseded.cancel();
    }

    /// Resolves when another policy is in force, at once if one is.
    pub(super) fn superseded(&self) -> impl Future<Output = ()> + Send + use<> {
        self.superseded.clone().cancelled_owned()
    }
}
