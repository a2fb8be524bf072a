//! Reading a checked object by the indices that the check found, so that no name is compared twice.
//!
//! Whoever reads so names the tables that the object was held against; what that asks of the tables is
//! asked while compiling.

use super::super::json::Value;
use super::{Checked, LEFT_OUT, ObjectSchema, Shape};

impl<'a> Checked<'a> {
    /// The key or value at a position inside.
    #[inline]
    pub(in crate::kube_wire) fn at(&self, position: u32) -> Value<'a> {
        self.value.sibling(position)
    }

    /// The members of the object at a position, one that was held against a table: the index of each
    /// there (see [`ObjectSchema::index_in`]), and the position of its value. What is not written is not
    /// read: unknown fields and `null`.
    #[inline]
    pub(in crate::kube_wire) fn members(&self, object: u32) -> impl Iterator<Item = (u8, u32)> {
        let members = self.at(object).members();
        let marked = members.map(|(key, value)| (self.marks.of(key.position()), value.position()));
        marked.filter(|(mark, _)| *mark != LEFT_OUT)
    }
}

/// How often a field holds an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::kube_wire) enum Holding {
    One,
    List,
    Map,
}

impl ObjectSchema {
    /// The index that a field has in those of these tables that know it. One that none of them knows, or
    /// that moves from one to the next, does not compile.
    pub(in crate::kube_wire) const fn index_in(mut tables: &[&Self], name: &str) -> u8 {
        let mut found = None;
        while let Some((table, others)) = tables.split_first() {
            tables = others;
            match (table.position(name), found) {
                (None, _) => {}
                (Some((index, _)), None) => found = Some(index),
                (Some((index, _)), Some(known)) => assert!(index == known, "the tables differ"),
            }
        }
        assert!(found.is_some(), "no table knows the field");
        if let Some(index) = found { index } else { LEFT_OUT }
    }

    /// Does the field, in each of these tables that knows it and in one at least, hold objects of one of
    /// the tables `parts`, so? Without any `parts` it has to hold no objects.
    pub(in crate::kube_wire) const fn holds(
        mut tables: &[&Self],
        name: &str,
        parts: &[&Self],
        so: Holding,
    ) -> bool {
        let mut is_known = false;
        while let Some((table, others)) = tables.split_first() {
            tables = others;
            if let Some((_, shape)) = table.position(name) {
                is_known = true;
                let fits = match shape.object() {
                    Some((holding, table)) => holding as u8 == so as u8 && table.is_among(parts),
                    None => parts.is_empty(),
                };
                if !fits {
                    return false;
                }
            }
        }
        is_known
    }

    /// The table of the object in a field, or of the elements of a list in it.
    pub fn objects_in(&self, name: &str) -> Option<&'static Self> {
        let (_, shape) = self.position(name)?;
        match shape.object()? {
            (Holding::One | Holding::List, table) => Some(table),
            (Holding::Map, _) => None,
        }
    }

    const fn position(&self, name: &str) -> Option<(u8, &'static Shape)> {
        let mut fields = self.fields;
        let mut index: u8 = 0;
        while let Some((field, others)) = fields.split_first() {
            if is_same(field.name.as_bytes(), name.as_bytes()) {
                return Some((index, &field.shape));
            }
            fields = others;
            index = index.saturating_add(1);
        }
        None
    }

    const fn is_among(&self, mut tables: &[&Self]) -> bool {
        while let Some((table, others)) = tables.split_first() {
            if self.is_like(table) {
                return true;
            }
            tables = others;
        }
        false
    }

    /// Has it the same fields in the same order? Tables have no addresses while compiling, and some Go
    /// types have several tables.
    const fn is_like(&self, other: &Self) -> bool {
        let (mut fields, mut same) = (self.fields, other.fields);
        while let (Some((field, rest)), Some((like, others))) =
            (fields.split_first(), same.split_first())
        {
            if !is_same(field.name.as_bytes(), like.name.as_bytes()) {
                return false;
            }
            (fields, same) = (rest, others);
        }
        fields.is_empty() && same.is_empty() && is_same(self.name.as_bytes(), other.name.as_bytes())
    }
}

impl Shape {
    /// The table of the objects in it.
    const fn object(&self) -> Option<(Holding, &'static ObjectSchema)> {
        match self {
            Self::Object(schema) => Some((Holding::One, schema)),
            Self::List(Self::Object(schema)) => Some((Holding::List, schema)),
            Self::Map(Self::Object(schema)) => Some((Holding::Map, schema)),
            Self::List(_)
            | Self::Map(_)
            | Self::Text
            | Self::Named(_)
            | Self::Bool
            | Self::Int32
            | Self::Int64
            | Self::Quantity
            | Self::IntOrString
            | Self::Time
            | Self::Free => None,
        }
    }
}

const fn is_same(mut one: &[u8], mut other: &[u8]) -> bool {
    while let (Some((byte, rest)), Some((same, others))) = (one.split_first(), other.split_first())
    {
        if *byte != *same {
            return false;
        }
        (one, other) = (rest, others);
    }
    one.is_empty() && other.is_empty()
}
