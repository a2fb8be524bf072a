//! Strict JSON over bytes that arrive in pieces.
//!
//! [`Cursor`] reads envelopes key by key and whole values onto a [`Tape`]; [`Value`] reads the tape;
//! [`ExtentHint`] says when a retry is worth it; [`ObjectWriter`] writes small objects. It knows nothing
//! of Kubernetes (that is `schema`), never guesses and never repairs: RFC 8259, as narrow as Go reads it.
//!
//! Two degrees of wrong. [`Halt::Syntax`]: nobody can say where the value ends, the document is lost.
//! [`ValueFault`]: the extent is certain, so one item can be denied and its neighbours live on.

mod cursor;
mod extent;
mod parse;
mod path;
mod scan;
mod tape;
#[cfg(test)]
mod tests;
mod text;
mod value;
mod write;

use std::fmt;

pub use cursor::Cursor;
pub use extent::ExtentHint;
pub use tape::Tape;
pub use value::{Kind, Value};
pub use write::{ArrayWriter, ObjectWriter, write_text};
pub(in crate::kube_wire) use write::{write_bool, write_integer};

/// How much of one value is read before it counts as faulty.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Deepest nesting of arrays and objects; [`MAX_DEPTH`] at most, whatever is asked for.
    pub depth: usize,
    /// Most values (scalars, containers and keys) in one parsed value.
    pub nodes: usize,
}

/// Deepest nesting that ever reaches a tape: writers recurse once per level, and 256 small frames fit
/// any thread's stack. Pods need about 12.
pub const MAX_DEPTH: usize = 256;

/// Why a value could not be read from the bytes at hand.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Halt {
    /// The bytes end inside the value; call again with more of them.
    #[error("the document ends early")]
    Incomplete,
    /// The bytes are not JSON: the document cannot be cut into values any more.
    #[error(transparent)]
    Syntax(SyntaxFault),
}

/// Where and how bytes stopped being JSON.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not JSON at byte {offset}: {problem}")]
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

impl fmt::Display for ValueFault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.is_empty() {
            formatter.write_str(&self.problem)
        } else {
            write!(formatter, "{}: {}", self.path, self.problem)
        }
    }
}

impl std::error::Error for ValueFault {}
