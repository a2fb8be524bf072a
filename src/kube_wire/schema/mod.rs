//! Shapes of Kubernetes objects as tables, and the one pass that checks a value against them.
//!
//! The tables are data (`pod_schema`); this room reads them. What [`check()`] accepts, Go reads the same
//! way; what [`Checked`] writes was looked at member by member and never copied as a whole.
//! Invariant: only [`check()`] makes a [`Checked`], and a check that is unsure refuses.

mod check;
mod members;
mod names;
mod quantity;
#[cfg(test)]
mod tests;
mod time;
mod write;

use super::grammar::Grammar;
use super::json::Value;

pub use check::{check, check_leaving_out};
pub(in crate::kube_wire) use members::Holding;

/// The fields of one Go struct of the Kubernetes API, in Go's order (fast when input keeps it).
#[derive(Debug)]
pub struct ObjectSchema {
    /// The Go type's name, for messages and for the comparison with Go.
    pub name: &'static str,
    /// What happens to a field that is not in the table.
    pub unknown: UnknownFields,
    /// At most [`MAX_FIELDS`].
    pub fields: &'static [Field],
}

/// Most fields of one table: duplicates are found with one bit per field. A field past it counts as
/// a fault wherever it occurs.
pub const MAX_FIELDS: usize = 64;

/// What happens to a field that no table knows (a newer API, or an attack).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnknownFields {
    /// It may decide what runs: the value is faulty.
    Refuse,
    /// It describes, and may be newer than we are: it is not written to the kubelet.
    Omit,
}

/// One field of an object.
#[derive(Debug)]
pub struct Field {
    /// As in JSON, matched case-sensitively; a key equal but for case is a fault.
    pub name: &'static str,
    /// What its value must look like.
    pub shape: Shape,
    /// May the API change it once a pod runs?
    pub pin: Pin,
}

/// May a field of a running pod change?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pin {
    /// Part of the spec digest.
    Frozen,
    /// Left out of the spec digest; where change is limited, `spec_pin` compares it.
    Mutable,
}

/// The kind of one value.
#[derive(Debug)]
pub enum Shape {
    /// Free text.
    Text,
    /// A string whose grammar the node relies on (paths are built from it).
    Named(Grammar),
    /// `true`/`false`.
    Bool,
    /// Go int32: no fraction, no exponent.
    Int32,
    /// Go int64: no fraction, no exponent.
    Int64,
    /// resource.Quantity: a string of its grammar, or a JSON number.
    Quantity,
    /// intstr.IntOrString.
    IntOrString,
    /// metav1.Time / MicroTime: RFC 3339.
    Time,
    /// A nested struct.
    Object(&'static ObjectSchema),
    /// A list; `null` elements are faults.
    List(&'static Shape),
    /// A map with free keys; a duplicate key is a fault.
    Map(&'static Shape),
    /// Any JSON object, checked for duplicates and depth alone (metav1.FieldsV1).
    Free,
}

/// A value that fits its schema. Only [`check()`] makes one.
#[derive(Debug)]
pub struct Checked<'a> {
    value: Value<'a>,
    schema: &'static ObjectSchema,
    marks: Marks,
}

impl<'a> Checked<'a> {
    /// The value, for reading.
    pub fn value(&self) -> Value<'a> {
        self.value
    }
}

/// What the check found out about each node, so that writing need not compare again.
///
/// By position on the tape. At a field's key: its index in the table, or [`LEFT_OUT`]. At an object:
/// [`IN_ORDER`] if its members stand in the order they are written in.
#[derive(Debug)]
struct Marks(Vec<u8>);

/// The mark of a field that is not written: unknown, or `null`.
const LEFT_OUT: u8 = u8::MAX;
/// The mark of an object whose members need no sorting.
const IN_ORDER: u8 = 1;

impl Marks {
    fn new(value: Value<'_>) -> Self {
        Self(vec![0; value.following() as usize])
    }

    #[inline]
    fn set(&mut self, position: u32, mark: u8) {
        if let Some(place) = self.0.get_mut(position as usize) {
            *place = mark;
        }
    }

    /// The mark at a position; [`LEFT_OUT`] behind the checked value.
    #[inline]
    fn of(&self, position: u32) -> u8 {
        self.0.get(position as usize).copied().unwrap_or(LEFT_OUT)
    }
}
