//! What is wrong with a manifest: one line, with the place and the remedy.

/// Why a manifest was refused. The name of the file is the caller's to add.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ManifestError {
    /// More than the limit.
    #[error("is longer than {limit} bytes; is it the right file? Else give it in parts")]
    TooLarge {
        /// In bytes.
        limit: usize,
    },
    /// Some byte sequence is not UTF-8.
    #[error("line {line}: not valid UTF-8; save the manifest as UTF-8")]
    NotUtf8 {
        /// Counted from 1.
        line: usize,
    },
    /// The text is no YAML or JSON, or says something that is not taken.
    #[error("line {line}: {problem}")]
    Syntax {
        /// Counted from 1.
        line: usize,
        /// What is wrong, and after a semicolon the remedy.
        problem: String,
    },
    /// A document whose fields do not make sense.
    #[error("document {document} (line {line}): {path}: {problem}")]
    Field {
        /// Counted from 1.
        document: usize,
        /// Where the document begins, counted from 1.
        line: usize,
        /// Such as `spec.template`.
        path: String,
        /// What is wrong, and after a semicolon the remedy.
        problem: String,
    },
}
