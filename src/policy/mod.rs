//! Decides whether one pod may run on this node.
//!
//! A policy is one JSON document, read once by [`Policy::parse`] and from then on immutable.
//! [`Policy::evaluate`] is pure: no I/O, no clock, no logging, and it cannot fail, because all that
//! could be wrong with a policy kept it from loading. What is undecided is refused.
//! The languages are described in `docs/reference/policy.md` and `docs/reference/policy-v2.md`.

mod capability;
mod circumstances;
mod decision;
mod error;
mod explanation;
pub mod expressions;
mod image_pattern;
mod image_reference;
mod load;
mod located;
mod pattern;
mod plain_regex;
mod pod_images;
pub mod pod_security;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod quirks;
mod registry;
mod remembered;
mod rules;
#[cfg(test)]
mod sample_pods;
pub mod signed;
mod v1;
mod v2;
mod verdict;

pub use circumstances::{Circumstances, Counters, NoCounters};
pub use decision::{CounterUse, Decision, ExceptionUse, Observation};
pub use error::{MAX_POLICY_BYTES, PolicyError, PolicyWarning, WarningKind};
pub use explanation::{Change, Explanation, Finding, RuleEffect, RuleExplanation, RuleOutcome};
pub use remembered::{Lasting, Remembered};
pub use verdict::{Grounds, Reason, Verdict, Violation};

use crate::kube_wire::received_object::ObjectKind;
use crate::kube_wire::received_pod::SoundPod;
use signed::Signed;
use signed::settings::SignedPods;
use signed::trust::TrustedKeys;
use v1::SeedRules;
use v2::NodePolicy;
pub use v2::objects::{ContentDigest, ObjectRefusal, ObjectRules};
pub use v2::{Access, ENDPOINTS, KubeletApi, PortRule, Updates};

/// What decides on pods, and how records tell it.
#[derive(Clone, Debug)]
pub struct Policy {
    name: String,
    digest: String,
    document: Document,
    signed: Option<Signed>,
}

/// What a policy file says, by the version it is written in.
#[derive(Clone, Debug)]
enum Document {
    /// No `apiVersion`: the seed's language.
    V1(SeedRules),
    /// `nodeward.dev/v2`.
    V2(Box<NodePolicy>),
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
            digest: load::hex_sha256(v1::ALLOW_ALL.as_bytes()),
            document: Document::V1(SeedRules::allow_all()),
            signed: None,
        }
    }

    /// Admits pods that carry a signed policy of one of these keys, and no others.
    pub fn only_signed(keys: TrustedKeys) -> Self {
        Self {
            name: "signed-pods".to_owned(),
            digest: keys.digest(),
            document: Document::V1(SeedRules::deny_all()),
            signed: Some(Signed::new(keys, SignedPods::default(), false)),
        }
    }

    /// Has signatures decide on the pods that no rule decides on.
    #[must_use]
    pub fn and_signed(self, keys: TrustedKeys) -> Self {
        let local = match &self.document {
            Document::V1(_) => None,
            Document::V2(policy) => policy.signed_pods().cloned(),
        };
        let pins_handlers = self.objects().is_some_and(|it| it.cover(ObjectKind::RuntimeClass));
        let signed = Signed::new(keys, local.unwrap_or_default(), pins_handlers);
        Self { signed: Some(signed), ..self }
    }

    /// Whose signatures count, if any do.
    pub fn keys(&self) -> Option<&TrustedKeys> {
        self.signed.as_ref().map(Signed::keys)
    }

    /// Would the document admit a pod that no rule matches, if signatures did not decide on it?
    pub fn overrules_default(&self) -> bool {
        match &self.document {
            Document::V1(rules) => self.signed.is_some() && rules.allow_by_default(),
            Document::V2(_) => false,
        }
    }

    /// Does the document speak of signed pods, although nobody's signatures count?
    pub fn lacks_keys(&self) -> bool {
        match &self.document {
            Document::V1(_) => false,
            Document::V2(policy) => self.signed.is_none() && policy.signed_pods().is_some(),
        }
    }

    /// Do both decide alike on every pod? Of policies in other words this may say no.
    pub fn is_same_as(&self, other: &Self) -> bool {
        let keys = |policy: &Self| policy.keys().map(TrustedKeys::digest);
        self.digest == other.digest && keys(self) == keys(other)
    }

    /// The policy's `name`, `unnamed` if it has none.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// SHA-256 of the exact bytes of the file, 64 hexadecimal digits.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// What the kubelet's own API serves by this policy; `None` if it does not say.
    pub fn kubelet_api(&self) -> Option<&KubeletApi> {
        match &self.document {
            Document::V1(_) => None,
            Document::V2(policy) => policy.kubelet_api(),
        }
    }

    /// How many rules there are.
    pub fn rule_count(&self) -> usize {
        match &self.document {
            Document::V1(rules) => rules.names().count(),
            Document::V2(policy) => policy.rule_names().count(),
        }
    }

    /// Names of all that can decide: the rules in order, then the exceptions.
    pub fn rule_names(&self) -> impl Iterator<Item = &str> {
        let (first, second) = match &self.document {
            Document::V1(rules) => (Some(rules.names()), None),
            Document::V2(policy) => {
                (None, Some(policy.rule_names().chain(policy.exception_names())))
            }
        };
        first.into_iter().flatten().chain(second.into_iter().flatten())
    }

    /// What each rule says about one pod, in full: for people, not for requests.
    pub fn explain(&self, pod: &SoundPod<'_>, at: &Circumstances<'_>) -> Explanation {
        let mut explanation = match &self.document {
            Document::V1(rules) => rules.explain(&pod.pod),
            Document::V2(policy) => policy.explain(pod, at),
        };
        let mut outcomes = explanation.rules.iter().map(|rule| rule.outcome);
        let is_decided = outcomes.any(|outcome| outcome == RuleOutcome::Decides);
        explanation.rules.extend(self.signed.iter().map(|it| it.explain(pod, at, is_decided)));
        explanation
    }

    /// What it says of other objects than pods.
    pub fn objects(&self) -> Option<&ObjectRules> {
        match &self.document {
            Document::V1(_) => None,
            Document::V2(policy) => policy.objects(),
        }
    }

    /// Paths of fields that a pod may have although nobody here knows them. They are not shown to the kubelet.
    pub fn unknown_fields(&self) -> &[String] {
        match &self.document {
            Document::V1(_) => &[],
            Document::V2(policy) => policy.unknown_fields(),
        }
    }

    /// Does it admit pods of its own node only? Whoever signed for a pod meant one pod: an API server
    /// could have every node run it.
    pub fn needs_node_name(&self) -> bool {
        match &self.document {
            Document::V1(_) => self.signed.is_some(),
            Document::V2(_) => true,
        }
    }

    /// Decides on one pod, now and here.
    pub fn evaluate<'v>(&'v self, pod: &'v SoundPod<'v>, at: &Circumstances<'_>) -> Decision<'v> {
        match &self.document {
            Document::V1(rules) => match (rules.first_match(&pod.pod), &self.signed) {
                (Some(verdict), _) => Decision::plain(verdict),
                (None, Some(signed)) => signed.decide(pod, at),
                (None, None) => Decision::plain(rules.default_verdict()),
            },
            Document::V2(policy) => policy.decide(pod, at, self.signed.as_ref()),
        }
    }
}
