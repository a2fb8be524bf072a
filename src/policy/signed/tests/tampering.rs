//! No bit of what was signed, nor of the signature, can change.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::annotations::MAX_POLICY_TEXT;
use super::super::test_keys::Signer;
use super::{annotate, ask, here, pod};
use crate::policy::{NoCounters, Policy};

/// A pod that runs, with the annotations of this format in it.
fn running(signer: &Signer, is_bound: bool) -> Value {
    let mut pod = pod(json!({"name": "app", "image": "x:1"}));
    let annotations = match is_bound {
        false => signer.seed_annotations(r#"[{"name":"app","properties":{"image":"x:1"}}]"#),
        true => signer.bound_annotations(
            &json!({
                "apiVersion": "nodeward.dev/v2", "kind": "SignedPodPolicy",
                "policyId": "p", "keyId": signer.key().id(), "counter": 1,
                "bind": {"namespace": "shop", "serviceAccount": "default", "podName": "*",
                    "nodes": ["*"]},
                "notBefore": "2026-01-01T00:00:00Z", "notAfter": "2027-01-01T00:00:00Z",
                "permit": {"serviceLinks": true, "containers": [
                    {"images": {"references": ["x:1"], "requireDigest": false}}]},
            })
            .to_string(),
        ),
    };
    annotate(&mut pod, annotations);
    pod
}

/// The pod with one bit of one annotation turned over; `None` where that is no UTF-8 any more, which no
/// annotation can be.
fn flipped(pod: &Value, key: &str, bit: usize) -> Option<Value> {
    let mut pod = pod.clone();
    let annotation = &mut pod["metadata"]["annotations"][key];
    let mut bytes = annotation.as_str().unwrap().as_bytes().to_vec();
    bytes[bit >> 3] ^= 1 << (bit & 7);
    *annotation = String::from_utf8(bytes).ok()?.into();
    Some(pod)
}

#[test]
fn turning_over_any_bit_denies() {
    for signer in Signer::all() {
        let policy = Policy::only_signed(signer.trusted());
        for is_bound in [false, true] {
            let pod = running(&signer, is_bound);
            let (runs, reason) = ask(&policy, &pod, &here(&NoCounters));
            assert!(runs, "{reason}");
            let annotations = pod["metadata"]["annotations"].as_object().unwrap();
            for (key, text) in annotations {
                for bit in 0..text.as_str().unwrap().len() * 8 {
                    let Some(pod) = flipped(&pod, key, bit) else { continue };
                    let (runs, reason) = ask(&policy, &pod, &here(&NoCounters));
                    assert!(!runs, "{key}, bit {bit}: {reason}");
                }
            }
        }
    }
}

#[test]
fn a_policy_longer_than_any_needs_to_be_is_denied() {
    let signer = Signer::p256();
    let node = Policy::only_signed(signer.trusted());
    let most = MAX_POLICY_TEXT / 4 * 3;
    for (length, runs) in [(most, true), (most + 1, false)] {
        let entry = r#"[{"name":"app","properties":{"image":"x:1"}}]"#;
        let text = format!("{entry}{}", " ".repeat(length - entry.len()));
        let mut pod = pod(json!({"name": "app", "image": "x:1"}));
        annotate(&mut pod, signer.seed_annotations(&text));
        let (allowed, reason) = ask(&node, &pod, &here(&NoCounters));
        assert_eq!(allowed, runs, "{length}: {reason}");
    }
}

proptest! {
    #[test]
    fn arbitrary_annotations_never_admit(policy in ".{0,80}", signature in ".{0,80}") {
        let signer = Signer::p256();
        let node = Policy::only_signed(signer.trusted());
        for prefix in ["kubelet-proxy.io", "nodeward.dev"] {
            let mut pod = pod(json!({"name": "app", "image": "x:1"}));
            pod["metadata"]["annotations"] = json!({
                format!("{prefix}/policy"): policy, format!("{prefix}/signature"): signature,
            });
            prop_assert!(!ask(&node, &pod, &here(&NoCounters)).0);
        }
    }

    #[test]
    fn any_text_can_be_signed_without_upsetting_the_reader(text in ".{0,200}") {
        let signer = Signer::p256();
        let node = Policy::only_signed(signer.trusted());
        for annotations in [signer.seed_annotations(&text), signer.bound_annotations(&text)] {
            let mut pod = pod(json!({"name": "app", "image": "x:1"}));
            annotate(&mut pod, annotations);
            prop_assert!(!ask(&node, &pod, &here(&NoCounters)).0);
        }
    }
}
