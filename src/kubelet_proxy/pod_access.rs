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

#[derive(Clone, Debug)]
struct Known {
    uid: Uid,
    /// Nothing is permitted where this is absent: denied since, or not decided on anew.
    access: Option<Arc<Access>>,
    is_gone: bool,
    has_stopped: bool,
    seen_in: u64,
}

#[derive(Debug, Default)]
struct Entries {
    by_name: HashMap<(String, String), Vec<Known>>,
    names: HashMap<Uid, (String, String)>,
    list: u64,
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
    /// A pod was admitted with this access.
    pub(super) fn admit(&self, uid: Uid, namespace: &str, name: &str, access: Arc<Access>) {
        let mut entries = self.lock();
        let list = entries.list;
        let key = (namespace.to_owned(), name.to_owned());
        match entries.names.get(&uid) {
            Some(known) if *known == key => {}
            // The same pod under another name: the kubelet's records of the old one stay.
            Some(_) => entries.withdraw(uid),
            None if entries.names.len() >= LEDGER_CAPACITY => {
                tracing::warn!("no room to remember who may reach into one more pod: nobody may");
                return;
            }
            None => {}
        }
        entries.drop_replaced(&key, &access);
        let pods = entries.by_name.entry(key.clone()).or_default();
        let admitted =
            Known { uid, access: Some(access), is_gone: false, has_stopped: false, seen_in: list };
        if let Some(known) = pods.iter_mut().find(|known| known.uid == uid) {
            let has_stopped = known.has_stopped;
            *known = Known { has_stopped, ..admitted };
        } else if pods.len() < PODS_OF_ONE_NAME {
            pods.push(admitted);
        } else {
            // Nobody can be told apart any more: whoever is on record blocks this name.
            pods.iter_mut().for_each(|known| known.access = None);
            return;
        }
        entries.names.insert(uid, key);
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

    /// A complete list begins; what it does not name by its end is gone.
    pub(super) fn begin_list(&self) {
        let mut entries = self.lock();
        entries.list = entries.list.saturating_add(1);
    }

    /// A complete list ended well.
    pub(super) fn end_list(&self) {
        let mut entries = self.lock();
        let list = entries.list;
        let unseen = |pods: &Vec<Known>| {
            let unseen = pods.iter().filter(|known| known.seen_in < list && !known.is_gone);
            unseen.map(|known| known.uid).collect::<Vec<_>>()
        };
        let unseen: Vec<Uid> = entries.by_name.values().flat_map(unseen).collect();
        unseen.into_iter().for_each(|uid| entries.change(uid, |known| known.is_gone = true));
    }

    /// Another policy is in force: nothing is permitted on a pod until that has admitted it.
    pub(super) fn forget_permits(&self) {
        let mut entries = self.lock();
        let pods = entries.by_name.values_mut().flatten();
        // What is gone is never admitted anew; the old word on it goes on limiting who takes its name.
        pods.filter(|known| !known.is_gone).for_each(|known| known.access = None);
    }

    /// The pods of this name.
    pub(super) fn find(&self, namespace: &str, name: &str) -> Found {
        let entries = self.lock();
        let key = (namespace.to_owned(), name.to_owned());
        let Some(pods) = entries.by_name.get(&key) else { return Found::default() };
        // What is gone and was never seen to stop may still run; what exists no more and stopped does not.
        let exists = pods.iter().any(|known| !known.is_gone);
        if !exists {
            return Found::default();
        }
        let uid = match pods.as_slice() {
            [one] => Some(one.uid),
            _ => None,
        };
        Found { accesses: pods.iter().map(|known| known.access.clone()).collect(), uid }
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

    /// Drops pods of this name that are gone and permitted just the same: nothing is gained by reaching
    /// one for the other.
    fn drop_replaced(&mut self, key: &(String, String), access: &Arc<Access>) {
        let Some(pods) = self.by_name.get_mut(key) else { return };
        let is_same =
            |known: &Known| known.access.as_ref().is_some_and(|own| Arc::ptr_eq(own, access));
        let replaced = pods.extract_if(.., |known| known.is_gone && is_same(known));
        for known in replaced {
            self.names.remove(&known.uid);
        }
    }

    /// Changes one pod's entry, and drops it once the pod is both gone and stopped.
    fn change(&mut self, uid: Uid, change: impl Fn(&mut Known)) {
        let Some(key) = self.names.get(&uid) else { return };
        let Some(pods) = self.by_name.get_mut(key) else { return };
        pods.iter_mut().filter(|known| known.uid == uid).for_each(change);
        pods.retain(|known| known.uid != uid || !(known.is_gone && known.has_stopped));
        let is_left = pods.iter().any(|known| known.uid == uid);
        if pods.is_empty() {
            self.by_name.remove(key);
        }
        if !is_left {
            self.names.remove(&uid);
        }
    }
}

#[cfg(test)]
mod tests;
