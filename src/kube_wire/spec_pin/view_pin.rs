//! Everything of a pod that rules see, as one digest.
//!
//! Most answers show a pod again of which nothing changed but the status. A verdict may be remembered
//! with this pin, so it must take in all that a [`PodView`](crate::kube_wire::pod_view::PodView) is read
//! from: the whole spec, with what the API lets change, and identity, labels, annotations and controller.
//! A pin that differs although the views do not costs a decision; one that does not differ although they
//! do would be a hole. Only the order of a map's members may differ: the encoding sorts them, and to rules
//! they are sets. Members that are left out of the encoding are in no pin.

use super::tags::{append, sha256};
use super::{PodEncoding, SpecPin};
use crate::kube_wire::pod::{Owner, Pod};

/// Labels, annotations, images, resources and tolerations of an ordinary pod.
const TYPICAL_BYTES: usize = 2048;

/// Two pods with the same pin look alike to rules, if nothing was left out of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ViewPin([u8; 32]);

impl ViewPin {
    /// Of a pod, from its spec's pin and the encoding that this was made from.
    pub fn new(spec: &SpecPin, pod: &Pod<'_>, encoding: &PodEncoding<'_>) -> Self {
        let mut bytes = Vec::with_capacity(TYPICAL_BYTES);
        // Identity, and the spec without the members that follow.
        bytes.extend_from_slice(&spec.digest);
        for (position, member) in encoding.changeable() {
            append_number(&mut bytes, position);
            append_number(&mut bytes, member.len());
            bytes.extend_from_slice(member);
        }
        for map in [&pod.labels, &pod.annotations] {
            append_number(&mut bytes, usize::MAX);
            for (key, value) in map.iter() {
                append(&mut bytes, key);
                append(&mut bytes, value);
            }
        }
        append_number(&mut bytes, usize::MAX);
        if let Some(Owner { kind, name, uid }) = pod.controller {
            [kind, name, uid].into_iter().for_each(|text| append(&mut bytes, text));
        }
        Self(sha256(&bytes))
    }
}

/// No text is as long, and nothing stands as far behind, as the largest number says: it ends a part.
fn append_number(bytes: &mut Vec<u8>, number: usize) {
    bytes.extend_from_slice(&(number as u64).to_le_bytes());
}
