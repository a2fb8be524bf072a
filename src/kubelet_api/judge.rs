//! What the guard asks before it relays a call, and what it is told.
//!
//! Twice where a call is about a pod: first by what is on record alone, then with the kubelet's word on
//! what runs under the pod's name. A refusal needs no second question.

use std::borrow::Cow;
use std::sync::Arc;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::call::Call;
use super::ports::Ports;
use super::running::RunningPods;

/// Decides on calls. Must answer at once and must not fail.
pub trait Judge: Send + Sync + 'static {
    /// May this call be made, as far as can be told without the kubelet?
    fn judge(&self, call: &Call) -> Opinion;

    /// May it, while these pods run?
    fn judge_with(&self, call: &Call, running: &RunningPods) -> Ruling;

    /// It cannot be known which pods run: the refusal.
    fn judge_without(&self, call: &Call, reason: String) -> Ruling;
}

/// What can be told without the kubelet.
#[derive(Clone, Debug)]
pub enum Opinion {
    /// All that there is to be decided.
    Settled(Ruling),
    /// It depends on what runs, by the kubelet's word from this time on.
    Ask {
        /// An earlier answer may lack pods that nobody else knows of.
        not_before: Instant,
    },
}

/// What was decided and by whose word.
#[derive(Clone, Debug)]
pub struct Ruling {
    /// The decision.
    pub verdict: Verdict,
    /// The policy's name, for the record.
    pub policy: Arc<str>,
    /// SHA-256 of the policy file in hexadecimal, for the record.
    pub policy_digest: Arc<str>,
    /// The pod's UID as far as it is known, for the record.
    pub uid: String,
}

/// A decision on a call.
#[derive(Clone, Debug)]
pub enum Verdict {
    /// It may be made.
    Allow(Grant),
    /// It may not, for this reason.
    Deny(Cow<'static, str>),
}

/// What is granted, until it ends; a stream that still runs is cut then.
#[derive(Clone, Debug)]
pub struct Grant {
    /// Ports that a port-forward may reach: they are named inside its stream.
    pub ports: Ports,
    /// Cancelled when the policy that granted it is in force no longer.
    pub policy_ends: CancellationToken,
    /// Cancelled when what the policy permits on the pod has changed.
    pub access_ends: CancellationToken,
}
