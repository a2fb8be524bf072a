//! Rows 24–27 and 33: what an admitted pod may become.
//!
//! A kubelet takes every MODIFIED for true and ends a pod by its newest spec. So a pod must stay what
//! was admitted, but for what the API itself lets change; the policy alone would allow most of this.

use libtest_mimic::Trial;
use serde_json::{Value, json};

use super::case::Case;
use super::pods::{event, evil, good, list, with};
use crate::support::hostile_api_server::answer::{Answer, status};
use crate::support::hostile_api_server::request::Kind;
use crate::support::hostile_api_server::script::Script;

const DELETED_AT: &str = "2026-11-21T08:00:00Z";

pub(crate) fn trials() -> Vec<Trial> {
    let mut cases = Vec::new();
    for (row, name, pod) in [containers(), hooks(), rest()].concat() {
        let modified = watched(row, &format!("MODIFIED with {name}"), &pod, "MODIFIED").harms();
        let is_main = matches!(name, "a denied image" | "a new preStop" | "a denied debugger");
        cases.push(if is_main { modified.on_all_minors() } else { modified });
        cases.push(watched(row, &format!("ADDED with {name}"), &pod, "ADDED").harms());
        cases.push(relisted(row, name, pod).harms());
    }
    for (row, name, pod) in allowed() {
        let name = format!("MODIFIED with {name} is allowed");
        cases.push(watched(row, &name, &pod, "MODIFIED").pods(&["web", "good"]));
    }
    cases.iter().flat_map(Case::trials).collect()
}

/// A row, the name of a change, and the pod `web` with it.
type Change = (u8, &'static str, Value);

/// The admitted pod `web` becomes `pod` in a watch; then `good` arrives.
fn watched(row: u8, name: &str, pod: &Value, kind: &str) -> Case {
    let pod = with(pod.clone(), "/metadata/resourceVersion", json!("12"));
    let events = [event(kind, &pod), event("ADDED", &good("good"))];
    let script = Script::new()
        .on(Kind::List, [Answer::document(&list(10, [good("web")]))])
        .on(Kind::Watch, [Answer::watch(events)]);
    Case::new(row, name, script)
}

/// The same change, found by a second list.
fn relisted(row: u8, name: &str, pod: Value) -> Case {
    let lists = [list(10, [good("web")]), list(30, [pod, good("good")])];
    let expired = event("ERROR", &status(410, "Expired"));
    let script = Script::new()
        .on(Kind::List, lists.iter().map(Answer::document))
        .on(Kind::Watch, [Answer::watch([expired]), Answer::watch(Vec::<String>::new())]);
    Case::new(row, format!("relist with {name}"), script)
}

fn web(pointer: &str, value: Value) -> Value {
    with(good("web"), pointer, value)
}

fn containers() -> Vec<Change> {
    let evil_container = json!({"name": "evil", "image": "registry.example/good:1"});
    let variable = json!([{"name": "LD_PRELOAD", "value": "evil"}]);
    let debugger = json!([{"name": "debug", "image": "registry.example/evil:1"}]);
    vec![
        (24, "a denied image", web("/spec/containers/0/image", json!("registry.example/evil:1"))),
        (24, "another command", web("/spec/containers/0/command", json!(["evil"]))),
        (24, "other arguments", web("/spec/containers/0/args", json!(["evil"]))),
        (24, "another environment", web("/spec/containers/0/env", variable)),
        (24, "privileges", evil("web")),
        (24, "a further container", web("/spec/containers/1", evil_container.clone())),
        (24, "an init container", web("/spec/initContainers", json!([evil_container]))),
        (26, "a denied debugger", web("/spec/ephemeralContainers", debugger)),
    ]
}

fn hooks() -> Vec<Change> {
    let hooked = || {
        let hook = json!({"preStop": {"exec": {"command": ["evil"]}}});
        web("/spec/containers/0/lifecycle", hook)
    };
    let failed = with(hooked(), "/status/phase", json!("Failed"));
    let leaving = with(hooked(), "/metadata/deletionTimestamp", json!(DELETED_AT));
    vec![
        (25, "a new preStop", hooked()),
        (25, "a new preStop and phase Failed", failed),
        (25, "a new preStop and its deletion", leaving),
    ]
}

fn rest() -> Vec<Change> {
    // Annotations and labels may change, but not be all that arrives of a refused change.
    let annotated = || web("/metadata/annotations/note", json!("evil"));
    let graceless = with(annotated(), "/spec/terminationGracePeriodSeconds", json!(0));
    vec![
        (24, "a further volume", web("/spec/volumes/1", json!({"name": "evil", "emptyDir": {}}))),
        (24, "another service account", web("/spec/serviceAccountName", json!("evil"))),
        (24, "another runtime class", web("/spec/runtimeClassName", json!("evil"))),
        (24, "another node", web("/spec/nodeName", json!("evil"))),
        (24, "no grace period", graceless),
        (
            33,
            "annotations and the host's network",
            with(annotated(), "/spec/hostNetwork", json!(true)),
        ),
    ]
}

/// What the API lets change still arrives.
fn allowed() -> Vec<Change> {
    let more = json!({"limits": {"cpu": "200m"}, "requests": {"cpu": "200m"}});
    let debugger = json!([{"name": "debug", "image": "registry.example/good:1"}]);
    let toleration = json!({"key": "x", "operator": "Exists", "effect": "NoExecute"});
    vec![
        (27, "other resources", web("/spec/containers/0/resources", more)),
        (27, "another image", web("/spec/containers/0/image", json!("registry.example/good:2"))),
        (27, "a deadline", web("/spec/activeDeadlineSeconds", json!(60))),
        (27, "a further toleration", web("/spec/tolerations/1", toleration)),
        (26, "an allowed debugger", web("/spec/ephemeralContainers", debugger)),
        (33, "another annotation", web("/metadata/annotations/changed", json!("yes"))),
        (33, "another label", web("/metadata/labels/changed", json!("yes"))),
        (23, "its deletion", web("/metadata/deletionTimestamp", json!(DELETED_AT))),
        (23, "its end", web("/status/phase", json!("Succeeded"))),
    ]
}
