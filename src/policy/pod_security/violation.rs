//! How a pod violates a standard: which check, where, what is there and what might be.

use std::fmt;

use super::check::Check;
use crate::kube_wire::pod_view::ContainerPath;
use crate::policy::verdict::Quoted;

/// One field that a standard does not allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Violation<'v> {
    /// The check that found it.
    pub check: Check,
    pub(super) place: Place<'v>,
    /// What is there.
    pub found: Found<'v>,
}

/// What stands in a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found<'v> {
    /// Nothing, and a value is required.
    Absent,
    /// A flag.
    Flag(bool),
    /// A number.
    Number(i64),
    /// Text of the pod.
    Text(&'v str),
    /// Texts of the pod.
    Texts(&'v [&'v str]),
    /// An object: its presence is what is not allowed.
    Object,
}

/// Where a field is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place<'v> {
    /// `spec.<field>`.
    Pod(&'static str),
    /// `spec.volumes[<index>].<source>`.
    Volume(usize, &'v str),
    /// `spec.securityContext.sysctls[<index>].name`.
    Sysctl(usize),
    /// A field of a container.
    Container(ContainerPath, &'static str),
    /// A field of an element of a list of a container, which may be the element itself.
    Element(ContainerPath, &'static str, usize, &'static str),
    /// `metadata.annotations[<key>]`.
    Annotation(&'v str),
}

impl<'v> Violation<'v> {
    /// Where it is, formatted when displayed.
    pub fn path(&self) -> ViolationPath<'v> {
        ViolationPath(self.place)
    }

    /// What the standard allows there.
    pub fn allowed(&self) -> &'static str {
        self.check.allowed()
    }
}

/// Displays as a field path such as `spec.containers[0].ports[1].hostPort`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ViolationPath<'v>(Place<'v>);

impl fmt::Display for ViolationPath<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Place::Pod(field) => write!(out, "spec.{field}"),
            Place::Volume(index, "") => write!(out, "spec.volumes[{index}]"),
            Place::Volume(index, source) => write!(out, "spec.volumes[{index}].{source}"),
            Place::Sysctl(index) => write!(out, "spec.securityContext.sysctls[{index}].name"),
            Place::Container(container, field) => write!(out, "{container}.{field}"),
            Place::Element(container, list, index, "") => {
                write!(out, "{container}.{list}[{index}]")
            }
            Place::Element(container, list, index, field) => {
                write!(out, "{container}.{list}[{index}].{field}")
            }
            Place::Annotation(key) => write!(out, "metadata.annotations[\"{}\"]", Quoted(key)),
        }
    }
}

impl fmt::Display for Found<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Absent => out.write_str("nothing"),
            Self::Flag(flag) => flag.fmt(out),
            Self::Number(number) => number.fmt(out),
            Self::Text(text) => write!(out, "\"{}\"", Quoted(text)),
            Self::Texts(texts) => {
                out.write_str("[")?;
                for (index, text) in texts.iter().take(MOST_SHOWN).enumerate() {
                    let comma = if index == 0 { "" } else { ", " };
                    write!(out, "{comma}\"{}\"", Quoted(text))?;
                }
                out.write_str(if texts.len() > MOST_SHOWN { ", …]" } else { "]" })
            }
            Self::Object => out.write_str("an object"),
        }
    }
}

/// Longest list of texts in a message.
const MOST_SHOWN: usize = 20;

impl fmt::Display for Violation<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: found {}, allowed is {}", self.path(), self.found, self.allowed())
    }
}
