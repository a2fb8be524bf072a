//! Regular expressions of which every reader has the same reading: Go's, Rust's, and a person's.
//!
//! `\d` is `[0-9]` to Go (RE2), to cel-go and to most people, and the digits of every script to the
//! engine here; `[a&&b]` is a set operation here and three characters there. Whatever differs like that
//! is refused with the remedy, instead of one of the meanings being chosen.

use regex_syntax::ast::parse::Parser;
use regex_syntax::ast::{
    Assertion, AssertionKind, Ast, ClassPerlKind, ClassSetBinaryOp, ClassSetItem, Flag, Flags,
    FlagsItemKind, HexLiteralKind, Literal, LiteralKind, Visitor, visit,
};

/// Reads a pattern; `Err` says what is wrong and how to correct it, in one line.
pub(super) fn check(written: &str) -> Result<(), String> {
    check_for(written, Differences { of_ascii: false })
}

/// The same for a pattern that is held against ASCII alone, where digits, letters and words are those
/// of every reader.
pub(super) fn check_for_ascii(written: &str) -> Result<(), String> {
    check_for(written, Differences { of_ascii: true })
}

fn check_for(written: &str, differences: Differences) -> Result<(), String> {
    let parsed = Parser::new().parse(written).map_err(|error| {
        let text = error.to_string();
        let cause = text.lines().last().unwrap_or_default().replace("error: ", "");
        format!("{cause}; correct it")
    })?;
    visit(&parsed, differences).map_err(str::to_owned)
}

/// Stops at the first construct that is read in two ways.
struct Differences {
    of_ascii: bool,
}

type Found = Result<(), &'static str>;

impl Visitor for Differences {
    type Output = ();
    type Err = &'static str;

    fn finish(self) -> Found {
        Ok(())
    }

    fn visit_pre(&mut self, ast: &Ast) -> Found {
        match ast {
            Ast::Flags(set) => flags(&set.flags),
            Ast::Group(group) => group.flags().map_or(Ok(()), flags),
            Ast::Literal(of) => literal(of),
            Ast::Assertion(of) if self.of_ascii => assertion_of_ascii(of),
            Ast::Assertion(of) => assertion(of),
            Ast::ClassPerl(_) if self.of_ascii => Ok(()),
            Ast::ClassPerl(class) => perl(&class.kind),
            Ast::ClassUnicode(_) => Err(UNICODE_CLASS),
            Ast::Empty(_)
            | Ast::Dot(_)
            | Ast::ClassBracketed(_)
            | Ast::Repetition(_)
            | Ast::Alternation(_)
            | Ast::Concat(_) => Ok(()),
        }
    }

    fn visit_class_set_item_pre(&mut self, item: &ClassSetItem) -> Found {
        match item {
            ClassSetItem::Literal(of) => literal(of),
            ClassSetItem::Range(range) => literal(&range.start).and(literal(&range.end)),
            ClassSetItem::Perl(_) if self.of_ascii => Ok(()),
            ClassSetItem::Perl(class) => perl(&class.kind),
            ClassSetItem::Unicode(_) => Err(UNICODE_CLASS),
            ClassSetItem::Bracketed(_) => {
                Err("has `[` inside of `[ ]`, which not every reader takes for a set; write `\\[`")
            }
            ClassSetItem::Empty(_) | ClassSetItem::Ascii(_) | ClassSetItem::Union(_) => Ok(()),
        }
    }

    fn visit_class_set_binary_op_pre(&mut self, _: &ClassSetBinaryOp) -> Found {
        Err(
            "has `&&`, `--` or `~~` inside of `[ ]`, which not every reader takes for an operation; \
             write the characters out",
        )
    }
}

const UNICODE_CLASS: &str =
    "has `\\p`, whose characters differ between versions of Unicode; write them out";

fn perl(kind: &ClassPerlKind) -> Found {
    Err(match kind {
        ClassPerlKind::Digit => {
            "has `\\d` or `\\D`, which may mean the digits of every script; write `[0-9]` or `[^0-9]`"
        }
        ClassPerlKind::Space => {
            "has `\\s` or `\\S`, which may mean the spaces of every script; write `[ \\t\\n\\f\\r]` \
             or `[^ \\t\\n\\f\\r]`"
        }
        ClassPerlKind::Word => {
            "has `\\w` or `\\W`, which may mean the letters of every script; write `[0-9A-Za-z_]` or \
             `[^0-9A-Za-z_]`"
        }
    })
}

fn assertion(of: &Assertion) -> Found {
    match of.kind {
        AssertionKind::StartLine
        | AssertionKind::EndLine
        | AssertionKind::StartText
        | AssertionKind::EndText => Ok(()),
        AssertionKind::WordBoundary
        | AssertionKind::NotWordBoundary
        | AssertionKind::WordBoundaryStart
        | AssertionKind::WordBoundaryEnd
        | AssertionKind::WordBoundaryStartAngle
        | AssertionKind::WordBoundaryEndAngle
        | AssertionKind::WordBoundaryStartHalf
        | AssertionKind::WordBoundaryEndHalf => {
            Err("asks for the edge of a word, which may mean words of every script; write what \
                 stands around it, such as `(^|[^0-9A-Za-z_])`")
        }
    }
}

/// Go has no word for the other edges.
fn assertion_of_ascii(of: &Assertion) -> Found {
    let is_gos = matches!(of.kind, AssertionKind::WordBoundary | AssertionKind::NotWordBoundary);
    if is_gos { Ok(()) } else { assertion(of) }
}

fn literal(of: &Literal) -> Found {
    match of.kind {
        LiteralKind::HexFixed(HexLiteralKind::UnicodeShort | HexLiteralKind::UnicodeLong)
        | LiteralKind::HexBrace(HexLiteralKind::UnicodeShort | HexLiteralKind::UnicodeLong) => {
            Err("has `\\u`, which not every reader knows; write `\\x{…}`")
        }
        LiteralKind::HexFixed(HexLiteralKind::X)
        | LiteralKind::HexBrace(HexLiteralKind::X)
        | LiteralKind::Verbatim
        | LiteralKind::Meta
        | LiteralKind::Superfluous
        | LiteralKind::Octal
        | LiteralKind::Special(_) => Ok(()),
    }
}

fn flags(of: &Flags) -> Found {
    for item in &of.items {
        match item.kind {
            FlagsItemKind::Negation
            | FlagsItemKind::Flag(
                Flag::CaseInsensitive | Flag::MultiLine | Flag::DotMatchesNewLine | Flag::SwapGreed,
            ) => {}
            FlagsItemKind::Flag(Flag::Unicode | Flag::CRLF | Flag::IgnoreWhitespace) => {
                return Err("has a flag that not every reader knows; of flags write i, m, s and U");
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_one_reading_is_taken() {
        for written in [
            "^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$",
            "(?i)a|(?s:.)*?|(?ms-i)^$",
            "\\A(?P<name>\\.\\[\\]\\-\\x41\\x{e9}\\t)\\z",
            "[[:alpha:]a&b~c-]",
            "[^/]+@sha256:[0-9a-f]{64}",
        ] {
            assert_eq!(check(written), Ok(()), "{written}");
        }
    }

    #[test]
    fn against_ascii_alone_digits_letters_and_words_have_one_reading() {
        for written in ["\\d+", "[\\w.-]+\\S", "(a|\\bb)\\B"] {
            assert_eq!(check_for_ascii(written), Ok(()), "{written}");
        }
        for written in ["\\<a", "\\b{start}", "\\pN", "[a&&\\d]", "(?x)\\d", "("] {
            check_for_ascii(written).expect_err(written);
        }
    }

    #[test]
    fn what_has_two_readings_is_refused_with_the_remedy() {
        for (written, remedy) in [
            ("\\d", "write `[0-9]`"),
            ("[a\\D]", "`[^0-9]`"),
            ("(a|\\s)+", "write `[ \\t\\n\\f\\r]`"),
            ("[\\w-]", "write `[0-9A-Za-z_]`"),
            ("\\bsh\\b", "what stands around it"),
            ("a\\B", "what stands around it"),
            ("\\<a", "what stands around it"),
            ("\\b{end}", "what stands around it"),
            ("[a-z&&[^b]]", "characters out"),
            ("[a-z&&b]", "characters out"),
            ("[a--b]", "characters out"),
            ("[a~~b]", "characters out"),
            ("[a[b]]", "write `\\[`"),
            ("\\pL", "write them out"),
            ("[\\p{Greek}]", "write them out"),
            ("(?x)a b", "write i, m, s and U"),
            ("(?x:a b)", "write i, m, s and U"),
            ("(?-u:a)", "write i, m, s and U"),
            ("(?R)a", "write i, m, s and U"),
            ("\\u0041", "write `\\x{…}`"),
            ("[a-\\u{62}]", "write `\\x{…}`"),
            ("(a", "unclosed group; correct it"),
        ] {
            let problem = check(written).expect_err(written);
            assert!(problem.contains(remedy) && !problem.contains('\n'), "{written}: {problem}");
        }
    }
}
