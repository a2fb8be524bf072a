//! A `PodList` document, cut into pods as its bytes arrive.
//!
//! Members may come in any order; each may come once; others are refused, since a key that one reader
//! ignores (`KIND`) decides for another. Memory: one pod at a time. Next in the story: `received_pod`.

use std::ops::ControlFlow;

use super::document::{DocumentFault, is_blank, wait_for_more};
use super::input::Input;
use super::json::{Cursor, Halt, Limits, Tape, ValueFault};
use super::pod_schema::LIST_META;
use super::received_pod::ReceivedPod;
use super::schema;

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
    /// A pod: see [`PodListReader::pod`].
    Pod,
    /// The document ended well.
    End,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Start,
    FirstMember,
    NextMember,
    FirstItem,
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

/// Reads one `PodList`.
#[derive(Debug)]
pub struct PodListReader {
    input: Input,
    tape: Tape,
    flaw: Option<ValueFault>,
    limits: Limits,
    max_pod_bytes: usize,
    stage: Stage,
    seen: Vec<Member>,
    metadata: ListMetadata,
}

impl PodListReader {
    /// A reader that takes pods of at most so many bytes.
    pub fn new(limits: Limits, max_pod_bytes: usize) -> Self {
        Self {
            input: Input::default(),
            tape: Tape::default(),
            flaw: None,
            limits,
            max_pod_bytes,
            stage: Stage::Start,
            seen: Vec::with_capacity(4),
            metadata: ListMetadata::default(),
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

    /// Goes to the next pod or the end.
    pub fn advance(&mut self) -> Result<ListStep, DocumentFault> {
        self.input.release();
        loop {
            match self.attempt() {
                Ok(ControlFlow::Continue(())) => {}
                Ok(ControlFlow::Break(step)) => return Ok(step),
                Err(Stop::Fault(fault)) => return Err(fault),
                Err(Stop::Halt(halt)) => {
                    let (unread, ended) = (self.input.unread().len(), self.input.has_ended());
                    wait_for_more(halt, unread, self.max_pod_bytes, ended)?;
                    return Ok(ListStep::More);
                }
            }
        }
    }

    /// The pod that [`Self::advance`] went to; `None` at any other step.
    pub fn pod(&self) -> Option<ReceivedPod<'_>> {
        let at_item = self.stage == Stage::NextItem && self.input.has_unit();
        at_item.then(|| {
            ReceivedPod::read(self.tape.root(self.input.unread()), self.flaw.clone())
        })
    }

    /// `metadata`, once it was read; all of it at [`ListStep::End`].
    pub fn metadata(&self) -> Option<&ListMetadata> {
        self.seen.contains(&Member::Metadata).then_some(&self.metadata)
    }

    /// Memory held for bytes and values, in bytes.
    pub fn held_bytes(&self) -> usize {
        self.input.capacity().saturating_add(self.tape.held_bytes())
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
                if cursor.peek()? == b'}' {
                    cursor.punctuation(b'}')?;
                    self.expect_all_members()?;
                    self.stage = Stage::Ended;
                } else {
                    if self.stage == Stage::NextMember {
                        cursor.punctuation(b',')?;
                    }
                    self.stage = read_member(
                        &mut cursor,
                        self.input.unread(),
                        &mut self.tape,
                        self.limits,
                        &mut self.seen,
                        &mut self.metadata,
                    )?;
                }
            }
            Stage::FirstItem | Stage::NextItem => {
                if cursor.peek()? == b']' {
                    cursor.punctuation(b']')?;
                    self.stage = Stage::NextMember;
                } else {
                    if self.stage == Stage::NextItem {
                        cursor.punctuation(b',')?;
                    }
                    self.flaw = cursor.value(&mut self.tape, self.limits)?;
                    let end = cursor.offset();
                    self.within_size(end)?;
                    self.stage = Stage::NextItem;
                    self.input.take(end);
                    return Ok(ControlFlow::Break(ListStep::Pod));
                }
            }
            Stage::Ended => return self.finish(),
        }
        let end = cursor.offset();
        self.input.take(end);
        self.input.release();
        Ok(ControlFlow::Continue(()))
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

    fn expect_all_members(&self) -> Result<(), Stop> {
        let all = [Member::Kind, Member::ApiVersion, Member::Metadata, Member::Items];
        if all.iter().all(|member| self.seen.contains(member)) {
            Ok(())
        } else {
            Err(DocumentFault::Envelope("kind, apiVersion, metadata and items must be there").into())
        }
    }

    fn within_size(&self, bytes: usize) -> Result<(), Stop> {
        if bytes > self.max_pod_bytes {
            return Err(DocumentFault::TooLarge { limit: self.max_pod_bytes }.into());
        }
        Ok(())
    }
}

/// Reads one member of the envelope; the list of items only up to its bracket.
fn read_member(
    cursor: &mut Cursor<'_>,
    source: &[u8],
    tape: &mut Tape,
    limits: Limits,
    seen: &mut Vec<Member>,
    metadata: &mut ListMetadata,
) -> Result<Stage, Stop> {
    let flaw = cursor.value(tape, limits)?;
    let member = match (flaw, tape.root(source).as_str()) {
        (None, Some("kind")) => Member::Kind,
        (None, Some("apiVersion")) => Member::ApiVersion,
        (None, Some("metadata")) => Member::Metadata,
        (None, Some("items")) => Member::Items,
        (_, _) => return Err(DocumentFault::Envelope("a PodList has no such member").into()),
    };
    if seen.contains(&member) {
        return Err(DocumentFault::Envelope("a member stands twice").into());
    }
    cursor.punctuation(b':')?;
    let stage = if member == Member::Items && cursor.peek()? == b'[' {
        cursor.punctuation(b'[')?;
        Stage::FirstItem
    } else {
        let flaw = cursor.value(tape, limits)?;
        let value = tape.root(source);
        if let Some(fault) = flaw {
            return Err(DocumentFault::Member(fault).into());
        }
        match member {
            Member::Kind if value.as_str() == Some("PodList") => {}
            Member::ApiVersion if value.as_str() == Some("v1") => {}
            Member::Items if value.is_null() => {}
            Member::Metadata => *metadata = read_metadata(value)?,
            Member::Kind | Member::ApiVersion | Member::Items => {
                return Err(DocumentFault::Envelope("this is no v1 PodList").into());
            }
        }
        Stage::NextMember
    };
    seen.push(member);
    Ok(stage)
}

fn read_metadata(value: super::json::Value<'_>) -> Result<ListMetadata, Stop> {
    let checked = schema::check(value, &LIST_META).map_err(DocumentFault::Member)?;
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

/// Why an attempt at one step did not succeed.
enum Stop {
    Halt(Halt),
    Fault(DocumentFault),
}

impl From<Halt> for Stop {
    fn from(halt: Halt) -> Self {
        Self::Halt(halt)
    }
}

impl From<DocumentFault> for Stop {
    fn from(fault: DocumentFault) -> Self {
        Self::Fault(fault)
    }
}
