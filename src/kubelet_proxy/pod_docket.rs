//! What lists and watches of pods ask: the judge, and the ledger of what exists.

use super::decide::{Hearing, Ruling, Scratch, Source};
use super::filter::docket::{Docket, Event};
use super::filter::kubelet_bytes::Arrival;
use super::list_log::Reflector;
use super::pod_ledger::{ListMark, Uid};
use crate::kube_wire::received_pod::ReceivedPod;
use crate::kube_wire::resource::{Item, PODS, Resource};
use crate::kube_wire::status_object::Status;
use crate::kube_wire::watch_event::Tombstone;
use crate::metrics::handles::Counted;

/// The decisions of one list or watch of pods.
pub(super) struct PodDocket {
    hearing: Hearing,
    reflector: Reflector,
    /// Set when absence from this list means that a pod is gone.
    mark: Option<ListMark>,
    /// The initial events of a WatchList are still coming.
    is_initial: bool,
    /// Counts a watch among the open ones for as long as it lives.
    _open: Option<Counted>,
}

impl PodDocket {
    /// Of a list. `is_partial`: a page, from which absence proves nothing.
    pub(super) fn of_list(hearing: Hearing, reflector: Reflector, is_partial: bool) -> Self {
        let mark = (!is_partial).then(|| hearing.ledger().begin_list());
        Self { mark, ..Self::of(hearing, reflector) }
    }

    /// Of a watch that goes on from a list.
    pub(super) fn of_watch(hearing: Hearing, reflector: Reflector) -> Self {
        let open = Some(hearing.meters().watch_stream());
        Self { _open: open, ..Self::of(hearing, reflector) }
    }

    /// Of a watch that begins with everything, or with a choice of it.
    pub(super) fn of_watch_list(hearing: Hearing, reflector: Reflector, is_partial: bool) -> Self {
        let mark = (!is_partial).then(|| hearing.ledger().begin_list());
        Self { mark, is_initial: true, ..Self::of_watch(hearing, reflector) }
    }

    fn of(mut hearing: Hearing, reflector: Reflector) -> Self {
        let has_taken_a_list = hearing.first_lists().has_taken(&reflector);
        hearing.show_mirrors(has_taken_a_list);
        Self { hearing, reflector, mark: None, is_initial: false, _open: None }
    }

    /// A whole list went through. Were mirror pods left out of it?
    fn listed(&mut self) -> bool {
        if let Some(mark) = self.mark.take() {
            self.hearing.ledger().end_list(mark);
        }
        self.hearing.ledger().access().listed();
        self.hearing.by().pod_lists().listed(&self.reflector);
        self.hearing.first_lists().listed(&self.reflector)
    }
}

impl Docket for PodDocket {
    fn of(&self) -> &'static Resource {
        &PODS
    }

    fn rule<'s, 'p>(
        &self,
        item: Item<'p>,
        source: Source,
        scratch: &'s mut Scratch,
    ) -> Ruling<'s, 'p> {
        let left_out = self.hearing.by().policy().unknown_fields();
        let received = ReceivedPod::from_item_leaving_out(item, left_out);
        let ruling = self.hearing.rule(&received, source, scratch);
        if matches!(ruling, Ruling::Later(_)) {
            self.hearing.first_lists().left_out(&self.reflector);
        }
        ruling
    }

    fn deleted(&self, gone: &Tombstone<'_>) {
        if let Some(uid) = gone.uid.and_then(Uid::parse) {
            self.hearing.ledger().forget_later(uid, (gone.namespace, gone.name));
        }
    }

    fn list_ended(&mut self, continues: &str) {
        // Whatever was asked for, the API server says whether there is more: then absence proves nothing.
        if !continues.is_empty() {
            self.hearing.by().pod_lists().goes_on(continues);
            return;
        }
        self.listed();
    }

    fn initial_events_ended(&mut self) -> Option<Status> {
        if !std::mem::take(&mut self.is_initial) {
            return None;
        }
        if self.listed() {
            let reason = "kubelet-proxy has left mirror pods out of the first list: go on from it";
            return Some(Status::failure(429, "TooManyRequests", reason));
        }
        // What comes after the end of the initial events is read after these were stored.
        self.hearing.show_mirrors(true);
        None
    }

    fn note(&self, event: Event) {
        let events = &self.hearing.meters().events;
        match event {
            Event::Passed(Arrival::Added) => &events.added,
            Event::Passed(Arrival::Modified) => &events.modified,
            Event::Denied(Arrival::Added) => &events.added_denied,
            Event::Denied(Arrival::Modified) => &events.modified_denied,
            Event::Deleted => &events.deleted,
            Event::Bookmark => &events.bookmark,
            Event::Error => &events.error,
        }
        .increment();
    }
}

#[cfg(test)]
mod tests;
