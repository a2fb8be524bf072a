//! Mirror pods: what the API server shows of a static pod, made harmless.
//!
//! A kubelet never runs a pod with the mirror annotation, but it must see it, or it makes another
//! every few seconds. So it gets identity, annotations and status, and a spec without containers: if a
//! later version drops the annotation, there is still nothing to run, and that version is decided on
//! like any other.

use crate::kube_wire::json::ObjectWriter;
use crate::kube_wire::received_pod::SoundPod;

/// Appends the pod without its spec.
pub(super) fn write_inert(sound: &SoundPod<'_>, out: &mut Vec<u8>) {
    let SoundPod { checked, pod, room: _ } = sound;
    ObjectWriter::write(out, |inert| {
        inert.text("kind", "Pod");
        inert.text("apiVersion", "v1");
        for name in ["metadata", "status"] {
            if checked.value().field(name).is_some() {
                inert.member(name, |out| {
                    checked.write_field(name, out, &mut Vec::new());
                });
            }
        }
        inert.object("spec", |spec| {
            spec.text("nodeName", pod.node_name);
            spec.null("containers");
        });
    });
}
