//! What was admitted under a UID, small enough to keep: a later spec must be the same but for what
//! the API lets change on a bound pod.
//!
//! The kubelet takes any spec that comes under a known UID and checks nothing (`checkAndUpdatePod`).
//! The rules are those of `ValidatePodUpdate`, `ValidatePodResize` and
//! `ValidatePodEphemeralContainersUpdate` in `k8s.io/kubernetes/pkg/apis/core/validation` (v1.35).
//! A pin only compares: whether the later pod is allowed, and which of the changes are tolerated, is for
//! the policy to say.

mod facts;
mod kept;
mod tags;
mod view_pin;

use std::ops::Range;

use self::facts::Facts;
use self::kept::Kept;
use self::tags::{Tag, Tags, append, sha256, tag_of};
pub use self::view_pin::ViewPin;
use super::pod::Pod;
use super::schema::Checked;

/// The namespace and name of one pod, so short that the ledger of pods can keep it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NameTag(Tag);

impl NameTag {
    /// Of this namespace and name.
    pub fn of(namespace: &str, name: &str) -> Self {
        let mut bytes = Vec::with_capacity(namespace.len().saturating_add(name.len()));
        for text in [namespace, name] {
            append(&mut bytes, text);
        }
        Self(tag_of(&bytes))
    }
}

/// The admitted spec of one pod. About 300 bytes for an ordinary pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpecPin {
    name: NameTag,
    /// Over identity and spec without what may change.
    digest: [u8; 32],
    active_deadline_seconds: Option<i64>,
    termination_grace_period_seconds: Option<i64>,
    tolerations: Tags,
    ephemeral_containers: Tags,
    /// Which of CPU and memory are requested and limited: one byte for the pod and each container.
    resources: Box<[u8]>,
    /// Of containers and init containers, in the spec's order.
    images: Kept,
    /// Of CPU and memory, as far as they are requested or limited.
    amounts: Kept,
}

/// What the API lets change, and whether it did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SpecChanges {
    /// The image of a container or init container.
    pub image: bool,
    /// A request or limit.
    pub resources: bool,
    /// `activeDeadlineSeconds`.
    pub active_deadline_seconds: bool,
    /// `tolerations`, but for how long each lasts.
    pub tolerations: bool,
}

/// Why a later spec of the same pod must not reach the kubelet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PinViolation {
    /// A frozen field differs, or the pod has another name.
    #[error("spec, name or namespace changed after admission")]
    Spec,
    /// Raised, removed or negative.
    #[error("spec.activeDeadlineSeconds was raised or removed after admission")]
    ActiveDeadline,
    /// Changed, and not from a negative number to 1.
    #[error("spec.terminationGracePeriodSeconds changed after admission")]
    TerminationGracePeriod,
    /// One of those admitted is not there any more.
    #[error("spec.tolerations were removed or changed after admission")]
    Tolerations,
    /// One of those admitted is not there any more.
    #[error("spec.ephemeralContainers were removed or changed after admission")]
    EphemeralContainers,
    /// A request or limit of CPU or memory is not there any more.
    #[error("a cpu or memory request or limit was removed after admission")]
    Resources,
}

/// The canonical encoding of one pod, as [`Checked::write`] appended it.
#[derive(Clone, Debug)]
pub struct PodEncoding<'a> {
    /// The buffer that was appended to.
    pub bytes: &'a [u8],
    /// Where in it the pod is.
    pub span: Range<usize>,
    /// The ranges that `write` recorded; those outside of `span` are ignored.
    pub mutable: &'a [Range<usize>],
}

impl SpecPin {
    /// Pins a pod: the checked value, what was read from it, and what was written of it.
    pub fn new(checked: &Checked<'_>, pod: &Pod<'_>, encoding: &PodEncoding<'_>) -> Self {
        let facts = Facts::read(checked.value().field("spec"));
        let mut frozen = Vec::with_capacity(encoding.span.len());
        for text in [pod.identity.namespace, pod.identity.name, pod.identity.uid] {
            append(&mut frozen, text);
        }
        frozen.extend_from_slice(&facts.frozen_resources);
        encoding.frozen().for_each(|piece| frozen.extend_from_slice(piece));
        Self {
            name: NameTag::of(pod.identity.namespace, pod.identity.name),
            digest: sha256(&frozen),
            active_deadline_seconds: facts.active_deadline_seconds,
            termination_grace_period_seconds: facts.termination_grace_period_seconds,
            tolerations: facts.tolerations,
            ephemeral_containers: Tags::of_elements(encoding.member("ephemeralContainers")),
            resources: facts.resources,
            images: Kept::new(facts.images),
            amounts: Kept::new(facts.amounts.iter().map(|amount| &**amount)),
        }
    }

    /// Whose it is.
    pub fn name(&self) -> NameTag {
        self.name
    }

    /// What of all that may change is another in `later`.
    pub fn changes(&self, later: &Self) -> SpecChanges {
        SpecChanges {
            image: self.images != later.images,
            resources: self.amounts != later.amounts || self.resources != later.resources,
            active_deadline_seconds: self.active_deadline_seconds != later.active_deadline_seconds,
            tolerations: self.tolerations != later.tolerations,
        }
    }

    /// May `later` follow, as far as the API lets a bound pod change?
    ///
    /// # Errors
    /// The first field that changed beyond that.
    pub fn permits(&self, later: &Self) -> Result<(), PinViolation> {
        let keeps_resources = |(before, after): (&u8, &u8)| before & !after == 0;
        let rules = [
            (self.digest == later.digest, PinViolation::Spec),
            (self.permits_deadline(later), PinViolation::ActiveDeadline),
            (self.permits_grace_period(later), PinViolation::TerminationGracePeriod),
            (self.tolerations.are_all_in(&later.tolerations), PinViolation::Tolerations),
            (
                self.ephemeral_containers.are_all_in(&later.ephemeral_containers),
                PinViolation::EphemeralContainers,
            ),
            (
                self.resources.len() == later.resources.len()
                    && self.resources.iter().zip(&later.resources).all(keeps_resources),
                PinViolation::Resources,
            ),
        ];
        rules.into_iter().find(|(holds, _)| !holds).map_or(Ok(()), |(_, violation)| Err(violation))
    }

    /// It may be set, and lowered.
    fn permits_deadline(&self, later: &Self) -> bool {
        match (self.active_deadline_seconds, later.active_deadline_seconds) {
            (before, Some(after)) => after >= 0 && before.is_none_or(|before| after <= before),
            (before, None) => before.is_none(),
        }
    }

    /// It stays, but for a negative one of old that becomes 1.
    fn permits_grace_period(&self, later: &Self) -> bool {
        let (before, after) =
            (self.termination_grace_period_seconds, later.termination_grace_period_seconds);
        before == after || (before.is_some_and(|before| before < 0) && after == Some(1))
    }
}

impl<'a> PodEncoding<'a> {
    /// The pod's bytes without the mutable ranges.
    fn frozen(&self) -> impl Iterator<Item = &'a [u8]> + use<'a, '_> {
        let cuts = self.cuts().map(|cut| (cut.start, cut.end));
        let mut start = self.span.start;
        cuts.chain([(self.span.end, self.span.end)]).filter_map(move |(cut, end)| {
            let piece = self.bytes.get(start..cut);
            start = end;
            piece
        })
    }

    /// The spec's mutable members, each with the number of frozen bytes in front of it.
    fn changeable(&self) -> impl Iterator<Item = (usize, &'a [u8])> + use<'a, '_> {
        let Range { start, end } = self.span;
        let mut mutable_before = 0_usize;
        self.cuts().filter_map(move |cut| {
            let position = cut.start.saturating_sub(start).saturating_sub(mutable_before);
            mutable_before = mutable_before.saturating_add(cut.len());
            // The pod's own mutable members stand right behind its first brace and right before its
            // last; inside of the spec there is the spec's own frozen brace between.
            let is_outside =
                cut.start == start.saturating_add(1) || cut.end.saturating_add(1) == end;
            Some((position, self.bytes.get(cut.clone())?)).filter(|_| !is_outside)
        })
    }

    fn cuts(&self) -> impl Iterator<Item = &'a Range<usize>> + use<'a, '_> {
        self.mutable.iter().filter(|cut| self.span.start <= cut.start && cut.end <= self.span.end)
    }

    /// The value of the mutable member that begins a range, with whatever mutable follows it.
    fn member(&self, name: &str) -> &'a [u8] {
        self.cuts()
            .filter_map(|cut| self.bytes.get(cut.clone()))
            .find_map(|bytes| {
                let bytes = bytes.strip_prefix(b",").unwrap_or(bytes);
                bytes.strip_prefix(b"\"")?.strip_prefix(name.as_bytes())?.strip_prefix(b"\":")
            })
            .unwrap_or_default()
    }
}

#[cfg(test)]
mod tests;
