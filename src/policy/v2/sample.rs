//! Policies and pods for the tests of this room: a strict rule, and a pod that just fits it.

use serde_json::{Value, json};

use crate::kube_wire::document::read_whole;
use crate::kube_wire::json::{Limits, Tape};
use crate::kube_wire::received_pod::{ReceivedPod, SoundPod};
use crate::kube_wire::resource::Item;
use crate::policy::{
    Circumstances, Decision, Explanation, Finding, LoadedPolicy, NoCounters, Policy, PolicyError,
};

/// A digest that is no one's.
pub(super) const DIGEST: &str =
    "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

/// 2027-01-15.
pub(super) const NOW: i64 = 1_800_000_000;

pub(super) const HERE: Circumstances<'static> =
    Circumstances { now: NOW, node: "node-1", counters: &NoCounters };

const LIMITS: Limits = Limits { depth: 64, nodes: 100_000 };

/// Applies a merge patch (RFC 7386).
pub(super) fn patch(mut target: Value, with: Value) -> Value {
    let (Value::Object(fields), Value::Object(changes)) = (&mut target, &with) else {
        return with;
    };
    for (key, change) in changes {
        let before = fields.remove(key).unwrap_or(Value::Null);
        if !change.is_null() {
            let fits = before.is_object() || !change.is_object();
            let before = if fits { before } else { json!({}) };
            fields.insert(key.clone(), patch(before, change.clone()));
        }
    }
    target
}

/// A pod that runs one pinned program and touches nothing.
pub(super) fn pod(spec: Value, container: Value) -> Value {
    let container = patch(
        json!({ "name": "app", "image": format!("ghcr.io/acme/app@{DIGEST}"),
            "command": ["/app"], "args": ["--serve"] }),
        container,
    );
    let spec = patch(
        json!({ "nodeName": "node-1", "enableServiceLinks": false, "containers": [container] }),
        spec,
    );
    json!({ "metadata": { "namespace": "prod", "name": "app-1",
            "uid": "0b5ec4f2-6c8e-4ea1-8f27-1f8a4d7f2c11" }, "spec": spec })
}

/// The permit that it fits.
pub(super) fn permit(permit: Value, entry: Value) -> Value {
    let entry = patch(
        json!({ "images": { "repositories": ["ghcr.io/acme/*"] },
            "command": ["/app"], "args": ["--serve"] }),
        entry,
    );
    patch(json!({ "containers": [entry] }), permit)
}

/// A document with these rules and more.
pub(super) fn document(rules: Value, more: Value) -> Value {
    let document = json!({ "apiVersion": "nodeward.dev/v2", "kind": "NodePolicy", "name": "test",
        "runtimeClasses": { "kata": "kata-qemu" }, "rules": rules });
    patch(document, more)
}

/// A document whose only rule permits this.
pub(super) fn permitting(permit: Value) -> Value {
    document(
        json!([{ "name": "app", "action": "allow", "match": {}, "permit": permit }]),
        json!({}),
    )
}

pub(super) fn load(document: &Value) -> Result<LoadedPolicy, PolicyError> {
    Policy::parse(serde_json::to_string_pretty(document).unwrap().as_bytes())
}

pub(super) fn policy(document: &Value) -> Policy {
    load(document).unwrap_or_else(|error| panic!("{error}\n{document:#}")).policy
}

/// The one line that keeps a document from loading.
pub(super) fn refusal(document: &Value) -> String {
    let message = load(document).unwrap_err().to_string();
    assert!(!message.contains('\n'), "{message}");
    message
}

/// Reads a pod as the proxy does and hands it to a test.
pub(super) fn with_pod<R>(pod: &Value, test: impl FnOnce(&SoundPod<'_>) -> R) -> R {
    with_pod_leaving_out(pod, &[], test)
}

/// The same, by a policy with these unknown fields.
pub(super) fn with_pod_leaving_out<R>(
    pod: &Value,
    left_out: &[String],
    test: impl FnOnce(&SoundPod<'_>) -> R,
) -> R {
    let text = serde_json::to_vec(pod).unwrap();
    let mut tape = Tape::default();
    let flaw = read_whole(&text, &mut tape, LIMITS).unwrap();
    let item = Item { value: tape.root(&text), flaw };
    match ReceivedPod::from_item_leaving_out(item, left_out) {
        ReceivedPod::Sound(sound) => test(&sound),
        ReceivedPod::Faulty(faulty) => panic!("{}\n{pod:#}", faulty.fault),
    }
}

pub(super) fn decide<R>(
    document: &Value,
    pod: &Value,
    at: &Circumstances<'_>,
    test: impl FnOnce(&Decision<'_>) -> R,
) -> R {
    let policy = policy(document);
    with_pod(pod, |pod| test(&policy.evaluate(pod, at)))
}

/// Whether the pod is allowed, and why.
pub(super) fn ruling(document: &Value, pod: &Value) -> (bool, String) {
    decide(document, pod, &HERE, |decision| {
        (decision.verdict.is_allow(), decision.verdict.reason().to_string())
    })
}

pub(super) fn explain(document: &Value, pod: &Value) -> Explanation {
    let policy = policy(document);
    with_pod(pod, |pod| policy.explain(pod, &HERE))
}

/// What the first rule has to say.
pub(super) fn findings(document: &Value, pod: &Value) -> Vec<Finding> {
    explain(document, pod).rules.swap_remove(0).findings
}

/// A pod that does not fit is denied for this reason; with an empty one it must be allowed.
#[track_caller]
pub(super) fn assert_reason(document: &Value, pod: &Value, expected: &str) {
    let (allowed, reason) = ruling(document, pod);
    assert_eq!(
        allowed,
        expected.is_empty(),
        "{reason}\nexpected: {expected}\n{pod:#}\n{document:#}"
    );
    assert!(reason.contains(expected), "{reason}\nexpected: {expected}");
    if !allowed && expected.contains('.') {
        // People and logs hear of the same thing.
        let all = findings(document, pod);
        assert!(!all.is_empty(), "explain finds nothing: {reason}");
    }
}
