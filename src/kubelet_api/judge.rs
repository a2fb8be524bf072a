//! What the guard asks before it relays a call, and what it is told.

use std::borrow::Cow;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::call::Call;
use super::ports::Ports;

/// Decides on calls. Must answer at once and must not fail.
pub trait Judge: Send + Sync + 'static {
    /// May this call be made?
    fn judge(&self, call: &Call) -> Ruling;
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

/// What is granted.
#[derive(Clone, Debug)]
pub struct Grant {
    /// Ports that a port-forward may reach: they are named inside its stream.
    pub ports: Ports,
    /// Cancelled when the grant ends; a stream that still runs is cut.
    pub until: CancellationToken,
}
