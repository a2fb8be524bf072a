//! What the policy permits on each pod that the kubelet has, for the guard of the kubelet's own API.
//!
//! The guard asks by namespace and name, as the kubelet does: it finds a running container by the name
//! of its pod, whatever the UID (`findContainer`). A hostile API server could so have a harmless pod
//! stand in front of one that still runs under the same name. Therefore a pod stays on record, gone or
//! not, until the kubelet itself reports that it stopped, and a call must be permitted by **every**
//! pod on record under its name. Without room for a new pod it has no access at all.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::limits::LEDGER_CAPACITY;
use super::pod_ledger::Uid;
use crate::policy::Access;

/// Pods under one name that are told apart; an honest cluster has one, two for a moment.
const PODS_OF_ONE_NAME: usize = 16;

/// Names that are blocked without a pod on record; beyond, every name is.
const BLOCKED_NAMES: usize = 2 * LEDGER_CAPACITY;

type Name = (String, String);

#[derive(Clone, Debug)]
struct Known {
    uid: Uid,
    /// Nothing is permitted where this is absent: denied since, or not decided on anew.
    access: Option<Arc<Access>>,
    /// Digest of the policy that said so.
    policy: Arc<str>,
    is_gone: bool,
    has_stopped: bool,
    /// Stands for a pod of the same access that it replaced and that was never seen to stop.
    covers_another: bool,
    seen_in: u64,
}

impl Known {
    /// May it, or one that it stands for, run although the API server says that it is deleted?
    fn may_run_on(&self) -> bool {
        self.is_gone && (!self.has_stopped || self.covers_another)
    }

    /// What the policy with this digest permits. The word of an older one stays for what is gone, which
    /// is never decided on anew and can only limit who takes its name.
    fn access_by(&self, policy: &str) -> Option<Arc<Access>> {
        self.access.clone().filter(|_| self.is_gone || *self.policy == *policy)
    }
}

/// The pods of one name.
#[derive(Debug, Default)]
struct Namesakes {
    pods: Vec<Known>,
    /// A pod of this name may run that is not on record: until a restart nothing is permitted.
    is_blocked: bool,
}

#[derive(Debug, Default)]
struct Entries {
    by_name: HashMap<Name, Namesakes>,
    names: HashMap<Uid, Name>,
    list: u64,
    /// More names had to be blocked than can be remembered.
    is_overrun: bool,
}

/// The register. One short critical section a call; nothing waits inside it.
#[derive(Debug, Default)]
pub(super) struct PodAccess {
    entries: Mutex<Entries>,
}

/// What is known of the pods of one name.
#[derive(Clone, Debug, Default)]
pub(super) struct Found {
    /// What each permits; empty where there is no such pod.
    pub(super) accesses: Vec<Option<Arc<Access>>>,
    /// The UID, if there is exactly one.
    pub(super) uid: Option<Uid>,
}

impl PodAccess {
    /// A pod was admitted with this access, by the policy with this digest.
    pub(super) fn admit(
        &self,
        uid: Uid,
        (namespace, name): (&str, &str),
        access: Arc<Access>,
        policy: &str,
    ) {
        let mut entries = self.lock();
        let name = (namespace.to_owned(), name.to_owned());
        entries.leave_other_name(uid, &name);
        if !entries.has_room(uid, &name) {
            tracing::warn!("no room to remember who may reach into one more pod: nobody may");
            entries.block(name);
            return;
        }
        let covers_another = entries.drop_replaced(uid, &name, &access);
        let admitted = Known {
            uid,
            access: Some(access),
            policy: policy.into(),
            is_gone: false,
            has_stopped: false,
            covers_another,
            seen_in: entries.list,
        };
        let pods = &mut entries.by_name.entry(name.clone()).or_default().pods;
        match pods.iter_mut().find(|known| known.uid == uid) {
            Some(known) => admit_anew(known, admitted),
            None => pods.push(admitted),
        }
        entries.names.insert(uid, name);
    }

    /// A pod is denied: nobody reaches into what may still run of it.
    pub(super) fn withdraw(&self, uid: Uid) {
        self.lock().withdraw(uid);
    }

    /// The API server says that the pod is deleted.
    pub(super) fn gone(&self, uid: Uid) {
        self.lock().change(uid, |known| known.is_gone = true);
    }

    /// The kubelet reported that every container of the pod has ended.
    pub(super) fn stopped(&self, uid: Uid) {
        self.lock().change(uid, |known| known.has_stopped = true);
    }

    /// A complete list with this number begins; what it does not name by its end is gone.
    pub(super) fn begin_list(&self, list: u64) {
        let mut entries = self.lock();
        entries.list = entries.list.max(list);
    }

    /// That list ended well.
    pub(super) fn end_list(&self, list: u64) {
        let mut entries = self.lock();
        let unseen = |namesakes: &Namesakes| {
            let unseen =
                namesakes.pods.iter().filter(|known| known.seen_in < list && !known.is_gone);
            unseen.map(|known| known.uid).collect::<Vec<_>>()
        };
        let unseen: Vec<Uid> = entries.by_name.values().flat_map(unseen).collect();
        unseen.into_iter().for_each(|uid| entries.change(uid, |known| known.is_gone = true));
    }

    /// The pods of this name, and what the policy with this digest permits on them.
    pub(super) fn find(&self, namespace: &str, name: &str, policy: &str) -> Found {
        let entries = self.lock();
        let key = (namespace.to_owned(), name.to_owned());
        let Some(namesakes) = entries.by_name.get(&key) else { return Found::default() };
        if namesakes.is_blocked || entries.is_overrun {
            return Found { accesses: vec![None], uid: None };
        }
        // What is gone and was never seen to stop may still run; what exists no more and stopped does not.
        let pods = &namesakes.pods;
        if pods.iter().all(|known| known.is_gone) {
            return Found::default();
        }
        let uid = match pods.as_slice() {
            [one] if !one.covers_another => Some(one.uid),
            _ => None,
        };
        Found { accesses: pods.iter().map(|known| known.access_by(policy)).collect(), uid }
    }

    fn lock(&self) -> MutexGuard<'_, Entries> {
        // Every change is whole in itself: a thread that ended in between left nothing half done.
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entries {
    fn withdraw(&mut self, uid: Uid) {
        self.change(uid, |known| known.access = None);
    }

    /// A UID that appears under another name: what ran under the old one may still run there.
    fn leave_other_name(&mut self, uid: Uid, name: &Name) {
        if self.names.get(&uid).is_none_or(|known| known == name) {
            return;
        }
        let Some(old) = self.names.remove(&uid) else { return };
        if let Some(namesakes) = self.by_name.get_mut(&old) {
            namesakes.pods.retain(|known| known.uid != uid);
        }
        self.block(old);
    }

    fn has_room(&self, uid: Uid, name: &Name) -> bool {
        let namesakes = self.by_name.get(name).map_or(0, |namesakes| namesakes.pods.len());
        self.names.contains_key(&uid)
            || (self.names.len() < LEDGER_CAPACITY && namesakes < PODS_OF_ONE_NAME)
    }

    fn block(&mut self, name: Name) {
        if self.by_name.len() >= BLOCKED_NAMES && !self.by_name.contains_key(&name) {
            self.is_overrun = true;
            return;
        }
        self.by_name.entry(name).or_default().is_blocked = true;
    }

    /// Drops pods of this name that are gone and permitted just the same: nothing is gained by reaching
    /// one for the other. True if one of them may run on; whoever replaces it answers for it then.
    fn drop_replaced(&mut self, by: Uid, name: &Name, access: &Arc<Access>) -> bool {
        let Some(namesakes) = self.by_name.get_mut(name) else { return false };
        let is_same =
            |known: &Known| known.access.as_ref().is_some_and(|own| Arc::ptr_eq(own, access));
        let replaced = namesakes
            .pods
            .extract_if(.., |known| known.uid != by && known.is_gone && is_same(known));
        let mut may_run_on = false;
        for known in replaced {
            may_run_on |= known.may_run_on();
            self.names.remove(&known.uid);
        }
        may_run_on
    }

    /// Changes one pod's entry, and drops it once the pod is gone and nothing of it can run.
    fn change(&mut self, uid: Uid, change: impl Fn(&mut Known)) {
        let Some(name) = self.names.get(&uid) else { return };
        let Some(namesakes) = self.by_name.get_mut(name) else { return };
        let pods = &mut namesakes.pods;
        pods.iter_mut().filter(|known| known.uid == uid).for_each(change);
        pods.retain(|known| known.uid != uid || !known.is_gone || known.may_run_on());
        let is_left = pods.iter().any(|known| known.uid == uid);
        if pods.is_empty() && !namesakes.is_blocked {
            self.by_name.remove(name);
        }
        if !is_left {
            self.names.remove(&uid);
        }
    }
}

/// The same UID once more. One that was deleted and may run on is another pod than what is listed under
/// its UID now, unless it is permitted just the same.
fn admit_anew(known: &mut Known, admitted: Known) {
    let is_same = match (&known.access, &admitted.access) {
        (Some(old), Some(new)) => Arc::ptr_eq(old, new),
        (None, _) | (_, None) => false,
    };
    let access = admitted.access.filter(|_| !known.may_run_on() || is_same);
    let covers_another = known.covers_another || admitted.covers_another;
    *known = Known { access, has_stopped: known.has_stopped, covers_another, ..admitted };
}

#[cfg(test)]
mod tests;
