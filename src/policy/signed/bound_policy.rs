//! A signed policy of the second version: what a pod may be, and where, when and for whom that counts.
//!
//! Everything that the first version leaves to whoever replays it is bound here, and every binding
//! must be written: a key that is left out is refused, never taken for "any".

use jiff::Timestamp;

use super::denial::SignedDenial;
use crate::policy::PolicyError;
use crate::policy::circumstances::Circumstances;
use crate::policy::located::{Located, Object};
use crate::policy::pattern::Pattern;
use crate::policy::verdict::Quoted;

/// Stands in front of the policy's text in what is signed, so that no signature for something else,
/// the first version included, is one for this. It holds characters that base64 does not have.
pub(super) const DOMAIN: &str = "nodeward.dev/v2 pod policy\n";

const API_VERSION: &str = "nodeward.dev/v2";
const KIND: &str = "SignedPodPolicy";

const KEYS: [&str; 9] = [
    "apiVersion",
    "kind",
    "policyId",
    "keyId",
    "counter",
    "bind",
    "notBefore",
    "notAfter",
    "permit",
];
const BIND: [&str; 4] = ["namespace", "serviceAccount", "podName", "nodes"];

const REQUIRED: &str = "a signed policy must have it";

/// Longest `policyId`: it is remembered with its counter.
const MAX_ID_BYTES: usize = 253;

/// The policy but for its permit, which `permit_text` is read for.
#[derive(Debug)]
pub(super) struct BoundPolicy {
    pub(super) policy_id: String,
    pub(super) key_id: String,
    pub(super) counter: u64,
    bind: Binding,
    not_before: Timestamp,
    not_after: Timestamp,
}

#[derive(Debug)]
struct Binding {
    namespace: String,
    service_account: String,
    pod_name: Pattern,
    nodes: Vec<Pattern>,
}

/// Who a pod is, for what a policy is bound to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bearer<'a> {
    pub(super) namespace: &'a str,
    pub(super) service_account: &'a str,
    pub(super) pod_name: &'a str,
}

impl BoundPolicy {
    /// Reads the decoded text of an annotation whose signature was verified; the permit is left to
    /// whoever reads permits.
    pub(super) fn read<'t>(text: &'t str) -> Result<(Self, Located<'t>), PolicyError> {
        let document = Located::document(text)?;
        let body = document.object(&KEYS)?;
        constant(&body, "apiVersion", API_VERSION)?;
        constant(&body, "kind", KIND)?;
        let policy = Self {
            policy_id: identifier(required(&body, "policyId")?)?,
            key_id: required(&body, "keyId")?.filled_string()?,
            counter: required(&body, "counter")?.counter()?,
            bind: Binding::read(required(&body, "bind")?)?,
            not_before: required(&body, "notBefore")?.time()?,
            not_after: required(&body, "notAfter")?.time()?,
        };
        if policy.not_after < policy.not_before {
            let at = required(&body, "notAfter")?;
            return Err(at.refuse("is before notBefore, so the policy never counts; swap them"));
        }
        Ok((policy, required(&body, "permit")?.clone()))
    }

    /// Is it for this pod, here and now?
    pub(super) fn apply(
        &self,
        bearer: Bearer<'_>,
        at: &Circumstances<'_>,
    ) -> Result<(), SignedDenial> {
        let Self { bind, not_before, not_after, .. } = self;
        let bound = |problem| Err(SignedDenial::Bound(problem));
        if at.now < not_before.as_second() {
            return bound(format!("it is not valid before {not_before}"));
        }
        if at.now > not_after.as_second() {
            return bound(format!("it expired at {not_after}"));
        }
        if bearer.namespace != bind.namespace {
            return bound(format!(
                "the pod is in namespace '{}', the policy is bound to namespace '{}'",
                Quoted(bearer.namespace),
                Quoted(&bind.namespace)
            ));
        }
        if bearer.service_account != bind.service_account {
            return bound(format!(
                "the pod has service account '{}', the policy is bound to service account '{}'",
                Quoted(bearer.service_account),
                Quoted(&bind.service_account)
            ));
        }
        if !bind.pod_name.matches(bearer.pod_name) {
            return bound(format!(
                "the policy is bound to other pod names than '{}'",
                Quoted(bearer.pod_name)
            ));
        }
        if !bind.nodes.iter().any(|pattern| pattern.matches(at.node)) {
            return bound(format!("the policy is bound to other nodes than '{}'", Quoted(at.node)));
        }
        Ok(())
    }
}

impl Binding {
    fn read(at: &Located<'_>) -> Result<Self, PolicyError> {
        let bind = at.object(&BIND)?;
        let nodes = required(&bind, "nodes")?.elements()?;
        Ok(Self {
            namespace: required(&bind, "namespace")?.filled_string()?,
            service_account: required(&bind, "serviceAccount")?.filled_string()?,
            pod_name: name_pattern(required(&bind, "podName")?)?,
            nodes: nodes.iter().map(name_pattern).collect::<Result<_, _>>()?,
        })
    }
}

fn required<'o, 't>(object: &'o Object<'t>, key: &str) -> Result<&'o Located<'t>, PolicyError> {
    object.find(key).ok_or_else(|| object.at().missing(key, REQUIRED))
}

fn constant(body: &Object<'_>, key: &str, value: &str) -> Result<(), PolicyError> {
    let at = required(body, key)?;
    match at.string()? == value {
        true => Ok(()),
        false => Err(at.refuse(format!("is not known here; write {value}"))),
    }
}

fn identifier(at: &Located<'_>) -> Result<String, PolicyError> {
    let id = at.name()?;
    if id.len() > MAX_ID_BYTES || id.contains('/') {
        return Err(at.refuse("is no identifier; use at most 253 bytes and no slash"));
    }
    Ok(id)
}

fn name_pattern(at: &Located<'_>) -> Result<Pattern, PolicyError> {
    let is_allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-.".contains(c);
    Pattern::read(at, is_allowed, "lower-case letters, digits, `-` and `.`")
}
