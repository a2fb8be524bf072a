//! A list such as a `PodList`, cut into items as its bytes arrive.
//!
//! Members may come in any order; each may come once; others are refused, since a key that one reader
//! ignores (`KIND`) decides for another. Memory: one item at a time. Next in the story: `received_pod`,
//! `received_object`.

use std::ops::ControlFlow;

use super::document::{DocumentFault, LONGEST_ENVELOPE_TEXT, Stop, is_blank, wait_for_more};
use super::input::Input;
use super::json::{Cursor, ExtentHint, Halt, Limits, Tape, Value, ValueFault};
use super::pod_schema::LIST_METADATA;
use super::resource::{Item, Resource};
use super::schema;

/// Largest member of the envelope beside the items; a continue token is a few hundred bytes. It is
/// read anew at every piece, so what it may cost is bounded here.
const MAX_MEMBER_BYTES: usize = 64 << 10;

/// What a caller needs of `metadata` to go on listing and to watch from here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListMetadata {
    /// `resourceVersion`.
    pub resource_version: String,
    /// `continue`: opaque, empty on the last page.
    pub continue_token: String,
    /// `remainingItemCount`.
    pub remaining_item_count: Option<i64>,
}

/// What the bytes so far hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListStep {
    /// Nothing whole; more bytes are needed.
    More,
    /// An item: see [`ListReader::item`].
    Item,
    /// The document ended well.
    End,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Start,
    FirstMember,
    NextMember,
    FirstItem,
    Item,
    NextItem,
    Ended,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Member {
    Kind,
    ApiVersion,
    Metadata,
    Items,
}

/// Reads one list.
#[derive(Debug)]
pub struct ListReader {
    of: &'static Resource,
    input: Input,
    tape: Tape,
    flaw: Option<ValueFault>,
    /// Set while an item is incomplete, so that it is not parsed anew at every piece.
    hint: Option<ExtentHint>,
    limits: Limits,
    max_item_bytes: usize,
    stage: Stage,
    envelope: Envelope,
}

impl ListReader {
    /// A reader of a list of these, that takes items of at most so many bytes.
    pub fn new(of: &'static Resource, limits: Limits, max_item_bytes: usize) -> Self {
        Self {
            of,
            input: Input::default(),
            tape: Tape::default(),
            flaw: None,
            hint: None,
            limits,
            max_item_bytes,
            stage: Stage::Start,
            envelope: Envelope::default(),
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

    /// Goes to the next item or the end.
    pub fn advance(&mut self) -> Result<ListStep, DocumentFault> {
        self.input.release();
        loop {
            match self.attempt() {
                Ok(ControlFlow::Continue(())) => {}
                Ok(ControlFlow::Break(step)) => return Ok(step),
                Err(Stop::Fault(fault)) => return Err(fault),
                Err(Stop::Halt(halt)) => {
                    let (unread, ended) = (self.input.unread().len(), self.input.has_ended());
                    let limit = match self.stage {
                        Stage::Item => self.max_item_bytes,
                        Stage::Start
                        | Stage::FirstMember
                        | Stage::NextMember
                        | Stage::FirstItem
                        | Stage::NextItem
                        | Stage::Ended => MAX_MEMBER_BYTES.min(self.max_item_bytes),
                    };
                    wait_for_more(halt, unread, limit, ended)?;
                    return Ok(ListStep::More);
                }
            }
        }
    }

    /// The item that [`Self::advance`] went to; `None` at any other step.
    pub fn item(&self) -> Option<Item<'_>> {
        let at_item = self.stage == Stage::NextItem && self.input.has_unit();
        at_item
            .then(|| Item { value: self.tape.root(self.input.unread()), flaw: self.flaw.clone() })
    }

    /// `metadata`, once it was read; all of it at [`ListStep::End`].
    pub fn metadata(&self) -> Option<&ListMetadata> {
        let Envelope { seen, metadata } = &self.envelope;
        seen.contains(&Member::Metadata).then_some(metadata)
    }

    /// Memory held for bytes and values, in bytes.
    pub fn held_bytes(&self) -> usize {
        self.input.capacity().saturating_add(self.tape.capacity_bytes())
    }

    /// Is part of a document waiting for the rest?
    pub fn is_mid_document(&self) -> bool {
        self.stage != Stage::Ended
    }

    /// Reads one step from the unread bytes, or leaves everything as it was.
    fn attempt(&mut self) -> Result<ControlFlow<ListStep>, Stop> {
        let mut cursor = Cursor::new(self.input.unread());
        match self.stage {
            Stage::Start => {
                cursor.punctuation(b'{')?;
                self.stage = Stage::FirstMember;
            }
            Stage::FirstMember | Stage::NextMember => {
                if cursor.advance(b'}', self.stage == Stage::FirstMember)? {
                    self.stage = self.envelope.read_member(
                        self.of,
                        &mut cursor,
                        self.input.unread(),
                        &mut self.tape,
                        self.limits,
                    )?;
                } else {
                    self.envelope.expect_all_members()?;
                    self.stage = Stage::Ended;
                }
            }
            Stage::FirstItem | Stage::NextItem => {
                let more = cursor.advance(b']', self.stage == Stage::FirstItem)?;
                self.stage = if more { Stage::Item } else { Stage::NextMember };
            }
            Stage::Item => return self.attempt_item(),
            Stage::Ended => return self.finish(),
        }
        let end = cursor.offset();
        self.input.take(end);
        self.input.release();
        Ok(ControlFlow::Continue(()))
    }

    fn attempt_item(&mut self) -> Result<ControlFlow<ListStep>, Stop> {
        let unread = self.input.unread();
        let is_worth_it = match &mut self.hint {
            Some(hint) => hint.may_be_complete(unread) || self.input.has_ended(),
            None => true,
        };
        if !is_worth_it {
            return Err(Halt::Incomplete.into());
        }
        let mut cursor = Cursor::new(unread);
        match cursor.value(&mut self.tape, self.limits) {
            Ok(flaw) => self.flaw = flaw,
            Err(halt) => {
                if self.hint.is_none() {
                    let mut hint = ExtentHint::new();
                    hint.may_be_complete(unread);
                    self.hint = Some(hint);
                }
                return Err(halt.into());
            }
        }
        self.hint = None;
        let end = cursor.offset();
        if end > self.max_item_bytes {
            return Err(DocumentFault::TooLarge { limit: self.max_item_bytes }.into());
        }
        self.stage = Stage::NextItem;
        self.input.take(end);
        Ok(ControlFlow::Break(ListStep::Item))
    }

    fn finish(&mut self) -> Result<ControlFlow<ListStep>, Stop> {
        let rest = self.input.unread();
        if !is_blank(rest) {
            return Err(DocumentFault::TrailingBytes.into());
        }
        let rest = rest.len();
        self.input.take(rest);
        self.input.release();
        let step = if self.input.has_ended() { ListStep::End } else { ListStep::More };
        Ok(ControlFlow::Break(step))
    }
}

/// The envelope's members that were read so far.
#[derive(Debug, Default)]
struct Envelope {
    seen: Vec<Member>,
    metadata: ListMetadata,
}

impl Envelope {
    /// Reads one member; the list of items only up to its bracket.
    fn read_member(
        &mut self,
        of: &Resource,
        cursor: &mut Cursor<'_>,
        source: &[u8],
        tape: &mut Tape,
        limits: Limits,
    ) -> Result<Stage, Stop> {
        let member = match cursor.key(LONGEST_ENVELOPE_TEXT)?.as_ref() {
            "kind" => Member::Kind,
            "apiVersion" => Member::ApiVersion,
            "metadata" => Member::Metadata,
            "items" => Member::Items,
            _ => return Err(DocumentFault::Envelope("a list has no such member").into()),
        };
        if self.seen.contains(&member) {
            return Err(DocumentFault::Envelope("a member stands twice").into());
        }
        if member == Member::Items && cursor.peek()? == b'[' {
            cursor.punctuation(b'[')?;
            self.seen.push(member);
            return Ok(Stage::FirstItem);
        }
        if let Some(fault) = cursor.value(tape, limits)? {
            return Err(DocumentFault::Member(fault).into());
        }
        let value = tape.root(source);
        match member {
            Member::Kind if value.as_str() == Some(of.list_kind) => {}
            Member::ApiVersion if value.as_str() == Some(of.api_version) => {}
            Member::Items if value.is_null() => {}
            Member::Metadata => self.metadata = read_metadata(value)?,
            Member::Kind | Member::ApiVersion | Member::Items => {
                return Err(
                    DocumentFault::Envelope("this is not the list that was asked for").into()
                );
            }
        }
        self.seen.push(member);
        Ok(Stage::NextMember)
    }

    fn expect_all_members(&self) -> Result<(), Stop> {
        let all = [Member::Kind, Member::ApiVersion, Member::Metadata, Member::Items];
        if all.iter().all(|member| self.seen.contains(member)) {
            return Ok(());
        }
        Err(DocumentFault::Envelope("kind, apiVersion, metadata and items must be there").into())
    }
}

fn read_metadata(value: Value<'_>) -> Result<ListMetadata, Stop> {
    let checked = schema::check(value, LIST_METADATA).map_err(DocumentFault::Member)?;
    let text = |name: &str| {
        let member = checked.value().field(name);
        member.and_then(|value| value.as_str()).unwrap_or_default().to_owned()
    };
    Ok(ListMetadata {
        resource_version: text("resourceVersion"),
        continue_token: text("continue"),
        remaining_item_count: checked
            .value()
            .field("remainingItemCount")
            .and_then(|value| value.as_i64()),
    })
}

#[cfg(test)]
mod tests;
