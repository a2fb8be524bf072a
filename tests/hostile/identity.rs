//! Rows 20, 23–27, 29, 33, 50, 64: who a pod is, and what it may become.
//!
//! A kubelet checks nothing here: it keys pods by UID, takes every MODIFIED for true and builds paths
//! from names. So a pod that was admitted must stay what was admitted.

use libtest_mimic::Trial;
use serde_json::{Value, json};

use super::case::Case;
use super::pods::{event, evil, good, list, with};
use crate::support::hostile_api_server::answer::Answer;
use crate::support::hostile_api_server::request::Kind;
use crate::support::hostile_api_server::script::Script;

pub(crate) fn trials() -> Vec<Trial> {
    let cases = [pages(), phases(), changes(), allowed_changes(), reuse(), names(), mirrors()];
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

/// A watch in which the admitted pod `web` becomes `changed`, then `good` arrives.
fn changed(row: u8, name: &str, changed: Value, kind: &str) -> Case {
    let changed = with(changed, "/metadata/resourceVersion", json!("12"));
    let script = Script::new()
        .on(Kind::List, [Answer::document(&list(10, [good("web")]))])
        .on(Kind::Watch, [Answer::watch([event(kind, &changed), event("ADDED", &good("good"))])]);
    Case::new(row, name, script)
}

/// Rows 24–26 and 33: what an admitted pod must not become. The policy alone would allow most of it.
fn changes() -> Vec<Case> {
    let web = || good("web");
    let container = "/spec/containers/0";
    let hook = json!({"preStop": {"exec": {"command": ["evil"]}}});
    let failed = with(
        with(web(), &format!("{container}/lifecycle"), hook.clone()),
        "/status/phase",
        json!("Failed"),
    );
    let leaving = with(
        with(web(), &format!("{container}/lifecycle"), hook.clone()),
        "/metadata/deletionTimestamp",
        json!("2026-11-21T08:00:00Z"),
    );
    let privileged_debugger = json!([{"name": "debug", "image": "registry.example/evil:1",
        "securityContext": {"privileged": true}}]);
    let mut cases = Vec::new();
    for (row, name, pod) in [
        (
            24,
            "a denied image",
            with(web(), &format!("{container}/image"), json!("registry.example/evil:1")),
        ),
        (24, "another command", with(web(), &format!("{container}/command"), json!(["evil"]))),
        (24, "other arguments", with(web(), &format!("{container}/args"), json!(["evil"]))),
        (
            24,
            "another environment",
            with(
                web(),
                &format!("{container}/env"),
                json!([{"name": "LD_PRELOAD", "value": "evil"}]),
            ),
        ),
        (24, "privileges", with(evil("web"), &format!("{container}/image"), json!("evil"))),
        (
            24,
            "a further container",
            with(
                web(),
                "/spec/containers/1",
                json!({"name": "evil", "image": "registry.example/good:1"}),
            ),
        ),
        (
            24,
            "an init container",
            with(
                web(),
                "/spec/initContainers",
                json!([{"name": "evil", "image": "registry.example/good:1"}]),
            ),
        ),
        (
            24,
            "a further volume",
            with(web(), "/spec/volumes/1", json!({"name": "evil", "emptyDir": {}})),
        ),
        (24, "another service account", with(web(), "/spec/serviceAccountName", json!("evil"))),
        (24, "another runtime class", with(web(), "/spec/runtimeClassName", json!("evil"))),
        (
            24,
            "another grace period",
            with(
                with(web(), "/spec/terminationGracePeriodSeconds", json!(0)),
                "/metadata/labels/x",
                json!("evil"),
            ),
        ),
        (24, "another node", with(web(), "/spec/nodeName", json!("evil"))),
        (25, "a new preStop", with(web(), &format!("{container}/lifecycle"), hook)),
        (25, "a new preStop and phase Failed", failed),
        (25, "a new preStop and its deletion", leaving),
        (
            26,
            "a denied ephemeral container",
            with(web(), "/spec/ephemeralContainers", privileged_debugger),
        ),
    ] {
        for kind in ["MODIFIED", "ADDED"] {
            let case = changed(row, &format!("{kind} with {name}"), pod.clone(), kind).harms();
            let main = kind == "MODIFIED" && matches!(name, "a denied image" | "a new preStop");
            cases.push(if main { case.on_all_minors() } else { case });
        }
        // The same change, found by a relist.
        let script = Script::new()
            .on(
                Kind::List,
                [
                    Answer::document(&list(10, [good("web")])),
                    Answer::document(&list(30, [pod, good("good")])),
                ],
            )
            .on(
                Kind::Watch,
                [
                    Answer::watch([event(
                        "ERROR",
                        &crate::support::hostile_api_server::answer::status(410, "Expired"),
                    )]),
                    Answer::watch(Vec::<String>::new()),
                ],
            );
        cases.push(Case::new(row, format!("relist with {name}"), script).harms());
    }
    cases
}

/// Row 27 and the honest half of row 33: what the API lets change still arrives.
fn allowed_changes() -> Vec<Case> {
    let web = || good("web");
    let more = json!({"limits": {"cpu": "200m"}, "requests": {"cpu": "200m"}});
    let debugger = json!([{"name": "debug", "image": "registry.example/good:1"}]);
    let toleration = json!({"key": "x", "operator": "Exists", "effect": "NoExecute"});
    let mut cases = Vec::new();
    for (row, name, pod) in [
        (27, "other resources", with(web(), "/spec/containers/0/resources", more)),
        (
            27,
            "another allowed image",
            with(web(), "/spec/containers/0/image", json!("registry.example/good:2")),
        ),
        (27, "a deadline", with(web(), "/spec/activeDeadlineSeconds", json!(60))),
        (27, "a further toleration", with(web(), "/spec/tolerations/1", toleration)),
        (26, "an allowed ephemeral container", with(web(), "/spec/ephemeralContainers", debugger)),
        (33, "another annotation", with(web(), "/metadata/annotations/changed", json!("yes"))),
        (33, "another label", with(web(), "/metadata/labels/changed", json!("yes"))),
        (
            23,
            "its deletion",
            with(web(), "/metadata/deletionTimestamp", json!("2026-11-21T08:00:00Z")),
        ),
        (23, "its end", with(web(), "/status/phase", json!("Succeeded"))),
    ] {
        cases.push(
            changed(row, &format!("MODIFIED with {name} is allowed"), pod, "MODIFIED")
                .pods(&["web", "good"]),
        );
    }
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
    let moved = with(evil("web"), "/metadata/name", json!("evil"));
    vec![
        watch(
            "good pod reuses a rejected name",
            evil("web"),
            vec![event("DELETED", &evil("web")), event("ADDED", &renewed(good("web")))],
        )
        .pods(&["web", "good"])
        .harms()
        .rejected(&["web"])
        .on_all_minors(),
        watch(
            "good pod reuses a rejected name at once",
            evil("web"),
            vec![event("ADDED", &renewed(good("web")))],
        )
        .pods(&["web", "good"])
        .harms(),
        watch(
            "evil pod reuses an admitted name",
            good("web"),
            vec![event("DELETED", &good("web")), event("ADDED", &renewed(evil("web")))],
        )
        .harms(),
        watch(
            "evil pod reuses an admitted name at once",
            good("web"),
            vec![event("MODIFIED", &renewed(evil("web")))],
        )
        .harms(),
        watch(
            "evil pod under an admitted UID and another name",
            good("web"),
            vec![event("ADDED", &moved)],
        )
        .pods(&["web", "good"])
        .harms(),
        watch(
            "sly pod under an admitted UID and another name",
            good("web"),
            vec![event("ADDED", &with(good("web"), "/metadata/name", json!("evil")))],
        )
        .pods(&["web", "good"])
        .harms(),
        watch(
            "sly pod under an admitted UID and another namespace",
            good("web"),
            vec![event("ADDED", &with(good("web"), "/metadata/namespace", json!("evil")))],
        )
        .pods(&["web", "good"])
        .harms(),
    ]
}

/// Row 50.
fn names() -> Vec<Case> {
    let mut cases = Vec::new();
    let long = "a".repeat(254);
    let up = "../../../../../etc";
    let sly = || with(good("sly"), "/spec/containers/0/args", json!(["evil"]));
    for (pointer, values) in [
        (
            "/metadata/name",
            &[up, "a/b", "..", ".", "A", "a_b", "-a", "a.", "", &long, "a b", "a%2fb"][..],
        ),
        ("/metadata/namespace", &[up, "a/b", "..", "a.b", "A", "", "-"]),
        (
            "/metadata/uid",
            &[
                "../..",
                "../../x",
                "",
                "x",
                "00000000-0000-4000-8000-00000000000/",
                "ABCDEFAB-0000-4000-8000-000000000000",
            ],
        ),
        ("/spec/nodeName", &[up, "a/b"]),
        ("/spec/volumes/0/name", &[up, "a/b", "..", ".", "", "A"]),
        ("/spec/containers/0/name", &[up, "a/b", "..", "", "A"]),
    ] {
        for (number, value) in values.iter().enumerate() {
            let mut pod = sly();
            *pod.pointer_mut(pointer).expect("a field") = json!(value);
            let name = format!("{} {number}", pointer.replace(['/', '0'], "_"));
            cases.push(
                Case::list(
                    50,
                    format!("list with{name}"),
                    Answer::document(&list(20, [pod.clone(), good("good")])),
                )
                .harms(),
            );
            let added = Answer::watch([event("ADDED", &pod), event("ADDED", &good("good"))]);
            cases.push(Case::watch(50, format!("watch with{name}"), added));
        }
    }
    let twins = json!([{"name": "work", "emptyDir": {}}, {"name": "work", "emptyDir": {}}]);
    let mount =
        |path: &str| with(sly(), "/spec/containers/0/volumeMounts/0/mountPath", json!(path));
    for (name, pod) in [
        ("two volumes of one name", with(sly(), "/spec/volumes", twins)),
        ("a mount path that goes up", mount("/work/../../etc")),
        ("a relative mount path", mount("work")),
        ("a mount path with a colon", mount("/work:/etc")),
        (
            "a sub path that goes up",
            with(sly(), "/spec/containers/0/volumeMounts/0/subPath", json!("../../etc")),
        ),
    ] {
        cases.push(Case::list(
            50,
            format!("list with {name}"),
            Answer::document(&list(20, [pod, good("good")])),
        ));
    }
    cases
}

/// Row 64: a mirror annotation makes a kubelet ignore a pod. It may pass, but with nothing to run, and
/// whoever takes the annotation off again has still a pod to be decided on.
fn mirrors() -> Vec<Case> {
    let mirror = |pod: Value| {
        let pod = with(pod, "/metadata/annotations/kubernetes.io~1config.mirror", json!("x"));
        with(pod, "/metadata/annotations/kubernetes.io~1config.source", json!("file"))
    };
    let listed = |name: &str, pods: Vec<Value>| {
        Case::list(64, name, Answer::document(&list(20, pods))).pods(&["web", "good"])
    };
    let unmasked = |name: &str, bare: Value| {
        let bare = with(bare, "/metadata/resourceVersion", json!("12"));
        let script =
            Script::new().on(Kind::List, [Answer::document(&list(10, [mirror(evil("web"))]))]).on(
                Kind::Watch,
                [Answer::watch([event("MODIFIED", &bare), event("ADDED", &good("good"))])],
            );
        Case::new(64, name, script)
    };
    vec![
        listed("list of an evil mirror pod", vec![mirror(evil("web")), good("good")]).harms(),
        listed("list of a good mirror pod", vec![mirror(good("web")), good("good")]),
        unmasked("evil mirror pod without its annotation", evil("web")).harms(),
        unmasked("evil mirror pod that becomes good", good("web")).pods(&["web", "good"]),
    ]
}
