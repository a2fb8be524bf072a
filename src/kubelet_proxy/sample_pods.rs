//! Pods for this role's unit tests, as JSON and as received, and somebody who admits them.

use std::sync::Arc;

use super::decide::{Hearing, Judge, JudgeSettings};
use super::meters::Meters;
use super::policy_in_force::PolicyInForce;
use super::report_rejection;
use crate::kube_wire::document::read_whole;
use crate::kube_wire::json::Tape;
use crate::kube_wire::received_pod::ReceivedPod;
use crate::kubelet_proxy::limits::OBJECT_LIMITS;
use crate::metrics::registry::Metrics;
use crate::policy::Policy;

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

/// A hearing by a policy that admits every pod; what is reported is lost.
pub(super) fn hearing() -> Hearing {
    let metrics = Metrics::new();
    let policy = PolicyInForce::new(Policy::allow_all(), &metrics);
    let meters = Arc::new(Meters::new(metrics));
    let (reporter, _) = report_rejection::channel(Arc::clone(&meters));
    let settings = JudgeSettings { node: "n".to_owned(), logs_payloads: false };
    Arc::new(Judge::new(policy, reporter, meters, settings)).hear()
}
