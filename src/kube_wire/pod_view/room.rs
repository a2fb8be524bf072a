//! Where the lists of a view live: one piece of memory a pod instead of one a list.
//!
//! A pod of three containers has some forty lists; asking for each cost more than reading it. What is
//! kept here is given back with the room, and nothing of it is dropped: so nothing may be kept that owns
//! memory elsewhere, which the compiler checks.

use std::cell::OnceCell;

use bumpalo::Bump;
use bumpalo::collections::Vec;

/// Enough for most pods, so that one request is all.
const USUAL_BYTES: usize = 8 * 1024;

/// Memory for the views of one pod. Nothing is taken before a view is read.
#[derive(Debug, Default)]
pub struct Room(OnceCell<Bump>);

impl Room {
    fn memory(&self) -> &Bump {
        self.0.get_or_init(|| Bump::with_capacity(USUAL_BYTES))
    }

    /// Keeps one part.
    pub(super) fn keep<Part>(&self, part: Part) -> &Part {
        const { assert!(!std::mem::needs_drop::<Part>(), "its memory would never be given back") };
        self.memory().alloc(part)
    }

    /// Keeps a list of so many parts.
    pub(super) fn keep_all<Part>(
        &self,
        length: usize,
        parts: impl Iterator<Item = Part>,
    ) -> &[Part] {
        self.keep_pushed(length, |list| parts.for_each(|part| list.push(part)))
    }

    /// Keeps a list of about so many parts, which `fill` makes.
    pub(super) fn keep_pushed<'r, Part>(
        &'r self,
        length: usize,
        fill: impl FnOnce(&mut Vec<'r, Part>),
    ) -> &'r [Part] {
        const { assert!(!std::mem::needs_drop::<Part>(), "its memory would never be given back") };
        if length == 0 {
            return &[];
        }
        let mut list = Vec::with_capacity_in(length, self.memory());
        fill(&mut list);
        list.into_bump_slice()
    }
}
