//! Text to the syntax tree of the `cel` crate, and what is asked of the text before the crate sees it.
//!
//! Its first parser grew exponentially on short inputs (cel-rust #305, #306) and overflowed the stack
//! (#212). This is its second, a precedence climber of linear cost; text, nesting and errors are bounded
//! all the same. ASCII only: no look-alike letters in a rule, and no character that spans two bytes
//! for a slice of the crate to end in.

use cel::common::ast::IdedExpr;
use cel::parser::PrattParser;

use super::{MAX_DEPTH, MAX_EXPRESSION_BYTES, MAX_TERMS};

/// Levels of the crate's grammar that one of our terms may take.
const LEVELS_PER_TERM: u16 = 2;

/// Parses one expression.
pub(super) fn parse(text: &str) -> Result<IdedExpr, String> {
    if text.len() > MAX_EXPRESSION_BYTES {
        return Err(format!(
            "is {} bytes long, the limit is {MAX_EXPRESSION_BYTES}; write several expressions",
            text.len()
        ));
    }
    if !text.bytes().all(|byte| byte == b'\n' || byte == b'\t' || (b' '..=b'~').contains(&byte)) {
        return Err(
            "holds a character outside ASCII; write it as an escape, such as \\u00e9".to_owned()
        );
    }
    let depth = u16::try_from(MAX_DEPTH).unwrap_or(u16::MAX).saturating_mul(LEVELS_PER_TERM);
    // A panic of the crate is a policy that does not load; it must not become a proxy that dies.
    let parsed = std::panic::catch_unwind(|| {
        PrattParser::new()
            .max_recursion_depth(depth)
            .max_expression_node_count(MAX_TERMS)
            .error_recovery_limit(1)
            .error_reporting_limit(1)
            .parse(text)
    })
    .map_err(|_| "cannot be parsed; simplify it".to_owned())?;
    parsed.map_err(|errors| {
        let first = errors.errors.first();
        let problem =
            first.map_or("is not CEL", |error| error.msg.lines().next().unwrap_or_default());
        let column = first.map_or(0, |error| error.pos.1);
        format!("is not CEL at column {column}: {problem}; correct it")
    })
}
