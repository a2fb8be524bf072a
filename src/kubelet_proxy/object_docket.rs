//! What lists and watches of objects beside pods ask.

use super::decide::{Hearing, Ruling, Scratch, Source};
use super::filter::docket::{Docket, Event};
use super::list_log::Reflector;
use crate::kube_wire::received_object::{ObjectKind, ReceivedObject};
use crate::kube_wire::resource::{Item, Resource};
use crate::kube_wire::status_object::Status;
use crate::kube_wire::watch_event::Tombstone;

/// The decisions of one list or watch of objects.
pub(super) struct ObjectDocket {
    pub(super) hearing: Hearing,
    pub(super) reflector: Reflector,
    pub(super) kind: ObjectKind,
}

impl Docket for ObjectDocket {
    fn of(&self) -> &'static Resource {
        self.kind.resource()
    }

    fn rule<'s, 'p>(
        &self,
        item: Item<'p>,
        source: Source,
        scratch: &'s mut Scratch,
    ) -> Ruling<'s, 'p> {
        let received = ReceivedObject::read(item, self.kind);
        self.hearing.rule_on_object(&received, self.kind, source, scratch)
    }

    /// Nothing is kept of an object: each is judged by itself.
    fn deleted(&self, _: &Tombstone<'_>) {}

    fn list_ended(&mut self, continues: &str) {
        let lists = self.hearing.by().object_lists();
        if continues.is_empty() {
            lists.listed(&self.reflector);
        } else {
            lists.goes_on(continues);
        }
    }

    fn initial_events_ended(&mut self) -> Option<Status> {
        self.hearing.by().object_lists().listed(&self.reflector);
        None
    }

    /// Decisions are counted where they are made.
    fn note(&self, _: Event) {}
}
