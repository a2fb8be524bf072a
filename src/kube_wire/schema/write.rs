//! The canonical encoding of a checked value, written token by token from the tape.
//!
//! Fields in the table's order, map keys ascending, unknown and `null` fields left out, no white space,
//! fewest escapes. Invariant: equal meaning gives equal bytes, and writing what was written changes
//! nothing.

use std::ops::Range;

use super::super::json::{Kind, Value, write_bool, write_integer, write_text};
use super::{Checked, Field, IN_ORDER, LEFT_OUT, Marks, ObjectSchema, Pin, Shape};

impl Checked<'_> {
    /// Appends the canonical encoding: schema order, map keys sorted, unknown fields left out.
    /// Records the byte ranges (relative to `out`'s start) of every `Pin::Mutable` member in `mutable`,
    /// ascending and disjoint, each with the comma that is there because of it: what is left of the
    /// bytes does not tell whether the member was there.
    pub fn write(&self, out: &mut Vec<u8>, mutable: &mut Vec<Range<usize>>) {
        self.encoder(out, mutable).object(self.value.position(), self.schema);
    }

    /// Appends the canonical encoding of one member's value, such as `spec`. `false`: it is absent (or
    /// not in the table), and nothing was written.
    pub fn write_field(
        &self,
        name: &str,
        out: &mut Vec<u8>,
        mutable: &mut Vec<Range<usize>>,
    ) -> bool {
        let field = self.schema.fields.iter().find(|field| field.name == name);
        let (Some(field), Some(value)) = (field, self.value.field(name)) else { return false };
        self.encoder(out, mutable).shape(value.position(), &field.shape);
        true
    }

    fn encoder<'w>(
        &'w self,
        out: &'w mut Vec<u8>,
        mutable: &'w mut Vec<Range<usize>>,
    ) -> Encoder<'w> {
        Encoder { root: self.value, marks: &self.marks, out, mutable: Some(mutable) }
    }
}

struct Encoder<'w> {
    root: Value<'w>,
    marks: &'w Marks,
    out: &'w mut Vec<u8>,
    /// `None` inside a mutable member: its range covers what is inside.
    mutable: Option<&'w mut Vec<Range<usize>>>,
}

impl Encoder<'_> {
    fn object(&mut self, at: u32, schema: &'static ObjectSchema) {
        let object = self.root.sibling(at);
        self.out.push(b'{');
        let mut written = Written::Nothing;
        if self.marks.of(at) == IN_ORDER {
            for (key, value) in object.members() {
                let mark = self.marks.of(key.position());
                self.member(schema, mark, value.position(), &mut written);
            }
        } else {
            for (mark, value) in self.sorted_fields(object) {
                self.member(schema, mark, value.position(), &mut written);
            }
        }
        self.out.push(b'}');
    }

    #[cold]
    fn sorted_fields<'a>(&self, object: Value<'a>) -> Vec<(u8, Value<'a>)> {
        let mut fields: Vec<_> =
            object.members().map(|(key, value)| (self.marks.of(key.position()), value)).collect();
        fields.sort_by_key(|(mark, _)| *mark);
        fields
    }

    #[inline]
    fn member(&mut self, schema: &'static ObjectSchema, mark: u8, at: u32, written: &mut Written) {
        if mark == LEFT_OUT {
            return;
        }
        let Some(field) = schema.fields.get(usize::from(mark)) else { return };
        let start = self.out.len();
        if *written != Written::Nothing {
            self.out.push(b',');
        }
        match field.pin {
            Pin::Frozen => {
                if *written == Written::Mutable {
                    // The comma is there because of the mutable members before it.
                    self.cover(start);
                }
                *written = Written::Frozen;
                self.named(field, at);
            }
            Pin::Mutable => {
                if *written == Written::Nothing {
                    *written = Written::Mutable;
                }
                let outer = self.mutable.take();
                self.named(field, at);
                self.mutable = outer;
                self.cover(start);
            }
        }
    }

    #[inline]
    fn named(&mut self, field: &'static Field, at: u32) {
        self.out.push(b'"');
        self.out.extend_from_slice(field.name.as_bytes());
        self.out.extend_from_slice(b"\":");
        self.shape(at, &field.shape);
    }

    /// Counts everything from `start` on as mutable.
    fn cover(&mut self, start: usize) {
        let end = self.out.len();
        let Some(mutable) = self.mutable.as_deref_mut() else { return };
        match mutable.last_mut() {
            Some(last) if last.end == start => last.end = end,
            _ => mutable.push(start..end),
        }
    }

    fn shape(&mut self, at: u32, shape: &'static Shape) {
        match shape {
            Shape::Object(schema) => self.object(at, schema),
            Shape::List(element) => self.list(at, element),
            Shape::Map(member) => self.map(at, member),
            Shape::Free => write_free(self.root.sibling(at), self.out),
            Shape::Text
            | Shape::Named(_)
            | Shape::Bool
            | Shape::Int32
            | Shape::Int64
            | Shape::Quantity
            | Shape::IntOrString
            | Shape::Time => write_scalar(self.root.sibling(at), self.out),
        }
    }

    fn list(&mut self, at: u32, element: &'static Shape) {
        self.out.push(b'[');
        for (index, value) in self.root.sibling(at).elements().enumerate() {
            if index != 0 {
                self.out.push(b',');
            }
            self.shape(value.position(), element);
        }
        self.out.push(b']');
    }

    fn map(&mut self, at: u32, member: &'static Shape) {
        let map = self.root.sibling(at);
        self.out.push(b'{');
        if self.marks.of(at) == IN_ORDER {
            for (index, (key, value)) in map.members().enumerate() {
                self.map_member(index, key, value, member);
            }
        } else {
            for (index, (key, value)) in sorted_members(map).into_iter().enumerate() {
                self.map_member(index, key, value, member);
            }
        }
        self.out.push(b'}');
    }

    fn map_member(
        &mut self,
        index: usize,
        key: Value<'_>,
        value: Value<'_>,
        shape: &'static Shape,
    ) {
        if index != 0 {
            self.out.push(b',');
        }
        write_scalar(key, self.out);
        self.out.push(b':');
        self.shape(value.position(), shape);
    }
}

/// What has been written of an object so far.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Written {
    Nothing,
    /// Mutable members only.
    Mutable,
    /// A frozen member too.
    Frozen,
}

#[cold]
fn sorted_members(map: Value<'_>) -> Vec<(Value<'_>, Value<'_>)> {
    let mut members: Vec<_> = map.members().collect();
    members.sort_by_key(|(key, _)| key.as_str());
    members
}

#[inline]
fn write_scalar(value: Value<'_>, out: &mut Vec<u8>) {
    if let Some((text, true)) = value.as_bytes() {
        out.push(b'"');
        out.extend_from_slice(text);
        out.push(b'"');
        return;
    }
    match value.kind() {
        Kind::Text(text) => write_text(text, out),
        Kind::Integer(number) => write_integer(number, out),
        Kind::Bool(flag) => write_bool(flag, out),
        // Only the characters of RFC 8259's number grammar: the parser read it as one token.
        Kind::Number(token) => out.extend_from_slice(token.as_bytes()),
        Kind::Null | Kind::Array | Kind::Object => out.extend_from_slice(b"null"),
    }
}

/// Any value, keys ascending at every level. Recurses as deep as the value, which the parser bounds.
fn write_free(value: Value<'_>, out: &mut Vec<u8>) {
    match value.kind() {
        Kind::Object => {
            out.push(b'{');
            for (index, (key, member)) in sorted_members(value).into_iter().enumerate() {
                if index != 0 {
                    out.push(b',');
                }
                write_scalar(key, out);
                out.push(b':');
                write_free(member, out);
            }
            out.push(b'}');
        }
        Kind::Array => {
            out.push(b'[');
            for (index, element) in value.elements().enumerate() {
                if index != 0 {
                    out.push(b',');
                }
                write_free(element, out);
            }
            out.push(b']');
        }
        Kind::Null | Kind::Bool(_) | Kind::Integer(_) | Kind::Number(_) | Kind::Text(_) => {
            write_scalar(value, out);
        }
    }
}
