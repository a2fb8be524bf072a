//! Reading an envelope forward, one unit at a time, over bytes that may end early.
//!
//! Callers try a unit and, on [`Halt::Incomplete`], wait for more bytes and try again from the unit's
//! start. Invariant: a method that halts leaves the cursor where it was, so such a retry is exact, and
//! more bytes never turn a syntax fault into a value.

use std::borrow::Cow;
use std::fmt;

use super::scan::{Scan, Stop};
use super::tape::Tape;
use super::{Halt, Limits, SyntaxFault, ValueFault, parse, text};

/// Reads forward over bytes that may end early.
#[derive(Clone)]
pub struct Cursor<'a> {
    scan: Scan<'a>,
}

impl fmt::Debug for Cursor<'_> {
    /// The position alone: the bytes may be secrets.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Cursor").field("offset", &self.scan.at).finish_non_exhaustive()
    }
}

impl<'a> Cursor<'a> {
    /// A cursor at the first byte; more bytes may follow the last one.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { scan: Scan { bytes, at: 0, is_final: false } }
    }

    /// A cursor at the first byte of a document that has arrived whole.
    pub fn of_final(bytes: &'a [u8]) -> Self {
        Self { scan: Scan { bytes, at: 0, is_final: true } }
    }

    /// Bytes consumed so far.
    pub fn offset(&self) -> usize {
        self.scan.at
    }

    /// Skips white space and returns the next byte without consuming it.
    pub fn peek(&mut self) -> Result<u8, Halt> {
        self.unit(|scan| scan.peek())
    }

    /// Consumes exactly this punctuation byte after white space.
    pub fn punctuation(&mut self, byte: u8) -> Result<(), Halt> {
        self.unit(|scan| {
            if scan.peek()? != byte {
                return Err(Stop::NoPunctuation);
            }
            scan.bump();
            Ok(())
        })
    }

    /// Goes to the next member or element of an open container: consumes the comma (not before the
    /// first one), or the closing byte. `false`: the container has ended.
    pub fn advance(&mut self, close: u8, is_first: bool) -> Result<bool, Halt> {
        self.unit(|scan| {
            let byte = scan.peek()?;
            if byte == close {
                scan.bump();
                return Ok(false);
            }
            if !is_first {
                if byte != b',' {
                    return Err(Stop::NoSeparator);
                }
                scan.bump();
            }
            Ok(true)
        })
    }

    /// Reads a string of at most `longest` bytes as written. Bad Unicode is a syntax fault here: an
    /// envelope that cannot spell its own fields is not read any further.
    pub fn text(&mut self, longest: usize) -> Result<Cow<'a, str>, Halt> {
        self.unit(|scan| short_text(scan, longest))
    }

    /// Reads a field name of at most `longest` bytes as written, and its colon.
    pub fn key(&mut self, longest: usize) -> Result<Cow<'a, str>, Halt> {
        self.unit(|scan| {
            if scan.peek()? != b'"' {
                return Err(Stop::NoKey);
            }
            let key = short_text(scan, longest)?;
            if scan.peek()? != b':' {
                return Err(Stop::NoColon);
            }
            scan.bump();
            Ok(key)
        })
    }

    /// Reads one whole value into the tape (cleared first).
    ///
    /// `Ok(None)`: clean. `Ok(Some(fault))`: the value's extent is known and it can be skipped, but
    /// something in it is refused (bad UTF-8, lone surrogate, non-finite number, too deep, too many
    /// nodes); what could be read is on the tape for salvage of an identity only.
    pub fn value(&mut self, tape: &mut Tape, limits: Limits) -> Result<Option<ValueFault>, Halt> {
        let flaw = self.unit(|scan| parse::value(scan, tape, limits))?;
        Ok(flaw.map(|(node, flaw)| {
            let root = tape.root(self.scan.bytes);
            root.fault_at(node, flaw.problem().to_owned())
        }))
    }

    /// Nothing but white space is left of a document that has arrived whole.
    pub fn end(&mut self) -> Result<(), Halt> {
        self.unit(|scan| match scan.peek() {
            Err(Stop::End) => Ok(()),
            Ok(_) | Err(_) => Err(Stop::Trailing),
        })
    }

    /// Runs one read, all or nothing.
    #[inline]
    fn unit<T>(&mut self, read: impl FnOnce(&mut Scan<'a>) -> Result<T, Stop>) -> Result<T, Halt> {
        let mut scan = self.scan.clone();
        match read(&mut scan) {
            Ok(result) => {
                self.scan.at = scan.at;
                Ok(result)
            }
            Err(stop) => Err(halt(stop, scan.at)),
        }
    }
}

#[cold]
fn halt(stop: Stop, offset: usize) -> Halt {
    match stop.problem() {
        None => Halt::Incomplete,
        Some(problem) => Halt::Syntax(SyntaxFault { offset, problem }),
    }
}

fn short_text<'a>(scan: &mut Scan<'a>, longest: usize) -> Result<Cow<'a, str>, Stop> {
    if scan.peek()? != b'"' {
        return Err(Stop::NotText);
    }
    let start = scan.at;
    let token = match scan.text() {
        // What has arrived is already too long: waiting for its end would wait for ever.
        Err(Stop::End) if scan.bytes.len().saturating_sub(start) > longest.saturating_add(1) => {
            return Err(Stop::LongText);
        }
        token => token?,
    };
    let content = scan.bytes.get(token.start..token.end).unwrap_or_default();
    if content.len() > longest {
        return Err(Stop::LongText);
    }
    if !token.has_escapes {
        return std::str::from_utf8(content).map(Cow::Borrowed).map_err(|_| Stop::NotText);
    }
    let mut decoded = String::new();
    match text::unescape(content, &mut decoded)? {
        None => Ok(Cow::Owned(decoded)),
        Some(_) => Err(Stop::NotText),
    }
}
