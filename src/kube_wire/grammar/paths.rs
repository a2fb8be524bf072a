//! Grammars of paths and of text that ends up on one line.
//!
//! Only the text is judged: whether a path exists, or what a link in it points to, is the
//! kubelet's affair. The separator is `/`; the node runs Linux.

use super::names::LONGEST_TEXT;

/// Characters that make a line look other than it is read: separators and direction marks.
const fn is_deceptive(character: char) -> bool {
    matches!(
        character,
        '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
    )
}

pub(super) fn is_one_line(text: &str) -> bool {
    if text.is_empty() || text.len() > LONGEST_TEXT {
        return false;
    }
    text.bytes().all(|byte| matches!(byte, b' '..=b'~'))
        || text.chars().all(|character| !character.is_control() && !is_deceptive(character))
}

pub(super) fn is_component(text: &str) -> bool {
    !matches!(text, "." | "..") && !text.contains('/') && is_one_line(text)
}

pub(super) fn never_steps_back(text: &str) -> bool {
    is_one_line(text) && text.split('/').all(|component| component != "..")
}

pub(super) fn is_absolute(text: &str) -> bool {
    text.starts_with('/') && never_steps_back(text)
}

pub(super) fn is_mount_path(text: &str) -> bool {
    is_absolute(text) && !text.contains(':')
}

pub(super) fn descends(text: &str) -> bool {
    !text.starts_with('/') && never_steps_back(text)
}

pub(super) fn is_volume_file(text: &str) -> bool {
    descends(text) && !text.starts_with("..")
}
