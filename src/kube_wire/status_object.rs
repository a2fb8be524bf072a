//! `v1 Status`: what the API server answers when it has no object, and what we answer when we refuse.
//!
//! A Status from upstream is read for its known fields and written anew; nothing else in it travels on.

use serde_json::json;

use super::document::{DocumentFault, read_whole};
use super::json::{Limits, Tape, Value, ValueFault};
use super::pod_schema::API_STATUS;
use super::schema;

/// A Status that was read, or made here. Always written whole and by us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    code: u16,
    reason: String,
    json: Vec<u8>,
}

impl Status {
    /// A failure of our own. `reason` is one of the API's words, such as `Forbidden`.
    pub fn failure(code: u16, reason: &str, message: &str) -> Self {
        let status = json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": message, "reason": reason, "code": code,
        });
        Self { code, reason: reason.to_owned(), json: status.to_string().into_bytes() }
    }

    /// What ends a watch so that a reflector lists again: at its last version after anything else it
    /// would resume and see nothing of what went wrong.
    pub fn expired(message: &str) -> Self {
        Self::failure(410, "Expired", message)
    }

    /// An answer with neither object nor fault.
    pub fn success() -> Self {
        let status = json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success",
        });
        Self { code: 200, reason: String::new(), json: status.to_string().into_bytes() }
    }

    /// Reads a parsed Status; `flaw` is what the parser found wrong inside.
    pub fn read(value: Value<'_>, flaw: Option<ValueFault>) -> Result<Self, DocumentFault> {
        if let Some(fault) = flaw {
            return Err(fault.into());
        }
        let text = |name: &str| value.field(name).and_then(|member| member.as_str());
        if text("kind") != Some("Status") || text("apiVersion") != Some("v1") {
            return Err(DocumentFault::Envelope("this is no v1 Status"));
        }
        let checked = schema::check(value, API_STATUS)?;
        let code = value.field("code").and_then(|code| code.as_i64());
        let mut json = Vec::new();
        checked.write(&mut json, &mut Vec::new());
        Ok(Self {
            code: code.and_then(|code| u16::try_from(code).ok()).unwrap_or(500),
            reason: text("reason").unwrap_or_default().to_owned(),
            json,
        })
    }

    /// Reads a whole document.
    pub fn parse(document: &[u8], limits: Limits) -> Result<Self, DocumentFault> {
        let mut tape = Tape::default();
        let flaw = read_whole(document, &mut tape, limits)?;
        Self::read(tape.root(document), flaw)
    }

    /// The HTTP status that belongs to it.
    pub fn code(&self) -> u16 {
        self.code
    }

    /// The machine-readable reason, such as `Expired`.
    pub fn reason(&self) -> &str {
        &self.reason
    }

    /// The object as JSON.
    pub fn as_json(&self) -> &[u8] {
        &self.json
    }
}
