//! A hint when a value that arrives in pieces may be complete, so that it is not parsed on every piece.
//!
//! It follows quotes and brackets over bytes it has not seen before and judges nothing: the strict
//! parser alone decides. Invariant: total work is linear in the bytes, and a value that is complete
//! (a number: with what follows it), or refused at its first byte, is never waited for.

use super::scan::plain_run;

/// Says when a retry may succeed. One per unit, from the unit's first byte.
#[derive(Clone, Debug, Default)]
pub struct ExtentHint {
    /// Bytes of the unit looked at so far.
    seen: usize,
    state: State,
    depth: usize,
    /// The byte before was a backslash inside a string.
    is_escaped: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    /// White space before the value.
    #[default]
    Before,
    /// Inside the value's brackets, or behind its opening one.
    Structure,
    Text,
    /// A number of its own: it ends where something else begins.
    Number,
    /// A retry is worth it.
    Ended,
}

impl ExtentHint {
    /// A hint that has seen nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Looks at the part of `unit` not seen before. `unit` starts where the value is due and ends with
    /// the last byte that arrived. `true`: parse it. At the end of the input, parse it in any case.
    pub fn may_be_complete(&mut self, unit: &[u8]) -> bool {
        let mut fresh = unit.get(self.seen..).unwrap_or_default();
        self.seen = unit.len();
        while self.state != State::Ended {
            if self.state == State::Text && !self.is_escaped {
                fresh = fresh.get(plain_run(fresh)..).unwrap_or_default();
            }
            let Some((&byte, behind)) = fresh.split_first() else { return false };
            self.state = self.after(byte);
            fresh = behind;
        }
        true
    }

    fn after(&mut self, byte: u8) -> State {
        match self.state {
            State::Before => self.start(byte),
            State::Structure => self.structure(byte),
            State::Text => self.text(byte),
            State::Number if is_in_number(byte) => State::Number,
            State::Number | State::Ended => State::Ended,
        }
    }

    fn start(&mut self, byte: u8) -> State {
        match byte {
            b' ' | b'\t' | b'\n' | b'\r' => State::Before,
            b'-' | b'0'..=b'9' => State::Number,
            b'"' => State::Text,
            b'[' | b'{' => self.structure(byte),
            // A literal costs five tries at most; no other value starts like this, as the parser says.
            _ => State::Ended,
        }
    }

    fn structure(&mut self, byte: u8) -> State {
        match byte {
            b'"' => return State::Text,
            b'[' | b'{' => self.depth = self.depth.saturating_add(1),
            b']' | b'}' => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
        if self.depth == 0 { State::Ended } else { State::Structure }
    }

    fn text(&mut self, byte: u8) -> State {
        if self.is_escaped {
            self.is_escaped = false;
            return State::Text;
        }
        match byte {
            b'\\' => self.is_escaped = true,
            b'"' if self.depth == 0 => return State::Ended,
            b'"' => return State::Structure,
            _ => {}
        }
        State::Text
    }
}

fn is_in_number(byte: u8) -> bool {
    byte.is_ascii_digit() || matches!(byte, b'-' | b'+' | b'.' | b'e' | b'E')
}
