//! The operators and functions of the subset: their names, and which kinds they take.

use super::kind::Kind;
use super::term::Operator;

/// For messages.
pub(super) const KNOWN: &str = "&& || ! ?: == != < <= > >= + - * / % in [] has size contains startsWith \
                                endsWith matches all exists exists_one map filter";

/// A call of the syntax tree.
#[derive(Clone, Copy, Debug)]
pub(super) enum Function {
    Not,
    Negate,
    And,
    Or,
    If,
    Index,
    Size,
    Matches,
    Binary(Operator),
}

impl Function {
    /// By the name that the parser gives it. Functions of a text are called on it.
    pub(super) fn named(name: &str, is_method: bool) -> Option<Self> {
        Some(match (name, is_method) {
            ("!_", false) => Self::Not,
            ("-_", false) => Self::Negate,
            ("_&&_", false) => Self::And,
            ("_||_", false) => Self::Or,
            ("_?_:_", false) => Self::If,
            ("_[_]", false) => Self::Index,
            ("_==_", false) => Self::Binary(Operator::Equal),
            ("_!=_", false) => Self::Binary(Operator::Unequal),
            ("_<_", false) => Self::Binary(Operator::Less),
            ("_<=_", false) => Self::Binary(Operator::AtMost),
            ("_>_", false) => Self::Binary(Operator::More),
            ("_>=_", false) => Self::Binary(Operator::AtLeast),
            ("_+_", false) => Self::Binary(Operator::Add),
            ("_-_", false) => Self::Binary(Operator::Subtract),
            ("_*_", false) => Self::Binary(Operator::Multiply),
            ("_/_", false) => Self::Binary(Operator::Divide),
            ("_%_", false) => Self::Binary(Operator::Remainder),
            ("@in", false) => Self::Binary(Operator::In),
            ("size", _) => Self::Size,
            ("matches", _) => Self::Matches,
            ("contains", true) => Self::Binary(Operator::Contains),
            ("startsWith", true) => Self::Binary(Operator::StartsWith),
            ("endsWith", true) => Self::Binary(Operator::EndsWith),
            _ => return None,
        })
    }
}

/// Compared as they are written, one amount would pass for another.
const QUANTITIES: &str = "compares quantities, which have many spellings (\"1\", \"1000m\"); compare other \
                          fields or a size(), and limit resources with `permit`";

/// The kind of the result, if operands of these kinds make sense.
///
/// Comparing different kinds is false of every pod in CEL: here it is a mistake of the author.
pub(super) fn result(operator: Operator, left: &Kind, right: &Kind) -> Result<Kind, String> {
    let fits = match operator {
        Operator::Equal | Operator::Unequal => {
            return if left.is_comparable(right) {
                Ok(Kind::Bool)
            } else if left.is_like(right)
                || [left, right].iter().any(|kind| matches!(kind, Kind::Quantity))
            {
                Err(QUANTITIES.to_owned())
            } else {
                Err(format!("compares {} with {}; they are never equal", left.name(), right.name()))
            };
        }
        Operator::Less | Operator::AtMost | Operator::More | Operator::AtLeast => {
            matches!(
                (left, right),
                (Kind::Int | Kind::Any, Kind::Int | Kind::Any)
                    | (Kind::Text | Kind::Any, Kind::Text | Kind::Any)
            )
        }
        Operator::Add => return sum(left, right),
        Operator::Subtract | Operator::Multiply | Operator::Divide | Operator::Remainder => {
            return match (left, right) {
                (Kind::Int | Kind::Any, Kind::Int | Kind::Any) => Ok(Kind::Int),
                _ => Err(misfit(left, right)),
            };
        }
        Operator::In => match right {
            Kind::List(element) => element.is_comparable(left),
            Kind::Map(_) => left.is_comparable(&Kind::Text),
            Kind::Any => !matches!(left, Kind::Quantity),
            Kind::Object(_) => return Err("looks for a field with `in`; use has()".to_owned()),
            Kind::Bool | Kind::Int | Kind::Text | Kind::Quantity => false,
        },
        Operator::Contains | Operator::StartsWith | Operator::EndsWith => {
            matches!((left, right), (Kind::Text | Kind::Any, Kind::Text | Kind::Any))
        }
    };
    if fits { Ok(Kind::Bool) } else { Err(misfit(left, right)) }
}

fn sum(left: &Kind, right: &Kind) -> Result<Kind, String> {
    match (left, right) {
        (Kind::Int, Kind::Int) => Ok(Kind::Int),
        (Kind::Text, Kind::Text) => Ok(Kind::Text),
        (Kind::List(one), Kind::List(other)) => {
            Ok(Kind::List(Box::new((**one).clone().join(other))))
        }
        (Kind::Any, Kind::Any | Kind::Int | Kind::Text | Kind::List(_))
        | (Kind::Int | Kind::Text | Kind::List(_), Kind::Any) => Ok(Kind::Any),
        _ => Err(misfit(left, right)),
    }
}

fn misfit(left: &Kind, right: &Kind) -> String {
    format!(
        "an operator does not take {} with {}; compare what is alike",
        left.name(),
        right.name()
    )
}
