//! Sets of which members may join and none may leave, kept as digests.
//!
//! A tag is the first 16 bytes of a SHA-256: enough that none can be forged for another's content.

use aws_lc_rs::digest::{SHA256, digest};

/// A pod has a handful of tolerations; of more than this many, one tag over all is kept, so that a
/// hostile pod cannot make its pin large. Such a pod may not get further ones.
const MOST_TAGS: usize = 64;

/// One member of a set.
pub(super) type Tag = [u8; 16];

/// A set of members.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Tags {
    sorted: Box<[Tag]>,
}

impl Tags {
    pub(super) fn new(mut tags: Vec<Tag>) -> Self {
        tags.sort_unstable();
        if tags.len() > MOST_TAGS {
            tags = vec![tag_of(tags.as_flattened())];
        }
        Self { sorted: tags.into_boxed_slice() }
    }

    /// One tag an element of a canonical JSON array; none if `array` does not begin with one.
    pub(super) fn of_elements(array: &[u8]) -> Self {
        let tags = elements(array).map(tag_of).collect();
        Self::new(tags)
    }

    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        size_of_val(&*self.sorted)
    }

    pub(super) fn are_all_in(&self, later: &Self) -> bool {
        self.sorted.iter().all(|tag| later.sorted.binary_search(tag).is_ok())
    }
}

/// The tag of a member, given as bytes that no other member has.
pub(super) fn tag_of(bytes: &[u8]) -> Tag {
    sha256(bytes).first_chunk().copied().unwrap_or_default()
}

pub(super) fn sha256(bytes: &[u8]) -> [u8; 32] {
    digest(&SHA256, bytes).as_ref().first_chunk().copied().unwrap_or_default()
}

/// Appends a text with its length, so that no two sequences of texts give the same bytes.
pub(super) fn append(bytes: &mut Vec<u8>, text: &str) {
    bytes.extend_from_slice(&(text.len() as u64).to_le_bytes());
    bytes.extend_from_slice(text.as_bytes());
}

/// The elements of a canonical array of objects: no white space between tokens.
fn elements(array: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = array.strip_prefix(b"[").unwrap_or_default();
    std::iter::from_fn(move || {
        rest = rest.strip_prefix(b",").unwrap_or(rest);
        let (element, after) = rest.split_at_checked(object_length(rest)?)?;
        rest = after;
        Some(element)
    })
}

/// The length of the object that the bytes begin with.
fn object_length(bytes: &[u8]) -> Option<usize> {
    let (mut depth, mut in_text, mut is_escaped) = (0_usize, false, false);
    for (position, byte) in bytes.iter().enumerate() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = true,
            b'"' => in_text = !in_text,
            _ if in_text => {}
            b'{' => depth = depth.saturating_add(1),
            b'}' => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return position.checked_add(1);
                }
            }
            _ if depth == 0 => return None,
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_cut_at_their_own_braces() {
        for (array, expected) in [
            ("", vec![]),
            ("[]", vec![]),
            ("[],\"more\":1", vec![]),
            (r#"[{}]"#, vec!["{}"]),
            (r#"[{"a":[{}]},{"b":"}\"{"}],"x":{}"#, vec![r#"{"a":[{}]}"#, r#"{"b":"}\"{"}"#]),
            (r#"[{"a":1"#, vec![]),
        ] {
            let found: Vec<_> = elements(array.as_bytes()).collect();
            let expected: Vec<_> = expected.into_iter().map(str::as_bytes).collect();
            assert_eq!(found, expected, "{array}");
        }
    }

    #[test]
    fn members_may_join_and_none_may_leave() {
        let tags = |members: &[u8]| Tags::new(members.iter().map(|member| [*member; 16]).collect());
        assert!(tags(&[2, 1]).are_all_in(&tags(&[1, 2, 3])));
        assert!(tags(&[]).are_all_in(&tags(&[])));
        assert!(!tags(&[1, 2]).are_all_in(&tags(&[1])));
        assert!(!tags(&[1]).are_all_in(&tags(&[])));
    }

    #[test]
    fn a_large_set_is_kept_as_one_tag_and_must_stay_as_it_is() {
        let of = |count: u8| Tags::new((0..count).map(|member| [member; 16]).collect());
        assert_eq!(of(64).sorted.len(), 64);
        assert_eq!(of(65).sorted.len(), 1);
        assert!(of(65).are_all_in(&of(65)));
        assert!(!of(65).are_all_in(&of(66)));
        assert!(!of(64).are_all_in(&of(65)));
    }
}
