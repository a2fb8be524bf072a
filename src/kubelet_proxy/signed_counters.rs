//! How new the signed policies were that this process admitted, so that older ones stay out.
//!
//! Outlives reloads of the policy and ends with the process: what must hold after a restart is written
//! into the document (`signedPods.minimumCounters`). Bounded: a policy that finds no place here is
//! denied rather than an older counter forgotten.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::limits::SIGNED_POLICIES_REMEMBERED;
use super::pod_ledger::{PodLedger, Uid};
use crate::policy::{CounterUse, Counters};

/// By key and policy.
type Highest = HashMap<(String, String), u64>;

/// The highest counters so far.
#[derive(Debug, Default)]
pub(super) struct SignedCounters(Mutex<Highest>);

/// The counters as they bear on one pod. One that the kubelet has keeps the policy it was admitted by:
/// a rollout replaces pods one by one, and the policy of those still to be replaced is older. It keeps
/// no other: annotations change freely under a pinned spec, and with them what the pod may be and who
/// may reach into it.
pub(super) struct CountersFor<'j> {
    pub(super) counters: &'j SignedCounters,
    pub(super) ledger: &'j PodLedger,
    pub(super) uid: Uid,
    /// The pod is shown as one that ended.
    pub(super) is_over: bool,
}

/// The signed policy that a pod was admitted by, and how new it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldCounter {
    key_id: String,
    policy_id: String,
    counter: u64,
}

impl HeldCounter {
    pub(super) fn of(used: &CounterUse<'_>) -> Self {
        let CounterUse { key_id, policy_id, counter } = used;
        Self { key_id: (*key_id).to_owned(), policy_id: policy_id.clone(), counter: *counter }
    }

    /// The counter, if it is of this key's policy.
    pub(super) fn of_policy(&self, key_id: &str, policy_id: &str) -> Option<u64> {
        (self.key_id == key_id && self.policy_id == policy_id).then_some(self.counter)
    }
}

impl SignedCounters {
    /// A pod was admitted by this policy.
    pub(super) fn remember(&self, used: &CounterUse<'_>) {
        let mut highest = self.lock();
        let key = (used.key_id.to_owned(), used.policy_id.clone());
        if highest.len() < SIGNED_POLICIES_REMEMBERED || highest.contains_key(&key) {
            let counter = highest.entry(key).or_default();
            *counter = used.counter.max(*counter);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Highest> {
        // Every change is whole in itself.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Counters for SignedCounters {
    fn highest(&self, key_id: &str, policy_id: &str) -> u64 {
        let highest = self.lock();
        let known = highest.get(&(key_id.to_owned(), policy_id.to_owned())).copied();
        let is_full = highest.len() >= SIGNED_POLICIES_REMEMBERED;
        known.unwrap_or(if is_full { u64::MAX } else { 0 })
    }
}

impl Counters for CountersFor<'_> {
    fn highest(&self, key_id: &str, policy_id: &str) -> u64 {
        let held = self
            .ledger
            .held_counter(self.uid, self.is_over, |held| held.of_policy(key_id, policy_id));
        held.unwrap_or_else(|| self.counters.highest(key_id, policy_id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admit(counters: &SignedCounters, policy_id: &str, counter: u64) {
        counters.remember(&CounterUse { key_id: "k", policy_id: policy_id.to_owned(), counter });
    }

    #[test]
    fn the_highest_counter_of_each_policy_is_remembered() {
        let counters = SignedCounters::default();
        assert_eq!(counters.highest("k", "a"), 0);
        for counter in [3, 7, 5] {
            admit(&counters, "a", counter);
        }
        assert_eq!(counters.highest("k", "a"), 7);
        assert_eq!(counters.highest("k", "b"), 0);
        assert_eq!(counters.highest("other", "a"), 0);
    }

    #[test]
    fn without_a_place_left_unknown_policies_are_out_and_known_ones_go_on() {
        let counters = SignedCounters::default();
        for index in 0..SIGNED_POLICIES_REMEMBERED {
            admit(&counters, &index.to_string(), 1);
        }
        admit(&counters, "one more", 1);
        assert_eq!(counters.highest("k", "one more"), u64::MAX);
        admit(&counters, "0", 9);
        assert_eq!(counters.highest("k", "0"), 9);
        assert_eq!(counters.lock().len(), SIGNED_POLICIES_REMEMBERED);
    }
}
