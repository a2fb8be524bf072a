//! Reading a tape: one parsed value, borrowed, cheap to copy.
//!
//! Accessors never convert between kinds: a number is not a string, `1.0` is not an integer.
//! Invariant: nothing here can fail or panic; what is not there reads as `None` or as empty.

use super::ValueFault;
use super::path;
use super::tape::{Node, Span, Tape};

/// One parsed value, borrowed from tape and source. Cheap to copy.
#[derive(Clone, Copy)]
pub struct Value<'a> {
    tape: &'a Tape,
    text: &'a str,
    at: u32,
}

/// What a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind<'a> {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number without fraction and exponent that fits.
    Integer(i64),
    /// Any other number, finite as an `f64`: its token, in the grammar of RFC 8259.
    Number(&'a str),
    /// A string, decoded.
    Text(&'a str),
    /// An array.
    Array,
    /// An object.
    Object,
}

impl std::fmt::Debug for Value<'_> {
    /// Kind and position alone: values may be secrets.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Value").field("at", &self.at).finish_non_exhaustive()
    }
}

impl<'a> Value<'a> {
    pub(super) fn new(tape: &'a Tape, text: &'a str, at: u32) -> Self {
        Self { tape, text, at }
    }

    #[inline]
    fn node(&self) -> Node {
        self.tape.nodes.get(self.at as usize).copied().unwrap_or(Node::Null)
    }

    /// What this value is.
    #[inline]
    pub fn kind(&self) -> Kind<'a> {
        match self.node() {
            Node::Null => Kind::Null,
            Node::Bool(flag) => Kind::Bool(flag),
            Node::Integer(number) => Kind::Integer(number),
            Node::Number(span) => self.text.get(span.range()).map_or(Kind::Null, Kind::Number),
            Node::Text(span) => self.text.get(span.range()).map_or(Kind::Null, Kind::Text),
            Node::Decoded(span) => self.decoded(span).map_or(Kind::Null, Kind::Text),
            Node::Array(_) => Kind::Array,
            Node::Object(_) => Kind::Object,
        }
    }

    fn decoded(&self, span: Span) -> Option<&'a str> {
        self.tape.decoded.get(span.range())
    }

    /// The text of a string; `None` for any other kind.
    #[inline]
    pub fn as_str(&self) -> Option<&'a str> {
        match self.node() {
            Node::Text(span) => self.text.get(span.range()),
            Node::Decoded(span) => self.decoded(span),
            Node::Null
            | Node::Bool(_)
            | Node::Integer(_)
            | Node::Number(_)
            | Node::Array(_)
            | Node::Object(_) => None,
        }
    }

    /// The bytes of a string, and whether they may stand in JSON without any escape.
    #[inline]
    pub(in crate::kube_wire) fn as_bytes(&self) -> Option<(&'a [u8], bool)> {
        match self.node() {
            Node::Text(span) => Some((self.text.as_bytes().get(span.range())?, true)),
            Node::Decoded(span) => Some((self.tape.decoded.as_bytes().get(span.range())?, false)),
            Node::Null
            | Node::Bool(_)
            | Node::Integer(_)
            | Node::Number(_)
            | Node::Array(_)
            | Node::Object(_) => None,
        }
    }

    /// `true` or `false`; `None` for any other kind.
    #[inline]
    pub fn as_bool(&self) -> Option<bool> {
        if let Node::Bool(flag) = self.node() { Some(flag) } else { None }
    }

    /// A number written without fraction and exponent that fits; `None` otherwise.
    #[inline]
    pub fn as_i64(&self) -> Option<i64> {
        if let Node::Integer(number) = self.node() { Some(number) } else { None }
    }

    /// Is this `null`?
    #[inline]
    pub fn is_null(&self) -> bool {
        self.node() == Node::Null
    }

    /// Is this a string?
    #[inline]
    pub fn is_text(&self) -> bool {
        matches!(self.node(), Node::Text(_) | Node::Decoded(_))
    }

    /// Is this an array?
    #[inline]
    pub fn is_array(&self) -> bool {
        matches!(self.node(), Node::Array(_))
    }

    /// Is this an object?
    #[inline]
    pub fn is_object(&self) -> bool {
        matches!(self.node(), Node::Object(_))
    }

    /// The member of an object, case-sensitively; absent and `null` are both `None`. The first one, if
    /// the value was not checked for duplicates.
    pub fn field(&self, name: &str) -> Option<Value<'a>> {
        let is_named = |key: Value<'a>| key.as_bytes().is_some_and(|it| it.0 == name.as_bytes());
        let (_, value) = self.members().find(|(key, _)| is_named(*key))?;
        (!value.is_null()).then_some(value)
    }

    /// The elements of an array; nothing for any other kind.
    pub fn items(&self) -> impl Iterator<Item = Value<'a>> + use<'a> {
        self.elements()
    }

    /// The members of an object in the order received; nothing for any other kind.
    pub fn entries(&self) -> impl Iterator<Item = (&'a str, Value<'a>)> + use<'a> {
        self.members().map(|(key, value)| (key.as_str().unwrap_or_default(), value))
    }

    /// The elements of an array as values; nothing for any other kind.
    #[inline]
    pub(in crate::kube_wire) fn elements(&self) -> Elements<'a> {
        let first = self.at.wrapping_add(1);
        let end = if let Node::Array(end) = self.node() { end } else { first };
        Elements { next: Value { at: first, ..*self }, end }
    }

    /// The members of an object, keys as values.
    #[inline]
    pub(in crate::kube_wire) fn members(&self) -> Members<'a> {
        let first = self.at.wrapping_add(1);
        let end = if let Node::Object(end) = self.node() { end } else { first };
        Members(Elements { next: Value { at: first, ..*self }, end })
    }

    /// This value and everything inside it, keys included, in the order received.
    pub(in crate::kube_wire) fn descendants(&self) -> impl Iterator<Item = Value<'a>> + use<'a> {
        let here = *self;
        (self.at..self.following()).map(move |at| Value { at, ..here })
    }

    /// The node's place on the tape: distinct for every key and value. It stands in for the value where
    /// many are passed on, being an eighth of its size.
    #[inline]
    pub(in crate::kube_wire) fn position(&self) -> u32 {
        self.at
    }

    /// The key or value at a place on the same tape.
    #[inline]
    pub(in crate::kube_wire) fn sibling(&self, position: u32) -> Value<'a> {
        Value { at: position, ..*self }
    }

    /// A fault at the node (key or value) at a position inside this value.
    #[cold]
    pub(in crate::kube_wire) fn fault_at(&self, position: u32, problem: String) -> ValueFault {
        ValueFault { path: path::of(*self, position), problem }
    }

    /// The position behind this value.
    #[inline]
    pub(in crate::kube_wire) fn following(&self) -> u32 {
        match self.node() {
            Node::Array(end) | Node::Object(end) => end,
            Node::Null
            | Node::Bool(_)
            | Node::Integer(_)
            | Node::Number(_)
            | Node::Text(_)
            | Node::Decoded(_) => self.at.wrapping_add(1),
        }
    }
}

/// Iterator over the elements of an array.
#[derive(Clone, Debug)]
pub(in crate::kube_wire) struct Elements<'a> {
    next: Value<'a>,
    end: u32,
}

impl<'a> Iterator for Elements<'a> {
    type Item = Value<'a>;

    #[inline]
    fn next(&mut self) -> Option<Value<'a>> {
        if self.next.at >= self.end {
            return None;
        }
        let element = self.next;
        self.next.at = element.following();
        Some(element)
    }
}

/// Iterator over the members of an object.
#[derive(Clone, Debug)]
pub(in crate::kube_wire) struct Members<'a>(Elements<'a>);

impl<'a> Iterator for Members<'a> {
    type Item = (Value<'a>, Value<'a>);

    #[inline]
    fn next(&mut self) -> Option<(Value<'a>, Value<'a>)> {
        let key = self.0.next;
        if key.at >= self.0.end {
            return None;
        }
        let value = Value { at: key.at.wrapping_add(1), ..key };
        self.0.next.at = value.following();
        Some((key, value))
    }
}
