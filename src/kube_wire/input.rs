//! Bytes of a document that arrive in pieces and leave in whole units.
//!
//! Keeps what was not consumed yet, moves it rarely, and gives back memory that a giant needed.

/// A buffer that stays allocated between units; more than this is given back once it is not needed.
const KEPT_CAPACITY: usize = 64 << 10;

/// Unconsumed bytes, oldest first.
#[derive(Debug, Default)]
pub(super) struct Input {
    bytes: Vec<u8>,
    start: usize,
    taken: usize,
    ended: bool,
}

impl Input {
    /// Appends what arrived.
    pub(super) fn push(&mut self, chunk: &[u8]) {
        self.release();
        if self.start >= self.bytes.len() {
            self.bytes.clear();
            self.start = 0;
            if self.bytes.capacity() > KEPT_CAPACITY && chunk.len() < KEPT_CAPACITY {
                self.bytes = Vec::with_capacity(KEPT_CAPACITY);
            }
        } else if self.start > self.bytes.len() / 2 {
            self.bytes.drain(..self.start);
            self.start = 0;
        }
        self.bytes.extend_from_slice(chunk);
    }

    /// Nothing more will arrive.
    pub(super) fn end(&mut self) {
        self.ended = true;
    }

    /// Has the sender finished?
    pub(super) fn has_ended(&self) -> bool {
        self.ended
    }

    /// What was not taken. Positions in it stay valid until [`Self::release`] or [`Self::push`].
    pub(super) fn unread(&self) -> &[u8] {
        self.bytes.get(self.start..).unwrap_or_default()
    }

    /// Marks this many bytes of [`Self::unread`] as a unit in use.
    pub(super) fn take(&mut self, bytes: usize) {
        self.taken = bytes;
    }

    /// Is a unit in use?
    pub(super) fn has_unit(&self) -> bool {
        self.taken > 0
    }

    /// Lets go of the unit in use.
    pub(super) fn release(&mut self) {
        self.start = self.start.saturating_add(self.taken).min(self.bytes.len());
        self.taken = 0;
    }

    /// Memory held, in bytes.
    pub(super) fn capacity(&self) -> usize {
        self.bytes.capacity()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_leave_in_order_whatever_the_pieces() {
        let mut input = Input::default();
        let mut seen = Vec::new();
        for piece in [&b"abcde"[..], b"f", b"", b"ghijklmnop"] {
            input.push(piece);
            while input.unread().len() >= 3 {
                input.take(3);
                seen.extend_from_slice(&input.unread()[..3]);
                input.release();
            }
        }
        assert_eq!(seen, b"abcdefghijklmno");
        assert_eq!(input.unread(), b"p");
    }

    #[test]
    fn a_giant_does_not_keep_its_memory() {
        let mut input = Input::default();
        input.push(&vec![0; 4 << 20]);
        input.take(4 << 20);
        input.push(b"small");
        assert_eq!(input.unread(), b"small");
        assert!(input.capacity() <= KEPT_CAPACITY);
    }
}
