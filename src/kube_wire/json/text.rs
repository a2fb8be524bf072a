//! Escape sequences inside strings: decoding them, and deciding that a string is good Unicode.
//!
//! Only strings that hold a backslash come here. Invariant: what is appended to `decoded` is what Go
//! reads from the same bytes, or the outcome says that it is flawed.

use std::borrow::Cow;

use super::scan::{Stop, plain_run};

/// A string that could be read to its end, yet is not Unicode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TextFlaw {
    LoneSurrogate,
    NotUtf8,
}

/// Appends the decoded form of a string's content, U+FFFD for what is not Unicode.
///
/// # Errors
/// [`Stop::Escape`] for a sequence that RFC 8259 does not know.
pub(super) fn unescape(content: &[u8], decoded: &mut String) -> Result<Option<TextFlaw>, Stop> {
    // Replacing what is not UTF-8 leaves ASCII, and so every escape, where it is.
    let (text, not_utf8) = lossy(content);
    let mut lone_surrogate = None;
    let mut rest: &str = &text;
    loop {
        let (plain, escaped) =
            rest.split_at_checked(plain_run(rest.as_bytes())).ok_or(Stop::Escape)?;
        decoded.push_str(plain);
        if escaped.is_empty() {
            return Ok(not_utf8.or(lone_surrogate));
        }
        let (character, length) = escape(escaped.as_bytes())?;
        if character.is_none() {
            lone_surrogate = Some(TextFlaw::LoneSurrogate);
        }
        decoded.push(character.unwrap_or(char::REPLACEMENT_CHARACTER));
        rest = escaped.get(length..).ok_or(Stop::Escape)?;
    }
}

/// The content of a string without escapes, U+FFFD for what is not Unicode.
pub(super) fn lossy(content: &[u8]) -> (Cow<'_, str>, Option<TextFlaw>) {
    let text = String::from_utf8_lossy(content);
    let flaw = matches!(text, Cow::Owned(_)).then_some(TextFlaw::NotUtf8);
    (text, flaw)
}

/// One escape sequence: its character (`None` for a lone surrogate) and its length in bytes.
fn escape(sequence: &[u8]) -> Result<(Option<char>, usize), Stop> {
    let &[b'\\', kind, ..] = sequence else { return Err(Stop::Escape) };
    let simple = match kind {
        b'"' => '"',
        b'\\' => '\\',
        b'/' => '/',
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        b'u' => return unicode_escape(sequence),
        _ => return Err(Stop::Escape),
    };
    Ok((Some(simple), 2))
}

fn unicode_escape(sequence: &[u8]) -> Result<(Option<char>, usize), Stop> {
    let unit = code_unit(sequence).ok_or(Stop::Escape)?;
    if let Some(character) = char::from_u32(u32::from(unit)) {
        return Ok((Some(character), UNIT_LENGTH));
    }
    // A high surrogate counts only together with the low one right behind it, as in Go.
    let following = sequence.get(UNIT_LENGTH..).and_then(code_unit);
    let pair = following.and_then(|low| char::decode_utf16([unit, low]).next()?.ok());
    Ok(match pair {
        Some(character) => (Some(character), UNIT_LENGTH.wrapping_mul(2)),
        None => (None, UNIT_LENGTH),
    })
}

/// Bytes of `\uXXXX`.
const UNIT_LENGTH: usize = 6;

fn code_unit(sequence: &[u8]) -> Option<u16> {
    let digits = sequence.get(..UNIT_LENGTH)?.strip_prefix(b"\\u")?;
    let mut unit: u16 = 0;
    for &digit in digits {
        let value = char::from(digit).to_digit(16)?;
        unit = unit.wrapping_shl(4) | u16::try_from(value).ok()?;
    }
    Some(unit)
}
