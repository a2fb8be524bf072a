//! What operators and functions do with values.

use std::cmp::Ordering;

use super::evaluate::{Evaluation, Unanswered};
use super::term::{Operator, Term};
use super::value::{Text, Value};
use crate::kube_wire::json;

impl<'a> Evaluation<'a, '_> {
    pub(super) fn binary(
        &mut self,
        operator: Operator,
        one: Value<'a>,
        other: Value<'a>,
    ) -> Result<Value<'a>, Unanswered> {
        match operator {
            Operator::Equal => Ok(Value::Bool(self.are_equal(&one, &other)?)),
            Operator::Unequal => Ok(Value::Bool(!self.are_equal(&one, &other)?)),
            Operator::Less => Ok(Value::Bool(self.order(&one, &other)?.is_lt())),
            Operator::AtMost => Ok(Value::Bool(self.order(&one, &other)?.is_le())),
            Operator::More => Ok(Value::Bool(self.order(&one, &other)?.is_gt())),
            Operator::AtLeast => Ok(Value::Bool(self.order(&one, &other)?.is_ge())),
            Operator::Add => self.sum(one, other),
            Operator::Subtract => number(&one, &other, i64::checked_sub),
            Operator::Multiply => number(&one, &other, i64::checked_mul),
            Operator::Divide => number(&one, &other, i64::checked_div),
            Operator::Remainder => number(&one, &other, i64::checked_rem),
            Operator::In => self.is_in(&one, other),
            Operator::Contains => self.text(&one, &other, |text, part| text.contains(part)),
            Operator::StartsWith => self.text(&one, &other, |text, part| text.starts_with(part)),
            Operator::EndsWith => self.text(&one, &other, |text, part| text.ends_with(part)),
        }
    }

    /// Different kinds are unequal, as in CEL.
    fn are_equal(&mut self, one: &Value<'a>, other: &Value<'a>) -> Result<bool, Unanswered> {
        self.pay(1)?;
        match (one, other) {
            (Value::Opaque, _) | (_, Value::Opaque) => Err(Unanswered::Misfit),
            (Value::Bool(one), Value::Bool(other)) => Ok(one == other),
            (Value::Int(one), Value::Int(other)) => Ok(one == other),
            (Value::Text(one), Value::Text(other)) => {
                self.pay_for_longer(one, other)?;
                Ok(**one == **other)
            }
            (Value::Object(one), Value::Object(other)) => self.are_same_object(*one, *other),
            (Value::List(_) | Value::Array(_), Value::List(_) | Value::Array(_)) => {
                let (one, other) = (self.elements(one)?, self.elements(other)?);
                if one.len() != other.len() {
                    return Ok(false);
                }
                for (one, other) in one.iter().zip(&other) {
                    if !self.are_equal(one, other)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            // A port: the kubelet takes "22" for 22, so neither equal nor unequal can be said.
            (Value::Int(_), Value::Text(text)) | (Value::Text(text), Value::Int(_))
                if is_number(text) =>
            {
                Err(Unanswered::Misfit)
            }
            (
                Value::Bool(_)
                | Value::Int(_)
                | Value::Text(_)
                | Value::Object(_)
                | Value::List(_)
                | Value::Array(_),
                _,
            ) => Ok(false),
        }
    }

    fn are_same_object(
        &mut self,
        one: json::Value<'a>,
        other: json::Value<'a>,
    ) -> Result<bool, Unanswered> {
        let present =
            |object: json::Value<'a>| object.entries().filter(|(_, value)| !value.is_null());
        self.pay(present(other).count())?;
        let mut count = 0_usize;
        for (key, value) in present(one) {
            count = count.saturating_add(1);
            let Some(counterpart) = self.member(other, key)? else { return Ok(false) };
            if !self.are_equal(&Value::of(value), &Value::of(counterpart))? {
                return Ok(false);
            }
        }
        Ok(count == present(other).count())
    }

    fn order(&mut self, one: &Value<'a>, other: &Value<'a>) -> Result<Ordering, Unanswered> {
        match (one, other) {
            (Value::Int(one), Value::Int(other)) => Ok(one.cmp(other)),
            (Value::Text(one), Value::Text(other)) => {
                self.pay_for_longer(one, other)?;
                Ok(one.as_bytes().cmp(other.as_bytes()))
            }
            _ => Err(Unanswered::Misfit),
        }
    }

    fn sum(&mut self, one: Value<'a>, other: Value<'a>) -> Result<Value<'a>, Unanswered> {
        match (&one, &other) {
            (Value::Int(_), Value::Int(_)) => number(&one, &other, i64::checked_add),
            (Value::Text(text), Value::Text(more)) => {
                self.pay_for_text(text)?;
                self.pay_for_text(more)?;
                Ok(Value::Text(Text::Joined(format!("{}{}", &**text, &**more).into())))
            }
            (Value::List(_) | Value::Array(_), Value::List(_) | Value::Array(_)) => {
                let mut elements = self.elements(&one)?;
                elements.extend(self.elements(&other)?);
                Ok(Value::List(elements.into()))
            }
            _ => Err(Unanswered::Misfit),
        }
    }

    fn is_in(&mut self, one: &Value<'a>, of: Value<'a>) -> Result<Value<'a>, Unanswered> {
        if let (Value::Object(map), Value::Text(key)) = (&of, one) {
            return Ok(Value::Bool(self.member(*map, key)?.is_some()));
        }
        for element in self.elements(&of)? {
            if self.are_equal(one, &element)? {
                return Ok(Value::Bool(true));
            }
        }
        Ok(Value::Bool(false))
    }

    fn text(
        &mut self,
        one: &Value<'a>,
        other: &Value<'a>,
        test: impl Fn(&str, &str) -> bool,
    ) -> Result<Value<'a>, Unanswered> {
        match (one, other) {
            (Value::Text(text), Value::Text(part)) => {
                self.pay_for_text(text)?;
                self.pay_for_text(part)?;
                Ok(Value::Bool(test(text, part)))
            }
            _ => Err(Unanswered::Misfit),
        }
    }

    /// Texts count characters.
    pub(super) fn size(&mut self, of: &Value<'a>) -> Result<Value<'a>, Unanswered> {
        let size = match of {
            Value::Text(text) => {
                self.pay_for_text(text)?;
                text.chars().count()
            }
            Value::Object(map) => map.entries().filter(|(_, value)| !value.is_null()).count(),
            Value::Array(array) => array.items().count(),
            Value::List(list) => list.len(),
            Value::Bool(_) | Value::Int(_) | Value::Opaque => return Err(Unanswered::Misfit),
        };
        self.pay(size.wrapping_div(8))?;
        i64::try_from(size).map(Value::Int).map_err(|_| Unanswered::Arithmetic)
    }

    pub(super) fn index(&mut self, of: Value<'a>, at: Value<'a>) -> Result<Value<'a>, Unanswered> {
        match (of, at) {
            (Value::Object(map), Value::Text(key)) => {
                self.member(map, &key)?.map(Value::of).ok_or(Unanswered::Outside)
            }
            (Value::Array(array), Value::Int(at)) => {
                let at = usize::try_from(at).map_err(|_| Unanswered::Outside)?;
                self.pay(at)?;
                array.items().nth(at).map(Value::of).ok_or(Unanswered::Outside)
            }
            (Value::List(list), Value::Int(at)) => {
                let at = usize::try_from(at).map_err(|_| Unanswered::Outside)?;
                list.get(at).cloned().ok_or(Unanswered::Outside)
            }
            _ => Err(Unanswered::Misfit),
        }
    }

    /// The member of what a term stands for.
    pub(super) fn find(
        &mut self,
        of: &'a Term,
        name: &str,
    ) -> Result<Option<json::Value<'a>>, Unanswered> {
        let Value::Object(object) = self.value(of)? else { return Err(Unanswered::Misfit) };
        self.member(object, name)
    }

    fn member(
        &mut self,
        object: json::Value<'a>,
        name: &str,
    ) -> Result<Option<json::Value<'a>>, Unanswered> {
        let mut passed = 0_usize;
        let found = object
            .entries()
            .inspect(|_| passed = passed.saturating_add(1))
            .find(|(key, _)| *key == name);
        self.pay(passed.wrapping_div(8))?;
        Ok(found.map(|(_, value)| value).filter(|value| !value.is_null()))
    }

    fn elements(&mut self, list: &Value<'a>) -> Result<Vec<Value<'a>>, Unanswered> {
        let elements: Vec<_> = match list {
            Value::List(list) => {
                self.pay(list.len())?;
                return Ok(list.to_vec());
            }
            Value::Array(array) => array.items().map(Value::of).collect(),
            Value::Bool(_) | Value::Int(_) | Value::Text(_) | Value::Object(_) | Value::Opaque => {
                return Err(Unanswered::Misfit);
            }
        };
        self.pay(elements.len())?;
        Ok(elements)
    }
}

/// As Go's `Atoi` has it: a sign and leading zeros included.
fn is_number(text: &str) -> bool {
    let digits = text.trim_start_matches(['+', '-']);
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}

fn number<'a>(
    one: &Value<'a>,
    other: &Value<'a>,
    calculate: impl Fn(i64, i64) -> Option<i64>,
) -> Result<Value<'a>, Unanswered> {
    match (one, other) {
        (Value::Int(one), Value::Int(other)) => {
            calculate(*one, *other).map(Value::Int).ok_or(Unanswered::Arithmetic)
        }
        _ => Err(Unanswered::Misfit),
    }
}
