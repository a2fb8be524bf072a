//! What is known of a term before any pod is seen, out of the tables of the pod.

use crate::kube_wire::pod_schema::POD;
use crate::kube_wire::schema::{ObjectSchema, Shape};
use crate::policy::located::{quoted, suggest};

/// The kind of a term's values.
#[derive(Clone, Debug)]
pub(super) enum Kind {
    /// A port by number or name, or part of a free object: known only with the pod.
    Any,
    /// `64`, `"64"` and `"64000m"` are the same to a kubelet. No operator takes it.
    Quantity,
    Bool,
    Int,
    Text,
    List(Box<Kind>),
    Map(Box<Kind>),
    Object(&'static ObjectSchema),
}

impl Kind {
    /// What a value of this shape is.
    fn of(shape: &'static Shape) -> Self {
        match shape {
            Shape::Text | Shape::Named(_) | Shape::Time => Self::Text,
            Shape::Bool => Self::Bool,
            Shape::Int32 | Shape::Int64 => Self::Int,
            Shape::Quantity => Self::Quantity,
            Shape::IntOrString => Self::Any,
            Shape::Object(schema) => Self::Object(schema),
            Shape::List(element) => Self::List(Box::new(Self::of(element))),
            Shape::Map(member) => Self::Map(Box::new(Self::of(member))),
            Shape::Free => Self::Map(Box::new(Self::Any)),
        }
    }

    /// The kind of a member.
    pub(super) fn member(&self, name: &str) -> Result<Self, String> {
        match self {
            Self::Object(schema) => field(schema, name),
            Self::Map(member) => Ok((**member).clone()),
            Self::Any => Ok(Self::Any),
            Self::Bool | Self::Int | Self::Text | Self::Quantity | Self::List(_) => {
                Err(format!("field {} of {}; it has none", quoted(name), self.name()))
            }
        }
    }

    /// The kind of what a loop's variable holds.
    pub(super) fn element(&self) -> Result<Self, String> {
        match self {
            Self::List(element) => Ok((**element).clone()),
            Self::Map(_) => Ok(Self::Text),
            Self::Any => Ok(Self::Any),
            Self::Bool | Self::Int | Self::Text | Self::Quantity | Self::Object(_) => {
                Err(format!("a loop over {}; only lists and maps have elements", self.name()))
            }
        }
    }

    /// May a value of the one kind be equal to one of the other, and does it then mean the same?
    pub(super) fn is_comparable(&self, other: &Self) -> bool {
        self.is_like(other) && !self.holds_quantity() && !other.holds_quantity()
    }

    fn holds_quantity(&self) -> bool {
        match self {
            Self::Quantity => true,
            Self::List(of) | Self::Map(of) => of.holds_quantity(),
            Self::Object(schema) => {
                schema.fields.iter().any(|field| Self::of(&field.shape).holds_quantity())
            }
            Self::Any | Self::Bool | Self::Int | Self::Text => false,
        }
    }

    pub(super) fn is_like(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Any, _) | (_, Self::Any) => true,
            (Self::List(one), Self::List(other)) | (Self::Map(one), Self::Map(other)) => {
                one.is_like(other)
            }
            (Self::Object(one), Self::Object(other)) => std::ptr::eq(*one, *other),
            (Self::Bool, Self::Bool)
            | (Self::Int, Self::Int)
            | (Self::Text, Self::Text)
            | (Self::Quantity, Self::Quantity) => true,
            (
                Self::Quantity
                | Self::Bool
                | Self::Int
                | Self::Text
                | Self::List(_)
                | Self::Map(_)
                | Self::Object(_),
                _,
            ) => false,
        }
    }

    /// The kind that takes in both. A quantity stays one beside whatever else.
    pub(super) fn join(self, other: &Self) -> Self {
        if matches!(self, Self::Quantity) || matches!(other, Self::Quantity) {
            return Self::Quantity;
        }
        if self.is_like(other) && !matches!(other, Self::Any) { self } else { Self::Any }
    }

    /// In words for an operator.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Any => "a value of any kind",
            Self::Quantity => "a quantity",
            Self::Bool => "true or false",
            Self::Int => "a number",
            Self::Text => "a text",
            Self::List(_) => "a list",
            Self::Map(_) => "a map",
            Self::Object(schema) => schema.name,
        }
    }
}

/// A misspelt field would be absent from every pod, and `!has(…)` of it true of every pod.
fn field(schema: &'static ObjectSchema, name: &str) -> Result<Kind, String> {
    if std::ptr::eq(schema, &raw const POD) && name == "status" {
        return Err(
            "reads `status`, which says nothing of what runs; read `spec` or `metadata`".to_owned()
        );
    }
    match schema.fields.iter().find(|field| field.name == name) {
        Some(field) => Ok(Kind::of(&field.shape)),
        None => {
            let known: Vec<&str> = schema.fields.iter().map(|field| field.name).collect();
            Err(format!("{} has no field {}; {}", schema.name, quoted(name), suggest(name, &known)))
        }
    }
}
