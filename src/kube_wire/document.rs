//! What every incremental reader of a document shares: its faults and the attempt at one unit.

use thiserror::Error;

use super::json::{Cursor, Halt, Limits, SyntaxFault, Tape, ValueFault};

/// Longest name, kind or event type of an envelope; `apiVersion` is the longest known.
pub(super) const LONGEST_ENVELOPE_TEXT: usize = 64;

/// Why a document as a whole is not taken. Faults inside one pod are not among these.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum DocumentFault {
    /// Not the object that the envelope must be.
    #[error("envelope: {0}")]
    Envelope(&'static str),
    /// A part of the envelope that must be sound is not.
    #[error("envelope: {0}")]
    Member(#[from] ValueFault),
    /// Not JSON.
    #[error("{0}")]
    Syntax(#[from] SyntaxFault),
    /// One object is larger than any honest one.
    #[error("one object is larger than {limit} bytes")]
    TooLarge {
        /// Most bytes that one object may have.
        limit: usize,
    },
    /// It stopped before its end.
    #[error("the document ends early")]
    Truncated,
    /// Something follows its end.
    #[error("bytes follow the end of the document")]
    TrailingBytes,
}

impl DocumentFault {
    /// A fixed word for metrics.
    pub fn label(&self) -> &'static str {
        match self {
            Self::Envelope(_) | Self::Member(_) => "envelope",
            Self::Syntax(_) => "syntax",
            Self::TooLarge { limit: _ } => "too-large",
            Self::Truncated => "truncated",
            Self::TrailingBytes => "trailing-bytes",
        }
    }
}

/// Why an attempt at one unit did not succeed.
pub(super) enum Stop {
    /// Perhaps with more bytes.
    Halt(Halt),
    /// Never.
    Fault(DocumentFault),
}

impl From<Halt> for Stop {
    fn from(halt: Halt) -> Self {
        Self::Halt(halt)
    }
}

impl From<DocumentFault> for Stop {
    fn from(fault: DocumentFault) -> Self {
        Self::Fault(fault)
    }
}

/// Sorts a failed attempt at one unit: `Ok` when more bytes may complete it.
pub(super) fn wait_for_more(
    halt: Halt,
    unread: usize,
    limit: usize,
    ended: bool,
) -> Result<(), DocumentFault> {
    match halt {
        Halt::Syntax(fault) => Err(fault.into()),
        Halt::Incomplete if ended => Err(DocumentFault::Truncated),
        Halt::Incomplete if unread > limit => Err(DocumentFault::TooLarge { limit }),
        Halt::Incomplete => Ok(()),
    }
}

/// Reads a document that is one value and has arrived whole. `Some`: a fault inside the value.
pub fn read_whole(
    document: &[u8],
    tape: &mut Tape,
    limits: Limits,
) -> Result<Option<ValueFault>, DocumentFault> {
    let fault = |halt| match halt {
        Halt::Incomplete => DocumentFault::Truncated,
        Halt::Syntax(fault) => fault.into(),
    };
    let mut cursor = Cursor::of_final(document);
    let flaw = cursor.value(tape, limits).map_err(fault)?;
    cursor.end().map_err(|_| DocumentFault::TrailingBytes)?;
    Ok(flaw)
}

/// Is there nothing but white space?
pub(super) fn is_blank(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r'))
}
