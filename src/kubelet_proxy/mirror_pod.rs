//! Mirror pods: what the API server shows of a static pod, made harmless.
//!
//! A kubelet never runs a pod with the mirror annotation, but it must see it, or it makes another
//! every few seconds. So it gets identity, annotations and status, and a spec without containers: if a
//! later version drops the annotation, there is still nothing to run, and that version is decided on
//! like any other.

use crate::kube_wire::json::write_text;
use crate::kube_wire::pod_schema::{OBJECT_META, POD_STATUS};
use crate::kube_wire::received_pod::SoundPod;

/// Appends the pod without its spec.
pub(super) fn write_inert(sound: &SoundPod<'_>, out: &mut Vec<u8>) {
    let SoundPod { checked, pod } = sound;
    out.extend_from_slice(br#"{"kind":"Pod","apiVersion":"v1","metadata":"#);
    checked.write_member("metadata", out);
    out.extend_from_slice(br#","spec":{"nodeName":"#);
    write_text(pod.node_name, out);
    out.extend_from_slice(br#","containers":[]},"status":"#);
    checked.write_member("status", out);
    out.push(b'}');
}
