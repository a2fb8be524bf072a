//! Which pods a rule is about: namespace, regex, labels and annotations, all of them together.
//!
//! Without any of the four a rule is about every pod, as in the seed.

use regex::Regex;

use super::namespaces::{NamespacePatterns, read_regex};
use super::string_map::RequiredEntries;
use crate::kube_wire::pod::Pod;
use crate::policy::error::{PolicyError, Warnings};
use crate::policy::located::Object;

/// The criteria of one rule.
#[derive(Clone, Debug)]
pub(super) struct Scope {
    namespaces: Option<NamespacePatterns>,
    namespace_regex: Option<Regex>,
    labels: Option<RequiredEntries>,
    annotations: Option<RequiredEntries>,
}

impl Scope {
    /// The keys of `match` that are read here.
    pub(super) const KEYS: [&'static str; 4] =
        ["namespaces", "namespaceRegex", "labels", "annotations"];

    /// Reads them from `match`.
    pub(super) fn read(block: &Object<'_>, warnings: &mut Warnings) -> Result<Self, PolicyError> {
        let [namespaces, regex, labels, annotations] = Self::KEYS.map(|key| block.find(key));
        Ok(Self {
            namespaces: namespaces.map(NamespacePatterns::read).transpose()?,
            namespace_regex: regex.map(|at| read_regex(at, warnings)).transpose()?,
            labels: labels.map(RequiredEntries::read).transpose()?,
            annotations: annotations.map(RequiredEntries::read).transpose()?,
        })
    }

    /// Does every criterion hold?
    pub(super) fn includes(&self, pod: &Pod<'_>) -> bool {
        let namespace = pod.identity.namespace;
        self.namespaces.as_ref().is_none_or(|patterns| patterns.match_namespace(namespace))
            && self.namespace_regex.as_ref().is_none_or(|regex| regex.is_match(namespace))
            && self.labels.as_ref().is_none_or(|required| required.are_in(&pod.labels))
            && self.annotations.as_ref().is_none_or(|required| required.are_in(&pod.annotations))
    }

    /// Is it about every pod there can be?
    pub(super) fn is_everything(&self) -> bool {
        self.namespaces.as_ref().is_none_or(NamespacePatterns::match_everything)
            && self.namespace_regex.is_none()
            && self.labels.is_none()
            && self.annotations.is_none()
    }
}
