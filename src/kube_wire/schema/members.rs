//! Reading a checked object by the indices that the check found, so that no name is compared twice.

use super::super::json::Value;
use super::{Checked, LEFT_OUT, ObjectSchema, Shape};

impl<'a> Checked<'a> {
    /// The members of an object in here that was held against a table: each with its index there (see
    /// [`ObjectSchema::index_in`]). What is not written is not read: unknown fields and `null`.
    #[inline]
    pub(in crate::kube_wire) fn members(
        &self,
        object: Value<'a>,
    ) -> impl Iterator<Item = (u8, Value<'a>)> {
        let marked = object.members().map(|(key, value)| (self.marks.of(key.position()), value));
        marked.filter(|(mark, _)| *mark != LEFT_OUT)
    }
}

impl ObjectSchema {
    /// The index that a field has in those of these tables that know it. Asked while compiling, where one
    /// that none of them knows, or that moves from one to the next, is an error.
    pub(in crate::kube_wire) const fn index_in(mut tables: &[&Self], name: &str) -> u8 {
        let mut found = None;
        while let Some((table, others)) = tables.split_first() {
            tables = others;
            match (table.index_of(name), found) {
                (None, _) => {}
                (Some(index), None) => found = Some(index),
                (Some(index), Some(known)) => assert!(index == known, "the tables differ"),
            }
        }
        assert!(found.is_some(), "no table knows the field");
        if let Some(index) = found { index } else { LEFT_OUT }
    }

    /// Is what the field holds, in each of these tables that knows it, of one of the tables `parts`? Without
    /// any it must hold no objects. Asked while compiling of whoever reads the field as such parts.
    pub(in crate::kube_wire) const fn holds(
        mut tables: &[&Self],
        name: &str,
        parts: &[&Self],
    ) -> bool {
        while let Some((table, others)) = tables.split_first() {
            tables = others;
            let mut fields = table.fields;
            while let Some((field, others)) = fields.split_first() {
                fields = others;
                if is_same(field.name.as_bytes(), name.as_bytes())
                    && !is_among(field.shape.object(), parts)
                {
                    return false;
                }
            }
        }
        true
    }

    const fn index_of(&self, name: &str) -> Option<u8> {
        let mut fields = self.fields;
        let mut index: u8 = 0;
        while let Some((field, others)) = fields.split_first() {
            if is_same(field.name.as_bytes(), name.as_bytes()) {
                return Some(index);
            }
            fields = others;
            index = index.saturating_add(1);
        }
        None
    }
}

impl Shape {
    /// The table of the objects in it, alone, in a list or in a map.
    const fn object(&self) -> Option<&'static ObjectSchema> {
        match self {
            Self::Object(schema) => Some(schema),
            Self::List(part) | Self::Map(part) => part.object(),
            Self::Text
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

/// Tables are known by their Go type, which only one has.
const fn is_among(table: Option<&ObjectSchema>, mut tables: &[&ObjectSchema]) -> bool {
    let Some(table) = table else { return tables.is_empty() };
    while let Some((known, others)) = tables.split_first() {
        if is_same(known.name.as_bytes(), table.name.as_bytes()) {
            return true;
        }
        tables = others;
    }
    false
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
