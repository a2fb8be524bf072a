//! The tokens of JSON: white space, strings, numbers and literals, cut from bytes that may end early.
//!
//! It finds where a token ends and whether its form is legal; it does not keep anything and does not
//! check UTF-8. Invariant: `at` only moves forward, and on a [`Stop`] it is where the fault was found.

/// Why a token could not be read. One byte wide, so that results travel in registers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// The bytes end inside the token, or more of it may follow.
    End,
    NoValue,
    NoKey,
    NoColon,
    NoSeparator,
    NoPunctuation,
    Control,
    Escape,
    Number,
    Literal,
    Nesting,
    LongText,
    NotText,
    Trailing,
}

impl Stop {
    /// Words for an operator; `None` when bytes are merely missing.
    pub(super) fn problem(self) -> Option<&'static str> {
        match self {
            Self::End => None,
            Self::NoValue => Some("expected a value"),
            Self::NoKey => Some("expected a field name in double quotes"),
            Self::NoColon => Some("expected a colon after the field name"),
            Self::NoSeparator => Some("expected a comma or the end of the array or object"),
            Self::NoPunctuation => Some("unexpected byte between values"),
            Self::Control => Some("control character inside a string"),
            Self::Escape => Some("malformed escape sequence"),
            Self::Number => Some("malformed number"),
            Self::Literal => Some("malformed literal"),
            Self::Nesting => Some("nested deeper than any decoder reads"),
            Self::LongText => Some("string longer than any that belongs here"),
            Self::NotText => Some("expected a string of valid Unicode"),
            Self::Trailing => Some("bytes after the end of the document"),
        }
    }
}

/// A string's content, without its quotes.
#[derive(Clone, Copy, Debug)]
pub(super) struct TextToken {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) has_escapes: bool,
}

/// A number's extent, and its value where that is a plain 64-bit integer.
#[derive(Clone, Copy, Debug)]
pub(super) struct NumberToken {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) integer: Option<i64>,
}

/// A position in bytes that may end early.
#[derive(Clone)]
pub(super) struct Scan<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) at: usize,
    /// No more bytes will follow these, so a number may end where they end.
    pub(super) is_final: bool,
}

/// Eight copies of one byte.
const fn repeat(byte: u8) -> u64 {
    u64::from_le_bytes([byte; 8])
}

/// The first byte that may stand in a string unescaped.
const FIRST_PLAIN: u8 = 0x20;

/// Marks (with the high bit) bytes of a word that end a run of plain string content. Marks above the
/// lowest one may be wrong, because a subtraction borrows upwards; the lowest one never is.
#[inline]
fn special_bytes(word: u64) -> u64 {
    // Flipping bit 1 moves the quote from 0x22 to 0x20, right behind the control characters, and
    // no other byte below 0x80 into that range: one subtraction finds both.
    let quote_or_control = (word ^ repeat(0x02)).wrapping_sub(repeat(FIRST_PLAIN | 1));
    let backslash = (word ^ repeat(b'\\')).wrapping_sub(repeat(1));
    (quote_or_control | backslash) & !word & repeat(0x80)
}

/// How many bytes at the start can stand in a string as they are: up to the first quote, backslash or
/// control character, or all of them.
#[inline]
pub(super) fn plain_run(bytes: &[u8]) -> usize {
    let mut rest = bytes;
    while let Some((word, behind)) = rest.split_first_chunk() {
        let found = special_bytes(u64::from_le_bytes(*word));
        if found != 0 {
            let before = bytes.len().wrapping_sub(rest.len());
            return before.wrapping_add((found.trailing_zeros() / 8) as usize);
        }
        rest = behind;
    }
    let is_special = |byte: &u8| *byte < FIRST_PLAIN || *byte == b'"' || *byte == b'\\';
    let plain = rest.iter().position(is_special).unwrap_or(rest.len());
    bytes.len().wrapping_sub(rest.len()).wrapping_add(plain)
}

impl<'a> Scan<'a> {
    /// The byte at the current position.
    #[inline]
    fn byte(&self) -> Result<u8, Stop> {
        self.bytes.get(self.at).copied().ok_or(Stop::End)
    }

    #[inline]
    pub(super) fn bump(&mut self) {
        self.at = self.at.wrapping_add(1);
    }

    /// Skips white space; the next byte, not consumed.
    #[inline]
    pub(super) fn peek(&mut self) -> Result<u8, Stop> {
        let byte = self.byte()?;
        if byte > b' ' { Ok(byte) } else { self.peek_past_space() }
    }

    #[cold]
    fn peek_past_space(&mut self) -> Result<u8, Stop> {
        loop {
            match self.byte()? {
                b' ' | b'\t' | b'\n' | b'\r' => self.bump(),
                byte => return Ok(byte),
            }
        }
    }

    /// Reads a string; `at` is on its opening quote. Escapes are stepped over, `text` judges them.
    #[inline]
    pub(super) fn text(&mut self) -> Result<TextToken, Stop> {
        let start = self.at.wrapping_add(1);
        let has_escapes = self.text_end(start)?;
        Ok(TextToken { start, end: self.at.wrapping_sub(1), has_escapes })
    }

    /// Moves behind the quote that ends the string; whether there are escapes before it.
    fn text_end(&mut self, start: usize) -> Result<bool, Stop> {
        match self.skip_plain(start)? {
            b'"' => {
                self.bump();
                Ok(false)
            }
            b'\\' => self.escaped_text_end().map(|()| true),
            _ => Err(Stop::Control),
        }
    }

    /// The same from the first backslash on.
    #[cold]
    fn escaped_text_end(&mut self) -> Result<(), Stop> {
        loop {
            let behind_escaped = self.at.wrapping_add(2);
            match self.skip_plain(behind_escaped)? {
                b'"' => {
                    self.bump();
                    return Ok(());
                }
                b'\\' => {}
                _ => return Err(Stop::Control),
            }
        }
    }

    /// Moves to the first byte from `start` on that ends a run of plain string content.
    #[inline]
    fn skip_plain(&mut self, start: usize) -> Result<u8, Stop> {
        let rest = self.bytes.get(start..).ok_or(Stop::End)?;
        self.at = start.wrapping_add(plain_run(rest));
        self.byte()
    }

    /// Reads exactly this word; `at` is on its first byte.
    #[inline]
    pub(super) fn literal(&mut self, word: &'static [u8]) -> Result<(), Stop> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        if rest.starts_with(word) {
            self.at = self.at.wrapping_add(word.len());
            Ok(())
        } else if word.starts_with(rest) {
            Err(Stop::End)
        } else {
            Err(Stop::Literal)
        }
    }

    /// Reads a number; `at` is on its sign or first digit.
    #[inline]
    pub(super) fn number(&mut self) -> Result<NumberToken, Stop> {
        let start = self.at;
        let is_negative = self.byte()? == b'-';
        if is_negative {
            self.bump();
        }
        let first_digit = self.at;
        let magnitude = self.whole_part()?;
        let digits = self.at.wrapping_sub(first_digit);
        let is_plain = !matches!(self.byte_or_end()?, Some(b'.' | b'e' | b'E'));
        if is_plain && digits <= SAFE_DIGITS {
            let magnitude = magnitude.cast_signed();
            let integer = if is_negative { magnitude.wrapping_neg() } else { magnitude };
            return Ok(NumberToken { start, end: self.at, integer: Some(integer) });
        }
        self.unusual_number(start, is_plain)
    }

    /// The digits before a fraction, and what they amount to (meaningless past [`SAFE_DIGITS`]).
    #[inline]
    fn whole_part(&mut self) -> Result<u64, Stop> {
        if self.byte()? == b'0' {
            self.bump();
            return Ok(0);
        }
        let first = self.at;
        let mut magnitude: u64 = 0;
        while let Some(digit) = self.byte_or_end()?.and_then(digit) {
            magnitude = magnitude.wrapping_mul(10).wrapping_add(u64::from(digit));
            self.bump();
        }
        if self.at == first { Err(Stop::Number) } else { Ok(magnitude) }
    }

    /// Fractions, exponents and integers of 19 digits or more.
    #[cold]
    fn unusual_number(&mut self, start: usize, is_plain: bool) -> Result<NumberToken, Stop> {
        if self.byte_or_end()? == Some(b'.') {
            self.bump();
            self.some_digits()?;
        }
        if matches!(self.byte_or_end()?, Some(b'e' | b'E')) {
            self.bump();
            if matches!(self.byte()?, b'+' | b'-') {
                self.bump();
            }
            self.some_digits()?;
        }
        let token = self.bytes.get(start..self.at).unwrap_or_default();
        let integer = if is_plain { parse_ascii(token) } else { None };
        Ok(NumberToken { start, end: self.at, integer })
    }

    fn some_digits(&mut self) -> Result<(), Stop> {
        digit(self.byte()?).ok_or(Stop::Number)?;
        while self.byte_or_end()?.and_then(digit).is_some() {
            self.bump();
        }
        Ok(())
    }

    /// The byte at the current position; `None` at the end of final bytes.
    #[inline]
    fn byte_or_end(&self) -> Result<Option<u8>, Stop> {
        match self.bytes.get(self.at) {
            Some(&byte) => Ok(Some(byte)),
            None if self.is_final => Ok(None),
            None => Err(Stop::End),
        }
    }
}

/// Any integer of this many digits fits an `i64`.
const SAFE_DIGITS: usize = 18;

#[inline]
fn digit(byte: u8) -> Option<u8> {
    let digit = byte.wrapping_sub(b'0');
    (digit < 10).then_some(digit)
}

fn parse_ascii(token: &[u8]) -> Option<i64> {
    std::str::from_utf8(token).ok()?.parse().ok()
}
