//! Strict JSON over bytes that arrive in pieces.
//!
//! CONTRACT (skeleton; the owner of this room fills it in).

/// How much of one value is read before it counts as faulty.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Deepest nesting of arrays and objects.
    pub depth: usize,
    /// Most values (scalars, containers and keys) in one parsed value.
    pub nodes: usize,
}

/// Why a value could not be read from the bytes at hand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Halt {
    /// The bytes end inside the value; call again with more of them.
    Incomplete,
    /// The bytes are not JSON: the document cannot be cut into values any more.
    Syntax(SyntaxFault),
}

/// Where and how bytes stopped being JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyntaxFault {
    /// Byte offset from the start of the cursor's bytes.
    pub offset: usize,
    /// What was found there, in words for an operator.
    pub problem: &'static str,
}

/// What is wrong inside a value that is JSON, yet must not be trusted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValueFault {
    /// Field path such as `spec.containers[0].image`; empty at the root. Length-capped, keys escaped.
    pub path: String,
    /// What is wrong there, in words for an operator; never quotes values.
    pub problem: String,
}

/// The parsed form of one value: flat, reusable, no allocation per node.
#[derive(Debug, Default)]
pub struct Tape {}

/// Reads forward over bytes that may end early.
#[derive(Debug)]
pub struct Cursor<'a> {
    bytes: &'a [u8],
    offset: usize,
}

impl<'a> Cursor<'a> {
    /// A cursor at the first byte.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, offset: 0 }
    }
    /// Bytes consumed so far.
    pub fn offset(&self) -> usize {
        self.offset
    }
    /// Skips white space and returns the next byte without consuming it.
    pub fn peek(&mut self) -> Result<u8, Halt> {
        let _ = self.bytes;
        todo!()
    }
    /// Consumes exactly this punctuation byte after white space.
    pub fn punctuation(&mut self, _byte: u8) -> Result<(), Halt> {
        todo!()
    }
    /// Reads one whole value into the tape (cleared first).
    ///
    /// `Ok(None)`: clean. `Ok(Some(fault))`: the value's extent is known and it can be skipped, but
    /// something in it is refused (bad UTF-8, lone surrogate, non-finite number, too deep, too many
    /// nodes); what could be read is on the tape for salvage of an identity only.
    pub fn value(&mut self, _tape: &mut Tape, _limits: Limits) -> Result<Option<ValueFault>, Halt> {
        todo!()
    }
}

impl Tape {
    /// The value last read. `source` must be the bytes the cursor read from.
    pub fn root<'a>(&'a self, _source: &'a [u8]) -> Value<'a> {
        todo!()
    }
}

/// One parsed value, borrowed from tape and source. Cheap to copy.
#[derive(Clone, Copy, Debug)]
pub struct Value<'a> {
    tape: &'a Tape,
}

impl<'a> Value<'a> {
    /// The text of a string; `None` for any other kind.
    pub fn as_str(&self) -> Option<&'a str> {
        let _ = self.tape;
        todo!()
    }
    /// `true` or `false`; `None` for any other kind.
    pub fn as_bool(&self) -> Option<bool> {
        todo!()
    }
    /// A number written without fraction and exponent that fits; `None` otherwise.
    pub fn as_i64(&self) -> Option<i64> {
        todo!()
    }
    /// Is this `null`?
    pub fn is_null(&self) -> bool {
        todo!()
    }
    /// The member of an object, case-sensitively; absent and `null` are both `None`.
    pub fn field(&self, _name: &str) -> Option<Value<'a>> {
        todo!()
    }
    /// The elements of an array; nothing for any other kind.
    pub fn items(&self) -> impl Iterator<Item = Value<'a>> + use<'a> {
        std::iter::empty()
    }
    /// The members of an object in the order received; nothing for any other kind.
    pub fn entries(&self) -> impl Iterator<Item = (&'a str, Value<'a>)> + use<'a> {
        std::iter::empty()
    }
}
