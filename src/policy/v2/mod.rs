//! The second version of the language: allow-lists over the whole pod.
//!
//! Deny rules always win, wherever they stand; then the first allow rule that a pod fits lets it
//! run, then an exception. What nobody permits is denied. `docs/reference/policy-v2.md`.

mod access;
mod argv_rule;
pub(super) mod check;
mod decide;
mod demand;
pub(super) mod document;
#[cfg(test)]
mod evasions;
mod exception;
mod explain;
pub(super) mod finding;
mod names;
mod number_rule;
mod objections;
pub(super) mod objects;
pub(super) mod permit;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod reference;
mod rule;
#[cfg(test)]
mod sample;
mod scope;
pub(super) mod subject;
#[cfg(test)]
mod tests;
mod text_rule;
mod unknown_fields;

pub use access::{Access, ENDPOINTS, KubeletApi, PortRule};
pub use permit::Updates;

use super::signed::settings::SignedPods;
use exception::Exception;
use objects::ObjectRules;
use rule::Rule;

/// A document of this version.
#[derive(Clone, Debug)]
pub(super) struct NodePolicy {
    /// What it would deny is logged and let through.
    observes: bool,
    rules: Vec<Rule>,
    exceptions: Vec<Exception>,
    /// What reaches the kubelet of other objects than pods.
    objects: Option<ObjectRules>,
    /// Paths of fields that a pod may have although nobody here knows them.
    unknown_fields: Vec<String>,
    kubelet_api: Option<KubeletApi>,
    signed_pods: Option<SignedPods>,
}

impl NodePolicy {
    /// Names of the rules, in order.
    pub(super) fn rule_names(&self) -> impl Iterator<Item = &str> {
        self.rules.iter().map(|rule| rule.name.as_str())
    }

    /// What it says of other objects than pods.
    pub(super) fn objects(&self) -> Option<&ObjectRules> {
        self.objects.as_ref()
    }

    /// Paths of fields that a pod may have although nobody here knows them.
    pub(super) fn unknown_fields(&self) -> &[String] {
        &self.unknown_fields
    }

    /// What the kubelet's own API serves; `None` if the document does not say.
    pub(super) fn kubelet_api(&self) -> Option<&KubeletApi> {
        self.kubelet_api.as_ref()
    }

    /// What the document adds to signatures, and takes from them.
    pub(super) fn signed_pods(&self) -> Option<&SignedPods> {
        self.signed_pods.as_ref()
    }

    /// Names of the exceptions, in order.
    pub(super) fn exception_names(&self) -> impl Iterator<Item = &str> {
        self.exceptions.iter().map(|exception| exception.name.as_str())
    }
}
