//! What the policy permits on each pod that the kubelet has, for the guard of the kubelet's own API.
//!
//! The guard asks by namespace and name, as the kubelet does: it finds a running container by the name
//! of its pod, whatever the UID (`findContainer`). A hostile API server could so have a harmless pod
//! stand in front of one that still runs under the same name. Therefore a pod stays on record, gone or
//! not, until the kubelet itself reports that it stopped or no longer names it among what runs, and a
//! call must be permitted by **every** pod on record under its name, and by no pod that runs there and
//! is not on record. Without room for a new pod it has no access at all.

mod entries;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::limits::LISTED_SETTLES;
use super::pod_ledger::Uid;
use crate::kubelet_api::running::RunningPods;
use crate::metrics::handles::Gauge;
use crate::policy::Access;
use entries::{Entries, Known, admit_anew};

/// The register. One short critical section a call; nothing waits inside it.
#[derive(Debug, Default)]
pub(super) struct PodAccess {
    entries: Mutex<Entries>,
    held: Gauge,
}

/// What is known of the pods of one name.
#[derive(Clone, Debug, Default)]
pub(super) struct Found {
    /// What each permits; empty where there is no such pod.
    pub(super) accesses: Vec<Option<Arc<Access>>>,
    /// The UID, if there is exactly one.
    pub(super) uid: Option<Uid>,
    /// Cancelled when one of them permits something else, or another pod takes their name.
    pub(super) changed: CancellationToken,
}

/// Who runs under a name beside the pods on record.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Others {
    /// A pod of the node's own files: its UID is none that an API server's pod can have here.
    pub(super) is_static: bool,
    /// The UID of a pod that nobody admitted since the start.
    pub(super) stranger: Option<String>,
}

impl PodAccess {
    /// A register whose size this gauge tells.
    pub(super) fn new(held: Gauge) -> Self {
        Self { entries: Mutex::default(), held }
    }

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
        let covers = entries.drop_replaced(uid, &name, &access);
        let admitted = Known {
            uid,
            access: Some(Arc::clone(&access)),
            policy: policy.into(),
            gone_at: None,
            has_stopped: false,
            covers,
            seen_in: entries.list,
        };
        let namesakes = entries.by_name.entry(name.clone()).or_default();
        let said_so_before = namesakes.pods.iter().any(|known| known.is_permitted_as(&access));
        let pods = &mut namesakes.pods;
        let keeps_access = match pods.iter_mut().find(|known| known.uid == uid) {
            Some(known) => admit_anew(known, admitted),
            None => {
                pods.push(admitted);
                true
            }
        };
        if !said_so_before || !keeps_access {
            namesakes.changed();
        }
        entries.names.insert(uid, name);
        self.tell(&entries);
    }

    /// A pod is denied: nobody reaches into what may still run of it, and who does is cut off.
    pub(super) fn withdraw(&self, uid: Uid) {
        let mut entries = self.lock();
        entries.change(uid, |known| known.access = None);
        if let Some(namesakes) = entries.namesakes_of(uid) {
            namesakes.changed();
        }
    }

    /// The API server says that the pod is deleted.
    pub(super) fn gone(&self, uid: Uid) {
        let mut entries = self.lock();
        entries.mark_gone(uid);
        self.tell(&entries);
    }

    /// The kubelet reported that every container of the pod has ended.
    pub(super) fn stopped(&self, uid: Uid) {
        let mut entries = self.lock();
        entries.change(uid, |known| known.has_stopped = true);
        self.tell(&entries);
    }

    /// A complete list with this number begins; what it does not name by its end is gone.
    pub(super) fn begin_list(&self, list: u64) {
        let mut entries = self.lock();
        entries.list = entries.list.max(list);
    }

    /// That list ended well.
    pub(super) fn end_list(&self, list: u64) {
        let mut entries = self.lock();
        let unseen = entries.by_name.values().flat_map(|namesakes| {
            let pods = namesakes.pods.iter();
            pods.filter(|known| known.seen_in < list && known.gone_at.is_none())
        });
        let unseen: Vec<Uid> = unseen.map(|known| known.uid).collect();
        unseen.into_iter().for_each(|uid| entries.mark_gone(uid));
        self.tell(&entries);
    }

    /// The kubelet has got all its pods anew, by whichever way: what it had before and was not shown
    /// again, it ends.
    pub(super) fn listed(&self) {
        self.lock().listed_at.get_or_insert_with(Instant::now);
    }

    /// From when on the kubelet's word about what runs is whole: it is old by three seconds, and what
    /// this process never admitted may begin to run until the kubelet has listed. `None` before.
    pub(super) fn settled_at(&self) -> Option<Instant> {
        self.lock().listed_at.and_then(|listed| listed.checked_add(LISTED_SETTLES))
    }

    /// The pods of this name, and what the policy with this digest permits on them.
    pub(super) fn find(&self, namespace: &str, name: &str, policy: &str) -> Found {
        self.lock().find(&(namespace.to_owned(), name.to_owned()), policy)
    }

    /// The same, and who runs under the name beside them.
    pub(super) fn find_with(
        &self,
        (namespace, name): (&str, &str),
        policy: &str,
        running: &RunningPods,
    ) -> (Found, Others) {
        let entries = self.lock();
        let key = (namespace.to_owned(), name.to_owned());
        let mut others = Others::default();
        for uid in running.under(namespace, name) {
            match Uid::parse(uid) {
                Some(known) if entries.knows(&key, known) => {}
                None if is_of_a_file(uid) => others.is_static = true,
                Some(_) | None => others.stranger = Some(uid.clone()),
            }
        }
        (entries.find(&key, policy), others)
    }

    /// Drops what is gone for long and does not run.
    pub(super) fn free(&self, running: &RunningPods) {
        let mut entries = self.lock();
        entries.free(running);
        self.tell(&entries);
    }

    /// Is there anything that an answer about running pods could free?
    pub(super) fn has_gone_entries(&self) -> bool {
        let entries = self.lock();
        let mut pods = entries.by_name.values().flat_map(|namesakes| &namesakes.pods);
        pods.any(|known| known.gone_at.is_some() || !known.covers.is_empty())
    }

    fn tell(&self, entries: &Entries) {
        self.held.set(i64::try_from(entries.names.len()).unwrap_or(i64::MAX));
    }

    fn lock(&self) -> MutexGuard<'_, Entries> {
        // Every change is whole in itself: a thread that ended in between left nothing half done.
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The UID that a kubelet gives to a pod of its own files: an MD5 in hexadecimal (`applyDefaults` of
/// `pkg/kubelet/config`). Pods of the API server pass here with a UUID alone.
fn is_of_a_file(uid: &str) -> bool {
    let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    uid.len() == 32 && uid.bytes().all(is_digit)
}

#[cfg(test)]
mod tests;
