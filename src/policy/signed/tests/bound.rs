//! The second format: everything that it binds, one thing at a time.

use serde_json::{Value, json};

use super::super::test_keys::{NOW, Signer};
use super::{annotate, ask, here, pod};
use crate::policy::{Circumstances, Counters, NoCounters, Policy};

struct Seen(u64);

impl Counters for Seen {
    fn highest(&self, _: &str, policy_id: &str) -> u64 {
        if policy_id == "shop-web" { self.0 } else { 0 }
    }
}

fn web() -> Value {
    let mut pod = pod(json!({"name": "web", "image": "ghcr.io/acme/web:1", "args": ["serve"]}));
    pod["metadata"]["name"] = json!("web-1");
    pod["spec"]["serviceAccountName"] = json!("web");
    pod["spec"]["enableServiceLinks"] = json!(false);
    pod
}

fn policy(signer: &Signer) -> Value {
    json!({
        "apiVersion": "nodeward.dev/v2", "kind": "SignedPodPolicy",
        "policyId": "shop-web", "keyId": signer.key().id(), "counter": 7,
        "bind": {"namespace": "shop", "serviceAccount": "web", "podName": "web-*",
            "nodes": ["node-*"]},
        "notBefore": "2026-01-01T00:00:00Z", "notAfter": "2027-01-01T00:00:00Z",
        "permit": {"serviceAccounts": ["web"], "containers": [{"names": ["web"], "args": ["serve"],
            "images": {"references": ["ghcr.io/acme/web:1"], "requireDigest": false}}]},
    })
}

fn decide(signer: &Signer, pod: &Value, policy: &Value, at: &Circumstances<'_>) -> (bool, String) {
    let mut pod = pod.clone();
    annotate(&mut pod, signer.bound_annotations(&policy.to_string()));
    ask(&Policy::only_signed(signer.trusted()), &pod, at)
}

#[test]
fn a_pod_runs_for_which_where_and_when_its_policy_was_signed() {
    let signer = Signer::p256();
    let run = decide(&signer, &web(), &policy(&signer), &here(&NoCounters));
    assert_eq!(run, (true, "pod matches signed policy".to_owned()));
}

#[test]
fn moved_to_another_pod_a_policy_does_not_apply() {
    let signer = Signer::p256();
    for (field, value, expected) in [
        ("/metadata/namespace", "other", "the pod is in namespace 'other'"),
        ("/metadata/name", "evil-web-1", "bound to other pod names than 'evil-web-1'"),
        ("/spec/serviceAccountName", "admin", "the pod has service account 'admin'"),
        ("/spec/serviceAccountName", "default", "the pod has service account 'default'"),
        ("/spec/nodeName", "node-2", "the pod is for node 'node-2'"),
    ] {
        let mut pod = web();
        *pod.pointer_mut(field).unwrap() = value.into();
        let (runs, reason) = decide(&signer, &pod, &policy(&signer), &here(&NoCounters));
        assert!(!runs && reason.starts_with("signed policy does not apply: "), "{reason}");
        assert!(reason.contains(expected), "{reason}");
    }
}

#[test]
fn on_another_node_or_at_another_time_a_policy_does_not_apply() {
    let signer = Signer::p256();
    let (begin, end) = (1_767_225_600, 1_798_761_600);
    for (now, node, expected) in [
        (begin - 1, "node-1", Some("it is not valid before 2026-01-01T00:00:00Z")),
        (begin, "node-1", None),
        (end, "node-1", None),
        (end + 1, "node-1", Some("it expired at 2027-01-01T00:00:00Z")),
        (NOW, "edge-1", Some("bound to other nodes than 'edge-1'")),
    ] {
        let mut pod = web();
        pod["spec"]["nodeName"] = node.into();
        let at = Circumstances { now, node, counters: &NoCounters };
        let (runs, reason) = decide(&signer, &pod, &policy(&signer), &at);
        assert_eq!(!runs, expected.is_some(), "{reason}");
        assert!(reason.contains(expected.unwrap_or("pod matches")), "{reason}");
    }
}

#[test]
fn a_lower_counter_than_was_seen_is_denied() {
    let signer = Signer::p256();
    for (seen, runs) in [(0, true), (6, true), (7, true), (8, false), (u64::MAX, false)] {
        let (allowed, reason) = decide(&signer, &web(), &policy(&signer), &here(&Seen(seen)));
        assert_eq!(allowed, runs, "{reason}");
        assert_eq!(reason.contains("its counter 7 is lower than "), !runs, "{reason}");
    }
}

#[test]
fn an_admission_tells_what_to_remember() {
    use crate::kube_wire::document::read_whole;
    use crate::kube_wire::json::Tape;
    use crate::kube_wire::received_pod::ReceivedPod;
    let signer = Signer::p256();
    let seed = r#"[{"name":"web","properties":{"image":"ghcr.io/acme/web:1"}}]"#;
    let mut of_seed = web();
    of_seed["spec"]["containers"][0]["args"].take();
    annotate(&mut of_seed, signer.seed_annotations(seed));
    let mut of_bound = web();
    annotate(&mut of_bound, signer.bound_annotations(&policy(&signer).to_string()));
    let node = Policy::only_signed(signer.trusted());
    for (pod, counter) in [(of_seed, None), (of_bound, Some(("shop-web", 7)))] {
        let json = pod.to_string();
        let mut tape = Tape::default();
        let flaw = read_whole(json.as_bytes(), &mut tape, super::LIMITS).unwrap();
        let ReceivedPod::Sound(sound) = ReceivedPod::read(tape.root(json.as_bytes()), flaw) else {
            panic!("a sound pod");
        };
        let decision = node.evaluate(&sound, &here(&NoCounters));
        assert!(decision.verdict.is_allow(), "{}", decision.verdict.reason());
        // It was signed with this image.
        assert!(!decision.updates.image && decision.updates.resources);
        assert!(decision.access.is_some_and(|access| !access.permits_logs("web")));
        let found = decision.counter.as_ref();
        assert!(found.is_none_or(|it| it.key_id == signer.key().id()));
        assert_eq!(found.map(|it| (it.policy_id.as_str(), it.counter)), counter);
    }
}

#[test]
fn every_binding_has_to_be_written() {
    let signer = Signer::p256();
    let full = policy(&signer);
    let top = full.as_object().unwrap().keys().map(|key| format!("/{key}"));
    let bind = full["bind"].as_object().unwrap().keys().map(|key| format!("/bind/{key}"));
    for path in top.chain(bind) {
        let mut policy = full.clone();
        let (parent, key) = path.rsplit_once('/').unwrap();
        policy.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(key);
        let (runs, reason) = decide(&signer, &web(), &policy, &here(&NoCounters));
        assert!(!runs && reason.starts_with("invalid policy JSON: "), "{path}: {reason}");
        assert!(reason.contains("is missing"), "{path}: {reason}");
    }
}

#[test]
fn what_a_bound_policy_says_wrongly_is_refused() {
    let signer = Signer::p256();
    for (path, value, expected) in [
        ("/apiVersion", json!("nodeward.dev/v3"), "is not known here"),
        ("/kind", json!("PodPolicy"), "is not known here"),
        ("/counter", json!(-1), "must be a whole number from 0 on"),
        ("/counter", json!("7"), "must be a whole number from 0 on"),
        ("/notAfter", json!("2025-01-01T00:00:00Z"), "is before notBefore"),
        ("/notAfter", json!("tomorrow"), "is no time"),
        ("/bind/nodes", json!([]), "is empty"),
        ("/bind/podName", json!("w*b"), "is no pattern"),
        ("/policyId", json!("a/b"), "is no identifier"),
        ("/policyId", json!("a".repeat(255)), "is no identifier"),
        ("/permit", json!({"container": []}), "unknown key"),
    ] {
        let mut policy = policy(&signer);
        *policy.pointer_mut(path).unwrap() = value;
        let (runs, reason) = decide(&signer, &web(), &policy, &here(&NoCounters));
        assert!(!runs && reason.starts_with("invalid policy JSON: "), "{reason}");
        assert!(reason.contains(expected), "{path}: {reason}");
    }
}

#[test]
fn a_policy_that_names_another_key_is_denied() {
    let (signer, other) = (Signer::p256(), Signer::p256());
    let (runs, reason) = decide(&signer, &web(), &policy(&other), &here(&NoCounters));
    assert!(!runs && reason.contains("it names another key than "), "{reason}");
}

#[test]
fn what_is_not_permitted_is_denied_with_its_path() {
    let signer = Signer::p256();
    for (path, value, expected) in [
        ("/spec/containers/0/args", json!(["evil"]), "spec.containers[0].args"),
        ("/spec/containers/0/image", json!("ghcr.io/acme/web:2"), "spec.containers[0].image"),
        ("/spec/hostNetwork", json!(true), "spec.hostNetwork"),
        ("/spec/hostPID", json!(true), "spec.hostPID"),
    ] {
        let mut pod = web();
        let (parent, key) = path.rsplit_once('/').unwrap();
        pod.pointer_mut(parent).unwrap()[key] = value;
        let (runs, reason) = decide(&signer, &pod, &policy(&signer), &here(&NoCounters));
        assert!(!runs && reason.starts_with("pod does not match policy: "), "{reason}");
        assert!(reason.contains(expected), "{reason}");
    }
}

#[test]
fn no_signature_of_one_format_counts_for_the_other() {
    let signer = Signer::p256();
    let mut pod = web();
    let [(_, text), (_, signature)] = signer.bound_annotations(&policy(&signer).to_string());
    pod["metadata"]["annotations"] =
        json!({"kubelet-proxy.io/policy": text, "kubelet-proxy.io/signature": signature});
    let alone = Policy::only_signed(signer.trusted());
    assert!(!ask(&alone, &pod, &here(&NoCounters)).0);
    // The whole message in place of the text: not even the bytes are those of the other format.
    let message = format!("{}{text}", super::super::bound_policy::DOMAIN);
    pod["metadata"]["annotations"]["kubelet-proxy.io/policy"] = message.into();
    let (runs, reason) = ask(&alone, &pod, &here(&NoCounters));
    assert!(!runs && reason.contains("must be base64"), "{reason}");
    let [(_, text), (_, signature)] = signer.seed_annotations(&policy(&signer).to_string());
    pod["metadata"]["annotations"] =
        json!({"nodeward.dev/policy": text, "nodeward.dev/signature": signature});
    assert!(!ask(&alone, &pod, &here(&NoCounters)).0);
}

#[test]
fn a_runtime_class_needs_a_document_that_pins_its_handler() {
    let signer = Signer::p256();
    let document = |more: Value| {
        let mut document = json!({"apiVersion": "nodeward.dev/v2", "kind": "NodePolicy",
            "name": "n", "rules": []});
        document.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        Policy::parse(document.to_string().as_bytes())
            .map(|it| it.policy.and_signed(signer.trusted()))
    };
    let (mut pod, mut signed) = (web(), policy(&signer));
    pod["spec"]["runtimeClassName"] = json!("kata");
    let refused = "pod does not match policy: spec.runtimeClassName";
    let pinned = json!({"runtimeClasses": {"kata": "kata"}});
    for permit in [json!({"runtimeClasses": ["kata"]}), json!({"unlisted": "permit"})] {
        let permits = signed["permit"].as_object_mut().unwrap();
        permits.remove("runtimeClasses");
        permits.extend(permit.as_object().unwrap().clone());
        let mut pod = pod.clone();
        annotate(&mut pod, signer.bound_annotations(&signed.to_string()));
        let ask = |policy: &Policy| ask(policy, &pod, &here(&NoCounters));
        for loose in [Policy::only_signed(signer.trusted()), document(json!({})).unwrap()] {
            let (runs, reason) = ask(&loose);
            assert!(!runs && reason.starts_with(refused), "{permit}: {reason}");
        }
        let (runs, reason) = ask(&document(pinned.clone()).unwrap());
        assert!(runs, "{reason}");
    }
    // What a document adds to signatures is held to the same.
    let adds = json!({"signedPods": {"permit": {"runtimeClasses": ["kata"]}}});
    let refusal = document(adds.clone()).unwrap_err().to_string();
    assert!(refusal.starts_with("signedPods (line 1): permit runtime classes"), "{refusal}");
    let both = json!({"signedPods": adds["signedPods"], "runtimeClasses": {"kata": "kata"}});
    assert!(document(both).is_ok());
}
