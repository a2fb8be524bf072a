//! Which of an object's keys become which files of a container: 50.

use serde_json::{Value, json};

use super::super::sample::{findings, patch, permit, permitting, pod};
use super::whole;

fn volume(source: Value) -> Value {
    let mut volume = source;
    volume["name"] = "v".into();
    json!({ "volumes": [volume] })
}

fn projected(sources: Value, more: Value) -> Value {
    volume(json!({ "projected": patch(json!({ "sources": sources }), more) }))
}

fn rule(source: Value) -> Value {
    json!({ "volumes": [source] })
}

const CA: (&str, &str) = ("ca", "ca.crt");

fn item((key, path): (&str, &str)) -> Value {
    json!({ "key": key, "path": path })
}

#[test]
fn t50_a_key_becomes_another_file_only_where_the_rule_says_so() {
    for (kind, named_by) in [("configMap", "name"), ("secret", "secretName")] {
        let pod = |items: Value| {
            let mut source = json!({ "defaultMode": 420, "items": items });
            source[named_by] = "c".into();
            volume(json!({ kind: source }))
        };
        let plain = rule(json!({ kind: { "names": ["c"] } }));
        whole(plain.clone(), pod(json!([])), "");
        let expected =
            format!("{kind}.items: found the key \"ca\" as \"ca.crt\", expected nothing");
        whole(plain, pod(json!([item(CA)])), &expected);
        let listed = rule(json!({ kind: { "names": ["c"], "items": [item(CA)] } }));
        whole(listed.clone(), pod(json!([item(CA)])), "");
        for (items, expected) in [
            (json!([]), "items: found nothing, expected the key \"ca\" as \"ca.crt\""),
            (json!([item(("evil", "ca.crt"))]), "items[0]: found the key \"evil\" as \"ca.crt\""),
            (json!([item(("ca", "other"))]), "items[0]: found the key \"ca\" as \"other\""),
            (json!([item(CA), item(("b", "b"))]), "items[1]: found the key \"b\" as \"b\""),
        ] {
            whole(listed.clone(), pod(items), expected);
        }
        let twice =
            rule(json!({ kind: { "names": ["c"], "items": [item(CA), item(("ca", "b"))] } }));
        whole(twice.clone(), pod(json!([item(CA), item(("ca", "b"))])), "");
        let expected = "items: found nothing, expected the key \"ca\" as \"b\"";
        whole(twice, pod(json!([item(CA)])), expected);
        let any = rule(json!({ kind: { "names": ["c"], "items": { "any": true } } }));
        whole(any.clone(), pod(json!([item(("x", "y"))])), "");
        whole(any, pod(json!([])), "");
    }
}

#[test]
fn t50_an_object_may_be_missing_only_where_the_rule_says_so() {
    for (kind, named_by) in [("configMap", "name"), ("secret", "secretName")] {
        let source = |optional: Value| json!({ kind: { named_by: "c", "optional": optional } });
        let listed = |optional: Value| {
            rule(patch(
                json!({ kind: { "names": ["c"] } }),
                json!({ kind: { "optional": optional } }),
            ))
        };
        let expected = format!("{kind}.optional: found true, expected false");
        for refusing in [Value::Null, json!(false)] {
            whole(listed(refusing.clone()), volume(source(json!(true))), &expected);
            whole(listed(refusing), volume(source(json!(false))), "");
        }
        whole(listed(json!(true)), volume(source(json!(true))), "");
        whole(listed(json!(true)), volume(source(Value::Null)), "");
    }
}

#[test]
fn t50_modes_and_owners_are_the_usual_ones_or_listed() {
    let pod = |more: Value| {
        volume(json!({ "configMap": patch(json!({ "name": "c", "items": [item(CA)] }), more) }))
    };
    let listed = |more: Value| {
        let names = json!({ "names": ["c"], "items": [item(CA)] });
        rule(json!({ "configMap": patch(names, more) }))
    };
    let of_item = |more: Value| json!({ "items": [patch(item(CA), more)] });
    let none = json!({});
    for (rule, pod_says, expected) in [
        (none.clone(), json!({ "defaultMode": 420 }), ""),
        (
            none.clone(),
            json!({ "defaultMode": 493 }),
            "defaultMode: found 493 (0755), expected 420",
        ),
        (
            none.clone(),
            json!({ "defaultMode": 256 }),
            "defaultMode: found 256 (0400), expected 420",
        ),
        (none.clone(), of_item(json!({ "mode": 493 })), "items[0].mode: found 493 (0755)"),
        (none.clone(), of_item(json!({ "mode": 420 })), ""),
        (json!({ "modes": 256 }), json!({ "defaultMode": 256 }), ""),
        (json!({ "modes": 256 }), none.clone(), "defaultMode: found 420 (0644), expected 256"),
        (json!({ "modes": [420, 493] }), of_item(json!({ "mode": 493 })), ""),
        (none.clone(), json!({ "defaultUser": 0 }), "defaultUser: found 0, expected nothing"),
        (none.clone(), of_item(json!({ "user": 0 })), "items[0].user: found 0, expected nothing"),
        (json!({ "owners": 7 }), json!({ "defaultUser": 7 }), ""),
        (
            json!({ "owners": 7 }),
            of_item(json!({ "user": 8 })),
            "items[0].user: found 8, expected 7",
        ),
    ] {
        whole(listed(rule), pod(pod_says), expected);
    }
}

#[test]
fn t50_each_part_of_a_projected_volume_is_mapped_as_listed() {
    for (part, list) in [("configMap", "configMaps"), ("secret", "secrets")] {
        let pod = |more: Value| {
            projected(json!([{ part: patch(json!({ "name": "c" }), more) }]), json!({}))
        };
        let listed = |entries: Value| rule(json!({ "projected": { list: entries } }));
        let mapped = json!({ "items": [item(CA)] });
        let entry = json!({ "name": "c", "items": [item(CA)] });
        whole(listed(json!(["c"])), pod(json!({})), "");
        let expected =
            format!("{part}.items: found the key \"ca\" as \"ca.crt\", expected nothing");
        whole(listed(json!(["c"])), pod(mapped.clone()), &expected);
        whole(listed(json!([entry])), pod(mapped.clone()), "");
        whole(listed(json!([entry])), pod(json!({})), "items: found nothing, expected the key");
        whole(listed(json!(["c", entry])), pod(mapped.clone()), "");
        whole(
            listed(json!([{ "name": "d", "items": [item(CA)] }])),
            pod(mapped),
            "name: found \"c\"",
        );
        let optional = json!({ "optional": true });
        whole(listed(json!(["c"])), pod(optional.clone()), "optional: found true, expected false");
        whole(listed(json!([{ "name": "c", "optional": true }])), pod(optional), "");
    }
    let mode = json!({ "defaultMode": 493 });
    let part = json!([{ "secret": { "name": "c" } }]);
    let open = json!({ "secrets": ["c"], "modes": [493] });
    whole(
        rule(json!({ "projected": { "secrets": ["c"] } })),
        projected(part.clone(), mode.clone()),
        "defaultMode: found 493 (0755)",
    );
    whole(rule(json!({ "projected": open })), projected(part, mode), "");
}

#[test]
fn t50_what_the_api_server_says_lies_in_the_file_that_is_listed() {
    let items = |path: &str| json!({ "items": [{ "path": path, "fieldRef": { "fieldPath": "metadata.labels" } }] });
    let fields = json!([{ "field": "metadata.labels", "path": "labels" }]);
    let own = rule(json!({ "downwardAPI": { "fields": fields } }));
    let expected =
        "fieldRef: found \"metadata.labels\" as \"app.yaml\", expected \"metadata.labels\"";
    whole(own.clone(), volume(json!({ "downwardAPI": items("labels") })), "");
    whole(own.clone(), volume(json!({ "downwardAPI": items("app.yaml") })), expected);
    let run = json!({ "downwardAPI": patch(items("labels"), json!({ "defaultMode": 511 })) });
    whole(own, volume(run), "defaultMode: found 511 (0777)");
    let part = rule(json!({ "projected": { "downwardAPI": fields, "configMaps": ["c"] } }));
    let beside = |path: &str| {
        projected(
            json!([{ "configMap": { "name": "c" } }, { "downwardAPI": items(path) }]),
            json!({}),
        )
    };
    whole(part.clone(), beside("labels"), "");
    whole(part, beside("app.yaml"), expected);
}

#[test]
fn t50_tokens_bundles_and_certificates_lie_where_they_are_listed() {
    let token =
        |path: &str| projected(json!([{ "serviceAccountToken": { "path": path } }]), json!({}));
    let listed = |rule_of: Value| rule(json!({ "projected": rule_of }));
    let usual = listed(json!({ "serviceAccountToken": {} }));
    whole(usual.clone(), token("token"), "");
    whole(
        usual,
        token("app.yaml"),
        "serviceAccountToken.path: found \"app.yaml\", expected \"token\"",
    );
    whole(listed(json!({ "serviceAccountToken": { "path": "t" } })), token("t"), "");
    let bundle = |more: Value| {
        let bundle = patch(json!({ "name": "b", "path": "ca.pem" }), more);
        projected(json!([{ "clusterTrustBundle": bundle }]), json!({}))
    };
    let entry = |more: Value| {
        let entry = patch(json!({ "name": "b", "path": "ca.pem" }), more);
        listed(json!({ "clusterTrustBundles": [entry] }))
    };
    let none = json!({});
    whole(entry(none.clone()), bundle(none.clone()), "");
    for (change, key, expected) in [
        (json!({ "path": "x" }), "", "clusterTrustBundle.path: found \"x\", expected \"ca.pem\""),
        (json!({ "optional": true }), "optional", "clusterTrustBundle.optional: found one"),
        (
            json!({ "labelSelector": {} }),
            "labelSelector",
            "clusterTrustBundle.labelSelector: found",
        ),
    ] {
        whole(entry(none.clone()), bundle(change.clone()), expected);
        if !key.is_empty() {
            whole(entry(json!({ key: false })), bundle(change.clone()), expected);
            whole(entry(json!({ key: true })), bundle(change), "");
        }
    }
    let certificate = |more: Value| {
        let asked = json!({ "signerName": "a/b", "keyType": "ED25519", "keyPath": "k",
            "certificateChainPath": "c" });
        projected(json!([{ "podCertificate": patch(asked, more) }]), json!({}))
    };
    let entry = |more: Value| {
        let entry = patch(json!({ "name": "a/b", "path": { "oneOf": ["k", "c"] } }), more);
        listed(json!({ "podCertificates": [entry] }))
    };
    whole(entry(none.clone()), certificate(none.clone()), "");
    let expected = "podCertificate.keyPath: found \"app.yaml\"";
    whole(entry(none.clone()), certificate(json!({ "keyPath": "app.yaml" })), expected);
    let noted = json!({ "userAnnotations": { "a/x": "y" } });
    for refusing in [none, json!({ "userAnnotations": false })] {
        let expected = "podCertificate.userAnnotations: found some";
        whole(entry(refusing), certificate(noted.clone()), expected);
    }
    whole(entry(json!({ "userAnnotations": true })), certificate(noted), "");
}

#[test]
fn what_is_no_mapping_does_not_load() {
    for (source, expected) in [
        (json!({ "configMap": { "names": ["c"], "items": [] } }), "is empty, so it checks nothing"),
        (json!({ "configMap": { "names": ["c"], "items": [{ "key": "a" }] } }), "path (line "),
        (json!({ "secret": { "names": ["c"], "items": { "any": false } } }), "says nothing"),
        (json!({ "secret": { "names": ["c"], "item": [item(CA)] } }), "did you mean `items`?"),
        (json!({ "downwardAPI": { "fields": ["metadata.name"] } }), "says no file; write the file"),
        (json!({ "downwardAPI": { "fields": [{ "field": "metadata.name" }] } }), "path (line "),
        (json!({ "downwardAPI": { "modes": 420 } }), "fields (line "),
        (json!({ "projected": { "modes": 420 } }), "permits nothing; write one of"),
        (json!({ "projected": { "clusterTrustBundles": [{ "name": "b" }] } }), "path (line "),
    ] {
        let message = super::super::sample::refusal(&permitting(permit(rule(source), json!({}))));
        assert!(message.contains(expected), "{message}");
    }
}

#[test]
fn a_finding_names_the_volume_of_the_pod_and_the_entry_of_the_rule() {
    let volumes = json!([{ "name": "first", "emptyDir": {} },
        { "name": "v", "configMap": { "name": "c", "optional": true, "items": [item(CA)] } }]);
    let rules = json!([{ "names": ["unused"], "secret": { "names": ["s"] } },
        { "names": ["first"], "emptyDir": {} },
        { "names": ["v"], "configMap": { "names": ["other"] } }]);
    let document = permitting(permit(json!({ "volumes": rules }), json!({})));
    let pod = pod(json!({ "volumes": volumes }), json!({}));
    let found: Vec<_> = findings(&document, &pod)
        .into_iter()
        .map(|it| (it.path, it.change.map(|change| (change.place, change.value))))
        .collect();
    let at = |path: &str, place: &str, value: Value| {
        let place = format!("permit.volumes[2].configMap.{place}");
        (format!("spec.volumes[1].configMap.{path}"), Some((place, value)))
    };
    let expected = [
        at("name", "names", json!(["c"])),
        at("optional", "optional", json!(true)),
        at("items", "items", json!([item(CA)])),
    ];
    assert_eq!(found, expected);
    let (_, reason) = super::super::sample::ruling(&document, &pod);
    assert!(reason.contains("spec.volumes[1].configMap.name: found \"c\""), "{reason}");
}
