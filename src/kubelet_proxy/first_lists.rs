//! Which reflectors have taken a whole list by this process: nobody else is shown mirror pods.
//!
//! A kubelet knows pods by UID, and the mirror annotation sticks to an entry once it is there
//! (`updateAnnotations` in `pkg/kubelet/config/config.go`). If a pod that runs is shown as a mirror pod, its
//! removal afterwards takes the branch for mirror pods (`HandlePodRemoves`): its containers run on, and
//! nothing stops them until the kubelet restarts. Of pods that this process let pass, the ledger keeps what
//! they are. What a former process let pass, nobody here knows; so a kubelet's first list has no mirror
//! pods at all. A pod that runs is then removed and stopped, whatever it is shown as later, while a static
//! pod never depends on its mirror.
//!
//! When is it safe to show them? Once the kubelet has **taken** such a list, which is more than that one was
//! sent: a page that expires makes client-go throw the earlier ones away. A reflector that asks for a watch
//! without initial events tells so itself, because it stores a list before it watches from there. It is
//! sent back to list once more then, so that no static pod stays without its mirror. At the end of a
//! WatchList it watches on without asking; 429 makes it ask, in every client-go since 0.33, where 410 would
//! bring the next WatchList. A kubelet that restarts takes the same way with an empty store.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::limits::{LONGEST_REMEMBERED_BYTES, POD_LISTS_REMEMBERED};
use super::list_log::Reflector;

/// The reflectors of this process's life, whatever policy was in force.
#[derive(Debug, Default)]
pub(super) struct FirstLists(Mutex<VecDeque<Known>>);

#[derive(Debug, Default)]
struct Known {
    name: String,
    /// A whole list was sent.
    has_listed: bool,
    /// It has stored such a list.
    has_taken: bool,
    /// Mirror pods were left out.
    has_to_list_again: bool,
}

impl FirstLists {
    /// May it be shown mirror pods?
    pub(super) fn has_taken(&self, reflector: &Reflector) -> bool {
        self.known().iter().any(|known| known.name == reflector.0 && known.has_taken)
    }

    /// A mirror pod was left out of what it is sent.
    pub(super) fn left_out(&self, reflector: &Reflector) {
        self.change(reflector, |known| known.has_to_list_again = true);
    }

    /// A whole list was sent to it. Were mirror pods left out?
    pub(super) fn listed(&self, reflector: &Reflector) -> bool {
        self.change(reflector, |known| {
            known.has_listed = true;
            known.has_to_list_again
        })
        .unwrap_or_default()
    }

    /// It goes on from what it has stored. Must it list again?
    pub(super) fn goes_on(&self, reflector: &Reflector) -> bool {
        self.change(reflector, |known| {
            known.has_taken = known.has_listed;
            !known.has_taken || std::mem::take(&mut known.has_to_list_again)
        })
        .unwrap_or(true)
    }

    /// `None` for a name that is too long to remember: its list is never done.
    fn change<R>(&self, reflector: &Reflector, change: impl FnOnce(&mut Known) -> R) -> Option<R> {
        let mut known = self.known();
        if let Some(one) = known.iter_mut().find(|known| known.name == reflector.0) {
            return Some(change(one));
        }
        if reflector.0.len() > LONGEST_REMEMBERED_BYTES {
            return None;
        }
        if known.len() >= POD_LISTS_REMEMBERED {
            known.pop_front();
        }
        let mut one = Known { name: reflector.0.clone(), ..Known::default() };
        let changed = change(&mut one);
        known.push_back(one);
        Some(changed)
    }

    fn known(&self) -> MutexGuard<'_, VecDeque<Known>> {
        // Every change is whole in itself: a thread that ended in between left nothing half done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kubelet() -> Reflector {
        Reflector("kubelet".to_owned())
    }

    #[test]
    fn a_list_is_taken_when_its_reflector_goes_on_from_it() {
        let lists = FirstLists::default();
        assert!(lists.goes_on(&kubelet()) && !lists.has_taken(&kubelet()));
        assert!(!lists.listed(&kubelet()) && !lists.has_taken(&kubelet()));
        let another = Reflector("another".to_owned());
        assert!(lists.goes_on(&another) && !lists.has_taken(&kubelet()));
        assert!(!lists.goes_on(&kubelet()) && lists.has_taken(&kubelet()));
        assert!(!lists.has_taken(&another));
    }

    #[test]
    fn who_missed_mirror_pods_lists_once_more() {
        let lists = FirstLists::default();
        lists.left_out(&kubelet());
        assert!(lists.goes_on(&kubelet()) && !lists.has_taken(&kubelet()), "no whole list yet");
        lists.left_out(&kubelet());
        assert!(lists.listed(&kubelet()));
        let again = [(); 3].map(|()| lists.goes_on(&kubelet()));
        assert_eq!((again, lists.has_taken(&kubelet())), ([true, false, false], true));
        assert!(!lists.listed(&kubelet()));
    }

    #[test]
    fn what_is_forgotten_costs_another_list() {
        let lists = FirstLists::default();
        lists.listed(&kubelet());
        for number in 0..POD_LISTS_REMEMBERED {
            lists.listed(&Reflector(number.to_string()));
        }
        assert!(lists.goes_on(&kubelet()) && !lists.has_taken(&kubelet()));
        let long = Reflector("x".repeat(LONGEST_REMEMBERED_BYTES + 1));
        lists.listed(&long);
        assert!(lists.goes_on(&long) && !lists.has_taken(&long));
    }
}
