//! Where volumes lead that the kubelet serves without a driver: 47.

use serde_json::{Value, json};

use super::super::sample::{
    HERE, findings, load, patch, permit, permitting, pod, policy, refusal, with_pod_leaving_out,
};
use super::whole;
use crate::kube_wire::pod_view::KEPT_AS_WRITTEN;

fn volume(source: Value) -> Value {
    let mut volume = source;
    volume["name"] = "v".into();
    json!({ "volumes": [volume] })
}

fn rule(kinds: Value) -> Value {
    json!({ "volumes": [{ "inTree": kinds }] })
}

#[test]
fn t47_a_kind_is_permitted_with_what_it_leads_to() {
    let nfs = |fields: Value| volume(json!({ "nfs": fields }));
    let listed = rule(json!({ "nfs": { "server": "files", "path": { "regex": "/srv/[a-z]+" } } }));
    whole(listed.clone(), nfs(json!({ "server": "files", "path": "/srv/a" })), "");
    let absent = json!({ "server": "files", "path": "/srv/a", "readOnly": false });
    whole(listed.clone(), nfs(absent), "");
    for (fields, expected) in [
        (
            json!({ "server": "evil", "path": "/srv/a" }),
            "volumes[0].nfs[\"server\"]: found \"evil\", expected \"files\"",
        ),
        (
            json!({ "server": "files", "path": "/" }),
            "nfs[\"path\"]: found \"/\", expected all of it",
        ),
        (json!({ "path": "/srv/a" }), "nfs[\"server\"]: found nothing, expected \"files\""),
        (
            json!({ "server": "files", "path": "/srv/a", "readOnly": true }),
            "nfs[\"readOnly\"]: found true, expected nothing",
        ),
    ] {
        whole(listed.clone(), nfs(fields), expected);
    }
    let anything = rule(json!({ "nfs": { "any": true } }));
    whole(anything.clone(), nfs(json!({ "server": "evil", "path": "/" })), "");
    let disk = json!({ "gcePersistentDisk": { "pdName": "d" } });
    whole(anything, volume(disk), "found the gcePersistentDisk volume \"v\"");
}

#[test]
fn t47_numbers_lists_and_objects_of_a_source_are_compared_as_they_are() {
    let ceph = |fields: Value| volume(json!({ "cephfs": fields }));
    let fields = json!({ "monitors": ["a", "b"], "secretRef": { "name": "s" } });
    let listed = rule(json!({ "cephfs": fields }));
    whole(listed.clone(), ceph(fields), "");
    for (fields, expected) in [
        (json!({ "monitors": ["a"], "secretRef": { "name": "s" } }), "monitors\"]: found [\"a\"]"),
        (json!({ "monitors": ["a", "b"], "secretRef": { "name": "t" } }), "secretRef\"]: found"),
        (json!({ "monitors": ["a", "b"] }), "secretRef\"]: found nothing, expected"),
    ] {
        whole(listed.clone(), ceph(fields), expected);
    }
    let lun = |number: i64| volume(json!({ "fc": { "targetWWNs": ["w"], "lun": number } }));
    let listed = rule(json!({ "fc": { "targetWWNs": ["w"], "lun": 7 } }));
    whole(listed.clone(), lun(7), "");
    whole(listed, lun(8), "fc[\"lun\"]: found 8, expected 7");
    let zero = rule(json!({ "fc": { "targetWWNs": ["w"] } }));
    whole(zero, lun(0), "");
    let whichever =
        rule(json!({ "fc": { "targetWWNs": { "any": true }, "lun": { "any": true } } }));
    whole(whichever, lun(8), "");
}

#[test]
fn t47_a_kind_without_fields_does_not_load() {
    for (kinds, expected) in [
        (json!(["nfs"]), "names kinds, and not what they lead to; write its fields, such as"),
        (json!({}), "is empty, so it permits nothing"),
        (json!({ "nfs": {} }), "says nothing of its fields; write its fields"),
        (json!({ "nfs": { "any": false } }), "says nothing; leave the rule out"),
        (json!({ "nsf": { "any": true } }), "is no such kind; did you mean `nfs`?"),
        (json!({ "nfs": { "serverr": "s" } }), "is no field of it; did you mean `server`?"),
        (json!({ "nfs": { "newer": "x" } }), "is no field of it; known here: server, path"),
        (json!({ "nfs": { "server": { "oneOf": [] } } }), "is empty, so it checks nothing"),
    ] {
        let message = refusal(&permitting(permit(rule(kinds), json!({}))));
        assert!(message.contains(expected), "{message}");
    }
    let open = permitting(permit(rule(json!({ "nfs": { "any": true } })), json!({})));
    let warnings = load(&open).unwrap().warnings;
    assert!(
        warnings[0].problem.contains("permits whatever such a volume leads to"),
        "{warnings:?}"
    );
}

#[test]
fn t47_every_kind_can_be_listed() {
    for kind in KEPT_AS_WRITTEN {
        let kinds = json!({ *kind: { "any": true } });
        assert!(load(&permitting(permit(rule(kinds), json!({})))).is_ok(), "{kind}");
    }
}

#[test]
fn t47_a_field_that_the_kubelet_never_gets_is_not_seen() {
    let left_out = "spec.volumes[*].nfs.newer";
    let listed = permit(rule(json!({ "nfs": { "server": "s", "path": "/" } })), json!({}));
    let document = patch(permitting(listed), json!({ "allowUnknownFields": [left_out] }));
    let policy = policy(&document);
    let newer = json!({ "nfs": { "server": "s", "path": "/", "newer": "x" } });
    with_pod_leaving_out(&pod(volume(newer), json!({})), &[left_out.to_owned()], |pod| {
        let verdict = policy.evaluate(pod, &HERE).verdict;
        assert!(verdict.is_allow(), "{}", verdict.reason());
    });
}

#[test]
fn t47_what_is_found_can_be_written_into_the_rule() {
    let found = volume(json!({ "iscsi": { "targetPortal": "p", "iqn": "q", "lun": 0,
        "readOnly": true, "portals": ["x"] } }));
    let document = permitting(permit(json!({}), json!({})));
    let change = findings(&document, &pod(found.clone(), json!({}))).remove(0).change.unwrap();
    whole(json!({ "volumes": change.value }), found, "");
}
