//! Documents that load and do not, and objects that swap what stands behind a name.

use super::*;
use crate::kube_wire::document::read_whole;
use crate::kube_wire::json::{Limits, Tape};
use crate::kube_wire::pod_view::KEPT_AS_WRITTEN;
use crate::kube_wire::received_object::ReceivedObject;
use crate::kube_wire::resource::Item;
use crate::policy::error::Warnings;
use crate::policy::located::Located;

const LIMITS: Limits = Limits { depth: 64, nodes: 10_000 };

fn read(document: &str) -> Result<Option<ObjectRules>, PolicyError> {
    let object = Located::document(document)?.object(&ObjectRules::KEYS)?;
    ObjectRules::read(&object, &mut Warnings::default())
}

fn rules(document: &str) -> ObjectRules {
    read(document).unwrap().unwrap()
}

/// Empty if the object may reach the kubelet, else why not.
fn check(rules: &ObjectRules, kind: ObjectKind, object: &str) -> String {
    let mut tape = Tape::default();
    let flaw = read_whole(object.as_bytes(), &mut tape, LIMITS).unwrap();
    let item = Item { value: tape.root(object.as_bytes()), flaw };
    match ReceivedObject::read(item, kind) {
        ReceivedObject::Sound(sound) => {
            rules.check(&sound).err().map_or_else(String::new, |refusal| refusal.to_string())
        }
        ReceivedObject::Faulty { identity: _, fault } => panic!("{object}: {fault}"),
    }
}

#[test]
fn a_class_stands_for_the_handler_of_the_document() {
    let rules = rules(r#"{"runtimeClasses": {"kata": "kata-qemu"}}"#);
    let class = |name: &str, rest: &str| {
        let object = format!(r#"{{"metadata":{{"name":"{name}"}}{rest}}}"#);
        check(&rules, ObjectKind::RuntimeClass, &object)
    };
    assert_eq!(class("kata", r#","handler":"kata-qemu""#), "");
    let other = "handler: found 'runc', expected 'kata-qemu'";
    assert_eq!(class("kata", r#","handler":"runc""#), other);
    assert_eq!(class("kata", ""), other.replace("runc", ""));
    assert_eq!(class("kata", r#","handler":null"#), other.replace("runc", ""));
    assert!(class("kata2", r#","handler":"kata-qemu""#).contains("not among"));
}

fn volume(rules: &ObjectRules, spec: &str) -> String {
    let object = format!(r#"{{"metadata":{{"name":"v"}},"spec":{{{spec}}}}}"#);
    check(rules, ObjectKind::PersistentVolume, &object)
}

#[test]
fn behind_a_claim_is_what_the_document_lists_and_nothing_else() {
    let rules = rules(
        r#"{"persistentVolumes": {"csi": {"drivers": ["csi.example.org"]}, "inTree": {"nfs": {"server": "s", "path": "/"}},
            "local": {"paths": ["/mnt/disks/*"]}, "hostPath": {"paths": ["/srv/data"]}}}"#,
    );
    let csi = |driver: &str| format!(r#""csi":{{"driver":"{driver}","volumeHandle":"h"}}"#);
    for spec in [
        csi("csi.example.org"),
        format!(r#""accessModes":["ReadWriteOnce"],"claimRef":{{}},{}"#, csi("csi.example.org")),
        r#""nfs":{"server":"s","path":"/"},"hostPath":null"#.to_owned(),
        r#""local":{"path":"/mnt/disks/a"}"#.to_owned(),
        r#""hostPath":{"path":"/srv/data","type":""}"#.to_owned(),
    ] {
        assert_eq!(volume(&rules, &spec), "", "{spec}");
    }
    for (spec, expected) in [
        (csi("csi.example.com"), "spec.csi.driver: 'csi.example.com' is not among"),
        (r#""local":{"path":"/mnt/disks"}"#.to_owned(), "spec.local.path: '/mnt/disks' is not"),
        (r#""hostPath":{"path":"/srv/data/x"}"#.to_owned(), "spec.hostPath.path: '/srv/data/x'"),
        (r#""hostPath":{"path":"/"}"#.to_owned(), "spec.hostPath.path: '/' is not among"),
        (r#""iscsi":{"iqn":"x","lun":0}"#.to_owned(), "spec.iscsi: is not among"),
        (
            r#""nfs":{"server":"evil","path":"/"}"#.to_owned(),
            "spec.nfs[\"server\"]: found \"evil\", expected \"s\"",
        ),
        (r#""nfs":{"server":"s"}"#.to_owned(), "spec.nfs[\"path\"]: found nothing, expected \"/\""),
        (
            format!(r#"{},"hostPath":{{"path":"/srv/data"}}"#, csi("csi.example.org")),
            "spec: a volume has one source",
        ),
        (r#""volumeMode":"Block""#.to_owned(), "spec: a volume has one source"),
    ] {
        let found = volume(&rules, &spec);
        assert!(found.starts_with(expected), "{spec}: {found}");
    }
}

#[test]
fn nothing_listed_is_nothing_permitted() {
    let rules = rules(r#"{"persistentVolumes": {}}"#);
    for spec in [
        r#""hostPath":{"path":"/srv"}"#,
        r#""local":{"path":"/srv"}"#,
        r#""csi":{"driver":"a"}"#,
        r#""nfs":{"server":"s","path":"/"}"#,
    ] {
        assert!(volume(&rules, spec).contains("is not among"), "{spec}");
    }
}

// printf '%s' '{"binaryData":{},"data":{"a":"1","b":"ü\n\"\\"}}' | sha256sum
const CONTENT: &str = r#""data":{"b":"ü\n\"\\","a":"1"}"#;
const DIGEST: &str = "1bcab5b7e4a7122aa6f1b04d4ad2efb615aecea1a544176f10bbd4174358a0ca";

fn pins(unpinned: &str) -> ObjectRules {
    rules(&format!(
        r#"{{"pinned": {{"configMaps": [{{"namespace": "prod-*", "name": "c", "sha256": "{DIGEST}"}}],
            "secrets": [{{"namespace": "n", "name": "s", "sha256": "{DIGEST}"}}]{unpinned}}}}}"#
    ))
}

fn object(namespace: &str, name: &str, rest: &str) -> String {
    format!(r#"{{"metadata":{{"namespace":"{namespace}","name":"{name}"}},{rest}}}"#)
}

#[test]
fn a_pinned_object_has_its_content_or_is_refused() {
    let rules = pins("");
    let map = |namespace: &str, name: &str, rest: &str| {
        check(&rules, ObjectKind::ConfigMap, &object(namespace, name, rest))
    };
    assert_eq!(map("prod-a", "c", CONTENT), "");
    assert_eq!(map("prod-a", "c", &CONTENT.replace("ü", r"\u00fc")), "", "the same text");
    assert_eq!(map("prod-a", "c", &format!(r#""immutable":true,"binaryData":{{}},{CONTENT}"#)), "");
    for other in [
        CONTENT.replace('1', "2"),
        CONTENT.replace(r#","a":"1""#, ""),
        CONTENT.replace(r#""a":"1""#, r#""a":"1","c":"""#),
        CONTENT.replace("data", "binaryData"),
        format!(r#"{CONTENT},"binaryData":{{"x":""}}"#),
        r#""data":null"#.to_owned(),
    ] {
        let found = map("prod-a", "c", &other);
        assert!(found.starts_with("content has sha256 ") && !found.contains(DIGEST), "{found}");
    }
    // Not pinned: another namespace, another name.
    assert_eq!(map("test", "c", r#""data":{}"#), "");
    assert_eq!(map("prod-a", "d", r#""data":{}"#), "");
}

#[test]
fn a_secret_is_pinned_like_a_config_map_and_its_digest_is_told_to_nobody() {
    let rules = pins("");
    let secret = |rest: &str| check(&rules, ObjectKind::Secret, &object("n", "s", rest));
    assert_eq!(secret(CONTENT), "");
    assert_eq!(secret(r#""data":{}"#), "content is not what the policy pins for it");
    let found = secret(&format!(r#"{CONTENT},"stringData":{{"a":"2"}}"#));
    assert!(found.starts_with("stringData: "), "{found}");
}

#[test]
fn what_is_not_pinned_passes_unless_the_document_refuses_it() {
    let plain = object("n", "other", r#""data":{}"#);
    assert_eq!(check(&pins(r#","unpinned":"pass""#), ObjectKind::Secret, &plain), "");
    let strict = rules(r#"{"pinned": {"unpinned": "refuse"}}"#);
    for kind in [ObjectKind::Secret, ObjectKind::ConfigMap] {
        assert!(strict.cover(kind));
        assert!(check(&strict, kind, &plain).contains("refuses what is not pinned"));
    }
}

#[test]
fn several_pins_of_one_object_are_alternatives() {
    let other = DIGEST.replace('a', "b");
    let rules = rules(&format!(
        r#"{{"pinned": {{"configMaps": [{{"namespace": "n", "name": "c", "sha256": "{other}"}},
            {{"namespace": "*", "name": "c", "sha256": "{DIGEST}"}}]}}}}"#
    ));
    assert_eq!(check(&rules, ObjectKind::ConfigMap, &object("n", "c", CONTENT)), "");
    assert_ne!(check(&rules, ObjectKind::ConfigMap, &object("n", "c", r#""data":{}"#)), "");
}

#[test]
fn a_document_speaks_of_the_objects_that_it_names() {
    assert!(read("{}").unwrap().is_none());
    let rules = rules(r#"{"runtimeClasses": {}}"#);
    assert!(rules.cover(ObjectKind::RuntimeClass));
    assert!(!rules.cover(ObjectKind::PersistentVolume));
    assert!(!rules.cover(ObjectKind::Secret));
    // What is not spoken of is not looked at.
    assert_eq!(volume(&rules, r#""hostPath":{"path":"/"}"#), "");
}

#[test]
fn what_could_mean_less_than_it_says_does_not_load() {
    for (document, expected) in [
        (r#"{"runtimeClasses": {"a": ""}}"#, "runtimeClasses.a (line 1): is empty"),
        (r#"{"runtimeClasses": {"a": "../x"}}"#, "is no name of a handler"),
        (r#"{"runtimeClasses": {"A": "x"}}"#, "is no name of a runtime class"),
        (r#"{"runtimeClasses": {"a": "x", "a": "y"}}"#, "key appears twice"),
        (r#"{"runtimeClasses": ["a"]}"#, "is a list; it must be an object"),
        (r#"{"persistentVolumes": {"hostPath": true}}"#, "is a boolean; it must be an object"),
        (r#"{"persistentVolumes": {"hostPath": {}}}"#, "paths (line 1): is missing"),
        (r#"{"persistentVolumes": {"local": {"paths": []}}}"#, "is empty, so it checks nothing"),
        (r#"{"persistentVolumes": {"csi": {"driver": ["a"]}}}"#, "did you mean `drivers`?"),
        (r#"{"persistentVolumes": {"csi": {"drivers": ["*"]}}}"#, "is no name of a CSI driver"),
        (r#"{"persistentVolumes": {"inTree": ["nfs"]}}"#, "names kinds, and not what they lead to"),
        (r#"{"persistentVolumes": {"inTree": {"hostPath": {"any": true}}}}"#, "is no such kind"),
        (r#"{"persistentVolumes": {"inTree": {"gitRepo": {"any": true}}}}"#, "is no such kind"),
        (r#"{"persistentVolumes": {"inTree": {"nsf": {}}}}"#, "did you mean `nfs`?"),
        (
            r#"{"persistentVolumes": {"inTree": {"nfs": {"pathh": "/"}}}}"#,
            "is no field of it; did you mean `path`?",
        ),
        (r#"{"pinned": {}}"#, "pins nothing"),
        (r#"{"pinned": {"unpinned": "pass"}}"#, "pins nothing"),
        (r#"{"pinned": {"unpinned": "deny"}}"#, "write \"pass\" or \"refuse\""),
        (r#"{"pinned": {"secrets": []}}"#, "is empty, so it checks nothing"),
        (
            r#"{"pinned": {"secrets": [{"namespace": "n", "name": "s"}]}}"#,
            "sha256 (line 1): is missing; write what `kubelet-proxy digest FILE` prints",
        ),
        (
            r#"{"pinned": {"secrets": [{"namespace": "n", "name": "s", "sha256": "AB"}]}}"#,
            "is no SHA-256",
        ),
        (
            r#"{"pinned": {"secrets": [{"namespace": "n", "name": "s*", "sha256": "ab"}]}}"#,
            "is no name of an object",
        ),
    ] {
        let message = read(document).unwrap_err().to_string();
        assert!(message.contains(expected), "{document}: {message}");
    }
}

#[test]
fn every_kind_that_can_stand_behind_a_claim_can_be_listed() {
    for kind in KEPT_AS_WRITTEN.iter().filter(|kind| **kind != "gitRepo") {
        let document =
            format!(r#"{{"persistentVolumes": {{"inTree": {{"{kind}": {{"any": true}}}}}}}}"#);
        assert!(read(&document).is_ok(), "{kind}: {:?}", read(&document));
    }
}
