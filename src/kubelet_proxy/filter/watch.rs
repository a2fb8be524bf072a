//! A watch on its way through: every event decided on, denials turned into deletions.
//!
//! A denied event is never just dropped: a DELETED takes the object from the kubelet if it had it (a pod is
//! stopped, by the last spec that was admitted), does nothing if it had not, and moves the version on.
//! Whatever ends a watch here ends it with `410 Expired`, so that the kubelet lists again.

use super::body::{Filter, Progress};
use super::docket::{Docket, Event};
use super::kubelet_bytes::{Arrival, ItemWriter, KubeletBytes};
use crate::kube_wire::document::DocumentFault;
use crate::kube_wire::resource::Item;
use crate::kube_wire::status_object::Status;
use crate::kube_wire::watch_event::{WatchEvent, WatchReader, WatchStep};
use crate::kubelet_proxy::decide::{Ruling, Scratch, Source};
use crate::kubelet_proxy::error::{AnswerFault, BreakOff};
use crate::kubelet_proxy::limits::{MAX_OBJECT_BYTES, OBJECT_LIMITS};

/// One watch in progress.
pub(in crate::kubelet_proxy) struct WatchFilter<D> {
    docket: D,
    reader: WatchReader,
    writer: ItemWriter,
    scratch: Scratch,
}

impl<D: Docket> WatchFilter<D> {
    pub(in crate::kubelet_proxy) fn new(docket: D) -> Self {
        let of = docket.of();
        Self {
            docket,
            reader: WatchReader::new(of, OBJECT_LIMITS, MAX_OBJECT_BYTES),
            writer: ItemWriter::new(of),
            scratch: Scratch::default(),
        }
    }

    fn read_on(&mut self) -> Result<Progress, AnswerFault> {
        loop {
            match self.reader.advance()? {
                WatchStep::More => return Ok(Progress::More),
                WatchStep::End => return Ok(Progress::Ended),
                WatchStep::Event => {}
            }
            let Self { docket, reader, writer, scratch } = self;
            match reader.event()? {
                None => {}
                Some(WatchEvent::Added(item)) => {
                    pass(docket, writer, scratch, item, Arrival::Added)?;
                }
                Some(WatchEvent::Modified(item)) => {
                    pass(docket, writer, scratch, item, Arrival::Modified)?;
                }
                Some(WatchEvent::Deleted(gone)) => {
                    docket.deleted(&gone);
                    docket.note(Event::Deleted);
                    writer.deletion(&gone);
                }
                Some(WatchEvent::Bookmark { resource_version, initial_events_end }) => {
                    docket.note(Event::Bookmark);
                    writer.bookmark(resource_version, initial_events_end);
                    if initial_events_end && let Some(status) = docket.initial_events_ended() {
                        writer.error(&status);
                        return Ok(Progress::Ended);
                    }
                }
                Some(WatchEvent::Error(status)) => {
                    docket.note(Event::Error);
                    writer.error(&status);
                    return Ok(Progress::Ended);
                }
            }
        }
    }
}

fn pass(
    docket: &impl Docket,
    writer: &mut ItemWriter,
    scratch: &mut Scratch,
    item: Item<'_>,
    arrival: Arrival,
) -> Result<(), AnswerFault> {
    match docket.rule(item, Source::Watch(arrival), scratch) {
        Ruling::Admit(admitted) => {
            docket.note(Event::Passed(arrival));
            writer.arrival(arrival, &admitted);
        }
        Ruling::Deny(gone) | Ruling::Later(gone) => {
            docket.note(Event::Denied(arrival));
            writer.deletion(&gone);
        }
        // Nobody can say what to take away, so the kubelet has to look at everything.
        Ruling::Unidentified => {
            let fault = DocumentFault::Envelope("an event's object has no well-formed identity");
            return Err(fault.into());
        }
    }
    Ok(())
}

impl<D: Docket> Filter for WatchFilter<D> {
    fn feed(&mut self, chunk: &[u8]) -> Result<Progress, AnswerFault> {
        self.reader.push(chunk);
        self.read_on()
    }

    fn end_input(&mut self) -> Result<Progress, AnswerFault> {
        self.reader.end_input();
        self.read_on()
    }

    /// A lost connection alone hides nothing: the kubelet resumes where its last event left it.
    fn interrupt(&mut self, because: &AnswerFault) -> Progress {
        if !matches!(because, AnswerFault::BrokenOff(BreakOff::Connection)) {
            self.writer.error(&Status::expired(&because.to_string()));
        }
        Progress::Ended
    }

    fn pending(&self) -> usize {
        self.writer.pending()
    }

    fn take(&mut self) -> Option<KubeletBytes> {
        self.writer.take()
    }

    fn held_bytes(&self) -> usize {
        self.reader.held_bytes().saturating_add(self.scratch.held_bytes())
    }

    fn is_mid_object(&self) -> bool {
        self.reader.is_mid_event()
    }

    fn is_endless(&self) -> bool {
        true
    }
}
