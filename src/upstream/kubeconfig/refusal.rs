//! Why a kubeconfig is not used: file, field and remedy in one line.
//!
//! It quotes names and field paths, never values: a value may be a secret.

use std::fmt;
use std::path::PathBuf;

use crate::tls::TlsError;

/// A kubeconfig that cannot or must not be used.
#[derive(Debug, thiserror::Error)]
pub enum KubeconfigError {
    /// Unreadable, or too large.
    #[error(transparent)]
    Unreadable(#[from] TlsError),
    /// Not YAML, or not the shape of a kubeconfig.
    #[error("{}: not a valid kubeconfig{position}; compare with `kubectl config view`", path.display())]
    Malformed {
        /// The kubeconfig.
        path: PathBuf,
        /// Where, if the parser knows.
        position: Position,
    },
    /// A field is missing, wrong, or not supported.
    #[error("{}: {field}: {remedy}", path.display())]
    Refused {
        /// The kubeconfig.
        path: PathBuf,
        /// Field path such as `users[node].username`.
        field: String,
        /// What to do.
        remedy: String,
    },
    /// A field is a risk that nobody accepted.
    #[error("{}: {field}: {risk}; mend it, or accept the risk with {flag}", path.display())]
    NeedsFlag {
        /// The kubeconfig.
        path: PathBuf,
        /// Field path.
        field: String,
        /// What could happen.
        risk: String,
        /// The flag that accepts it.
        flag: &'static str,
    },
}

/// Line and column, or nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position(Option<(u64, u64)>);

impl From<Option<(u64, u64)>> for Position {
    fn from(found: Option<(u64, u64)>) -> Self {
        Self(found)
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some((line, column)) => write!(f, " (line {line}, column {column})"),
            None => Ok(()),
        }
    }
}
