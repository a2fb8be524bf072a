//! What lists and watches ask while they go by: who decides on an item, and who hears of its end.
//!
//! Cutting, writing, memory and time are the same for pods and for the objects beside them; what differs
//! is here.

use super::kubelet_bytes::Arrival;
use crate::kube_wire::resource::{Item, Resource};
use crate::kube_wire::status_object::Status;
use crate::kube_wire::watch_event::Tombstone;
use crate::kubelet_proxy::decide::{Ruling, Scratch, Source};

/// What became of a watch event, for counting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::kubelet_proxy) enum Event {
    /// Admitted.
    Passed(Arrival),
    /// Not.
    Denied(Arrival),
    /// A deletion.
    Deleted,
    /// A bookmark.
    Bookmark,
    /// The end.
    Error,
}

/// One answer's decisions, by one policy from its first item to its last.
pub(in crate::kubelet_proxy) trait Docket: Send {
    /// What the items are.
    fn of(&self) -> &'static Resource;
    /// Rules on one item.
    fn rule<'s, 'p>(
        &self,
        item: Item<'p>,
        source: Source,
        scratch: &'s mut Scratch,
    ) -> Ruling<'s, 'p>;
    /// The API server says that this is gone.
    fn deleted(&self, gone: &Tombstone<'_>);
    /// A list ended well; it goes on at a token unless that is empty.
    fn list_ended(&mut self, continues: &str);
    /// A watch has brought everything that there is. It ends here if that was not everything.
    fn initial_events_ended(&mut self) -> Option<Status>;
    /// An event of a watch was passed on, or turned into a deletion.
    fn note(&self, event: Event);
}
