//! The parsed form of one value: a flat list of 16-byte nodes, written once, read in place.
//!
//! A container's node holds the index behind its last child, so that siblings are found in one step and
//! nothing is allocated per node. Strings stay in the source unless escapes had to be decoded.
//! Invariant: once parsing is over, every link points forward and inside the list.

use std::fmt;

use super::value::Value;

/// Where a string is, in the source or in the tape's own text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) start: u32,
    pub(super) end: u32,
}

impl Span {
    #[inline]
    pub(super) fn range(self) -> std::ops::Range<usize> {
        self.start as usize..self.end as usize
    }
}

/// One value or key. The link of an open container is its parent; of a closed one, the next sibling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Node {
    Null,
    Bool(bool),
    Integer(i64),
    /// With fraction or exponent, or outside `i64`: kept as the token in the source.
    Number(Span),
    /// Stands in the source exactly as it reads.
    Text(Span),
    /// Had escapes: stands in `decoded`.
    Decoded(Span),
    Array(u32),
    Object(u32),
}

/// The parsed form of one value: flat, reusable, no allocation per node.
#[derive(Default)]
pub struct Tape {
    pub(super) nodes: Vec<Node>,
    pub(super) decoded: String,
    /// The value's first byte in the cursor's bytes.
    pub(super) start: usize,
    /// The byte behind the value.
    pub(super) end: usize,
    /// The source is not UTF-8, so every string was moved to `decoded`.
    pub(super) is_detached: bool,
}

impl fmt::Debug for Tape {
    /// Sizes alone: values may be secrets.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let extent = self.extent();
        formatter
            .debug_struct("Tape")
            .field("len", &self.len())
            .field("extent", &extent)
            .finish_non_exhaustive()
    }
}

impl Tape {
    /// The value last read. `source` must be the bytes the cursor read from; with other bytes strings
    /// read as absent. An unused tape reads as `null`.
    pub fn root<'a>(&'a self, source: &'a [u8]) -> Value<'a> {
        let span = source.get(self.start..self.end).unwrap_or_default();
        let text =
            if self.is_detached { "" } else { std::str::from_utf8(span).unwrap_or_default() };
        Value::new(self, text, 0)
    }

    /// The bytes of the value last read, as a range of the cursor's bytes.
    pub fn extent(&self) -> std::ops::Range<usize> {
        self.start..self.end
    }

    /// How many nodes the value last read has: its cost in memory, 16 bytes each.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Has nothing been read yet?
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// Bytes of memory held, also when idle.
    pub fn capacity_bytes(&self) -> usize {
        self.nodes
            .capacity()
            .saturating_mul(size_of::<Node>())
            .saturating_add(self.decoded.capacity())
    }

    /// Forgets the value and gives back memory past `nodes` nodes, so that one giant does not stay
    /// resident for as long as the tape is reused.
    pub fn shrink(&mut self, nodes: usize) {
        self.clear();
        self.nodes.shrink_to(nodes);
        self.decoded.shrink_to(nodes);
    }

    pub(super) fn clear(&mut self) {
        self.nodes.clear();
        self.decoded.clear();
        self.start = 0;
        self.end = 0;
        self.is_detached = false;
    }
}

/// A length as a link or span end. The parser never sees more than [`LONGEST_VALUE`] bytes, and a value
/// has no more nodes than bytes, so nothing is cut off.
#[inline]
pub(super) fn narrow(length: usize) -> u32 {
    length as u32
}

/// Bytes of a value that spans can address. Longer ones never become complete; budgets for bodies are
/// far below.
pub(super) const LONGEST_VALUE: usize = u32::MAX as usize;
