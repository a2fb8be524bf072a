//! Findings as GitHub shows them beside the lines of a change: one workflow command a finding.

use std::fmt::Write;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Severity {
    /// Fails the check.
    Error,
    /// Is pointed out.
    Warning,
}

/// The command; `line` counts from 1.
pub(super) fn annotation(severity: Severity, file: &str, line: usize, message: &str) -> String {
    let severity = match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    format!("::{severity} file={},line={line}::{}", escaped(file, true), escaped(message, false))
}

/// A finding must not end its line or begin another command.
fn escaped(text: &str, in_property: bool) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '%' | '\r' | '\n' => encode(c, &mut out),
            ':' | ',' if in_property => encode(c, &mut out),
            _ => out.push(c),
        }
    }
    out
}

fn encode(c: char, out: &mut String) {
    // Writing to a string cannot fail.
    let _ = write!(out, "%{:02X}", u32::from(c));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_ends_its_line_or_its_property() {
        let shown = annotation(Severity::Error, "a:b,c", 3, "50 %\n::warning::x");
        assert_eq!(shown, "::error file=a%3Ab%2Cc,line=3::50 %25%0A::warning::x");
    }
}
