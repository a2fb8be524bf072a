//! A pod that is shown again, unchanged but for its status, is not decided on again.
//!
//! The kubelet itself reports a pod's status several times, and each report comes back as an event. What
//! may be remembered says the policy, and only the same policy recalls it, for the same view.

use super::{Hearing, Scratch};
use crate::kube_wire::pod::Pod;
use crate::kube_wire::received_pod::SoundPod;
use crate::kube_wire::spec_pin::{SpecPin, ViewPin};
use crate::kubelet_proxy::pod_ledger::Uid;
use crate::policy::{Circumstances, Decision};

/// What a pod that was written into the scratch is held against.
pub(super) struct Pins<'v> {
    pod: &'v Pod<'v>,
    pub(super) spec: SpecPin,
    view: Option<ViewPin>,
}

impl<'v> Pins<'v> {
    /// Writes the pod, and pins its spec.
    pub(super) fn of(sound: &'v SoundPod<'v>, scratch: &mut Scratch) -> Self {
        scratch.clear();
        sound.checked.write(&mut scratch.json, &mut scratch.mutable);
        let spec = SpecPin::new(&sound.checked, &sound.pod, &scratch.encoding());
        Self { pod: &sound.pod, spec, view: None }
    }

    /// All that rules see of the pod, from the scratch that it was written into.
    pub(super) fn view(&mut self, scratch: &Scratch) -> ViewPin {
        let Self { pod, spec, view } = self;
        *view.get_or_insert_with(|| ViewPin::new(spec, pod, &scratch.encoding()))
    }
}

impl Hearing {
    /// The decision on a pod, and the pins that it took to recall it, if something was remembered.
    pub(super) fn decide<'v>(
        &'v self,
        sound: &'v SoundPod<'v>,
        uid: Uid,
        at: &Circumstances<'_>,
        scratch: &mut Scratch,
    ) -> (Decision<'v>, Option<Pins<'v>>) {
        let policy = self.by.policy();
        let Some(remembered) = self.ledger().remembered(uid) else {
            return (policy.evaluate(sound, at), None);
        };
        let mut pins = Pins::of(sound, scratch);
        let view = pins.view(scratch);
        let recalled = policy.recall(&remembered, &view);
        (recalled.unwrap_or_else(|| policy.evaluate(sound, at)), Some(pins))
    }
}
