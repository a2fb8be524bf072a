//! Pods for this role's unit tests, as JSON and as received.

use crate::kube_wire::document::read_whole;
use crate::kube_wire::json::Tape;
use crate::kube_wire::received_pod::ReceivedPod;
use crate::kubelet_proxy::limits::OBJECT_LIMITS;

/// A UID that ends in this number.
pub(super) fn uid(number: u32) -> String {
    format!("0fcb5d1e-4ad9-4a06-8f7e-{number:012x}")
}

/// A harmless pod with more members in its metadata, its spec and its status.
pub(super) fn pod(number: u32, metadata: &str, spec: &str, status: &str) -> String {
    let uid = uid(number);
    format!(
        r#"{{"kind":"Pod","apiVersion":"v1","metadata":{{"name":"p{number}","namespace":"ns","uid":"{uid}","resourceVersion":"7"{metadata}}},"spec":{{"containers":[{{"name":"c","image":"i"}}],"nodeName":"n"{spec}}},"status":{{{status}}}}}"#
    )
}

/// Reads a pod and hands it to a test.
pub(super) fn receive<R>(json: &str, test: impl FnOnce(&ReceivedPod<'_>) -> R) -> R {
    let mut tape = Tape::default();
    let flaw = read_whole(json.as_bytes(), &mut tape, OBJECT_LIMITS).unwrap();
    test(&ReceivedPod::read(tape.root(json.as_bytes()), flaw))
}
