//! A policy from the moment it is put in force until another takes its place.
//!
//! Makes a kubelet list anew when it might believe in pods that this policy never decided on: a
//! reflector that survives our restart or a reload resumes its watch at the last version it saw, and
//! pods that were admitted then would never come past again. So a watch ends with the policy it began
//! under, and until a whole list went through by the new one, a resumed watch gets `410 Expired`. That
//! list must have been the same reflector's, and all its pages decided by this policy.

use tokio_util::sync::CancellationToken;

use super::limits::{OBJECT_LISTS_REMEMBERED, POD_LISTS_REMEMBERED};
use super::list_log::ListLog;
use super::meters::RuleMeters;
use crate::metrics::registry::Metrics;
use crate::policy::Policy;

/// One policy, what it has counted, and who has to hear when it ends.
#[derive(Debug)]
pub(super) struct PolicyInForce {
    policy: Policy,
    meters: RuleMeters,
    pod_lists: ListLog,
    object_lists: ListLog,
    superseded: CancellationToken,
}

impl PolicyInForce {
    pub(super) fn new(policy: Policy, metrics: &Metrics) -> Self {
        let meters = RuleMeters::new(metrics, &policy);
        let superseded = CancellationToken::new();
        let (pod_lists, object_lists) =
            (ListLog::new(POD_LISTS_REMEMBERED), ListLog::new(OBJECT_LISTS_REMEMBERED));
        Self { policy, meters, pod_lists, object_lists, superseded }
    }

    pub(super) fn policy(&self) -> &Policy {
        &self.policy
    }

    pub(super) fn meters(&self) -> &RuleMeters {
        &self.meters
    }

    /// Its lists of pods.
    pub(super) fn pod_lists(&self) -> &ListLog {
        &self.pod_lists
    }

    /// Its lists of objects beside pods.
    pub(super) fn object_lists(&self) -> &ListLog {
        &self.object_lists
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
