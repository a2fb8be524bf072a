//! Ways past a deny rule: what `unless` demands has to be demanded of every pod.

use serde_json::{Value, json};

use super::super::sample::{DIGEST, document, load, permit, pod, ruling};

/// A document that lets everything run that this demand does not object to.
fn demanding(unless: Value) -> Value {
    let open = permit(
        json!({ "unlisted": "permit" }),
        json!({ "unlisted": "permit", "images": null, "command": null, "args": null,
            "kinds": ["container", "init", "sidecar", "ephemeral"] }),
    );
    let rules = json!([{ "name": "a", "action": "allow", "match": {}, "permit": open },
        { "name": "d", "action": "deny", "match": {}, "unless": unless }]);
    document(rules, json!({}))
}

#[test]
fn unless_false_means_that_a_pod_must_not() {
    let token = json!({ "automountServiceAccountToken": true });
    let sources = json!([
        { "serviceAccountToken": { "path": "token", "expirationSeconds": 3607 } },
        { "configMap": { "name": "kube-root-ca.crt", "items": [{ "key": "ca.crt", "path": "ca.crt" }] } },
        { "downwardAPI": { "items": [{ "path": "namespace",
            "fieldRef": { "fieldPath": "metadata.namespace" } }] } }]);
    let api = json!({ "volumes": [{ "name": "t", "projected": { "sources": sources } }] });
    for (unless, spec, expected) in [
        (json!({ "automountServiceAccountToken": false }), token, "automountServiceAccountToken"),
        (json!({ "apiAccess": false }), api, "spec.volumes[0]: found the projected volume \"t\""),
    ] {
        let document = demanding(unless);
        assert!(ruling(&document, &pod(json!({}), json!({}))).0);
        let (allowed, reason) = ruling(&document, &pod(spec, json!({})));
        assert!(!allowed && reason.contains(expected), "{reason}");
    }
}

#[test]
fn an_entry_of_unless_is_about_every_kind_of_container() {
    let strict = permit(json!({}), json!({ "unlisted": "refuse" }));
    let document = demanding(strict);
    assert!(ruling(&document, &pod(json!({}), json!({}))).0);
    let init = json!({ "initContainers": [{ "name": "i", "image": "busybox" }] });
    let (allowed, reason) = ruling(&document, &pod(init, json!({})));
    assert!(!allowed && reason.contains("spec.initContainers[0].image"), "{reason}");
}

#[test]
fn what_can_be_held_against_a_pod_loads() {
    for unless in [
        json!({ "unlisted": "refuse" }),
        json!({ "hostUsers": true }),
        json!({ "hostPID": false }),
        json!({ "containers": [{ "names": ["a*"], "once": true }] }),
        json!({ "containers": [{ "unlisted": "refuse", "images": { "digests": [DIGEST] } }] }),
    ] {
        assert!(load(&demanding(unless.clone())).is_ok(), "{unless}");
    }
}
