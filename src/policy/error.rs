//! What keeps a policy from loading, and what an operator should look at although it loads.
//!
//! Every message names the field by path and line, and ends with the remedy. The name of the file
//! is the caller's to add: this room never opens one.

use std::fmt;

use super::located::Located;

/// The largest policy that is read: thousands of rules fit, a wrong file given by mistake does not.
pub const MAX_POLICY_BYTES: usize = 1024 * 1024;

/// Warnings beyond these are counted only: nobody reads on, and each costs a scan of the text.
const MAX_WARNINGS: usize = 50;

/// Why a policy was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// Nothing but white space.
    #[error("the policy is empty; write a policy, or accept every pod with --allow-all-pods")]
    Empty,
    /// More than [`MAX_POLICY_BYTES`].
    #[error(
        "the policy is {bytes} bytes long, the limit is {MAX_POLICY_BYTES}; is it the right file?"
    )]
    TooLarge {
        /// The length found.
        bytes: usize,
    },
    /// The text begins with U+FEFF.
    #[error("line 1: begins with a byte order mark; save the policy as UTF-8 without one")]
    ByteOrderMark,
    /// Some byte sequence is not UTF-8.
    #[error("line {line}: not valid UTF-8; save the policy as UTF-8")]
    NotUtf8 {
        /// Counted from 1.
        line: usize,
    },
    /// Not one JSON value with nothing after it.
    #[error("line {line}, column {column}: {problem}; the policy must be one JSON object")]
    Syntax {
        /// Counted from 1.
        line: usize,
        /// Counted from 1, in bytes.
        column: usize,
        /// What the parser met.
        problem: String,
    },
    /// A field that does not say what it must.
    #[error("{path} (line {line}): {problem}")]
    Field {
        /// Such as `rules[3].match.images.allowedRegistries[0]`.
        path: String,
        /// Counted from 1: where the field's value begins.
        line: usize,
        /// What is wrong, and after a semicolon the remedy.
        problem: String,
    },
}

impl PolicyError {
    /// The line that is at fault, counted from 1.
    pub fn line(&self) -> usize {
        match self {
            Self::Empty | Self::TooLarge { .. } | Self::ByteOrderMark => 1,
            Self::NotUtf8 { line } | Self::Syntax { line, .. } | Self::Field { line, .. } => *line,
        }
    }
}

/// What kind of remark a warning is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WarningKind {
    /// It may not mean what its author thinks.
    Odd,
    /// It permits more than most pods need.
    Broad,
    /// It can never decide anything.
    Unreachable,
}

/// Something in a policy that loads, yet may not mean what its author thinks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyWarning {
    /// What kind of remark it is.
    pub kind: WarningKind,
    /// Such as `rules[3].match.namespaceRegex`.
    pub path: String,
    /// Counted from 1: where the field's value begins.
    pub line: usize,
    /// What is odd, and after a semicolon the remedy.
    pub problem: String,
}

impl fmt::Display for PolicyWarning {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} (line {}): {}", self.path, self.line, self.problem)
    }
}

/// The warnings so far, in the order of the file.
#[derive(Debug, Default)]
pub(super) struct Warnings {
    kept: Vec<PolicyWarning>,
    omitted: usize,
}

impl Warnings {
    /// Says what is odd about a value.
    pub(super) fn add(&mut self, at: &Located<'_>, problem: impl Into<String>) {
        self.keep(WarningKind::Odd, at, problem);
    }

    /// Says what permits more than most pods need.
    pub(super) fn broad(&mut self, at: &Located<'_>, problem: impl Into<String>) {
        self.keep(WarningKind::Broad, at, problem);
    }

    /// Says what can never decide anything.
    pub(super) fn unreachable(&mut self, at: &Located<'_>, problem: impl Into<String>) {
        self.keep(WarningKind::Unreachable, at, problem);
    }

    fn keep(&mut self, kind: WarningKind, at: &Located<'_>, problem: impl Into<String>) {
        if self.kept.len() < MAX_WARNINGS {
            self.kept.push(PolicyWarning { kind, ..at.warning(problem) });
        } else {
            self.omitted = self.omitted.saturating_add(1);
        }
    }

    /// All that were kept, and how many were not.
    pub(super) fn finish(mut self, document: &Located<'_>) -> Vec<PolicyWarning> {
        if self.omitted > 0 {
            let more = format!("has {} more warnings; correct these first", self.omitted);
            self.kept.push(document.warning(more));
        }
        self.kept
    }
}
