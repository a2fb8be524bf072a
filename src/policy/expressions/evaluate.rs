//! Deciding: one walk over the terms, each step paid for.
//!
//! Errors are values, as CEL has it: `true || error` is true, and a loop that finds its answer forgets
//! the errors before it. Running out of fuel is no such error: it is final, whatever else was found.

use super::term::{Body, Loop, PricedRegex, Term};
use super::value::{Text, Value};
use super::{Answer, FUEL_PER_DECISION};
use crate::kube_wire::json;

/// Bytes of text that are looked at for one unit of fuel.
const BYTES_PER_UNIT: usize = 32;

/// What is left to spend on one decision.
#[derive(Debug)]
pub struct Fuel(u32);

impl Default for Fuel {
    fn default() -> Self {
        Self(FUEL_PER_DECISION)
    }
}

impl Fuel {
    /// Less than a decision may cost: for tests and for tools that show what a rule costs.
    pub fn limited(units: u32) -> Self {
        Self(units)
    }

    /// What was not spent.
    pub fn left(&self) -> u32 {
        self.0
    }
}

/// Why an expression has no answer for a pod. Names what the expression names, never a value of the pod.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unanswered {
    /// `object.spec.securityContext` of a pod without one.
    #[error("the pod has no `{0}` there; ask has() first")]
    Absent(String),
    /// `list[7]` of a shorter list, or a key that is computed and not there.
    #[error("an index is outside its list or map; ask size() or `in` first")]
    Outside,
    /// A value is not of the kind that an operator takes.
    #[error("a value is not of the kind that its operator takes")]
    Misfit,
    /// A number left the range of 64 bits, or was divided by zero.
    #[error("a number overflows or is divided by zero")]
    Arithmetic,
    /// The decision would cost too much.
    #[error("the expressions cost more than {FUEL_PER_DECISION} steps for this pod")]
    Exhausted,
}

/// One expression being asked about one pod.
#[derive(Debug)]
pub(super) struct Evaluation<'a, 'f> {
    pod: json::Value<'a>,
    fuel: &'f mut Fuel,
    variables: Vec<Value<'a>>,
}

impl<'a, 'f> Evaluation<'a, 'f> {
    pub(super) fn new(pod: json::Value<'a>, fuel: &'f mut Fuel) -> Self {
        Self { pod, fuel, variables: Vec::new() }
    }

    pub(super) fn answer(mut self, term: &'a Term) -> Answer {
        let truth = self.truth(term);
        if self.fuel.left() == 0 {
            return Answer::Unanswered(Unanswered::Exhausted);
        }
        match truth {
            Ok(true) => Answer::Yes,
            Ok(false) => Answer::No,
            Err(reason) => Answer::Unanswered(reason),
        }
    }

    /// Pays for a step. At zero nothing goes on, so that no later answer can stand.
    pub(super) fn pay(&mut self, units: usize) -> Result<(), Unanswered> {
        let units = u32::try_from(units).unwrap_or(u32::MAX);
        self.fuel.0 = self.fuel.0.saturating_sub(units);
        if self.fuel.0 == 0 { Err(Unanswered::Exhausted) } else { Ok(()) }
    }

    /// Pays for looking at a text.
    pub(super) fn pay_for_text(&mut self, text: &str) -> Result<(), Unanswered> {
        self.pay(text.len().wrapping_div(BYTES_PER_UNIT))
    }

    /// Pays for comparing two texts.
    pub(super) fn pay_for_longer(&mut self, one: &str, other: &str) -> Result<(), Unanswered> {
        self.pay_for_text(if one.len() < other.len() { other } else { one })
    }

    pub(super) fn value(&mut self, term: &'a Term) -> Result<Value<'a>, Unanswered> {
        self.pay(1)?;
        match term {
            Term::Bool(truth) => Ok(Value::Bool(*truth)),
            Term::Int(number) => Ok(Value::Int(*number)),
            Term::Text(text) => Ok(Value::Text(Text::Lent(text))),
            Term::List(elements) => {
                let elements: Result<Vec<_>, _> =
                    elements.iter().map(|element| self.value(element)).collect();
                Ok(Value::List(elements?.into()))
            }
            Term::Pod => Ok(Value::Object(self.pod)),
            Term::Variable(place) => self.variables.get(*place).cloned().ok_or(Unanswered::Misfit),
            Term::Field { of, name } => {
                let found = self.find(of, name)?;
                found.map(Value::of).ok_or_else(|| Unanswered::Absent(name.clone()))
            }
            Term::Has { of, name } => Ok(Value::Bool(self.find(of, name)?.is_some())),
            Term::Index { of, at } => {
                let (of, at) = (self.value(of)?, self.value(at)?);
                self.index(of, at)
            }
            Term::Not(of) => Ok(Value::Bool(!self.truth(of)?)),
            Term::Negate(of) => {
                let Value::Int(number) = self.value(of)? else { return Err(Unanswered::Misfit) };
                number.checked_neg().map(Value::Int).ok_or(Unanswered::Arithmetic)
            }
            Term::And(operands) => self.either(operands, false),
            Term::Or(operands) => self.either(operands, true),
            Term::If(parts) => {
                let [condition, then, otherwise] = &**parts;
                if self.truth(condition)? { self.value(then) } else { self.value(otherwise) }
            }
            Term::Binary(operator, operands) => {
                let [one, other] = &**operands;
                let (one, other) = (self.value(one)?, self.value(other)?);
                self.binary(*operator, one, other)
            }
            Term::Size(of) => {
                let of = self.value(of)?;
                self.size(&of)
            }
            Term::Matches(text, PricedRegex { regex, units }) => {
                let Value::Text(text) = self.value(text)? else { return Err(Unanswered::Misfit) };
                self.pay(text.len().saturating_mul(*units))?;
                Ok(Value::Bool(regex.is_match(&text)))
            }
            Term::Loop(all) => self.repeat(all),
        }
    }

    fn truth(&mut self, term: &'a Term) -> Result<bool, Unanswered> {
        let Value::Bool(truth) = self.value(term)? else { return Err(Unanswered::Misfit) };
        Ok(truth)
    }

    /// `&&` (decided by false) and `||` (by true): one operand that decides is enough, on either side.
    fn either(&mut self, operands: &'a [Term; 2], deciding: bool) -> Result<Value<'a>, Unanswered> {
        let [one, other] = operands;
        let first = self.truth(one);
        if first == Ok(deciding) {
            return Ok(Value::Bool(deciding));
        }
        match (first, self.truth(other)) {
            (_, Ok(second)) if second == deciding => Ok(Value::Bool(deciding)),
            (Err(reason), _) | (Ok(_), Err(reason)) => Err(reason),
            (Ok(_), Ok(second)) => Ok(Value::Bool(second)),
        }
    }

    fn repeat(&mut self, all: &'a Loop) -> Result<Value<'a>, Unanswered> {
        let elements = match self.value(&all.over)? {
            Value::Array(array) => array.items().map(Value::of).collect(),
            Value::Object(map) => map
                .entries()
                .filter(|(_, value)| !value.is_null())
                .map(|(key, _)| Value::Text(Text::Lent(key)))
                .collect(),
            Value::List(list) => list.to_vec(),
            Value::Bool(_) | Value::Int(_) | Value::Text(_) | Value::Opaque => {
                return Err(Unanswered::Misfit);
            }
        };
        self.pay(elements.len())?;
        match &all.body {
            Body::All(test) => self.quantify(elements, test, false),
            Body::Exists(test) => self.quantify(elements, test, true),
            Body::ExistsOne(test) => {
                let mut count = 0_usize;
                for element in elements {
                    count = count
                        .saturating_add(usize::from(self.with(element, |this| this.truth(test))?));
                }
                Ok(Value::Bool(count == 1))
            }
            Body::Collect { only, each } => {
                let mut collected = Vec::new();
                for element in elements {
                    let kept = self.with(element, |this| match only {
                        Some(only) if !this.truth(only)? => Ok(None),
                        Some(_) | None => this.value(each).map(Some),
                    })?;
                    collected.extend(kept);
                }
                Ok(Value::List(collected.into()))
            }
        }
    }

    fn quantify(
        &mut self,
        elements: Vec<Value<'a>>,
        test: &'a Term,
        deciding: bool,
    ) -> Result<Value<'a>, Unanswered> {
        let mut undecided = Ok(Value::Bool(!deciding));
        for element in elements {
            match self.with(element, |this| this.truth(test)) {
                Ok(truth) if truth == deciding => return Ok(Value::Bool(deciding)),
                Ok(_) => {}
                Err(reason) => undecided = undecided.and(Err(reason)),
            }
        }
        undecided
    }

    /// Runs a loop's body with its variable.
    fn with<T>(
        &mut self,
        element: Value<'a>,
        body: impl FnOnce(&mut Self) -> Result<T, Unanswered>,
    ) -> Result<T, Unanswered> {
        self.variables.push(element);
        let outcome = body(self);
        self.variables.pop();
        outcome
    }
}
