//! Watch events, cut from a stream by JSON structure, never by lines.
//!
//! A reader that cuts by lines can be shown one event where the kubelet, whose decoder cuts by
//! structure, sees two. BOOKMARK, ERROR and DELETED are read for the few facts that they carry, so
//! that nothing else in them can travel on. Next in the story: `received_pod`.

use super::document::{DocumentFault, is_blank, wait_for_more};
use super::grammar::Grammar;
use super::input::Input;
use super::json::{Cursor, Halt, Limits, Tape, Value, ValueFault};
use super::pod::{PodIdentity, salvage_identity};
use super::received_pod::ReceivedPod;
use super::status_object::Status;

/// The annotation that ends the initial events of a WatchList (KEP-3157).
pub const INITIAL_EVENTS_END: &str = "k8s.io/initial-events-end";

/// What the bytes so far hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WatchStep {
    /// No whole event; more bytes are needed.
    More,
    /// An event: see [`WatchReader::event`].
    Event,
    /// The stream ended between events.
    End,
}

/// One event.
#[derive(Debug)]
pub enum WatchEvent<'a> {
    /// The pod is new to the watcher.
    Added(ReceivedPod<'a>),
    /// The pod changed.
    Modified(ReceivedPod<'a>),
    /// The pod is gone.
    Deleted {
        /// Which one.
        identity: PodIdentity<'a>,
        /// The version of its end.
        resource_version: &'a str,
    },
    /// Nothing happened up to this version.
    Bookmark {
        /// The version.
        resource_version: &'a str,
        /// All pods that there were have been sent.
        initial_events_end: bool,
    },
    /// The watch is over.
    Error(Status),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum EventType {
    Added,
    Modified,
    Deleted,
    Bookmark,
    Error,
}

/// Reads a stream of watch events.
#[derive(Debug)]
pub struct WatchReader {
    input: Input,
    tape: Tape,
    /// Where the envelope's own strings are read, so that they do not overwrite the object.
    names: Tape,
    flaw: Option<ValueFault>,
    kind: EventType,
    limits: Limits,
    max_event_bytes: usize,
}

impl WatchReader {
    /// A reader that takes events of at most so many bytes.
    pub fn new(limits: Limits, max_event_bytes: usize) -> Self {
        Self {
            input: Input::default(),
            tape: Tape::default(),
            names: Tape::default(),
            flaw: None,
            kind: EventType::Error,
            limits,
            max_event_bytes,
        }
    }

    /// Appends bytes as they arrive.
    pub fn push(&mut self, chunk: &[u8]) {
        self.input.push(chunk);
    }

    /// The sender has finished.
    pub fn end_input(&mut self) {
        self.input.end();
    }

    /// Goes to the next event or the end.
    pub fn advance(&mut self) -> Result<WatchStep, DocumentFault> {
        self.input.release();
        if is_blank(self.input.unread()) {
            let blank = self.input.unread().len();
            self.input.take(blank);
            self.input.release();
            return Ok(if self.input.has_ended() { WatchStep::End } else { WatchStep::More });
        }
        let source = self.input.unread();
        let mut cursor = Cursor::new(source);
        let tapes = (&mut self.tape, &mut self.names);
        match read_frame(&mut cursor, source, tapes, self.limits) {
            Ok((kind, flaw)) => {
                let end = cursor.offset();
                if end > self.max_event_bytes {
                    return Err(DocumentFault::TooLarge { limit: self.max_event_bytes });
                }
                self.kind = kind;
                self.flaw = flaw;
                self.input.take(end);
                Ok(WatchStep::Event)
            }
            Err(Stop::Fault(fault)) => Err(fault),
            Err(Stop::Halt(halt)) => {
                let (unread, ended) = (self.input.unread().len(), self.input.has_ended());
                wait_for_more(halt, unread, self.max_event_bytes, ended)?;
                Ok(WatchStep::More)
            }
        }
    }

    /// The event that [`Self::advance`] went to; `None` at any other step.
    pub fn event(&self) -> Result<Option<WatchEvent<'_>>, DocumentFault> {
        if !self.input.has_unit() {
            return Ok(None);
        }
        let object = self.tape.root(self.input.unread());
        let flaw = self.flaw.clone();
        let event = match self.kind {
            EventType::Added => WatchEvent::Added(ReceivedPod::read(object, flaw)),
            EventType::Modified => WatchEvent::Modified(ReceivedPod::read(object, flaw)),
            EventType::Deleted => deleted(object)?,
            EventType::Bookmark => bookmark(object, flaw)?,
            EventType::Error => WatchEvent::Error(Status::read(object, flaw)?),
        };
        Ok(Some(event))
    }

    /// Memory held for bytes and values, in bytes.
    pub fn held_bytes(&self) -> usize {
        self.input.capacity().saturating_add(self.tape.held_bytes())
    }

    /// Is part of an event waiting for the rest?
    pub fn is_mid_event(&self) -> bool {
        !is_blank(self.input.unread())
    }
}

/// Reads `{"type": …, "object": …}`, in either order, each once, and leaves the object on the tape.
fn read_frame(
    cursor: &mut Cursor<'_>,
    source: &[u8],
    (tape, names): (&mut Tape, &mut Tape),
    limits: Limits,
) -> Result<(EventType, Option<ValueFault>), Stop> {
    let (mut kind, mut object) = (None, None);
    cursor.punctuation(b'{')?;
    loop {
        let flaw = cursor.value(names, limits)?;
        let is_object = match (flaw, names.root(source).as_str()) {
            (None, Some("type")) if kind.is_none() => false,
            (None, Some("object")) if object.is_none() => true,
            (_, _) => return Err(envelope("an event has `type` and `object`, once each")),
        };
        cursor.punctuation(b':')?;
        if is_object {
            if cursor.peek()? != b'{' {
                return Err(envelope("the object of an event is not an object"));
            }
            object = Some(cursor.value(tape, limits)?);
        } else {
            let flaw = cursor.value(names, limits)?;
            kind = Some(match (flaw, names.root(source).as_str()) {
                (None, Some("ADDED")) => EventType::Added,
                (None, Some("MODIFIED")) => EventType::Modified,
                (None, Some("DELETED")) => EventType::Deleted,
                (None, Some("BOOKMARK")) => EventType::Bookmark,
                (None, Some("ERROR")) => EventType::Error,
                (_, _) => return Err(envelope("unknown event type")),
            });
        }
        if cursor.peek()? == b'}' {
            cursor.punctuation(b'}')?;
            break;
        }
        cursor.punctuation(b',')?;
    }
    kind.zip(object).ok_or_else(|| envelope("an event has `type` and `object`, once each"))
}

fn deleted(object: Value<'_>) -> Result<WatchEvent<'_>, DocumentFault> {
    let (identity, resource_version) = salvage_identity(object);
    let (identity, resource_version) = identity
        .zip(resource_version)
        .ok_or(DocumentFault::Envelope("a DELETED event does not tell which pod is gone"))?;
    Ok(WatchEvent::Deleted { identity, resource_version })
}

fn bookmark(
    object: Value<'_>,
    flaw: Option<ValueFault>,
) -> Result<WatchEvent<'_>, DocumentFault> {
    if let Some(fault) = flaw {
        return Err(fault.into());
    }
    let metadata = object.field("metadata");
    let resource_version = metadata
        .and_then(|metadata| metadata.field("resourceVersion"))
        .and_then(|version| version.as_str())
        .filter(|version| Grammar::ResourceVersion.matches(version))
        .ok_or(DocumentFault::Envelope("a BOOKMARK has no resource version"))?;
    let initial_events_end = metadata
        .and_then(|metadata| metadata.field("annotations"))
        .and_then(|annotations| annotations.field(INITIAL_EVENTS_END))
        .is_some_and(|value| value.as_str() == Some("true"));
    Ok(WatchEvent::Bookmark { resource_version, initial_events_end })
}

fn envelope(problem: &'static str) -> Stop {
    Stop::Fault(DocumentFault::Envelope(problem))
}

/// Why an attempt at one event did not succeed.
enum Stop {
    Halt(Halt),
    Fault(DocumentFault),
}

impl From<Halt> for Stop {
    fn from(halt: Halt) -> Self {
        Self::Halt(halt)
    }
}
