//! The words that the tables of this folder are written in.
//!
//! One function a kind of field, so that a table reads as a list of names. `tests/pod_schema_matches_go.rs`
//! compares what they build with Go's own types.

use crate::kube_wire::grammar::Grammar;
use crate::kube_wire::schema::{Field, ObjectSchema, Pin, Shape, UnknownFields};

/// A table that still needs its fields.
pub(super) struct Table {
    name: &'static str,
    unknown: UnknownFields,
}

/// Unknown fields may decide what runs: refuse the value.
pub(super) const fn strict(name: &'static str) -> Table {
    Table { name, unknown: UnknownFields::Refuse }
}

/// Unknown fields only describe: leave them out.
pub(super) const fn lenient(name: &'static str) -> Table {
    Table { name, unknown: UnknownFields::Omit }
}

impl Table {
    pub(super) const fn with(self, fields: &'static [Field]) -> ObjectSchema {
        ObjectSchema { name: self.name, unknown: self.unknown, fields }
    }
}

const fn field(name: &'static str, shape: Shape) -> Field {
    Field { name, shape, pin: Pin::Frozen }
}

/// The API lets it change on a pod that runs.
pub(super) const fn mutable(field: Field) -> Field {
    Field { pin: Pin::Mutable, ..field }
}

pub(super) const fn text(name: &'static str) -> Field {
    field(name, Shape::Text)
}

pub(super) const fn named(name: &'static str, grammar: Grammar) -> Field {
    field(name, Shape::Named(grammar))
}

pub(super) const fn boolean(name: &'static str) -> Field {
    field(name, Shape::Bool)
}

pub(super) const fn int32(name: &'static str) -> Field {
    field(name, Shape::Int32)
}

pub(super) const fn int64(name: &'static str) -> Field {
    field(name, Shape::Int64)
}

pub(super) const fn quantity(name: &'static str) -> Field {
    field(name, Shape::Quantity)
}

pub(super) const fn int_or_string(name: &'static str) -> Field {
    field(name, Shape::IntOrString)
}

pub(super) const fn time(name: &'static str) -> Field {
    field(name, Shape::Time)
}

pub(super) const fn free(name: &'static str) -> Field {
    field(name, Shape::Free)
}

pub(super) const fn object(name: &'static str, schema: &'static ObjectSchema) -> Field {
    field(name, Shape::Object(schema))
}

pub(super) const fn list(name: &'static str, element: &'static Shape) -> Field {
    field(name, Shape::List(element))
}

pub(super) const fn map(name: &'static str, value: &'static Shape) -> Field {
    field(name, Shape::Map(value))
}
