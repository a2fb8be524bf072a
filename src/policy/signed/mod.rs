//! Pods that carry their own policy, signed by somebody the node's operator trusts.
//!
//! A signature is verified before anything it covers is believed. Two formats: the seed's
//! (`seed_policy`, `seed_match`), which is silent on most of a pod, and ours (`bound_policy`), which
//! says for whom, where and until when it counts. Both end in a permit, so that what was not signed
//! and is not permitted locally is denied. Described in `docs/reference/signed-pods.md`.

mod annotations;
mod bound_policy;
pub mod denial;
mod pattern;
mod seed_match;
mod seed_permit;
mod seed_policy;
pub(in crate::policy) mod settings;
pub mod signing;
#[cfg(test)]
pub(crate) mod test_keys;
#[cfg(test)]
mod tests;
pub mod trust;
mod whole_pod;

use std::sync::Arc;

use annotations::{BOUND, Carried, SEED};
use bound_policy::{Bearer, BoundPolicy, DOMAIN};
use denial::SignedDenial;
use seed_policy::SeedPolicy;
use settings::SignedPods;
use trust::{TrustedKey, TrustedKeys};

use super::circumstances::Circumstances;
use super::decision::{CounterUse, Decision};
use super::explanation::{Finding, RuleEffect, RuleExplanation, RuleOutcome};
use super::located::Located;
use super::v2::permit::PodPermit;
use super::v2::{Access, Updates};
use super::verdict::{Grounds, Verdict};
use crate::kube_wire::received_pod::SoundPod;

/// The service account of a pod that names none.
const DEFAULT_SERVICE_ACCOUNT: &str = "default";

/// Decides on pods by what they carry.
#[derive(Clone, Debug)]
pub(super) struct Signed {
    trust: TrustedKeys,
    local: SignedPods,
    /// The document says what each runtime class stands for.
    pins_handlers: bool,
}

/// A pod that its signed policy admits.
#[derive(Debug)]
pub(super) struct Vouched<'v> {
    /// The key that signed.
    pub(super) key_id: &'v str,
    /// To be remembered, if the policy has one.
    pub(super) counter: Option<CounterUse<'v>>,
    /// Which of its fields may change while it runs.
    pub(super) updates: Updates,
    /// Who may reach into the pod.
    pub(super) access: Arc<Access>,
}

impl Signed {
    pub(super) fn new(trust: TrustedKeys, local: SignedPods, pins_handlers: bool) -> Self {
        Self { trust, local, pins_handlers }
    }

    pub(super) fn keys(&self) -> &TrustedKeys {
        &self.trust
    }

    /// The decision on a pod that no rule decides on.
    pub(super) fn decide<'v>(&'v self, pod: &SoundPod<'_>, at: &Circumstances<'_>) -> Decision<'v> {
        match self.judge(pod, at) {
            Ok(Vouched { key_id, counter, updates, access }) => {
                let verdict = Verdict::Allow(Grounds::Signed { key_id });
                let access = Some(access);
                Decision { counter, updates, access, ..Decision::plain(verdict) }
            }
            Err(denial) => {
                Decision::plain(Verdict::Deny(Grounds::Unsigned { denial, nearest: None }))
            }
        }
    }

    /// The decision on a pod, told among the rules.
    pub(super) fn explain(
        &self,
        pod: &SoundPod<'_>,
        at: &Circumstances<'_>,
        is_decided: bool,
    ) -> RuleExplanation {
        let (outcome, findings) = match self.judge(pod, at) {
            Ok(_) if is_decided => (RuleOutcome::Overruled, Vec::new()),
            Ok(_) => (RuleOutcome::Decides, Vec::new()),
            Err(denial) => {
                let finding = Finding {
                    path: "metadata.annotations".to_owned(),
                    expected: "a policy that a trusted key signed and that the pod fits".to_owned(),
                    found: denial.to_string(),
                    change: None,
                };
                (RuleOutcome::DoesNotApply, vec![finding])
            }
        };
        let name = "signed pods".to_owned();
        RuleExplanation { name, effect: RuleEffect::Allow, outcome, findings }
    }

    /// Does what the pod carries admit it, now and here? A pod with both formats is held to ours.
    pub(super) fn judge<'v>(
        &'v self,
        pod: &SoundPod<'_>,
        at: &Circumstances<'_>,
    ) -> Result<Vouched<'v>, SignedDenial> {
        if BOUND.are_on(&pod.pod.annotations) {
            self.judge_bound(pod, at)
        } else {
            self.judge_seed(pod, at)
        }
    }

    fn judge_seed<'v>(
        &'v self,
        pod: &SoundPod<'_>,
        at: &Circumstances<'_>,
    ) -> Result<Vouched<'v>, SignedDenial> {
        let carried = SEED.find(&pod.pod.annotations)?;
        self.local.accept(&SEED)?;
        let key = self
            .verified(carried.policy.as_bytes(), carried, at)
            .map_err(|denial| worded_as_the_seed_does(carried, denial))?;
        let text = policy_text(carried)?;
        let policy = SeedPolicy::parse(&text).map_err(malformed)?;
        self.local.unrevoked(carried.policy)?;
        let spec = pod.checked.value().field("spec");
        if let Some(mismatch) = spec.and_then(|spec| seed_match::mismatch(spec, &policy)) {
            return Err(SignedDenial::Mismatch(mismatch));
        }
        let mut missing = seed_match::missing(pod, &policy);
        if let Some(name) = missing.find(|name| !self.local.may_omit(name)) {
            return Err(SignedDenial::Missing(name.to_owned()));
        }
        let values = |container: &_, variable: &_| {
            spec.map_or_else(Vec::new, |spec| seed_match::fitting_values(spec, container, variable))
        };
        let permit = seed_permit::permit(&policy, &self.local, &values).to_string();
        let permit = Located::document(&permit).and_then(|permit| whole_pod::read(&permit));
        let permit = permit.map_err(malformed)?;
        self.hold(pod, &permit, at)?;
        let (updates, access) = (permit.updates, permit.access);
        Ok(Vouched { key_id: key.id(), counter: None, updates, access })
    }

    fn judge_bound<'v>(
        &'v self,
        pod: &SoundPod<'_>,
        at: &Circumstances<'_>,
    ) -> Result<Vouched<'v>, SignedDenial> {
        let carried = BOUND.find(&pod.pod.annotations)?;
        self.local.accept(&BOUND)?;
        let message = [DOMAIN, carried.policy].concat();
        let key = self.verified(message.as_bytes(), carried, at)?;
        let text = policy_text(carried)?;
        let (policy, permit) = BoundPolicy::read(&text).map_err(malformed)?;
        let permit = whole_pod::read(&permit).map_err(malformed)?;
        if policy.key_id != key.id() {
            let problem = format!("it names another key than {}, which signed it", key.id());
            return Err(SignedDenial::Bound(problem));
        }
        self.local.unrevoked(carried.policy)?;
        policy.apply(Bearer::of(pod), at)?;
        self.local.recent(&policy, at)?;
        self.hold(pod, &permit, at)?;
        let BoundPolicy { policy_id, counter, .. } = policy;
        Ok(Vouched {
            key_id: key.id(),
            counter: Some(CounterUse { key_id: key.id(), policy_id, counter }),
            updates: permit.updates,
            access: permit.access,
        })
    }

    /// A signer says which class a pod may have. What that class stands for is the API server's word,
    /// unless the node's own document has the last one.
    fn hold(
        &self,
        pod: &SoundPod<'_>,
        permit: &PodPermit,
        at: &Circumstances<'_>,
    ) -> Result<(), SignedDenial> {
        whole_pod::hold(pod, permit, at)?;
        match self.pins_handlers {
            true => Ok(()),
            false => whole_pod::refuse_class(pod),
        }
    }

    fn verified(
        &self,
        message: &[u8],
        carried: Carried<'_>,
        at: &Circumstances<'_>,
    ) -> Result<&TrustedKey, SignedDenial> {
        let signature =
            annotations::decode(carried.signature).ok_or(SignedDenial::SignatureEncoding)?;
        self.trust.verify(message, &signature, at.now).map_err(SignedDenial::Signature)
    }
}

impl<'a> Bearer<'a> {
    fn of(pod: &SoundPod<'a>) -> Self {
        let spec = pod.checked.value().field("spec");
        let account = spec.and_then(|spec| spec.field("serviceAccountName")?.as_str());
        Self {
            namespace: pod.pod.identity.namespace,
            service_account: account
                .filter(|name| !name.is_empty())
                .unwrap_or(DEFAULT_SERVICE_ACCOUNT),
            pod_name: pod.pod.identity.name,
        }
    }
}

/// The text that a signature was verified for.
fn policy_text(carried: Carried<'_>) -> Result<String, SignedDenial> {
    let bytes = annotations::decode(carried.policy).ok_or(SignedDenial::PolicyEncoding)?;
    String::from_utf8(bytes).map_err(|_| SignedDenial::PolicyJson("not UTF-8".to_owned()))
}

fn malformed(error: super::PolicyError) -> SignedDenial {
    SignedDenial::PolicyJson(error.to_string())
}

/// The seed reads a policy before it verifies the signature, and complains of what it meets first. Here
/// nothing unverified is believed; the pod is denied whatever comes of this.
fn worded_as_the_seed_does(carried: Carried<'_>, denial: SignedDenial) -> SignedDenial {
    let Some(text) = annotations::decode(carried.policy) else {
        return SignedDenial::PolicyEncoding;
    };
    seed_policy::unreadable_for_the_seed(&text).map_or(denial, SignedDenial::PolicyJson)
}
