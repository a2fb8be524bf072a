//! What an expression may consist of, all of it: the evaluator knows nothing else.

use regex::Regex;

/// One node of an expression.
#[derive(Clone, Debug)]
pub(super) enum Term {
    Bool(bool),
    Int(i64),
    Text(String),
    List(Vec<Term>),
    /// `object`.
    Pod,
    /// A variable of an enclosing loop, counted from the outermost.
    Variable(usize),
    /// `of.name`, `of["name"]`.
    Field {
        of: Box<Term>,
        name: String,
    },
    /// `has(of.name)`.
    Has {
        of: Box<Term>,
        name: String,
    },
    /// `of[at]`.
    Index {
        of: Box<Term>,
        at: Box<Term>,
    },
    Not(Box<Term>),
    Negate(Box<Term>),
    And(Box<[Term; 2]>),
    Or(Box<[Term; 2]>),
    /// Condition, then, otherwise.
    If(Box<[Term; 3]>),
    Binary(Operator, Box<[Term; 2]>),
    Size(Box<Term>),
    Matches(Box<Term>, PricedRegex),
    Loop(Box<Loop>),
}

/// A pattern, and what matching one byte of text against it costs, its worst case in mind.
#[derive(Clone, Debug)]
pub(super) struct PricedRegex {
    pub(super) regex: Regex,
    pub(super) units: usize,
}

/// An operator or function that needs both operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    Equal,
    Unequal,
    Less,
    AtMost,
    More,
    AtLeast,
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
    In,
    Contains,
    StartsWith,
    EndsWith,
}

/// A macro over the elements of a list or the keys of a map.
#[derive(Clone, Debug)]
pub(super) struct Loop {
    pub(super) over: Term,
    pub(super) body: Body,
}

/// What is asked about each element.
#[derive(Clone, Debug)]
pub(super) enum Body {
    All(Term),
    Exists(Term),
    ExistsOne(Term),
    /// `map` and `filter`: what is collected, and of which elements.
    Collect {
        only: Option<Term>,
        each: Term,
    },
}
