//! Which containers a pod has is signed as well: none is left out, moved where somebody says where it
//! belongs, or started in another order.

use serde_json::{Value, json};

use super::super::test_keys::Signer;
use super::unsigned_fields::node;
use super::{annotate, ask, here, pod};
use crate::policy::{NoCounters, Policy};

fn container(name: &str) -> Value {
    json!({"name": name, "image": "busybox:latest"})
}

/// A pod with these init containers, beside `app`.
fn with_init(names: &[&str]) -> Value {
    let mut pod = pod(container("app"));
    pod["spec"]["initContainers"] = names.iter().map(|name| container(name)).collect();
    pod
}

/// What is said of a pod whose signature names `app`, `fetch` and `verify`, in this order.
fn decide(signer: &Signer, policy: &Policy, mut pod: Value) -> (bool, String) {
    let entry = |name| json!({"name": name, "properties": {"image": "busybox:latest"}});
    let signed = Value::from(["app", "fetch", "verify"].map(entry).to_vec());
    annotate(&mut pod, signer.seed_annotations(&signed.to_string()));
    ask(policy, &pod, &here(&NoCounters))
}

#[test]
fn no_signed_container_may_be_left_out_unless_the_document_says_so() {
    let signer = Signer::p256();
    let mut debugged = with_init(&["fetch"]);
    debugged["spec"]["ephemeralContainers"] = json!([container("verify")]);
    for (pod, missing) in
        [(with_init(&["fetch"]), "verify"), (with_init(&["verify"]), "fetch"), (debugged, "verify")]
    {
        let (runs, reason) = decide(&signer, &Policy::only_signed(signer.trusted()), pod);
        let expected = format!(
            "pod does not match policy: container '{missing}' required by policy but not found in pod"
        );
        assert_eq!((runs, reason), (false, expected));
    }
    for (may_omit, runs) in [("verify", true), ("ver*", true), ("*", true), ("fetch", false)] {
        let policy = node(&signer, json!({"mayOmit": [may_omit]}));
        let (allowed, reason) = decide(&signer, &policy, with_init(&["fetch"]));
        assert_eq!(allowed, runs, "{may_omit}: {reason}");
    }
}

#[test]
fn init_containers_start_in_the_order_of_the_signature_unless_the_document_says_so() {
    let signer = Signer::p256();
    let any_order = json!({"permit": {"orderedInit": false}});
    for (policy, names, runs) in [
        (Policy::only_signed(signer.trusted()), ["fetch", "verify"], true),
        (Policy::only_signed(signer.trusted()), ["verify", "fetch"], false),
        (node(&signer, json!({"permit": {"hostNetwork": true}})), ["verify", "fetch"], false),
        (node(&signer, any_order), ["verify", "fetch"], true),
    ] {
        let (allowed, reason) = decide(&signer, &policy, with_init(&names));
        assert_eq!(allowed, runs, "{names:?}: {reason}");
        assert!(runs || reason.contains("init containers in their order"), "{reason}");
    }
}

#[test]
fn what_the_document_calls_an_init_container_is_one_and_nothing_else_is() {
    let signer = Signer::p256();
    let mut moved = with_init(&["fetch"]);
    moved["spec"]["containers"] = json!([container("app"), container("verify")]);
    let mut swapped = with_init(&["app", "fetch", "verify"]);
    swapped["spec"]["containers"] = json!([container("fetch"), container("verify")]);
    swapped["spec"]["initContainers"] = json!([container("app")]);
    let told = json!({"initContainers": ["fetch", "ver*"]});
    for (settings, pod, runs) in [
        // The seed's format has no word for it.
        (json!({}), moved.clone(), true),
        (told.clone(), with_init(&["fetch", "verify"]), true),
        (told.clone(), moved, false),
        (told, swapped, false),
    ] {
        let (allowed, reason) = decide(&signer, &node(&signer, settings.clone()), pod);
        assert_eq!(allowed, runs, "{settings}: {reason}");
    }
}
