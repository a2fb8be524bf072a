//! Phase 4, for answers that are one object: read whole, within the budget, and matched to the question.

use std::pin::pin;

use http_body_util::BodyExt;
use tokio::time::{Instant, timeout};

use super::classify::PodName;
use super::error::{AnswerFault, BreakOff};
use super::limits::{
    EVENT_DEADLINE, FREE_BODY_BYTES, MAX_OBJECT_BYTES, MID_OBJECT_SILENCE, OBJECT_LIMITS,
};
use crate::http::budget::{BodyBudget, Reservation};
use crate::kube_wire::document::{DocumentFault, read_whole};
use crate::kube_wire::json::{Tape, ValueFault};
use crate::kube_wire::received_object::{ObjectKind, ReceivedObject};
use crate::kube_wire::received_pod::ReceivedPod;
use crate::kube_wire::resource::Item;
use crate::kube_wire::status_object::Status;
use crate::upstream::UpstreamBody;

/// One parsed object and the memory it stands in.
#[derive(Debug)]
pub(super) struct ObjectAnswer {
    document: Vec<u8>,
    tape: Tape,
    flaw: Option<ValueFault>,
    _reserved: Option<Reservation>,
}

/// What the object is.
#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "one at a time, on the stack; a box is an allocation a pod"
)]
pub(super) enum Answered<'a> {
    /// A pod, not decided on yet.
    Pod(ReceivedPod<'a>),
    /// A Status.
    Status(Status),
}

/// Reads the body of an answer that is one object. Its length is often not announced, so memory is
/// reserved as it grows: for the bytes, the values read from them, and the answer written from those.
pub(super) async fn read_answer(
    body: UpstreamBody,
    budget: &BodyBudget,
) -> Result<ObjectAnswer, AnswerFault> {
    const COPIES: usize = 4;
    let too_slow = |_| AnswerFault::BrokenOff(BreakOff::TooSlow);
    let out_of_memory = |_| AnswerFault::BrokenOff(BreakOff::Memory);
    let deadline = Instant::now().checked_add(EVENT_DEADLINE);
    let mut body = pin!(body);
    let mut document = Vec::new();
    let mut reserved: Option<Reservation> = None;
    while let Some(frame) = timeout(MID_OBJECT_SILENCE, body.frame()).await.map_err(too_slow)? {
        let frame = frame.map_err(|_| AnswerFault::BrokenOff(BreakOff::Connection))?;
        let Ok(chunk) = frame.into_data() else { continue };
        document.extend_from_slice(&chunk);
        if document.len() > MAX_OBJECT_BYTES {
            return Err(DocumentFault::TooLarge { limit: MAX_OBJECT_BYTES }.into());
        }
        if deadline.is_some_and(|deadline| Instant::now() > deadline) {
            return Err(AnswerFault::BrokenOff(BreakOff::TooSlow));
        }
        if document.capacity() > FREE_BODY_BYTES {
            let wanted = document.capacity().saturating_mul(COPIES) as u64;
            match &mut reserved {
                Some(reserved) => reserved.grow_to(wanted).await.map_err(out_of_memory)?,
                None => reserved = Some(budget.reserve(wanted).await.map_err(out_of_memory)?),
            }
        }
    }
    parse(document, reserved)
}

fn parse(document: Vec<u8>, reserved: Option<Reservation>) -> Result<ObjectAnswer, AnswerFault> {
    let mut tape = Tape::default();
    let flaw = read_whole(&document, &mut tape, OBJECT_LIMITS)?;
    Ok(ObjectAnswer { document, tape, flaw, _reserved: reserved })
}

impl ObjectAnswer {
    /// The object, if it can be an answer to a question about this namespace and name.
    pub(super) fn object(
        &self,
        kind: ObjectKind,
        expected: (&str, &str),
    ) -> Result<ReceivedObject<'_>, AnswerFault> {
        let item = Item { value: self.tape.root(&self.document), flaw: self.flaw.clone() };
        let received = ReceivedObject::read(item, kind);
        let identity = match &received {
            ReceivedObject::Sound(sound) => Some(sound.identity),
            ReceivedObject::Faulty { identity, fault: _ } => *identity,
        };
        let is_asked_for = identity.is_some_and(|it| (it.namespace, it.name) == expected);
        if is_asked_for { Ok(received) } else { Err(AnswerFault::OtherObject) }
    }

    /// What was answered, if it can be an answer to a question about this pod. Unknown fields at the
    /// paths `left_out` are not refused.
    pub(super) fn answered(
        &self,
        expected: Option<&PodName>,
        may_be_status: bool,
        left_out: &[String],
    ) -> Result<Answered<'_>, AnswerFault> {
        let value = self.tape.root(&self.document);
        let kind = value.field("kind").and_then(|kind| kind.as_str());
        // Only a delete is answered with a Status and success; a reader of pods would take such an
        // answer for a pod without fields.
        if kind == Some("Status") && may_be_status {
            return Ok(Answered::Status(Status::read(value, self.flaw.clone())?));
        }
        let item = Item { value, flaw: self.flaw.clone() };
        let received = ReceivedPod::from_item_leaving_out(item, left_out);
        let identity = match &received {
            ReceivedPod::Sound(sound) => {
                Some((sound.pod.identity.namespace, sound.pod.identity.name))
            }
            ReceivedPod::Faulty(faulty) => {
                faulty.identity.map(|identity| (identity.namespace, identity.name))
            }
        };
        let is_asked_for = match (expected, identity) {
            (Some(asked), Some(found)) => found == (&asked.namespace, &asked.name),
            (Some(_), None) => false,
            (None, _) => true,
        };
        if is_asked_for { Ok(Answered::Pod(received)) } else { Err(AnswerFault::OtherObject) }
    }
}
