//! A watch on its way through: every event decided on, denials turned into deletions.
//!
//! A denied event is never just dropped: a DELETED takes the pod from the kubelet if it had it (which
//! stops it, by the last spec that was admitted), does nothing if it had not, and moves the version on.
//! Whatever ends a watch here ends it with `410 Expired`, so that the kubelet lists again.

use super::body::{Filter, Progress};
use super::kubelet_bytes::{Arrival, KubeletBytes, PodWriter};
use crate::kube_wire::document::DocumentFault;
use crate::kube_wire::received_pod::ReceivedPod;
use crate::kube_wire::status_object::Status;
use crate::kube_wire::watch_event::{WatchEvent, WatchReader, WatchStep};
use crate::kubelet_proxy::decide::{Hearing, Ruling, Scratch, Source};
use crate::kubelet_proxy::error::{AnswerFault, BreakOff};
use crate::kubelet_proxy::limits::{MAX_OBJECT_BYTES, OBJECT_LIMITS};
use crate::kubelet_proxy::pod_ledger::Uid;
use crate::kubelet_proxy::policy_in_force::Reflector;
use crate::metrics::handles::Counted;

/// One watch in progress.
pub(in crate::kubelet_proxy) struct WatchFilter {
    hearing: Hearing,
    reflector: Reflector,
    reader: WatchReader,
    writer: PodWriter,
    scratch: Scratch,
    /// Counts this stream among the open ones for as long as it lives.
    _open: Counted,
}

impl WatchFilter {
    pub(in crate::kubelet_proxy) fn new(hearing: Hearing, reflector: Reflector) -> Self {
        let open = hearing.meters().watch_stream();
        Self {
            hearing,
            reflector,
            reader: WatchReader::new(OBJECT_LIMITS, MAX_OBJECT_BYTES),
            writer: PodWriter::default(),
            scratch: Scratch::default(),
            _open: open,
        }
    }

    fn read_on(&mut self) -> Result<Progress, AnswerFault> {
        loop {
            match self.reader.advance()? {
                WatchStep::More => return Ok(Progress::More),
                WatchStep::End => return Ok(Progress::Ended),
                WatchStep::Event => {}
            }
            let Self { hearing, reflector, reader, writer, scratch, _open } = self;
            match reader.event()? {
                None => {}
                Some(WatchEvent::Added(received)) => {
                    pass(hearing, writer, scratch, &received, Arrival::Added)?;
                }
                Some(WatchEvent::Modified(received)) => {
                    pass(hearing, writer, scratch, &received, Arrival::Modified)?;
                }
                Some(WatchEvent::Deleted(tombstone)) => {
                    if let Some(uid) = tombstone.uid.and_then(Uid::parse) {
                        hearing.ledger().forget_later(uid);
                    }
                    hearing.meters().events.deleted.increment();
                    writer.deletion(&tombstone);
                }
                Some(WatchEvent::Bookmark { resource_version, initial_events_end }) => {
                    hearing.meters().events.bookmark.increment();
                    writer.bookmark(resource_version, initial_events_end);
                    if initial_events_end {
                        hearing.by().listed(reflector);
                    }
                }
                Some(WatchEvent::Error(status)) => {
                    hearing.meters().events.error.increment();
                    writer.error(&status);
                    return Ok(Progress::Ended);
                }
            }
        }
    }
}

fn pass(
    hearing: &Hearing,
    writer: &mut PodWriter,
    scratch: &mut Scratch,
    received: &ReceivedPod<'_>,
    arrival: Arrival,
) -> Result<(), AnswerFault> {
    let events = &hearing.meters().events;
    let (passed, denied) = match arrival {
        Arrival::Added => (&events.added, &events.added_denied),
        Arrival::Modified => (&events.modified, &events.modified_denied),
    };
    match hearing.rule(received, Source::Watch(arrival), scratch) {
        Ruling::Admit(pod) => {
            passed.increment();
            writer.arrival(arrival, &pod);
        }
        Ruling::Deny(tombstone) => {
            denied.increment();
            writer.deletion(&tombstone);
        }
        // Nobody can say which pod to take away, so the kubelet has to look at all of them.
        Ruling::Unidentified => {
            let fault = DocumentFault::Envelope("an event's pod has no well-formed identity");
            return Err(fault.into());
        }
    }
    Ok(())
}

impl Filter for WatchFilter {
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
