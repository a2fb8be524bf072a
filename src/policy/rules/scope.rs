//! Which pods a rule is about: namespace, regex, labels and annotations, all of them together.
//!
//! Without any of the four a rule is about every pod, as in the seed.

use regex::Regex;

use super::namespaces::{NamespacePatterns, read_regex};
use super::string_map::RequiredEntries;
use crate::kube_wire::pod::Pod;
use crate::policy::error::{PolicyError, Warnings};
use crate::policy::explanation::Finding;
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

    /// The criteria that do not hold.
    pub(super) fn misses(&self, pod: &Pod<'_>) -> Vec<Finding> {
        let namespace = pod.identity.namespace;
        let of_namespace = |expected| Finding::of_pod("metadata.namespace", expected, namespace);
        let patterns = self.namespaces.as_ref();
        let patterns = patterns.filter(|patterns| !patterns.match_namespace(namespace));
        let regex = self.namespace_regex.as_ref().filter(|regex| !regex.is_match(namespace));
        let maps = [("labels", &self.labels, &pod.labels)].into_iter().chain([(
            "annotations",
            &self.annotations,
            &pod.annotations,
        )]);
        let entries = maps.flat_map(|(field, required, map)| {
            let missing = required.iter().flat_map(|required| required.missing_in(map));
            missing.map(move |(key, value)| {
                let path = format!("metadata.{field}[{key:?}]");
                Finding::of_pod(path, format!("{value:?}"), shown(map.lookup(key)))
            })
        });
        let namespaces = patterns.map(|patterns| of_namespace(patterns.written()));
        let regex = regex.map(|regex| of_namespace(format!("what the regex `{regex}` finds")));
        namespaces.into_iter().chain(regex).chain(entries).collect()
    }

    /// Is it about every pod there can be?
    pub(super) fn is_everything(&self) -> bool {
        self.namespaces.as_ref().is_none_or(NamespacePatterns::match_everything)
            && self.namespace_regex.is_none()
            && self.labels.is_none()
            && self.annotations.is_none()
    }
}

fn shown(value: Option<&str>) -> String {
    value.map_or_else(|| "nothing".to_owned(), |value| format!("{value:?}"))
}
