//! What lists and watches of pods ask: the judge, and the ledger of what exists.

use super::decide::{Hearing, Ruling, Scratch, Source};
use super::filter::docket::{Docket, Event};
use super::filter::kubelet_bytes::Arrival;
use super::list_log::Reflector;
use super::pod_ledger::{ListMark, Uid};
use crate::kube_wire::received_pod::ReceivedPod;
use crate::kube_wire::resource::{Item, PODS, Resource};
use crate::kube_wire::watch_event::Tombstone;
use crate::metrics::handles::Counted;

/// The decisions of one list or watch of pods.
pub(super) struct PodDocket {
    hearing: Hearing,
    reflector: Reflector,
    /// Set when absence from this list means that a pod is gone.
    mark: Option<ListMark>,
    /// Counts a watch among the open ones for as long as it lives.
    _open: Option<Counted>,
}

impl PodDocket {
    /// Of a list. `is_partial`: a page, from which absence proves nothing.
    pub(super) fn of_list(hearing: Hearing, reflector: Reflector, is_partial: bool) -> Self {
        let mark = (!is_partial).then(|| hearing.ledger().begin_list());
        Self { hearing, reflector, mark, _open: None }
    }

    /// Of a watch.
    pub(super) fn of_watch(hearing: Hearing, reflector: Reflector) -> Self {
        let open = Some(hearing.meters().watch_stream());
        Self { hearing, reflector, mark: None, _open: open }
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
        self.hearing.rule(&received, source, scratch)
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
        if let Some(mark) = self.mark.take() {
            self.hearing.ledger().end_list(mark);
        }
        self.hearing.by().pod_lists().listed(&self.reflector);
    }

    fn initial_events_ended(&self) {
        self.hearing.by().pod_lists().listed(&self.reflector);
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
