//! What a pod must have, and does without: 62.

use serde_json::{Value, json};

use super::super::sample::{
    DIGEST, assert_reason, document, patch, permit, permitting, pod, refusal,
};
use super::{entry, tried};

const IMAGE: &str = "ghcr.io/acme/guard";

fn guard(more: Value) -> Value {
    let guard =
        json!({ "name": "guard", "image": format!("{IMAGE}@{DIGEST}"), "command": ["/guard"] });
    patch(guard, more)
}

/// The sample's permit with an entry for a guard in front of its own.
fn guarded(kind: &str, more: Value) -> Value {
    let entry = json!({ "names": ["guard"], "kinds": [kind], "images": { "repositories": [IMAGE] },
        "command": ["/guard"], "required": true });
    let mut permit = permit(json!({}), json!({}));
    permit["containers"].as_array_mut().unwrap().insert(0, patch(entry, more));
    permitting(permit)
}

fn init(containers: Value) -> Value {
    pod(json!({ "initContainers": containers }), json!({}))
}

#[test]
fn t62_a_required_container_is_there_and_fits() {
    let sidecar = json!({ "restartPolicy": "Always" });
    for (kind, own, other) in
        [("init", json!({}), &sidecar), ("sidecar", sidecar.clone(), &json!({}))]
    {
        let document = guarded(kind, json!({}));
        assert_reason(&document, &init(json!([guard(own.clone())])), "");
        let expected =
            format!("expected a container of kind {kind} \"guard\" that fits containers[0]");
        let denied = |pod: Value, expected: &str| assert_reason(&document, &pod, expected);
        denied(init(json!([])), &expected);
        denied(init(json!([guard(patch(own.clone(), json!({ "name": "gaurd" })))])), "found the");
        denied(
            init(json!([guard(patch(own.clone(), json!({ "command": ["/bin/true"] })))])),
            "command",
        );
        denied(init(json!([guard(other.clone())])), "found the");
        let not_asked = guarded(kind, json!({ "required": false }));
        assert_reason(&not_asked, &init(json!([])), "");
    }
}

#[test]
fn t62_a_container_that_was_added_later_is_not_the_required_one() {
    let permit = permit(
        json!({}),
        json!({ "kinds": ["container", "ephemeral"], "names": ["app", "debug"] }),
    );
    let mut permit = permit;
    let mut debug = permit["containers"][0].clone();
    debug["names"] = json!(["debug"]);
    debug["required"] = json!(true);
    permit["containers"][0]["names"] = json!(["app"]);
    permit["containers"].as_array_mut().unwrap().push(debug);
    let container = json!({ "name": "debug", "image": format!("ghcr.io/acme/app@{DIGEST}"),
        "command": ["/app"], "args": ["--serve"] });
    let added = pod(json!({ "ephemeralContainers": [container] }), json!({}));
    assert_reason(&permitting(permit.clone()), &added, "expected a container of kind container");
    let mut beside = pod(json!({}), json!({}));
    beside["spec"]["containers"].as_array_mut().unwrap().push(container);
    assert_reason(&permitting(permit), &beside, "");
}

#[test]
fn t62_each_required_entry_is_served_by_a_container_of_its_own() {
    let twice = guarded("init", json!({ "names": ["guard*"] }));
    let mut twice = twice;
    let first = twice["rules"][0]["permit"]["containers"][0].clone();
    let entries = twice["rules"][0]["permit"]["containers"].as_array_mut().unwrap();
    let mut second = first;
    second["args"] = json!(["--second"]);
    entries.insert(1, second);
    let two = json!([guard(json!({})), guard(json!({ "name": "guard2", "args": ["--second"] }))]);
    assert_reason(&twice, &init(two), "");
    assert_reason(&twice, &init(json!([guard(json!({}))])), "that fits containers[1]");
}

#[test]
fn t62_a_deny_rule_can_require_a_container() {
    let open = json!({ "unlisted": "permit" });
    let demand = json!({ "containers": [{ "names": ["guard"], "kinds": ["init"], "required": true,
        "images": { "repositories": [IMAGE] } }] });
    let rules = json!([{ "name": "a", "action": "allow", "match": {}, "permit": open },
        { "name": "d", "action": "deny", "match": {}, "unless": demand }]);
    let document = document(rules, json!({}));
    assert_reason(&document, &init(json!([guard(json!({}))])), "");
    let (allowed, reason) = super::super::sample::ruling(&document, &pod(json!({}), json!({})));
    assert!(!allowed && reason.contains("denied by rule 'd': spec: found none"), "{reason}");
}

#[test]
fn t62_to_require_is_to_demand() {
    for (entry, loads) in [
        (json!({ "required": true }), true),
        (json!({ "required": false }), false),
        (json!({ "names": ["guard"], "kinds": ["init"], "required": true }), true),
        (json!({ "probes": { "liveness": { "exec": { "any": true }, "required": true } } }), true),
        (
            json!({ "probes": { "liveness": { "exec": { "any": true }, "required": false } } }),
            false,
        ),
        (json!({ "probes": { "liveness": { "exec": { "any": true } } } }), false),
    ] {
        let demand = json!({ "containers": [entry] });
        let rules = json!([{ "name": "d", "action": "deny", "match": {}, "unless": demand }]);
        let loaded = super::super::sample::load(&document(rules, json!({})));
        assert_eq!(loaded.is_ok(), loads, "{entry}: {:?}", loaded.err());
    }
}

#[test]
fn t62_required_probes_and_hooks_are_there() {
    let exec = json!({ "exec": { "command": ["/check"] } });
    let rule = json!({ "exec": ["/check"], "required": true });
    for (key, field) in [
        ("liveness", "livenessProbe"),
        ("readiness", "readinessProbe"),
        ("startup", "startupProbe"),
    ] {
        let listed = json!({ "probes": { key: rule } });
        entry(listed.clone(), json!({ field: exec }), "");
        let expected = format!("{field}: found nothing, expected one that the rule requires");
        entry(listed.clone(), json!({}), &expected);
        let expected = format!("{field}: found an empty handler, expected one that the rule");
        entry(listed, json!({ field: {} }), &expected);
        entry(json!({ "probes": { key: { "exec": ["/check"] } } }), json!({}), "");
    }
    for key in ["postStart", "preStop"] {
        let listed = json!({ "lifecycle": { key: rule } });
        entry(listed.clone(), json!({ "lifecycle": { key: exec } }), "");
        let expected =
            format!("lifecycle.{key}: found nothing, expected one that the rule requires");
        entry(listed.clone(), json!({}), &expected);
        entry(listed.clone(), json!({ "lifecycle": { "stopSignal": "SIGTERM" } }), &expected);
        let expected = format!("lifecycle.{key}: found an empty handler, expected one");
        entry(listed, json!({ "lifecycle": { key: {} } }), &expected);
    }
    let signal = json!({ "lifecycle": { "stopSignal": "SIGINT" } });
    entry(signal, json!({}), "stopSignal: found nothing, expected \"SIGINT\"");
}

#[test]
fn what_nobody_can_require_does_not_load() {
    let message = refusal(&guarded("ephemeral", json!({})));
    assert!(message.contains("asks for an ephemeral container"), "{message}");
    tried((json!({}), json!({ "required": true })), json!({}), json!({}), "");
    let only = json!({ "probes": { "liveness": { "required": true } } });
    let message = refusal(&permitting(permit(json!({}), only)));
    assert!(message.contains("permits nothing; write one of exec, httpGet"), "{message}");
}
