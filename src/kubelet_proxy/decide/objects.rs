//! Rulings on objects beside pods. Nothing is remembered of one but that its refusal was told.

use super::{Admitted, Hearing, Ruling, Scratch, Source};
use crate::audit::object_record::ObjectRecord;
use crate::kube_wire::received_object::{ObjectKind, ReceivedObject, SoundObject};
use crate::kube_wire::watch_event::Tombstone;

impl Hearing {
    /// Are objects of this kind decided on? All are that the policy speaks of.
    pub(in crate::kubelet_proxy) fn covers(&self, kind: ObjectKind) -> bool {
        kind.is_always_read() || self.by.policy().objects().is_some_and(|rules| rules.cover(kind))
    }

    /// Rules on one object.
    pub(in crate::kubelet_proxy) fn rule_on_object<'s, 'p>(
        &self,
        received: &ReceivedObject<'p>,
        kind: ObjectKind,
        source: Source,
        scratch: &'s mut Scratch,
    ) -> Ruling<'s, 'p> {
        scratch.clear();
        let refusal = self.refusal(received);
        self.meters().object_decided(kind, refusal.is_none());
        let identity = match received {
            ReceivedObject::Sound(sound) => Some(Tombstone::from(sound.identity)),
            ReceivedObject::Faulty { identity, fault: _ } => identity.map(Tombstone::from),
        };
        if let Some(reason) = &refusal {
            self.tell_withheld(kind, identity.as_ref(), reason, source);
        }
        match (received, refusal, identity) {
            (ReceivedObject::Sound(SoundObject { checked, .. }), None, _) => {
                checked.write(&mut scratch.json, &mut scratch.mutable);
                self.judge.withheld.forget(kind, identity.as_ref());
                Ruling::Admit(Admitted { json: &scratch.json })
            }
            (_, _, Some(identity)) => Ruling::Deny(identity),
            (_, _, None) => Ruling::Unidentified,
        }
    }

    /// The reason for an object's refusal, for whoever asked for it.
    pub(in crate::kubelet_proxy) fn why_withheld(&self, received: &ReceivedObject<'_>) -> String {
        self.refusal(received).unwrap_or_default()
    }

    fn refusal(&self, received: &ReceivedObject<'_>) -> Option<String> {
        match received {
            ReceivedObject::Faulty { identity: _, fault } => {
                Some(format!("object is not sound: {fault}"))
            }
            ReceivedObject::Sound(sound) => {
                let rules = self.by.policy().objects()?;
                rules.check(sound).err().map(|refusal| refusal.to_string())
            }
        }
    }

    /// Logs a refusal unless it was logged: a kubelet asks again every few seconds.
    fn tell_withheld(
        &self,
        kind: ObjectKind,
        identity: Option<&Tombstone<'_>>,
        reason: &str,
        source: Source,
    ) {
        if !self.judge.withheld.is_news(kind, identity, reason) {
            return;
        }
        let Some(untold) = self.judge.turns.of_object() else { return };
        let (source, _) = source.recorded();
        ObjectRecord {
            kind: kind.resource().kind,
            namespace: identity.map_or("", |it| it.namespace),
            name: identity.map_or("", |it| it.name),
            reason,
            policy: self.by.policy().name(),
            policy_digest: self.by.policy().digest(),
            node: &self.judge.settings.node,
            source,
            untold,
        }
        .log();
    }
}
