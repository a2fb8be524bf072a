//! Replacement storms: a pause per owner between rejections that make it create the next pod.
//!
//! A Failed pod of a ReplicaSet is replaced at once, usually on the same node, without end
//! (kubernetes/kubernetes#38806). Until its turn a pod stays hidden and Pending, and so is not
//! replaced. Pure: the clock is an argument.

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::Instant;

use crate::kubelet_proxy::limits::{OWNER_FORGIVENESS, OWNER_LONGEST_PAUSE, OWNERS_REMEMBERED};

/// When each owner's next rejection may be reported.
#[derive(Debug, Default)]
pub(super) struct OwnerDamping {
    owners: HashMap<(String, u64), Turn>,
}

#[derive(Debug)]
struct Turn {
    not_before: Instant,
    pause: Duration,
}

impl OwnerDamping {
    /// How long a rejection for this owner and reason has to wait from `now` on.
    pub(super) fn wait(&mut self, owner_uid: &str, reason: u64, now: Instant) -> Duration {
        self.forgive(now);
        let first = Turn { not_before: now, pause: Duration::ZERO };
        let turn = self.owners.entry((owner_uid.to_owned(), reason)).or_insert(first);
        let at = turn.not_before.max(now);
        turn.pause = match turn.pause {
            Duration::ZERO => Duration::from_secs(1),
            pause => pause.saturating_mul(2).min(OWNER_LONGEST_PAUSE),
        };
        turn.not_before = at.checked_add(turn.pause).unwrap_or(at);
        at.saturating_duration_since(now)
    }

    /// Forgets owners that were quiet; when too many are left, those whose turn comes first.
    fn forgive(&mut self, now: Instant) {
        if self.owners.len() < OWNERS_REMEMBERED {
            self.owners.retain(|_, turn| {
                now.saturating_duration_since(turn.not_before) < OWNER_FORGIVENESS
            });
            return;
        }
        let mut turns: Vec<Instant> = self.owners.values().map(|turn| turn.not_before).collect();
        turns.sort_unstable();
        if let Some(median) = turns.get(turns.len() / 2).copied() {
            self.owners.retain(|_, turn| turn.not_before > median);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_storm_of_one_owner_stays_under_twenty_pods_in_two_minutes() {
        let start = Instant::now();
        let mut damping = OwnerDamping::default();
        let mut at = Duration::ZERO;
        let mut reported = 0;
        // Each report makes the owner create the next pod at once.
        while at < Duration::from_secs(120) {
            at += damping.wait("owner", 1, start + at);
            reported += 1;
        }
        assert!((5..20).contains(&reported), "{reported}");
    }

    #[test]
    fn other_owners_and_other_reasons_do_not_wait() {
        let now = Instant::now();
        let mut damping = OwnerDamping::default();
        assert_eq!(damping.wait("a", 1, now), Duration::ZERO);
        assert_eq!(damping.wait("a", 1, now), Duration::from_secs(1));
        assert_eq!(damping.wait("a", 1, now), Duration::from_secs(3));
        assert_eq!(damping.wait("b", 1, now), Duration::ZERO);
        assert_eq!(damping.wait("a", 2, now), Duration::ZERO);
    }

    #[test]
    fn pauses_end_at_five_minutes_and_quiet_owners_are_forgiven() {
        let now = Instant::now();
        let mut damping = OwnerDamping::default();
        let waits: Vec<Duration> = (0..14).map(|_| damping.wait("a", 1, now)).collect();
        assert_eq!(waits[13] - waits[12], OWNER_LONGEST_PAUSE);
        let later = now + waits[13] + OWNER_LONGEST_PAUSE + OWNER_FORGIVENESS;
        assert_eq!(damping.wait("a", 1, later), Duration::ZERO);
        assert_eq!(damping.owners.len(), 1);
    }

    #[test]
    fn a_flood_of_owners_is_bounded() {
        let now = Instant::now();
        let mut damping = OwnerDamping::default();
        for owner in 0..3 * OWNERS_REMEMBERED {
            damping.wait(&owner.to_string(), 1, now + Duration::from_millis(owner as u64));
        }
        assert!(damping.owners.len() <= OWNERS_REMEMBERED);
    }
}
