//! Rows 11–13: JSON that two decoders read differently.
//!
//! The texts are made by replacing a fragment of a valid document, so that each says in one line
//! what its trick is. Every evil object keeps the marker whichever of its halves a decoder prefers.

use libtest_mimic::Trial;
use serde_json::{Value, json};

use super::case::Case;
use super::pods::{event, evil, good, list, with};
use crate::support::hostile_api_server::answer::Answer;

pub(crate) fn trials() -> Vec<Trial> {
    let cases = [kinds(), duplicates(), escapes(), texts(), invalid_utf8()].concat();
    cases.iter().flat_map(Case::trials).collect()
}

/// The document with its only `fragment` replaced.
pub(super) fn replaced(document: &str, fragment: &str, replacement: &str) -> String {
    assert_eq!(document.matches(fragment).count(), 1, "{fragment} in {document}");
    document.replacen(fragment, replacement, 1)
}

/// A LIST and a watch with the same trick in the evil pod, before a good one.
pub(super) fn in_pod(row: u8, name: &str, fragment: &str, replacement: &str) -> [Case; 2] {
    pod_text(row, name, &replaced(&sly().to_string(), fragment, replacement))
}

/// A LIST and a watch with the same text for the evil pod, before a good one.
pub(super) fn pod_text(row: u8, name: &str, text: &str) -> [Case; 2] {
    let good = good("good");
    let head = r#""kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":"20"}"#;
    let list = format!(r#"{{{head},"items":[{text},{good}]}}"#);
    let event = format!(r#"{{"type":"ADDED","object":{text}}}"#);
    let watched = [event, super::pods::event("ADDED", &good)];
    [
        Case::list(row, format!("list with {name}"), Answer::json(200, list)),
        Case::watch(row, format!("watch with {name}"), Answer::watch(watched)),
    ]
}

/// An evil pod that the policy alone would allow: only a marker, in its arguments.
fn sly() -> Value {
    with(good("sly"), "/spec/containers/0/args", json!(["evil"]))
}

fn kinds() -> Vec<Case> {
    let text = list(20, [evil("evil"), good("good")]).to_string();
    let kind = r#""kind":"PodList""#;
    let listed = |name: &str, replacement: &str| {
        Case::list(
            11,
            format!("list of {name}"),
            Answer::json(200, replaced(&text, kind, replacement)),
        )
    };
    let added = event("ADDED", &evil("evil"));
    let watched = |name: &str, fragment: &str, replacement: &str| {
        let parts = [replaced(&added, fragment, replacement), event("ADDED", &good("good"))];
        Case::watch(11, format!("watch of {name}"), Answer::watch(parts))
    };
    let pod = r#""kind":"Pod""#;
    vec![
        listed("kind Status and KIND PodList", r#""kind":"Status","KIND":"PodList""#)
            .harms()
            .on_all_minors(),
        listed("KIND Status and kind PodList", r#""KIND":"Status","kind":"PodList""#).harms(),
        listed("KIND PodList alone", r#""KIND":"PodList""#).harms(),
        listed("kind with a Kelvin sign", "\"kind\":\"Status\",\"\u{212a}ind\":\"PodList\"")
            .harms(),
        listed("kind PodList and apiversion v2", r#""kind":"PodList","apiversion":"v2""#),
        watched("kind Status and Kind Pod", pod, r#""kind":"Status","Kind":"Pod""#)
            .harms()
            .on_all_minors(),
        watched("Kind Pod alone", pod, r#""Kind":"Pod""#).harms(),
        watched("kind Status twice", pod, r#""kind":"Status","kind":"Pod""#).harms(),
        watched(
            "type DELETED and TYPE ADDED",
            r#""type":"ADDED""#,
            r#""type":"DELETED","TYPE":"ADDED""#,
        ),
        watched("TYPE ADDED alone", r#""type":"ADDED""#, r#""TYPE":"ADDED""#),
        watched("Object beside object", r#"{"object":"#, r#"{"Object":{},"object":"#).harms(),
    ]
}

/// A name, a key of the sly pod, and what is put in before that key.
const DUPLICATES: &[(&str, &str, &str)] = &[
    ("spec twice", r#""spec":{"#, r#""spec":{"hostPID":true,"hostNetwork":true},"#),
    ("spec null last", r#""status":{"#, r#""spec":null,"#),
    (
        "containers twice",
        r#""containers":["#,
        r#""containers":[{"lifecycle":{"postStart":{"exec":{"command":["evil"]}}}}],"#,
    ),
    (
        "initContainers and null",
        r#""containers":["#,
        r#""initContainers":[{"name":"i","image":"evil"}],"initContainers":null,"#,
    ),
    ("hostPID true and null", r#""containers":["#, r#""hostPID":true,"hostPID":null,"#),
    ("HostPID beside hostPID", r#""containers":["#, r#""hostPID":false,"HostPID":true,"#),
    ("image twice", r#""image":"#, r#""image":"registry.example/evil:1","#),
    (
        "privileged twice",
        r#""command":"#,
        r#""securityContext":{"privileged":true,"privileged":false},"#,
    ),
    (
        "securityContext twice in a container",
        r#""command":"#,
        r#""securityContext":{"privileged":true},"securityContext":{},"#,
    ),
    ("metadata twice", r#""metadata":{"#, r#""metadata":{"annotations":{"a":"evil"}},"#),
    ("name twice", r#""name":"sly""#, r#""name":"evil","#),
    ("uid twice", r#""uid":"#, r#""uid":"00000000-0000-4000-8000-000000000000","#),
    ("an annotation twice", r#""note":"#, r#""note":"evil","#),
    ("a label twice", r#""app":"#, r#""app":"evil","#),
    ("the name of a variable twice", r#""name":"A""#, r#""name":"LD_PRELOAD","#),
];

/// Row 12. Go takes the last of two scalars and merges two structs; `null` does not clear.
fn duplicates() -> Vec<Case> {
    let text = list(20, [good("good")]).to_string();
    let top = |key: &str| {
        let kind = r#""kind":"PodList""#;
        let bad = replaced(&text, kind, &format!(r#"{kind},"{key}":[{}]"#, evil("evil")));
        Case::list(12, format!("list with {key} beside items"), Answer::json(200, bad))
    };
    let object = r#"{"object":"#;
    let twice = format!("{object}{},{}", evil("sly"), &object[1..]);
    let twice = replaced(&event("ADDED", &good("sly")), object, &twice);
    let parts = [twice, event("ADDED", &good("good"))];
    let mut cases = vec![
        top("items").harms(),
        top("ITEMS"),
        Case::watch(12, "watch with object twice", Answer::watch(parts)),
    ];
    // `uid` and `name` also stand in an owner reference.
    let pod = with(sly(), "/metadata/ownerReferences", json!([])).to_string();
    for (name, key, before) in DUPLICATES {
        let text = replaced_first(&pod, key, &format!("{before}{key}"));
        cases.extend(pod_text(12, name, &text).map(|case| match *name {
            "spec twice" => case.harms().on_all_minors(),
            _ => case.harms(),
        }));
    }
    cases
}

/// The document with the first `fragment` replaced, which must be there.
pub(super) fn replaced_first(document: &str, fragment: &str, replacement: &str) -> String {
    assert!(document.contains(fragment), "{fragment} in {document}");
    document.replacen(fragment, replacement, 1)
}

fn escapes() -> Vec<Case> {
    let mut cases = Vec::new();
    let privileged = with(sly(), "/spec/containers/0/securityContext", json!({"privileged": true}));
    let privileged = privileged.to_string();
    for (name, fragment, replacement) in [
        ("an escaped key", r#""privileged":"#, r#""\u0070rivileged":"#),
        (
            "all of a key escaped",
            r#""privileged":"#,
            r#""\u0070\u0072\u0069\u0076\u0069\u006c\u0065\u0067\u0065\u0064":"#,
        ),
        (
            "a key escaped and plain",
            r#""privileged":true"#,
            r#""\u0070rivileged":true,"privileged":false"#,
        ),
        (
            "an escaped key of a level above",
            r#""securityContext":{"privileged""#,
            r#""security\u0043ontext":{"privileged""#,
        ),
    ] {
        cases.extend(
            pod_text(13, name, &replaced(&privileged, fragment, replacement)).map(Case::harms),
        );
    }
    let spec_twice = format!(r#""sp\u0065c":{},"spec":{{"#, evil("evil")["spec"]);
    cases.extend(in_pod(13, "spec escaped and plain", r#""spec":{"#, &spec_twice).map(Case::harms));
    let image = r#""image":"registry.example/good:1""#;
    let escaped = r#""image":"registry.example/\u0065vil:1""#;
    cases.extend(in_pod(13, "an escaped image", image, escaped).map(Case::harms));
    cases
}

fn texts() -> Vec<Case> {
    let mut cases = Vec::new();
    for (name, replacement) in [
        ("a NUL in a name", r#""name":"sl\u0000y""#),
        ("a bidirectional override in a name", "\"name\":\"sl\u{202e}y\""),
        ("an escaped bidirectional override in a name", r#""name":"sl\u202ey""#),
        ("a lone surrogate in a name", r#""name":"sl\ud800y""#),
        ("a reversed surrogate pair in a name", r#""name":"sl\udc00\ud800y""#),
        ("a raw newline in a name", "\"name\":\"sl\ny\""),
        ("a zero-width space in a name", "\"name\":\"sl\u{200b}y\""),
        ("a full-width letter in a name", "\"name\":\"ｓly\""),
        ("an overlong escape in a name", r#""name":"\x73ly""#),
        ("an empty name", r#""name":"""#),
    ] {
        cases.extend(in_pod(13, name, r#""name":"sly""#, replacement));
    }
    cases
}

fn invalid_utf8() -> Vec<Case> {
    const PLACES: [(&str, &str); 3] = [
        ("a name", "\"name\":\"sly"),
        ("an argument", "\"args\":[\"evil"),
        ("a key", "\"spec\":{\""),
    ];
    let document = list(20, [sly(), good("good")]).to_string().into_bytes();
    let added = event("ADDED", &sly()).into_bytes();
    let last = event("ADDED", &good("good")).into_bytes();
    let mut cases = Vec::new();
    for (name, invalid) in [
        ("bad UTF-8", &b"\xff\xfe"[..]),
        ("overlong UTF-8", b"\xc0\xae"),
        ("a surrogate in UTF-8", b"\xed\xa0\x80"),
        ("cut UTF-8", b"\xe2\x82"),
    ] {
        for (place, marker) in PLACES {
            let name = format!("{name} in {place}");
            let bad = Answer::json(200, spliced(&document, marker, invalid));
            cases.push(Case::list(13, format!("list with {name}"), bad));
            let bad = Answer::watch([spliced(&added, marker, invalid), last.clone()]);
            cases.push(Case::watch(13, format!("watch with {name}"), bad));
        }
    }
    cases
}

/// The document with bytes put in after the first `marker`.
fn spliced(document: &[u8], marker: &str, bytes: &[u8]) -> Vec<u8> {
    let at = document.windows(marker.len()).position(|window| window == marker.as_bytes());
    let at = at.expect("the marker") + marker.len();
    [&document[..at], bytes, &document[at..]].concat()
}
