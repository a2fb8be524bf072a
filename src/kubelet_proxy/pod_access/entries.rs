//! The pods on record, by name and by UID, and how one makes room for another.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::Found;
use crate::kubelet_api::running::RunningPods;
use crate::kubelet_proxy::limits::{GONE_SETTLES, LEDGER_CAPACITY};
use crate::kubelet_proxy::pod_ledger::Uid;
use crate::policy::Access;

/// Pods under one name that are told apart; an honest cluster has one, two for a moment.
pub(super) const PODS_OF_ONE_NAME: usize = 16;

/// Names that are blocked without a pod on record; beyond, every name is.
const BLOCKED_NAMES: usize = 2 * LEDGER_CAPACITY;

type Name = (String, String);

#[derive(Clone, Debug)]
pub(super) struct Known {
    pub(super) uid: Uid,
    /// Nothing is permitted where this is absent: denied since, or not decided on anew.
    pub(super) access: Option<Arc<Access>>,
    /// Digest of the policy that said so.
    pub(super) policy: Arc<str>,
    /// When the API server said that it is deleted.
    pub(super) gone_at: Option<Instant>,
    pub(super) has_stopped: bool,
    /// Pods of the same access that it replaced then and that were never seen to stop. One that is
    /// pushed out of here and runs is a stranger.
    pub(super) covers: Vec<(Uid, Instant)>,
    pub(super) seen_in: u64,
}

impl Known {
    /// May it, or one that it stands for, run although the API server says that it is deleted?
    fn may_run_on(&self) -> bool {
        self.gone_at.is_some() && (!self.has_stopped || !self.covers.is_empty())
    }

    /// Is it permitted by the very same words?
    pub(super) fn is_permitted_as(&self, access: &Arc<Access>) -> bool {
        self.access.as_ref().is_some_and(|own| Arc::ptr_eq(own, access))
    }

    /// What the policy with this digest permits. The word of an older one stays for what is gone, which
    /// is never decided on anew and can only limit who takes its name.
    fn access_by(&self, policy: &str) -> Option<Arc<Access>> {
        self.access.clone().filter(|_| self.gone_at.is_some() || *self.policy == *policy)
    }
}

/// The pods of one name.
#[derive(Debug, Default)]
pub(super) struct Namesakes {
    pub(super) pods: Vec<Known>,
    /// A pod of this name may run that is not on record: until a restart nothing is permitted.
    pub(super) is_blocked: bool,
    changed: CancellationToken,
}

impl Namesakes {
    /// Something else is permitted from now on: what was granted before ends.
    pub(super) fn changed(&mut self) {
        std::mem::take(&mut self.changed).cancel();
    }
}

#[derive(Debug, Default)]
pub(super) struct Entries {
    pub(super) by_name: HashMap<Name, Namesakes>,
    pub(super) names: HashMap<Uid, Name>,
    pub(super) list: u64,
    /// When the kubelet first had all its pods from this process.
    pub(super) listed_at: Option<Instant>,
    /// More names had to be blocked than can be remembered.
    is_overrun: bool,
}

impl Entries {
    pub(super) fn find(&self, key: &Name, policy: &str) -> Found {
        let Some(namesakes) = self.by_name.get(key) else { return Found::default() };
        let changed = namesakes.changed.clone();
        if namesakes.is_blocked || self.is_overrun {
            return Found { accesses: vec![None], uid: None, changed };
        }
        // What is gone and was never seen to stop may still run; what exists no more and stopped does not.
        let pods = &namesakes.pods;
        if pods.iter().all(|known| known.gone_at.is_some()) {
            return Found::default();
        }
        let uid = match pods.as_slice() {
            [one] if one.covers.is_empty() => Some(one.uid),
            _ => None,
        };
        let accesses = pods.iter().map(|known| known.access_by(policy)).collect();
        Found { accesses, uid, changed }
    }

    /// Is this pod on record under this name, or spoken for there? One that is said to have ended is not,
    /// and is a stranger if it runs: a kubelet repeats the phase that the API server shows it, so its
    /// report of an end can be the API server's word.
    pub(super) fn knows(&self, key: &Name, uid: Uid) -> bool {
        let mut pods = self.by_name.get(key).into_iter().flat_map(|namesakes| &namesakes.pods);
        pods.any(|known| known.uid == uid || known.covers.iter().any(|(other, _)| *other == uid))
    }

    /// The pods of the name that this one has.
    pub(super) fn namesakes_of(&mut self, uid: Uid) -> Option<&mut Namesakes> {
        self.by_name.get_mut(self.names.get(&uid)?)
    }

    /// A UID that appears under another name: what ran under the old one may still run there.
    pub(super) fn leave_other_name(&mut self, uid: Uid, name: &Name) {
        if self.names.get(&uid).is_none_or(|known| known == name) {
            return;
        }
        let Some(old) = self.names.remove(&uid) else { return };
        if let Some(namesakes) = self.by_name.get_mut(&old) {
            namesakes.pods.retain(|known| known.uid != uid);
        }
        self.block(old);
    }

    pub(super) fn has_room(&self, uid: Uid, name: &Name) -> bool {
        let namesakes = self.by_name.get(name).map_or(0, |namesakes| namesakes.pods.len());
        self.names.contains_key(&uid)
            || (self.names.len() < LEDGER_CAPACITY && namesakes < PODS_OF_ONE_NAME)
    }

    pub(super) fn block(&mut self, name: Name) {
        if self.by_name.len() >= BLOCKED_NAMES && !self.by_name.contains_key(&name) {
            self.is_overrun = true;
            self.by_name.values_mut().for_each(Namesakes::changed);
            return;
        }
        let namesakes = self.by_name.entry(name).or_default();
        namesakes.is_blocked = true;
        namesakes.changed();
    }

    /// Drops pods of this name that are gone and permitted just the same: nothing is gained by reaching
    /// one for the other. Those that may run on are returned; whoever replaces them answers for them.
    pub(super) fn drop_replaced(
        &mut self,
        by: Uid,
        name: &Name,
        access: &Arc<Access>,
    ) -> Vec<(Uid, Instant)> {
        let Some(namesakes) = self.by_name.get_mut(name) else { return Vec::new() };
        let replaced = namesakes.pods.extract_if(.., |known| {
            known.uid != by && known.gone_at.is_some() && known.is_permitted_as(access)
        });
        let mut covers = Vec::new();
        for mut known in replaced {
            self.names.remove(&known.uid);
            covers.append(&mut known.covers);
            match known.gone_at {
                Some(gone_at) if !known.has_stopped => covers.push((known.uid, gone_at)),
                Some(_) | None => {}
            }
        }
        newest(covers)
    }

    pub(super) fn mark_gone(&mut self, uid: Uid) {
        let now = Instant::now();
        self.change(uid, |known| {
            known.gone_at.get_or_insert(now);
        });
    }

    /// Changes one pod's entry, and drops it once the pod is gone and nothing of it can run.
    pub(super) fn change(&mut self, uid: Uid, change: impl Fn(&mut Known)) {
        let Some(name) = self.names.get(&uid) else { return };
        let Some(namesakes) = self.by_name.get_mut(name) else { return };
        let pods = &mut namesakes.pods;
        pods.iter_mut().filter(|known| known.uid == uid).for_each(change);
        pods.retain(|known| known.uid != uid || known.gone_at.is_none() || known.may_run_on());
        let is_left = pods.iter().any(|known| known.uid == uid);
        if pods.is_empty() && !namesakes.is_blocked {
            self.by_name.remove(name);
        }
        if !is_left {
            self.names.remove(&uid);
        }
    }

    /// By the kubelet's word: what was gone long before it was asked, and is not among what runs, has
    /// ended. Should it run all the same, it is a stranger.
    pub(super) fn free(&mut self, running: &RunningPods) {
        let has_ended = |uid: Uid, gone_at: Instant| {
            let settled = gone_at.checked_add(GONE_SETTLES);
            settled.is_some_and(|settled| running.asked_at() >= settled)
                && !running.runs(&uid.to_string())
        };
        let Self { by_name, names, .. } = self;
        by_name.retain(|_, namesakes| {
            namesakes.pods.retain_mut(|known| {
                known.covers.retain(|(uid, gone_at)| !has_ended(*uid, *gone_at));
                known.has_stopped |= known.gone_at.is_some_and(|at| has_ended(known.uid, at));
                let stays = known.gone_at.is_none() || known.may_run_on();
                if !stays {
                    names.remove(&known.uid);
                }
                stays
            });
            namesakes.is_blocked || !namesakes.pods.is_empty()
        });
    }
}

/// The same UID once more; false if it may be reached no longer. One that was deleted and may run on is
/// another pod than what is listed under its UID now, unless it is permitted just the same.
pub(super) fn admit_anew(known: &mut Known, admitted: Known) -> bool {
    let is_same = admitted.access.as_ref().is_some_and(|new| known.is_permitted_as(new));
    let access = admitted.access.filter(|_| !known.may_run_on() || is_same);
    let keeps_access = access.is_some();
    let covers = newest([std::mem::take(&mut known.covers), admitted.covers].concat());
    *known = Known { access, has_stopped: known.has_stopped, covers, ..admitted };
    keeps_access
}

/// As many as one pod may speak for.
fn newest(mut covers: Vec<(Uid, Instant)>) -> Vec<(Uid, Instant)> {
    let surplus = covers.len().saturating_sub(PODS_OF_ONE_NAME);
    covers.drain(..surplus);
    covers
}
