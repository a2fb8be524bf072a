//! One text, its documents. As kubectl does: what begins with `{` is JSON, anything else YAML.

use serde_json::Value;

use super::error::ManifestError;
use super::{json, yaml};

/// Some ten thousand running pods as JSON fit.
pub const MAX_MANIFEST_BYTES: usize = 64 * 1024 * 1024;

/// One document of a text, as JSON.
#[derive(Clone, Debug, PartialEq)]
pub struct Document {
    /// Counted from 1; empty documents do not count.
    pub number: usize,
    /// The line on which it begins, counted from 1.
    pub line: usize,
    /// What it says.
    pub value: Value,
}

impl Document {
    /// An error about one of its fields.
    pub(super) fn wrong(&self, path: &str, problem: impl Into<String>) -> ManifestError {
        ManifestError::Field {
            document: self.number,
            line: self.line,
            path: path.to_owned(),
            problem: problem.into(),
        }
    }
}

/// All documents of a text, empty ones left out.
pub fn read(bytes: &[u8]) -> Result<Vec<Document>, ManifestError> {
    if bytes.len() > MAX_MANIFEST_BYTES {
        return Err(ManifestError::TooLarge { limit: MAX_MANIFEST_BYTES });
    }
    let text = str::from_utf8(bytes).map_err(|error| {
        let before = bytes.get(..error.valid_up_to()).unwrap_or_default();
        let lines = before.iter().filter(|byte| **byte == b'\n').count();
        ManifestError::NotUtf8 { line: lines.saturating_add(1) }
    })?;
    let values = match text.trim_start().starts_with('{') {
        true => json::values(text)?,
        false => yaml::values(text)?,
    };
    let said = values.into_iter().filter(|(_, value)| !value.is_null());
    let number = |(index, (line, value)): (usize, _)| Document {
        number: index.saturating_add(1),
        line,
        value,
    };
    Ok(said.enumerate().map(number).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_know_where_they_begin() {
        let text = b"# a\n---\na: 1\n---\n---\n# b\nb: 2\n";
        let found: Vec<_> =
            read(text).unwrap().into_iter().map(|one| (one.number, one.line)).collect();
        assert_eq!(found, [(1, 3), (2, 7)]);
    }

    #[test]
    fn what_begins_with_a_brace_is_json() {
        assert_eq!(read(b" {\"a\":1}\n{\"b\":2}").unwrap().len(), 2);
        assert!(read(b"{a: 1}").unwrap_err().to_string().contains("line 1"));
    }

    #[test]
    fn what_is_no_text_or_too_long_is_refused() {
        assert_eq!(read(b"a: 1\nb: \xff").unwrap_err(), ManifestError::NotUtf8 { line: 2 });
        let long = vec![b' '; MAX_MANIFEST_BYTES + 1];
        let limit = MAX_MANIFEST_BYTES;
        assert_eq!(read(&long).unwrap_err(), ManifestError::TooLarge { limit });
        assert_eq!(read(b"").unwrap(), []);
    }
}
