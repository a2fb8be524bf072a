//! Rulings on mirror pods, which a kubelet never runs, and makes anew for ever when it cannot see them.
//!
//! What a UID is, it stays: an ordinary pod that is shown as a mirror pod could never be stopped again, and
//! under two names it would be one pod to this ledger and two to a reflector. To whom they are shown at
//! all, and why not to everybody, is said in `first_lists`.

use std::sync::Arc;

use super::{Admitted, Denial, Hearing, Ruling, Scratch, Source};
use crate::kube_wire::received_pod::SoundPod;
use crate::kube_wire::watch_event::Tombstone;
use crate::kubelet_proxy::mirror_pod;
use crate::kubelet_proxy::pod_ledger::Uid;

impl Hearing {
    pub(super) fn rule_on_mirror<'s, 'p>(
        &self,
        sound: &SoundPod<'p>,
        uid: Uid,
        source: Source,
        scratch: &'s mut Scratch,
    ) -> Ruling<'s, 'p> {
        let pod = &sound.pod;
        let name = (pod.identity.namespace, pod.identity.name);
        let is_shown = source.may_start() && self.shows_mirrors;
        let standing = if is_shown {
            self.ledger().show_mirror(uid, name)
        } else {
            self.ledger().compare_mirror(uid, name)
        };
        if let Err(refusal) = standing {
            return self.deny(pod, Denial::outside_policy(&refusal), source);
        }
        if source.may_start() && !is_shown {
            return Ruling::Later(Tombstone::from(pod));
        }
        if let Some(api) = self.by.policy().kubelet_api() {
            self.admit_access(uid, pod, Arc::clone(api.mirror_pods()), source);
        }
        mirror_pod::write_inert(sound, &mut scratch.json);
        Ruling::Admit(Admitted { json: &scratch.json })
    }
}
