//! `"cel": [{"expression", "message"}]` of a deny rule: conditions in the Common Expression Language.
//!
//! The `cel` crate parses, `lower` turns what it read into our own closed `Term`s, and `evaluate`
//! decides: the crate's interpreter counts no steps, and it finds a misspelt field only while a pod waits.
//!
//! Invariants: what loads names only fields that the tables of the pod know and fits operators to
//! their operands; deciding costs at most the [`Fuel`] given; whatever goes wrong while deciding is an
//! [`Answer::Unanswered`], which a deny rule counts as a match. Subset and limits:
//! `docs/reference/expressions.md`.

mod calculate;
mod evaluate;
mod kind;
mod lower;
mod operators;
mod parse;
mod quantifier;
mod term;
#[cfg(test)]
mod tests;
mod value;

use crate::kube_wire::json::Value;

use self::evaluate::Evaluation;
use self::term::Term;

pub use self::evaluate::{Fuel, Unanswered};

/// Longest text of one expression: a page.
pub const MAX_EXPRESSION_BYTES: usize = 4096;

/// Most terms of one expression, after the macros are expanded.
const MAX_TERMS: usize = 1024;

/// Deepest nesting of terms. The evaluator recurses once per level; a page of real rules needs 12.
const MAX_DEPTH: usize = 32;

/// Deepest nesting of `all`, `exists`, `exists_one`, `map` and `filter`: containers, their lists, and one more.
const MAX_LOOPS: usize = 3;

/// What the expressions of one decision may cost together: about 10 ms. `benches/decide.rs` measures.
pub const FUEL_PER_DECISION: u32 = 500_000;

/// One expression that loaded.
#[derive(Clone, Debug)]
pub struct Expression {
    term: Term,
}

/// What an expression says of a pod.
#[derive(Debug, PartialEq, Eq)]
pub enum Answer {
    /// It is true.
    Yes,
    /// It is false.
    No,
    /// It cannot be said: to be taken for [`Answer::Yes`] where that is the stricter.
    Unanswered(Unanswered),
}

impl Expression {
    /// Compiles one expression over `object`, the pod.
    ///
    /// # Errors
    /// What is wrong with it, and after a semicolon the remedy.
    pub fn compile(text: &str) -> Result<Self, String> {
        let parsed = parse::parse(text)?;
        Ok(Self { term: lower::lower(&parsed)? })
    }

    /// Asks it about a pod that fits the schema.
    pub fn ask(&self, pod: Value<'_>, fuel: &mut Fuel) -> Answer {
        Evaluation::new(pod, fuel).answer(&self.term)
    }
}
