//! Watch events, cut from a stream by JSON structure, never by lines.
//!
//! A reader that cuts by lines can be shown one event where the kubelet, whose decoder cuts by
//! structure, sees two. BOOKMARK, ERROR and DELETED are read for the few facts that they carry, so
//! that nothing else in them can travel on. Next in the story: `received_pod`, `received_object`.

use super::document::{DocumentFault, LONGEST_ENVELOPE_TEXT, Stop, is_blank, wait_for_more};
use super::grammar::Grammar;
use super::input::Input;
use super::json::{Cursor, ExtentHint, Halt, Limits, Tape, Value, ValueFault};
use super::pod::{Pod, PodIdentity};
use super::resource::{Item, Resource};
use super::salvage::{SalvagedIdentity, salvage_identity};
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

/// Enough of an object to take it away from a watcher. Every part matched its grammar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tombstone<'a> {
    /// Its namespace; empty for what has none.
    pub namespace: &'a str,
    /// Its name.
    pub name: &'a str,
    /// Its UID, if it is known.
    pub uid: Option<&'a str>,
    /// Version of the event, if it is known.
    pub resource_version: Option<&'a str>,
}

impl<'a> From<SalvagedIdentity<'a>> for Tombstone<'a> {
    fn from(identity: SalvagedIdentity<'a>) -> Self {
        let SalvagedIdentity { namespace, name, uid, resource_version } = identity;
        Self { namespace, name, uid, resource_version }
    }
}

impl<'a> From<&Pod<'a>> for Tombstone<'a> {
    fn from(pod: &Pod<'a>) -> Self {
        let PodIdentity { namespace, name, uid } = pod.identity;
        let resource_version = Some(pod.resource_version).filter(|version| !version.is_empty());
        Self { namespace, name, uid: Some(uid), resource_version }
    }
}

/// One event.
#[derive(Debug)]
pub enum WatchEvent<'a> {
    /// The object is new to the watcher.
    Added(Item<'a>),
    /// The object changed.
    Modified(Item<'a>),
    /// The object is gone.
    Deleted(Tombstone<'a>),
    /// Nothing happened up to this version.
    Bookmark {
        /// The version.
        resource_version: &'a str,
        /// All objects that there were have been sent.
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
    of: &'static Resource,
    input: Input,
    tape: Tape,
    /// Set while an event is incomplete, so that it is not parsed anew at every piece.
    hint: Option<ExtentHint>,
    flaw: Option<ValueFault>,
    kind: EventType,
    limits: Limits,
    max_event_bytes: usize,
}

impl WatchReader {
    /// A reader of events about these, that takes events of at most so many bytes.
    pub fn new(of: &'static Resource, limits: Limits, max_event_bytes: usize) -> Self {
        Self {
            of,
            input: Input::default(),
            tape: Tape::default(),
            hint: None,
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
        match self.attempt() {
            Ok(()) => Ok(WatchStep::Event),
            Err(Stop::Fault(fault)) => Err(fault),
            Err(Stop::Halt(halt)) => {
                let (unread, ended) = (self.input.unread().len(), self.input.has_ended());
                wait_for_more(halt, unread, self.max_event_bytes, ended)?;
                Ok(WatchStep::More)
            }
        }
    }

    fn attempt(&mut self) -> Result<(), Stop> {
        let unread = self.input.unread();
        let is_worth_it = match &mut self.hint {
            Some(hint) => hint.may_be_complete(unread) || self.input.has_ended(),
            None => true,
        };
        if !is_worth_it {
            return Err(Halt::Incomplete.into());
        }
        let mut cursor = Cursor::new(unread);
        match read_frame(&mut cursor, &mut self.tape, self.limits) {
            Ok((kind, flaw)) => (self.kind, self.flaw) = (kind, flaw),
            Err(stop) => {
                if self.hint.is_none() {
                    let mut hint = ExtentHint::new();
                    hint.may_be_complete(unread);
                    self.hint = Some(hint);
                }
                return Err(stop);
            }
        }
        self.hint = None;
        let end = cursor.offset();
        if end > self.max_event_bytes {
            return Err(DocumentFault::TooLarge { limit: self.max_event_bytes }.into());
        }
        self.input.take(end);
        Ok(())
    }

    /// The event that [`Self::advance`] went to; `None` at any other step.
    pub fn event(&self) -> Result<Option<WatchEvent<'_>>, DocumentFault> {
        if !self.input.has_unit() {
            return Ok(None);
        }
        let object = self.tape.root(self.input.unread());
        let flaw = self.flaw.clone();
        let item = |flaw| Item { value: object, flaw };
        let event = match self.kind {
            EventType::Added => WatchEvent::Added(item(flaw)),
            EventType::Modified => WatchEvent::Modified(item(flaw)),
            EventType::Deleted => deleted(object, self.of)?,
            EventType::Bookmark => bookmark(object, flaw)?,
            EventType::Error => WatchEvent::Error(Status::read(object, flaw)?),
        };
        Ok(Some(event))
    }

    /// Memory held for bytes and values, in bytes.
    pub fn held_bytes(&self) -> usize {
        self.input.capacity().saturating_add(self.tape.capacity_bytes())
    }

    /// Is part of an event waiting for the rest?
    pub fn is_mid_event(&self) -> bool {
        !is_blank(self.input.unread())
    }
}

/// Reads `{"type": …, "object": …}`, in either order, each once, and leaves the object on the tape.
fn read_frame(
    cursor: &mut Cursor<'_>,
    tape: &mut Tape,
    limits: Limits,
) -> Result<(EventType, Option<ValueFault>), Stop> {
    const MEMBERS: &str = "an event has `type` and `object`, once each";
    let (mut kind, mut object) = (None, None);
    cursor.punctuation(b'{')?;
    let mut is_first = true;
    while cursor.advance(b'}', is_first)? {
        is_first = false;
        match cursor.key(LONGEST_ENVELOPE_TEXT)?.as_ref() {
            "type" if kind.is_none() => kind = Some(read_type(cursor)?),
            "object" if object.is_none() => {
                if cursor.peek()? != b'{' {
                    return Err(envelope("the object of an event is not an object"));
                }
                object = Some(cursor.value(tape, limits)?);
            }
            _ => return Err(envelope(MEMBERS)),
        }
    }
    kind.zip(object).ok_or_else(|| envelope(MEMBERS))
}

fn read_type(cursor: &mut Cursor<'_>) -> Result<EventType, Stop> {
    Ok(match cursor.text(LONGEST_ENVELOPE_TEXT)?.as_ref() {
        "ADDED" => EventType::Added,
        "MODIFIED" => EventType::Modified,
        "DELETED" => EventType::Deleted,
        "BOOKMARK" => EventType::Bookmark,
        "ERROR" => EventType::Error,
        _ => return Err(envelope("unknown event type")),
    })
}

fn deleted<'a>(object: Value<'a>, of: &Resource) -> Result<WatchEvent<'a>, DocumentFault> {
    let identity = salvage_identity(object, of);
    let identity =
        identity.ok_or(DocumentFault::Envelope("a DELETED event does not tell what is gone"))?;
    Ok(WatchEvent::Deleted(identity.into()))
}

fn bookmark(object: Value<'_>, flaw: Option<ValueFault>) -> Result<WatchEvent<'_>, DocumentFault> {
    if let Some(fault) = flaw {
        return Err(fault.into());
    }
    let metadata = object.field("metadata");
    let resource_version = metadata
        .and_then(|metadata| metadata.field("resourceVersion"))
        .and_then(|version| version.as_str())
        .filter(|version| Grammar::Token.matches(version))
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

#[cfg(test)]
mod tests;
