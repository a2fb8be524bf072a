//! What this process knows of each pod, by UID: the spec it admitted, what it refused, what ended.
//!
//! Memory only, and bounded: a restart forgets pins (docs/reference/differences.md). A UID that was
//! once admitted stays pinned after its deletion, since UIDs are never used twice by an honest API
//! server, and what was once a mirror pod stays one. When the ledger is full of pods that still exist, new pods are denied rather than old pins
//! forgotten.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use thiserror::Error;

use super::limits::LEDGER_CAPACITY;
use super::pod_access::PodAccess;
use super::signed_counters::HeldCounter;
use crate::kube_wire::spec_pin::{NameTag, PinViolation, SpecChanges, SpecPin};
use crate::policy::{Remembered, Updates};

/// A pod's UID as a number: 128 bits, as its grammar promises.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Uid(u128);

impl Uid {
    /// Reads UUID text; `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = |byte: &u8| *byte != b'-';
        text.bytes()
            .filter(digits)
            .try_fold(0_u128, |number, byte| {
                let digit = char::from(byte).to_digit(16)?;
                number.checked_mul(16)?.checked_add(u128::from(digit))
            })
            .filter(|_| text.len() == 36)
            .map(Self)
    }
}

impl fmt::Display for Uid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = format!("{:032x}", self.0);
        for (at, digit) in digits.char_indices() {
            if matches!(at, 8 | 12 | 16 | 20) {
                f.write_str("-")?;
            }
            write!(f, "{digit}")?;
        }
        Ok(())
    }
}

/// Why the ledger does not let an admitted pod pass.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum LedgerRefusal {
    /// Another spec than the one admitted for this UID.
    #[error("{0}")]
    Pinned(#[from] PinViolation),
    /// A change that the API permits and the policy does not.
    #[error("{0} changed after admission, which the policy's `updates` do not tolerate")]
    Untolerated(&'static str),
    /// A kubelet that has it as an ordinary pod could not stop it any more.
    #[error("became a mirror pod after admission")]
    BecameMirror,
    /// A kubelet could run it under one name and know it as a mirror pod under another.
    #[error("became an ordinary pod after it was shown as a mirror pod")]
    BecameOrdinary,
    /// One UID, two names.
    #[error("name or namespace changed after it was shown as a mirror pod")]
    MirrorName,
    /// No room for one more pod that exists.
    #[error("this node already has {LEDGER_CAPACITY} pods on record")]
    Full,
}

/// What the ledger knew of a pod that is denied now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DenialStanding {
    /// It was not on record as denied for this reason: worth a decision record.
    pub is_news: bool,
    /// This process let the kubelet see it once, so containers may run.
    pub was_admitted: bool,
    /// The kubelet itself reported that all its containers ended.
    pub reported_stopped: bool,
}

/// What was admitted, and what the policy said then of later changes.
#[derive(Clone, Debug)]
pub struct Admission {
    /// The spec.
    pub pin: SpecPin,
    /// What of it may change.
    pub updates: Updates,
    /// The counter of the signed policy that admitted it, if one did.
    pub counter: Option<Box<HeldCounter>>,
    /// The verdict, if it may be remembered.
    pub remembered: Option<Remembered>,
}

#[derive(Debug, Default)]
struct Entry {
    /// Admitted as an ordinary pod.
    admission: Option<Admission>,
    /// Shown as a mirror pod of this name; then there is no admission.
    mirror: Option<NameTag>,
    denied_for: Option<u64>,
    /// What was last recorded of its admission beside the fact.
    remarked: Option<u64>,
    reported_stopped: bool,
    is_gone: bool,
    /// It stands in `dispensable`, where it must not stand twice.
    is_queued: bool,
    seen_in: u64,
}

#[derive(Debug, Default)]
struct Entries {
    by_uid: HashMap<Uid, Entry>,
    /// UIDs that were dispensable when they were put here, oldest first.
    dispensable: VecDeque<Uid>,
    list: u64,
}

/// The ledger. A few short critical sections a decision; nothing waits inside them.
#[derive(Debug, Default)]
pub struct PodLedger {
    entries: Mutex<Entries>,
    access: PodAccess,
}

/// Marks one list in progress; see [`PodLedger::end_list`].
#[derive(Clone, Copy, Debug)]
pub struct ListMark(u64);

impl PodLedger {
    /// A ledger whose register of access is this one.
    pub(super) fn new(access: PodAccess) -> Self {
        Self { entries: Mutex::default(), access }
    }

    /// Records an admission, unless another spec was admitted for this UID.
    pub fn admit(&self, uid: Uid, admission: Admission) -> Result<(), LedgerRefusal> {
        let mut entries = self.lock();
        let list = entries.list;
        if let Some(entry) = entries.by_uid.get_mut(&uid) {
            if entry.mirror.is_some() {
                return Err(LedgerRefusal::BecameOrdinary);
            }
            entry.seen_in = list;
            let admission = match entry.admission.take() {
                Some(before) => match before.permits(&admission) {
                    Ok(()) => admission,
                    // A list from a cache that lags shows what was before. It passed here then.
                    Err(_) if admission.permits(&before).is_ok() => before,
                    Err(refusal) => {
                        entry.admission = Some(before);
                        return Err(refusal);
                    }
                },
                None => admission,
            };
            let admission = Some(admission);
            *entry = Entry { admission, denied_for: None, is_gone: false, ..*entry };
            return Ok(());
        }
        entries.make_room()?;
        let admission = Some(admission);
        entries.by_uid.insert(uid, Entry { admission, seen_in: list, ..Entry::default() });
        Ok(())
    }

    /// Holds a spec against the one admitted for this UID, without recording anything: the answer to
    /// a GET may be ahead of the watch, which must not look changed when it catches up.
    pub fn compare(&self, uid: Uid, shown: &Admission) -> Result<(), LedgerRefusal> {
        match self.lock().by_uid.get(&uid) {
            Some(Entry { mirror: Some(_), .. }) => Err(LedgerRefusal::BecameOrdinary),
            Some(Entry { admission: Some(admitted), .. }) => match admitted.permits(shown) {
                Err(refusal) if shown.permits(admitted).is_err() => Err(refusal),
                Ok(()) | Err(_) => Ok(()),
            },
            Some(_) | None => Ok(()),
        }
    }

    /// Records that a kubelet gets to see a mirror pod, unless it has this UID as anything else.
    pub fn show_mirror(
        &self,
        uid: Uid,
        (namespace, name): (&str, &str),
    ) -> Result<(), LedgerRefusal> {
        let mut entries = self.lock();
        let (list, mirror) = (entries.list, NameTag::of(namespace, name));
        if let Some(entry) = entries.by_uid.get_mut(&uid) {
            entry.may_be_mirror(mirror)?;
            entry.mirror = Some(mirror);
            entry.seen_in = list;
            entry.denied_for = None;
            entry.is_gone = false;
            return Ok(());
        }
        entries.make_room()?;
        let mirror = Some(mirror);
        entries.by_uid.insert(uid, Entry { mirror, seen_in: list, ..Entry::default() });
        Ok(())
    }

    /// Holds a mirror pod against what is known of its UID, without recording anything.
    pub fn compare_mirror(
        &self,
        uid: Uid,
        (namespace, name): (&str, &str),
    ) -> Result<(), LedgerRefusal> {
        let entries = self.lock();
        let mirror = NameTag::of(namespace, name);
        entries.by_uid.get(&uid).map_or(Ok(()), |entry| entry.may_be_mirror(mirror))
    }

    /// Notes what an admitted pod's records say beside the fact (by its digest); is it news?
    pub fn remark(&self, uid: Uid, remark: Option<u64>) -> bool {
        let mut entries = self.lock();
        let Some(entry) = entries.by_uid.get_mut(&uid) else { return remark.is_some() };
        let before = std::mem::replace(&mut entry.remarked, remark);
        remark.is_some() && before != remark
    }

    /// The verdict that is remembered of this pod.
    pub(super) fn remembered(&self, uid: Uid) -> Option<Remembered> {
        let entries = self.lock();
        entries.by_uid.get(&uid)?.admission.as_ref()?.remembered.clone()
    }

    /// Was a spec of this pod admitted here?
    pub fn is_pinned(&self, uid: Uid) -> bool {
        self.lock().by_uid.get(&uid).is_some_and(|entry| entry.admission.is_some())
    }

    /// What `read` makes of the counter that a pod was admitted by, as long as the kubelet has the pod.
    /// One that was denied or deleted since, or that ended and is shown as if it had not, would be
    /// started anew: nothing is held for it.
    pub(super) fn held_counter(
        &self,
        uid: Uid,
        is_over: bool,
        read: impl FnOnce(&HeldCounter) -> Option<u64>,
    ) -> Option<u64> {
        let entries = self.lock();
        let entry = entries.by_uid.get(&uid)?;
        let has_it =
            entry.denied_for.is_none() && !entry.is_gone && (is_over || !entry.reported_stopped);
        let admission = entry.admission.as_ref().filter(|_| has_it)?;
        read(admission.counter.as_deref()?)
    }

    /// What is permitted on the pods that the kubelet has.
    pub(super) fn access(&self) -> &PodAccess {
        &self.access
    }

    /// Records a denial for a reason (by its digest).
    pub fn deny(&self, uid: Uid, reason: u64) -> DenialStanding {
        self.access.withdraw(uid);
        let mut entries = self.lock();
        let list = entries.list;
        if let Some(entry) = entries.by_uid.get_mut(&uid) {
            entry.seen_in = list;
            let is_news = entry.denied_for.replace(reason) != Some(reason);
            return DenialStanding {
                is_news,
                was_admitted: entry.admission.is_some(),
                reported_stopped: entry.reported_stopped,
            };
        }
        // A denied pod needs no entry to stay denied; without room it is merely recorded again.
        if entries.make_room().is_ok() {
            let denied_for = Some(reason);
            let entry = Entry { denied_for, is_queued: true, seen_in: list, ..Entry::default() };
            entries.by_uid.insert(uid, entry);
            entries.dispensable.push_back(uid);
        }
        DenialStanding { is_news: true, was_admitted: false, reported_stopped: false }
    }

    /// The API server says that the pod of this name is deleted. A kubelet's reflector removes by name:
    /// if this UID was admitted under another one, the kubelet still has it, and its pin stays.
    pub fn forget_later(&self, uid: Uid, (namespace, name): (&str, &str)) {
        let mut entries = self.lock();
        let known = entries.by_uid.get(&uid).and_then(Entry::name);
        if known.is_some_and(|known| known != NameTag::of(namespace, name)) {
            return;
        }
        entries.mark_gone(uid);
        drop(entries);
        self.access.gone(uid);
    }

    /// The kubelet reported a terminal phase: every container of the pod has ended.
    pub fn kubelet_reported_stop(&self, uid: Uid) {
        self.access.stopped(uid);
        if let Some(entry) = self.lock().by_uid.get_mut(&uid) {
            entry.reported_stopped = true;
        }
    }

    /// A complete list begins; what it does not name by its end is gone.
    pub fn begin_list(&self) -> ListMark {
        let mut entries = self.lock();
        entries.list = entries.list.saturating_add(1);
        self.access.begin_list(entries.list);
        ListMark(entries.list)
    }

    /// The complete list ended well.
    pub fn end_list(&self, mark: ListMark) {
        self.access.end_list(mark.0);
        let mut entries = self.lock();
        let unseen: Vec<Uid> = entries
            .by_uid
            .iter()
            .filter(|(_, entry)| entry.seen_in < mark.0 && !entry.is_gone)
            .map(|(uid, _)| *uid)
            .collect();
        unseen.into_iter().for_each(|uid| entries.mark_gone(uid));
    }

    /// A poisoned lock means that a decision died half-way; entries are replaced whole, so what is
    /// there is still true.
    fn lock(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Admission {
    /// May `later` follow? A change has to be tolerated before and after: by what the pod was admitted
    /// for, and by what it would be admitted for now.
    fn permits(&self, later: &Self) -> Result<(), LedgerRefusal> {
        self.pin.permits(&later.pin)?;
        let SpecChanges { image, resources, active_deadline_seconds, tolerations } =
            self.pin.changes(&later.pin);
        let (then, now) = (self.updates, later.updates);
        let fields = [
            (image, then.image && now.image, "the image of a container"),
            (resources, then.resources && now.resources, "resources"),
            (
                active_deadline_seconds,
                then.active_deadline_seconds && now.active_deadline_seconds,
                "spec.activeDeadlineSeconds",
            ),
            (tolerations, then.tolerations && now.tolerations, "spec.tolerations"),
        ];
        let refused = fields.into_iter().find(|(changed, tolerated, _)| *changed && !tolerated);
        refused.map_or(Ok(()), |(_, _, field)| Err(LedgerRefusal::Untolerated(field)))
    }
}

impl Entry {
    /// Under which name the kubelet got it, if it did.
    fn name(&self) -> Option<NameTag> {
        self.mirror.or_else(|| self.admission.as_ref().map(|admission| admission.pin.name()))
    }

    fn may_be_mirror(&self, of: NameTag) -> Result<(), LedgerRefusal> {
        match (&self.admission, self.mirror) {
            (Some(_), _) => Err(LedgerRefusal::BecameMirror),
            (None, Some(known)) if known != of => Err(LedgerRefusal::MirrorName),
            (None, Some(_) | None) => Ok(()),
        }
    }
}

impl Entries {
    fn mark_gone(&mut self, uid: Uid) {
        if let Some(entry) = self.by_uid.get_mut(&uid) {
            entry.is_gone = true;
            if !entry.is_queued {
                entry.is_queued = true;
                self.dispensable.push_back(uid);
            }
        }
    }

    /// Frees one place, the longest dispensable entry first.
    fn make_room(&mut self) -> Result<(), LedgerRefusal> {
        while self.by_uid.len() >= LEDGER_CAPACITY {
            let uid = self.dispensable.pop_front().ok_or(LedgerRefusal::Full)?;
            match self.by_uid.get_mut(&uid) {
                // Let through again since it was put here: it is needed after all.
                Some(entry) if entry.name().is_some() && !entry.is_gone => entry.is_queued = false,
                Some(_) | None => {
                    self.by_uid.remove(&uid);
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
