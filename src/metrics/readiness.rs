//! Whether the process is ready: a list of named conditions, each held by the part it is about.
//!
//! A condition is unmet until its holder says so, and unmet again for good when the holder is
//! dropped: a task that panicked or returned early never leaves "ready" behind.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

/// The list; clones share it.
#[derive(Clone, Debug, Default)]
pub struct Readiness {
    conditions: Arc<Mutex<Vec<Entry>>>,
}

/// The holder of one condition.
#[derive(Debug)]
#[must_use = "dropping it makes the process unready"]
pub struct Condition {
    is_met: Arc<AtomicBool>,
}

#[derive(Debug)]
struct Entry {
    name: &'static str,
    is_met: Arc<AtomicBool>,
}

impl Readiness {
    /// Adds a condition, unmet.
    pub fn condition(&self, name: &'static str) -> Condition {
        let is_met = Arc::new(AtomicBool::new(false));
        self.lock().push(Entry { name, is_met: Arc::clone(&is_met) });
        Condition { is_met }
    }

    /// Are all conditions met?
    pub fn is_ready(&self) -> bool {
        self.lock().iter().all(|entry| entry.is_met.load(Ordering::Acquire))
    }

    /// The conditions in the order added, and whether each is met.
    pub fn conditions(&self) -> Vec<(&'static str, bool)> {
        let entries = self.lock();
        entries.iter().map(|entry| (entry.name, entry.is_met.load(Ordering::Acquire))).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Entry>> {
        // Entries are only ever pushed: a thread that ended while holding the lock left them whole.
        self.conditions.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl Condition {
    /// Says whether the condition is met.
    pub fn set(&self, is_met: bool) {
        self.is_met.store(is_met, Ordering::Release);
    }
}

impl Drop for Condition {
    fn drop(&mut self) {
        self.set(false);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ready_means_that_every_condition_is_met() {
        let readiness = Readiness::default();
        let (policy, listener) = (readiness.condition("policy"), readiness.condition("listener"));
        policy.set(true);
        assert!(!readiness.is_ready());
        listener.set(true);
        assert!(readiness.is_ready());
        listener.set(false);
        assert_eq!(readiness.conditions(), [("policy", true), ("listener", false)]);
    }

    #[test]
    fn a_part_that_is_gone_is_not_ready() {
        let readiness = Readiness::default();
        let condition = readiness.condition("listener");
        condition.set(true);
        drop(condition);
        assert!(!readiness.is_ready());
    }
}
