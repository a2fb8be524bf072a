//! The one pass that holds a value against its table.
//!
//! It recurses along the tables, so no deeper than they are, and never converts. Invariant: what passes,
//! Go's decoder reads the same way: no duplicate, no key that Go might take for another, no kind that Go
//! would coerce, no `null` where Go would make up an empty value.

use super::super::json::{Value, ValueFault};
use super::{
    Checked, Field, IN_ORDER, LEFT_OUT, MAX_FIELDS, Marks, ObjectSchema, Shape, UnknownFields,
};
use super::{names, quantity, time};

/// Checks a whole value. `null` fields count as absent.
///
/// # Errors
/// The first fault, with its path from `value` on.
pub fn check<'a>(
    value: Value<'a>,
    schema: &'static ObjectSchema,
) -> Result<Checked<'a>, ValueFault> {
    check_leaving_out(value, schema, &[])
}

/// The same, but that unknown fields at these paths are left out wherever the tables would refuse them.
/// A path has `[*]` for every element of a list: `spec.containers[*].field`.
///
/// # Errors
/// As [`check()`].
pub fn check_leaving_out<'a>(
    value: Value<'a>,
    schema: &'static ObjectSchema,
    left_out: &[String],
) -> Result<Checked<'a>, ValueFault> {
    let mut pass = Pass { root: value, marks: Marks::new(value), left_out };
    match pass.object(value.position(), schema) {
        Ok(()) => Ok(Checked { value, schema, marks: pass.marks }),
        Err(fault) => Err(value.fault_at(fault.position, fault.problem)),
    }
}

/// A fault before its path is known. Boxed, so that the results of a clean pass fit a register.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) position: u32,
    pub(super) problem: String,
    /// Nothing but that no table knows the field.
    is_unknown_field: bool,
}

impl Fault {
    #[cold]
    pub(super) fn new(node: Value<'_>, problem: impl Into<String>) -> Box<Self> {
        Box::new(Self {
            position: node.position(),
            problem: problem.into(),
            is_unknown_field: false,
        })
    }
}

struct Pass<'a, 'p> {
    root: Value<'a>,
    marks: Marks,
    /// Paths of unknown fields that are not refused.
    left_out: &'p [String],
}

impl Pass<'_, '_> {
    fn object(&mut self, at: u32, schema: &'static ObjectSchema) -> Result<(), Box<Fault>> {
        let object = self.root.sibling(at);
        if !object.is_object() {
            return Err(misfit(object, &Shape::Object(schema)));
        }
        let mut seen: u64 = 0;
        let mut due = 0;
        let mut order = IN_ORDER;
        let mut has_unknown = false;
        for (key, value) in object.members() {
            let Some((index, field)) = find(schema.fields, key, due) else {
                self.marks.set(key.position(), LEFT_OUT);
                if let Err(fault) = unknown(key, schema)
                    && !self.is_left_out(&fault)
                {
                    return Err(fault);
                }
                has_unknown = true;
                continue;
            };
            if index >= MAX_FIELDS {
                return Err(Fault::new(key, "field past the end of its table"));
            }
            let bit = 1_u64.wrapping_shl(index as u32);
            if seen & bit != 0 {
                return Err(Fault::new(key, "field given twice"));
            }
            seen |= bit;
            if index < due {
                order = 0;
            }
            due = index.wrapping_add(1);
            if value.is_null() {
                self.marks.set(key.position(), LEFT_OUT);
            } else {
                self.marks.set(key.position(), index as u8);
                self.shape(value.position(), &field.shape)?;
            }
        }
        self.marks.set(at, order);
        if has_unknown { names::refuse_clashes(object, schema.fields) } else { Ok(()) }
    }

    #[cold]
    fn is_left_out(&self, fault: &Fault) -> bool {
        fault.is_unknown_field && !self.left_out.is_empty() && {
            let path = names::any_element(&self.root.fault_at(fault.position, String::new()).path);
            self.left_out.contains(&path)
        }
    }

    #[inline]
    fn shape(&mut self, at: u32, shape: &'static Shape) -> Result<(), Box<Fault>> {
        match shape {
            Shape::Object(schema) => self.object(at, schema),
            Shape::List(element) => self.list(at, element),
            Shape::Map(member) => self.map(at, member),
            Shape::Free => free(self.root.sibling(at)),
            Shape::Text
            | Shape::Named(_)
            | Shape::Bool
            | Shape::Int32
            | Shape::Int64
            | Shape::Quantity
            | Shape::IntOrString
            | Shape::Time => scalar(self.root.sibling(at), shape),
        }
    }

    fn list(&mut self, at: u32, element: &'static Shape) -> Result<(), Box<Fault>> {
        let list = self.root.sibling(at);
        if !list.is_array() {
            return Err(misfit(list, &Shape::List(element)));
        }
        // Go makes an empty element of null, which no policy has seen: no shape takes it.
        list.elements().try_for_each(|value| self.shape(value.position(), element))
    }

    fn map(&mut self, at: u32, member: &'static Shape) -> Result<(), Box<Fault>> {
        let map = self.root.sibling(at);
        if !map.is_object() {
            return Err(misfit(map, &Shape::Map(member)));
        }
        let is_sorted = names::refuse_duplicates(map)?;
        self.marks.set(at, u8::from(is_sorted));
        map.members().try_for_each(|(_, value)| self.shape(value.position(), member))
    }
}

/// Finds a field by its name. Go writes fields in the table's order, so the search starts at the field
/// that is `due` and wraps around.
#[inline]
fn find(fields: &'static [Field], key: Value<'_>, due: usize) -> Option<(usize, &'static Field)> {
    let (name, _) = key.as_bytes()?;
    let index = position_of(fields, name, due)?;
    Some((index, fields.get(index)?))
}

/// A call of its own, measured: it keeps the caller's loop in registers.
#[inline(never)]
fn position_of(fields: &[Field], name: &[u8], due: usize) -> Option<usize> {
    let is_named = |field: &Field| field.name.as_bytes() == name;
    let (before, behind) = fields.split_at_checked(due)?;
    match behind.iter().position(is_named) {
        Some(ahead) => Some(due.wrapping_add(ahead)),
        None => before.iter().position(is_named),
    }
}

fn scalar(value: Value<'_>, shape: &'static Shape) -> Result<(), Box<Fault>> {
    let fits = match shape {
        Shape::Text => value.is_text(),
        Shape::Named(grammar) => value.as_str().is_some_and(|text| grammar.matches(text)),
        Shape::Bool => value.as_bool().is_some(),
        Shape::Int32 => is_int32(value),
        Shape::Int64 => value.as_i64().is_some(),
        Shape::Quantity => quantity::is_quantity(value),
        Shape::IntOrString => value.is_text() || is_int32(value),
        Shape::Time => value.as_str().is_some_and(time::is_rfc3339),
        Shape::Object(_) | Shape::List(_) | Shape::Map(_) | Shape::Free => false,
    };
    if fits { Ok(()) } else { Err(misfit(value, shape)) }
}

#[cold]
fn unknown(key: Value<'_>, schema: &'static ObjectSchema) -> Result<(), Box<Fault>> {
    let name = key.as_str().unwrap_or_default();
    if name.chars().any(char::is_control) {
        return Err(Fault::new(key, "control character in a field name"));
    }
    if let Some(field) = schema.fields.iter().find(|field| names::are_alike(field.name, name)) {
        return Err(Fault::new(key, format!("differs from `{}` only in case", field.name)));
    }
    match schema.unknown {
        UnknownFields::Omit => Ok(()),
        UnknownFields::Refuse => {
            let mut fault = Fault::new(key, format!("unknown field of {}", schema.name));
            fault.is_unknown_field = true;
            Err(fault)
        }
    }
}

/// Checks an object of any content, at every level.
fn free(value: Value<'_>) -> Result<(), Box<Fault>> {
    if !value.is_object() {
        return Err(misfit(value, &Shape::Free));
    }
    value.descendants().filter(Value::is_object).try_for_each(|object| {
        names::refuse_duplicates(object)?;
        Ok(())
    })
}

fn is_int32(value: Value<'_>) -> bool {
    value.as_i64().is_some_and(|number| i32::try_from(number).is_ok())
}

#[cold]
fn misfit(value: Value<'_>, shape: &Shape) -> Box<Fault> {
    let expected = match shape {
        Shape::Text => "a string",
        Shape::Named(grammar) => {
            return Fault::new(value, format!("must be {}", grammar.expectation()));
        }
        Shape::Bool => "true or false",
        Shape::Int32 => "a 32-bit integer",
        Shape::Int64 => "a 64-bit integer",
        Shape::Quantity => "a quantity",
        Shape::IntOrString => "a 32-bit integer or a string",
        Shape::Time => "an RFC 3339 time",
        Shape::Object(_) | Shape::Map(_) | Shape::Free => "an object",
        Shape::List(_) => "a list",
    };
    Fault::new(value, format!("expected {expected}"))
}
