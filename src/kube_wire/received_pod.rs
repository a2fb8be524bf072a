//! One pod as it came from upstream: sound, or known to be at fault.

use super::json::{Value, ValueFault};
use super::pod::Pod;
use super::pod_schema::POD;
use super::resource::{Item, PODS};
use super::salvage::{SalvagedIdentity, salvage_identity};
use super::schema::{self, Checked};

/// A pod that was read in full, or why it was not.
#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "one at a time, on the stack; a box is an allocation a pod"
)]
pub enum ReceivedPod<'a> {
    /// Fits the schema, and every name fits its grammar.
    Sound(SoundPod<'a>),
    /// Must not reach anyone.
    Faulty(FaultyPod<'a>),
}

/// A pod that may be decided on.
#[derive(Debug)]
pub struct SoundPod<'a> {
    /// For writing.
    pub checked: Checked<'a>,
    /// For deciding.
    pub pod: Pod<'a>,
}

/// A pod with a fault inside.
#[derive(Debug)]
pub struct FaultyPod<'a> {
    /// Who it says it is, if that is well-formed and unambiguous.
    pub identity: Option<SalvagedIdentity<'a>>,
    /// What is wrong.
    pub fault: ValueFault,
}

impl<'a> ReceivedPod<'a> {
    /// Reads an item of a list or an event.
    pub fn from_item(item: Item<'a>) -> Self {
        Self::read(item.value, item.flaw)
    }

    /// Reads a parsed value; `flaw` is what the parser found wrong inside.
    pub fn read(value: Value<'a>, flaw: Option<ValueFault>) -> Self {
        let sound = match flaw {
            Some(fault) => Err(fault),
            None => schema::check(value, &POD).and_then(|checked| {
                let pod = Pod::read(&checked)?;
                Ok(SoundPod { checked, pod })
            }),
        };
        sound.map_or_else(
            |fault| Self::Faulty(FaultyPod { identity: salvage_identity(value, &PODS), fault }),
            Self::Sound,
        )
    }
}
