//! Shapes of Kubernetes objects as tables, and the one pass that checks a value against them.
//!
//! CONTRACT (skeleton; the owner of this room fills it in).

use super::grammar::Grammar;
use super::json::{Value, ValueFault};

/// The fields of one Go struct of the Kubernetes API, in Go's order (fast when input keeps it).
#[derive(Debug)]
pub struct ObjectSchema {
    /// The Go type's name, for messages and for the comparison with Go.
    pub name: &'static str,
    /// What happens to a field that is not in the table.
    pub unknown: UnknownFields,
    /// At most 64.
    pub fields: &'static [Field],
}

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

/// A value that fits its schema. Only [`check`] makes one.
#[derive(Debug)]
pub struct Checked<'a> {
    value: Value<'a>,
}

/// Checks a whole value. `null` fields count as absent.
pub fn check<'a>(
    _value: Value<'a>,
    _schema: &'static ObjectSchema,
) -> Result<Checked<'a>, ValueFault> {
    todo!()
}

impl<'a> Checked<'a> {
    /// The value, for reading.
    pub fn value(&self) -> Value<'a> {
        self.value
    }
    /// Appends the canonical encoding: schema order, map keys sorted, unknown fields left out.
    /// Records the byte ranges (relative to `out`'s start) of every `Pin::Mutable` member in `mutable`.
    pub fn write(&self, _out: &mut Vec<u8>, _mutable: &mut Vec<std::ops::Range<usize>>) {
        todo!()
    }
}
