//! What one policy has listed, as far as a proxy can tell: reflectors that need not list again, and
//! lists that may go on.
//!
//! What is forgotten or too long costs a client another list, never the decision.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::limits::LONGEST_REMEMBERED_BYTES;

/// Which reflector a list or watch belongs to: the client's name for itself, and what it selects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reflector(pub(super) String);

/// The newest lists; a node has one kubelet.
#[derive(Debug)]
pub(super) struct ListLog {
    capacity: usize,
    lists: Mutex<Lists>,
}

#[derive(Debug, Default)]
struct Lists {
    /// Reflectors that got a whole list.
    whole: VecDeque<String>,
    /// Where lists go on whose pages so far were decided by this policy.
    unfinished: VecDeque<String>,
}

impl ListLog {
    /// Remembers so many reflectors.
    pub(super) fn new(capacity: usize) -> Self {
        Self { capacity, lists: Mutex::default() }
    }

    /// A whole list, or all initial events of a WatchList, was decided by this policy.
    pub(super) fn listed(&self, by: &Reflector) {
        remember(&mut self.lists().whole, &by.0, self.capacity);
    }

    /// Must a resumed watch be sent back to list?
    pub(super) fn sends_back(&self, by: &Reflector) -> bool {
        !self.lists().whole.contains(&by.0)
    }

    /// A page was decided by this policy, and the list goes on at `token`.
    pub(super) fn goes_on(&self, token: &str) {
        remember(&mut self.lists().unfinished, token, self.capacity);
    }

    /// Were all pages before the one at `token` decided by this policy?
    pub(super) fn knows(&self, token: &str) -> bool {
        self.lists().unfinished.iter().any(|known| known == token)
    }

    fn lists(&self) -> MutexGuard<'_, Lists> {
        // Every change is whole in itself: a thread that ended in between left nothing half done.
        self.lists.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn remember(known: &mut VecDeque<String>, text: &str, capacity: usize) {
    if known.iter().any(|it| it == text) || text.len() > LONGEST_REMEMBERED_BYTES {
        return;
    }
    if known.len() >= capacity {
        known.pop_front();
    }
    known.push_back(text.to_owned());
}
