//! Texts that are kept to be compared later: as they are if they are few, else their digest.
//!
//! Most pods have few images: copying them costs less than a digest, and there is one pin a pod.

use super::tags::{append, sha256};

/// Images and amounts of an ordinary pod fit; a hostile one's pin must not grow with it.
const LONGEST_KEPT: usize = 256;

const AS_THEY_ARE: u8 = 0;
const DIGEST: u8 = 1;

/// A sequence of texts, equal to another exactly if all its texts are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Kept(Box<[u8]>);

impl Kept {
    pub(super) fn new<'t>(texts: impl IntoIterator<Item = &'t str>) -> Self {
        let mut bytes = vec![AS_THEY_ARE];
        texts.into_iter().for_each(|text| append(&mut bytes, text));
        if bytes.len() <= LONGEST_KEPT {
            return Self(bytes.into_boxed_slice());
        }
        let mut digest = vec![DIGEST];
        digest.extend_from_slice(&sha256(&bytes));
        Self(digest.into_boxed_slice())
    }

    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        self.0.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_told_apart_whether_few_or_many() {
        let long = "x".repeat(10_000);
        for texts in [&["a", "b"][..], &[], &[&long]] {
            assert_eq!(Kept::new(texts.iter().copied()), Kept::new(texts.iter().copied()));
        }
        for (one, other) in
            [(&["ab"][..], &["a", "b"][..]), (&[], &[""]), (&[&long], &[&long, "y"])]
        {
            assert_ne!(Kept::new(one.iter().copied()), Kept::new(other.iter().copied()));
        }
        assert!(Kept::new([long.as_str()]).0.len() < LONGEST_KEPT);
    }
}
