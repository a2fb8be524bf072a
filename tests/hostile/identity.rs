//! Rows 20, 23, 29, 50: which pod it is, and where and in what state it comes.
//!
//! A kubelet checks nothing here: it keys pods by UID and builds paths from names. Neither a later
//! page, a phase nor a name used before makes a decision superfluous.

use libtest_mimic::Trial;
use serde_json::{Value, json};

use super::case::Case;
use super::pods::{event, evil, good, list, with};
use crate::support::hostile_api_server::answer::Answer;
use crate::support::hostile_api_server::request::Kind;
use crate::support::hostile_api_server::script::Script;

pub(crate) fn trials() -> Vec<Trial> {
    let cases = [pages(), phases(), reuse(), names()];
    cases.concat().iter().flat_map(Case::trials).collect()
}

/// Row 20: a list in pages, the second of which has the evil pod.
fn pages() -> Vec<Case> {
    const TOKEN: &str = "eyJ2IjoibWV0YS5rOHMuaW8vdjEi+/==&limit=9#x%20\u{e9}";
    let page = |token: Value, pods: Vec<Value>| {
        let page = list(20, pods);
        let page = with(page, "/metadata/continue", token);
        Answer::document(&with(page, "/metadata/remainingItemCount", json!(2)))
    };
    let paged = |name: &str, token: Value, next: Answer| {
        let script = Script::new()
            .on(
                Kind::List,
                [
                    page(token, vec![good("first"), evil("evil-1")]),
                    Answer::document(&list(30, [good("first"), good("good")])),
                ],
            )
            .on(Kind::NextPage, [next]);
        Case::new(20, name, script).pods(&["first", "good"])
    };
    let last = || Answer::document(&list(20, [evil("evil-2"), good("good")]));
    vec![
        paged("evil pod on page 2", json!(TOKEN), last()).harms().on_all_minors(),
        paged("page 2 expired", json!("abc"), Answer::refusal(410, "Expired")),
        paged("page 2 is a Status", json!("abc"), Answer::refusal(200, "Expired")),
        paged(
            "page 2 in yaml",
            json!("abc"),
            Answer::typed(200, Some("application/yaml"), "kind: PodList"),
        ),
        paged("token of a megabyte", json!("x".repeat(1 << 20)), last()),
        paged("token with line breaks", json!("a\r\nX-Evil: 1\r\n\r\n"), last()),
        paged("token that is a number", json!(7), last()),
    ]
}

/// Row 23.
fn phases() -> Vec<Case> {
    let mut cases = Vec::new();
    for phase in ["Failed", "Succeeded", "Running", "Unknown", "Evil"] {
        let pod = with(evil("evil"), "/status/phase", json!(phase));
        cases.push(
            Case::list(
                23,
                format!("list of a pod in phase {phase}"),
                Answer::document(&list(20, [pod.clone(), good("good")])),
            )
            .harms(),
        );
        cases.push(
            Case::watch(
                23,
                format!("watch of a pod in phase {phase}"),
                Answer::watch([event("ADDED", &pod), event("ADDED", &good("good"))]),
            )
            .harms(),
        );
    }
    let leaving = with(evil("evil"), "/metadata/deletionTimestamp", json!("2026-11-21T08:00:00Z"));
    let leaving = with(leaving, "/metadata/deletionGracePeriodSeconds", json!(30));
    cases.push(
        Case::list(
            23,
            "list of a pod being deleted",
            Answer::document(&list(20, [leaving, good("good")])),
        )
        .harms()
        .on_all_minors(),
    );
    cases
}

/// Row 29: a good pod after an evil one, or an evil one after a good one, under one name.
fn reuse() -> Vec<Case> {
    let renewed = |pod: Value| {
        let pod = with(pod, "/metadata/uid", json!(super::pods::uid("another")));
        with(pod, "/metadata/resourceVersion", json!("13"))
    };
    let watch = |name: &str, first: Value, events: Vec<String>| {
        let script = Script::new().on(Kind::List, [Answer::document(&list(10, [first]))]).on(
            Kind::Watch,
            [Answer::watch(events.into_iter().chain([event("ADDED", &good("good"))]))],
        );
        Case::new(29, name, script)
    };
    let (bad, fine) = (|| evil("web"), || good("web"));
    let both: &[&str] = &["web", "good"];
    let mut cases = Vec::new();
    for (name, first, events, remaining) in [
        (
            "good pod reuses a rejected name",
            bad(),
            vec![event("DELETED", &bad()), event("ADDED", &renewed(fine()))],
            both,
        ),
        (
            "good pod reuses a rejected name at once",
            bad(),
            vec![event("ADDED", &renewed(fine()))],
            both,
        ),
        (
            "evil pod reuses an admitted name",
            fine(),
            vec![event("DELETED", &fine()), event("ADDED", &renewed(bad()))],
            &["good"],
        ),
        (
            "evil pod reuses an admitted name at once",
            fine(),
            vec![event("MODIFIED", &renewed(bad()))],
            &["good"],
        ),
    ] {
        let case = watch(name, first, events).pods(remaining).harms();
        cases.push(if remaining == both { case.rejected(&["web"]).on_all_minors() } else { case });
    }
    // One UID, two names: the pod that has it already stays.
    for (name, pod) in [
        ("evil pod under an admitted UID", with(bad(), "/metadata/name", json!("evil"))),
        ("sly pod under an admitted UID", with(fine(), "/metadata/name", json!("evil"))),
        ("sly pod of another namespace", with(fine(), "/metadata/namespace", json!("evil"))),
    ] {
        cases.push(watch(name, fine(), vec![event("ADDED", &pod)]).pods(both).harms());
    }
    cases
}

/// The texts that an identity is replaced with, by the field's JSON pointer.
fn malformed() -> Vec<(&'static str, Vec<String>)> {
    const UP: &str = "../../../../../etc";
    let long = "a".repeat(254);
    let owned = |values: &[&str]| values.iter().map(|value| (*value).to_owned()).collect();
    let name = [UP, "a/b", "..", ".", "A", "a_b", "-a", "a.", "", &long, "a b", "a%2fb"];
    let short = "00000000-0000-4000-8000-00000000000/";
    let upper = "ABCDEFAB-0000-4000-8000-000000000000";
    vec![
        ("/metadata/name", owned(&name)),
        ("/metadata/namespace", owned(&[UP, "a/b", "..", "a.b", "A", "", "-"])),
        ("/metadata/uid", owned(&["../..", "../../x", "", "x", short, upper])),
        ("/spec/nodeName", owned(&[UP, "a/b"])),
        ("/spec/volumes/0/name", owned(&[UP, "a/b", "..", ".", "", "A"])),
        ("/spec/containers/0/name", owned(&[UP, "a/b", "..", "", "A"])),
    ]
}

/// Row 50: a kubelet joins these texts into paths below `/var/lib/kubelet`, and checks none of them.
fn names() -> Vec<Case> {
    let sly = || with(good("sly"), "/spec/containers/0/args", json!(["evil"]));
    let listed = |name: String, pod: Value| {
        let answer = Answer::document(&list(20, [pod, good("good")]));
        Case::list(50, format!("list with {name}"), answer).harms()
    };
    let mut cases = Vec::new();
    for (pointer, values) in malformed() {
        let field = pointer.trim_start_matches('/').replace("/0", "").replace('/', "_");
        for (number, value) in values.iter().enumerate() {
            let mut pod = sly();
            *pod.pointer_mut(pointer).expect("a field") = json!(value);
            let name = format!("{field} {number}");
            let added = Answer::watch([event("ADDED", &pod), event("ADDED", &good("good"))]);
            cases.push(Case::watch(50, format!("watch with {name}"), added));
            cases.push(listed(name, pod));
        }
    }
    let twins = json!([{"name": "work", "emptyDir": {}}, {"name": "work", "emptyDir": {}}]);
    let mounted = |field: &str, path: &str| {
        with(sly(), &format!("/spec/containers/0/volumeMounts/0/{field}"), json!(path))
    };
    for (name, pod) in [
        ("two volumes of one name", with(sly(), "/spec/volumes", twins)),
        ("a mount path that goes up", mounted("mountPath", "/work/../../etc")),
        ("a relative mount path", mounted("mountPath", "work")),
        ("a mount path with a colon", mounted("mountPath", "/work:/etc")),
        ("a sub path that goes up", mounted("subPath", "../../etc")),
    ] {
        cases.push(listed(name.to_owned(), pod));
    }
    cases
}
