//! Lines for people: answers on standard output, complaints on standard error.
//!
//! Whatever a line quotes is escaped, so that a name in a file cannot move the cursor, colour the
//! terminal or reorder what is read.

use std::io::{self, Write};

use crate::audit::escape;

/// Longer than any line that says something; what a file holds is cut here.
const MAX_LINE_CHARS: usize = 4000;

/// One line of the answer.
pub(super) fn say(line: &str) -> io::Result<()> {
    writeln!(io::stdout(), "{}", escape::escaped(line, MAX_LINE_CHARS))
}

/// A whole document that this program wrote itself, such as a man page.
pub(super) fn give(document: &[u8]) -> io::Result<()> {
    let mut out = io::stdout();
    out.write_all(document)?;
    out.flush()
}

/// One line of complaint; several are several calls.
pub(super) fn complain(line: &str) {
    let line = escape::escaped(line, MAX_LINE_CHARS);
    // Ignored: without standard error there is nowhere to complain, and the exit code still tells.
    let _ = writeln!(io::stderr(), "kubelet-proxy: {line}");
}

/// One JSON document, safe to look at.
pub(super) fn give_json(value: &serde_json::Value) -> io::Result<()> {
    give(escape::json_escaped(&format!("{value:#}\n")).as_bytes())
}
