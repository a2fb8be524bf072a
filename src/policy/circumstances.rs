//! What a decision depends on beside policy and pod: the time, the node, what was seen before.
//!
//! This room has no clock and no memory; who asks for a decision brings them.

/// Now and here.
#[derive(Clone, Copy)]
pub struct Circumstances<'a> {
    /// Seconds since 1970, UTC.
    pub now: i64,
    /// The name of the node that we guard.
    pub node: &'a str,
    /// The counters of signed policies that were admitted here.
    pub counters: &'a dyn Counters,
}

/// Remembers how new the signed policies were that were admitted on this node.
pub trait Counters: Sync {
    /// The highest counter of this key's policy that was admitted; 0 if none was.
    fn highest(&self, key_id: &str, policy_id: &str) -> u64;
}

/// Where nothing was admitted yet, or nothing is remembered: offline tools.
#[derive(Clone, Copy, Debug)]
pub struct NoCounters;

impl Counters for NoCounters {
    fn highest(&self, _: &str, _: &str) -> u64 {
        0
    }
}

impl std::fmt::Debug for Circumstances<'_> {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { now, node, counters: _ } = self;
        out.debug_struct("Circumstances").field("now", now).field("node", node).finish()
    }
}
