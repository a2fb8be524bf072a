//! Decides whether one pod may run on this node.
//!
//! A policy is the seed's JSON document, read once by [`Policy::parse`] and from then on immutable.
//! [`Policy::evaluate`] is pure: no I/O, no clock, no logging, and it cannot fail, because all that
//! could be wrong with a policy kept it from loading. What is undecided is refused.
//! The language is described in `docs/reference/policy.md`.

mod capability;
mod error;
mod image_pattern;
mod image_reference;
mod load;
mod located;
mod pattern;
mod pod_images;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod quirks;
mod registry;
mod rules;
#[cfg(test)]
mod sample_pods;
mod verdict;

pub use error::{MAX_POLICY_BYTES, PolicyError, PolicyWarning};
pub use verdict::{Grounds, Reason, Verdict, Violation};

use crate::kube_wire::pod::Pod;
use pod_images::Subject;
use rules::rule::{Action, Rule};

/// The document that [`Policy::allow_all`] stands for.
const ALLOW_ALL: &str = r#"{"name":"allow-all-pods","defaultAction":"allow","rules":[]}"#;

/// Rules in their order, and what happens to a pod that none of them matches.
#[derive(Clone, Debug)]
pub struct Policy {
    name: String,
    digest: String,
    default_action: Action,
    rules: Vec<Rule>,
}

/// A policy that loaded, and what its author should look at.
#[derive(Clone, Debug)]
pub struct LoadedPolicy {
    /// Ready to decide.
    pub policy: Policy,
    /// In the order of the file.
    pub warnings: Vec<PolicyWarning>,
}

impl Policy {
    /// Reads the bytes of a policy file.
    pub fn parse(text: &[u8]) -> Result<LoadedPolicy, PolicyError> {
        load::load(text)
    }

    /// Admits every pod: for `--allow-all-pods`, never a default.
    pub fn allow_all() -> Self {
        Self {
            name: "allow-all-pods".to_owned(),
            digest: load::hex_sha256(ALLOW_ALL.as_bytes()),
            default_action: Action::Allow,
            rules: Vec::new(),
        }
    }

    /// The policy's `name`, `unnamed` if it has none.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// SHA-256 of the exact bytes of the file, 64 hexadecimal digits.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// How many rules there are.
    pub fn rule_count(&self) -> usize {
        self.rules.len()
    }

    /// Names of the rules, in order.
    pub fn rule_names(&self) -> impl Iterator<Item = &str> {
        self.rules.iter().map(|rule| rule.name())
    }

    /// The verdict of the first rule that matches, else of the default action.
    pub fn evaluate<'v>(&'v self, pod: &'v Pod<'v>) -> Verdict<'v> {
        let subject = Subject::new(pod);
        self.rules.iter().find_map(|rule| rule.verdict(&subject)).unwrap_or(
            match self.default_action {
                Action::Allow => Verdict::Allow(Grounds::DefaultAction),
                Action::Deny => Verdict::Deny(Grounds::DefaultAction),
            },
        )
    }
}
