//! How new the signed policies were that admitted pods here: an older one does not admit again.
//!
//! Memory only: a restart forgets, which is what `minimumCounters` of the document is for. Who can make
//! new entries holds a trusted key, so the bound is a matter of mistakes.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::limits::SIGNED_POLICIES_REMEMBERED;
use crate::policy::{CounterUse, Counters};

/// The highest counter of each key's policies.
#[derive(Debug, Default)]
pub(super) struct SignedCounters(Mutex<HashMap<(String, String), u64>>);

impl SignedCounters {
    /// A pod was admitted by this signed policy.
    pub(super) fn remember(&self, used: &CounterUse<'_>) {
        let CounterUse { key_id, policy_id, counter } = *used;
        let mut highest = self.lock();
        let is_full = highest.len() >= SIGNED_POLICIES_REMEMBERED;
        let key = (key_id.to_owned(), policy_id.to_owned());
        if is_full && !highest.contains_key(&key) {
            tracing::warn!(
                policy_id,
                limit = SIGNED_POLICIES_REMEMBERED,
                "too many signed policies: the counter of this one is not remembered"
            );
            return;
        }
        let known = highest.entry(key).or_default();
        *known = counter.max(*known);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<(String, String), u64>> {
        // A counter is replaced whole: whoever ended in between left a true one.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Counters for SignedCounters {
    fn highest(&self, key_id: &str, policy_id: &str) -> u64 {
        let key = (key_id.to_owned(), policy_id.to_owned());
        self.lock().get(&key).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_counter_of_each_policy_is_remembered() {
        let counters = SignedCounters::default();
        let remember = |key_id, policy_id, counter| {
            counters.remember(&CounterUse { key_id, policy_id, counter });
        };
        remember("k", "p", 7);
        remember("k", "p", 5);
        remember("k", "q", 1);
        let highest = [("k", "p"), ("k", "q"), ("l", "p")].map(|(k, p)| counters.highest(k, p));
        assert_eq!(highest, [7, 1, 0]);
    }

    #[test]
    fn memory_is_bounded_and_nothing_known_is_lost() {
        let counters = SignedCounters::default();
        for number in 0..=SIGNED_POLICIES_REMEMBERED {
            let policy_id = number.to_string();
            counters.remember(&CounterUse { key_id: "k", policy_id: &policy_id, counter: 1 });
        }
        assert_eq!(counters.highest("k", "0"), 1);
        assert_eq!(counters.highest("k", &SIGNED_POLICIES_REMEMBERED.to_string()), 0);
        counters.remember(&CounterUse { key_id: "k", policy_id: "0", counter: 2 });
        assert_eq!(counters.highest("k", "0"), 2);
    }
}
