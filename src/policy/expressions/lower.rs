//! The crate's syntax tree to our terms, with everything refused that the tables of the pod do not bear out.

use cel::common::ast::{CallExpr, ComprehensionExpr, Expr, IdedExpr, LiteralValue, SelectExpr};
use regex::RegexBuilder;

use super::kind::Kind;
use super::operators::{self, Function};
use super::quantifier::{self, Macro};
use super::term::{Body, Loop, Operator, PricedRegex, Term};
use super::{MAX_DEPTH, MAX_LOOPS, MAX_TERMS};
use crate::kube_wire::pod_schema::POD;
use crate::policy::located::quoted;
use crate::policy::plain_regex;

/// The one free variable of an expression.
const OBJECT: &str = "object";

/// Sizes of compiled patterns, smallest first: the first that is enough says the price. Beyond the last,
/// none loads.
const REGEX_BYTES: [usize; 5] = [4 * 1024, 8 * 1024, 16 * 1024, 32 * 1024, 64 * 1024];

/// What matching may remember of its work on a text.
const CACHE_BYTES: usize = 64 * 1024;

/// Bytes of a compiled pattern that make matching one byte of text dearer by one unit.
const BYTES_A_UNIT: usize = 512;

/// A term and what is known of its values.
type Typed = (Term, Kind);

/// Turns a parsed expression into a term that says true or false.
pub(super) fn lower(expression: &IdedExpr) -> Result<Term, String> {
    let mut lowering = Lowering { variables: Vec::new(), depth: 0, terms: 0 };
    let (term, kind) = lowering.term(expression)?;
    if matches!(kind, Kind::Bool) {
        Ok(term)
    } else {
        Err(format!("is {}; it must say true or false", kind.name()))
    }
}

struct Lowering {
    /// Of the loops around, outermost first.
    variables: Vec<(String, Kind)>,
    depth: usize,
    terms: usize,
}

impl Lowering {
    fn term(&mut self, expression: &IdedExpr) -> Result<Typed, String> {
        self.terms = self.terms.saturating_add(1);
        if self.depth >= MAX_DEPTH || self.terms > MAX_TERMS {
            return Err(format!(
                "has more than {MAX_DEPTH} levels or {MAX_TERMS} terms; write several expressions"
            ));
        }
        self.depth = self.depth.saturating_add(1);
        let lowered = self.node(expression);
        self.depth = self.depth.saturating_sub(1);
        lowered
    }

    fn node(&mut self, expression: &IdedExpr) -> Result<Typed, String> {
        match &expression.expr {
            Expr::Literal(literal) => constant(literal),
            Expr::Ident(name) => self.variable(name),
            Expr::Select(select) => self.select(select),
            Expr::List(list) if list.optional_indices.is_empty() => self.list(&list.elements),
            Expr::Call(call) => self.call(call),
            Expr::Comprehension(fold) => self.fold(fold),
            Expr::List(_) => Err("uses optional elements; this subset has none".to_owned()),
            Expr::Map(_) | Expr::Struct(_) => {
                Err("builds a map or message; compare fields instead".to_owned())
            }
            Expr::Unspecified => Err("has an empty part; fill it".to_owned()),
        }
    }

    /// The innermost loop wins, as in CEL.
    fn variable(&self, name: &str) -> Result<Typed, String> {
        let found = self.variables.iter().enumerate().rev().find(|(_, (known, _))| known == name);
        match found {
            Some((place, (_, kind))) => Ok((Term::Variable(place), kind.clone())),
            None if name == OBJECT => Ok((Term::Pod, Kind::Object(&POD))),
            None => Err(format!("unknown name {}; the pod is `{OBJECT}`", quoted(name))),
        }
    }

    fn select(&mut self, select: &SelectExpr) -> Result<Typed, String> {
        let (of, kind) = self.term(&select.operand)?;
        let member = kind.member(&select.field)?;
        let (of, name) = (Box::new(of), select.field.clone());
        Ok(if select.test {
            (Term::Has { of, name }, Kind::Bool)
        } else {
            (Term::Field { of, name }, member)
        })
    }

    fn list(&mut self, elements: &[IdedExpr]) -> Result<Typed, String> {
        let mut kind: Option<Kind> = None;
        let mut terms = Vec::with_capacity(elements.len());
        for element in elements {
            let (term, of) = self.term(element)?;
            kind = Some(kind.map_or_else(|| of.clone(), |kind| kind.join(&of)));
            terms.push(term);
        }
        Ok((Term::List(terms), Kind::List(Box::new(kind.unwrap_or(Kind::Any)))))
    }

    fn call(&mut self, call: &CallExpr) -> Result<Typed, String> {
        let operands: Vec<&IdedExpr> =
            call.target.iter().map(Box::as_ref).chain(&call.args).collect();
        let known = Function::named(&call.func_name, call.target.is_some());
        match (known, operands.as_slice()) {
            (Some(Function::Not), [one]) => Ok((Term::Not(Box::new(self.truth(one)?)), Kind::Bool)),
            (Some(Function::Negate), [one]) => self.negation(one),
            (Some(Function::And), [one, other]) => {
                Ok((Term::And(Box::new([self.truth(one)?, self.truth(other)?])), Kind::Bool))
            }
            (Some(Function::Or), [one, other]) => {
                Ok((Term::Or(Box::new([self.truth(one)?, self.truth(other)?])), Kind::Bool))
            }
            (Some(Function::If), [condition, then, otherwise]) => {
                let condition = self.truth(condition)?;
                let (then, kind) = self.term(then)?;
                let (otherwise, other) = self.term(otherwise)?;
                Ok((Term::If(Box::new([condition, then, otherwise])), kind.join(&other)))
            }
            (Some(Function::Index), [of, at]) => self.index(of, at),
            (Some(Function::Size), [of]) => self.size(of),
            (Some(Function::Matches), [text, pattern]) => self.matches(text, pattern),
            (Some(Function::Binary(operator)), [one, other]) => self.binary(operator, one, other),
            _ => Err(format!(
                "calls {} with {} operands; known here: {}",
                quoted(&call.func_name),
                operands.len(),
                operators::KNOWN
            )),
        }
    }

    /// A term that must be true or false.
    fn truth(&mut self, expression: &IdedExpr) -> Result<Term, String> {
        match self.term(expression)? {
            (term, Kind::Bool | Kind::Any) => Ok(term),
            (_, kind) => Err(format!("takes {} for true or false; compare it", kind.name())),
        }
    }

    fn negation(&mut self, of: &IdedExpr) -> Result<Typed, String> {
        match self.term(of)? {
            (term, Kind::Int | Kind::Any) => Ok((Term::Negate(Box::new(term)), Kind::Int)),
            (_, kind) => Err(format!("negates {}; only numbers have a sign", kind.name())),
        }
    }

    fn size(&mut self, of: &IdedExpr) -> Result<Typed, String> {
        match self.term(of)? {
            (term, Kind::Text | Kind::List(_) | Kind::Map(_) | Kind::Any) => {
                Ok((Term::Size(Box::new(term)), Kind::Int))
            }
            (_, kind) => {
                Err(format!("asks the size of {}; texts, lists and maps have one", kind.name()))
            }
        }
    }

    fn index(&mut self, of: &IdedExpr, at: &IdedExpr) -> Result<Typed, String> {
        let (of, kind) = self.term(of)?;
        // A constant key is a field, and may be one of the pod's.
        if let Expr::Literal(LiteralValue::String(name)) = &at.expr {
            let member = kind.member(name.inner())?;
            return Ok((Term::Field { of: Box::new(of), name: name.inner().to_owned() }, member));
        }
        let (at, at_kind) = self.term(at)?;
        let element = match (&kind, &at_kind) {
            (Kind::List(element), Kind::Int | Kind::Any) => (**element).clone(),
            (Kind::Map(member), Kind::Text | Kind::Any) => (**member).clone(),
            (Kind::Any, _) => Kind::Any,
            _ => {
                return Err(format!(
                    "indexes {} by {}; index lists by number, maps by text",
                    kind.name(),
                    at_kind.name()
                ));
            }
        };
        Ok((Term::Index { of: Box::new(of), at: Box::new(at) }, element))
    }

    fn matches(&mut self, text: &IdedExpr, pattern: &IdedExpr) -> Result<Typed, String> {
        let Expr::Literal(LiteralValue::String(pattern)) = &pattern.expr else {
            return Err("matches against a computed pattern; write the pattern out".to_owned());
        };
        match self.term(text)? {
            (term, Kind::Text | Kind::Any) => {
                Ok((Term::Matches(Box::new(term), priced(pattern.inner())?), Kind::Bool))
            }
            (_, kind) => Err(format!("matches {}; only texts match a pattern", kind.name())),
        }
    }

    fn binary(
        &mut self,
        operator: Operator,
        one: &IdedExpr,
        other: &IdedExpr,
    ) -> Result<Typed, String> {
        let (one, left) = self.term(one)?;
        let (other, right) = self.term(other)?;
        let kind = operators::result(operator, &left, &right)?;
        Ok((Term::Binary(operator, Box::new([one, other])), kind))
    }

    fn fold(&mut self, fold: &ComprehensionExpr) -> Result<Typed, String> {
        if self.variables.len() >= MAX_LOOPS {
            return Err(format!("nests more than {MAX_LOOPS} loops; split it"));
        }
        if fold.iter_var == OBJECT {
            return Err(format!("names a loop's variable `{OBJECT}`; take another name"));
        }
        let (over, kind) = self.term(&fold.iter_range)?;
        let known = quantifier::recognise(fold).ok_or(
            "uses a loop that is not known here; write all, exists, exists_one, map or filter",
        )?;
        self.variables.push((fold.iter_var.clone(), kind.element()?));
        let body = self.body(&known);
        self.variables.pop();
        let (body, kind) = body?;
        Ok((Term::Loop(Box::new(Loop { over, body })), kind))
    }

    fn body(&mut self, known: &Macro<'_>) -> Result<(Body, Kind), String> {
        Ok(match known {
            Macro::All(test) => (Body::All(self.truth(test)?), Kind::Bool),
            Macro::Exists(test) => (Body::Exists(self.truth(test)?), Kind::Bool),
            Macro::ExistsOne(test) => (Body::ExistsOne(self.truth(test)?), Kind::Bool),
            Macro::Collect { only, each } => {
                let only = only.map(|only| self.truth(only)).transpose()?;
                let (each, kind) = self.term(each)?;
                (Body::Collect { only, each }, Kind::List(Box::new(kind)))
            }
        })
    }
}

fn constant(literal: &LiteralValue) -> Result<Typed, String> {
    match literal {
        LiteralValue::Boolean(truth) => Ok((Term::Bool(*truth.inner()), Kind::Bool)),
        LiteralValue::Int(number) => Ok((Term::Int(*number.inner()), Kind::Int)),
        LiteralValue::String(text) => Ok((Term::Text(text.inner().to_owned()), Kind::Text)),
        LiteralValue::Null => {
            Err("compares with null, which no field of a pod is; use has()".to_owned())
        }
        LiteralValue::Bytes(_) | LiteralValue::Double(_) | LiteralValue::UInt(_) => {
            Err("has bytes, a fraction or an unsigned number; a pod holds none".to_owned())
        }
    }
}

/// The price grows with the compiled size: a byte of text may cost as many steps as the pattern has states.
fn priced(written: &str) -> Result<PricedRegex, String> {
    let refuse = |problem: String| Err(format!("the pattern {}: {problem}", quoted(written)));
    if let Err(problem) = plain_regex::check(written) {
        return refuse(problem);
    }
    for bytes in REGEX_BYTES {
        match RegexBuilder::new(written).size_limit(bytes).dfa_size_limit(CACHE_BYTES).build() {
            Ok(regex) => return Ok(PricedRegex { regex, units: bytes.wrapping_div(BYTES_A_UNIT) }),
            Err(regex::Error::CompiledTooBig(_)) => {}
            Err(error) => return refuse(format!("{}; correct it", last_line(&error))),
        }
    }
    refuse("is too large when compiled; correct it by fewer or smaller repetitions".to_owned())
}

/// Without the drawing of where.
fn last_line(error: &regex::Error) -> String {
    error.to_string().lines().last().unwrap_or_default().replace("error: ", "")
}
