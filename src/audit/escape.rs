//! Makes text that a stranger chose safe to show: in a log, a terminal, an Event.
//!
//! Escapes what can move, hide or reorder what a reader sees, and cuts to length. Does not judge
//! whether the text is a valid name; see Trojan Source (CVE-2021-42574) for what bidi controls do.

use std::fmt::Write;

/// Put in place of what was cut.
const ELLIPSIS: char = '…';

/// The text, escaped, of at most `max_chars` characters (the ellipsis included).
pub fn escaped(text: &str, max_chars: usize) -> String {
    let mut shown = String::with_capacity(text.len().min(max_chars));
    let mut count: usize = 0;
    for c in text.chars() {
        let width = if is_deceptive(c) { escape_width(c) } else { 1 };
        // One character is kept for the ellipsis, unless the text ends here exactly.
        if count.saturating_add(width) > max_chars {
            return cut(shown, max_chars);
        }
        count = count.saturating_add(width);
        if is_deceptive(c) {
            // Writing to a string cannot fail.
            let _ = write!(shown, "{}", c.escape_unicode());
        } else {
            shown.push(c);
        }
    }
    shown
}

/// A JSON document without tabs between its parts, escaped as JSON: the same document, safe to look
/// at. Line ends stay.
pub fn json_escaped(document: &str) -> String {
    let mut shown = String::with_capacity(document.len());
    for c in document.chars() {
        if c == '\n' || !is_deceptive(c) {
            shown.push(c);
            continue;
        }
        for unit in c.encode_utf16(&mut [0; 2]) {
            // Writing to a string cannot fail.
            let _ = write!(shown, "\\u{unit:04x}");
        }
    }
    shown
}

/// Controls, line and paragraph separators, bidi controls, and characters without a width.
fn is_deceptive(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{61c}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
                | '\u{e0000}'..='\u{e007f}'
        )
}

fn escape_width(c: char) -> usize {
    c.escape_unicode().count()
}

fn cut(shown: String, max_chars: usize) -> String {
    let kept = max_chars.saturating_sub(1);
    shown.chars().take(kept).chain([ELLIPSIS]).take(max_chars).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn text_that_deceives_is_shown_as_what_it_is() {
        for (text, expected) in [
            ("web-7d4b9", "web-7d4b9"),
            ("a\nREADY=1", r"a\u{a}READY=1"),
            ("\u{1b}[2K", r"\u{1b}[2K"),
            ("safe\u{202e}evil", r"safe\u{202e}evil"),
            ("a\u{200b}b", r"a\u{200b}b"),
            ("a\u{2028}b", r"a\u{2028}b"),
            ("\0", r"\u{0}"),
            ("\u{9b}31m", r"\u{9b}31m"),
            ("ünïcode 漢字", "ünïcode 漢字"),
        ] {
            assert_eq!(escaped(text, 100), expected);
        }
    }

    #[test]
    fn a_json_document_stays_what_it_means() {
        let names = ["safe\u{202e}evil", "tag\u{e0001}", "\u{9b}31m", "ünïcode 漢字"];
        let document = serde_json::to_string_pretty(&names).unwrap();
        let shown = json_escaped(&document);
        assert!(!shown.chars().any(|c| c != '\n' && is_deceptive(c)), "{shown}");
        assert_eq!(serde_json::from_str::<[String; 4]>(&shown).unwrap(), names);
    }

    #[test]
    fn long_text_is_cut_and_says_so() {
        assert_eq!(escaped("abcdef", 6), "abcdef");
        assert_eq!(escaped("abcdefg", 6), "abcde…");
        assert_eq!(escaped("abcd\n\n", 6), "abcd…");
        assert_eq!(escaped("abc", 0), "");
        assert_eq!(escaped("abc", 1), "…");
    }

    proptest! {
        #[test]
        fn nothing_deceptive_and_nothing_too_long_comes_out(text in ".*|\\PC*", max in 0..50_usize) {
            let shown = escaped(&text, max);
            prop_assert!(shown.chars().count() <= max);
            prop_assert!(!shown.chars().any(is_deceptive));
        }
    }
}
