//! Rows 16 and 18: events and lists that are none, and events that carry more than they should.
//!
//! An envelope that is not exactly what the API defines ends the answer; a kubelet lists again then.
//! Of bookmarks, errors and deletions nothing arrives but what they are for.

use libtest_mimic::Trial;
use serde_json::{Value, json};

use super::case::Case;
use super::pods::{event, evil, good, list, with};
use super::reflector::is_evil;
use super::world::World;
use crate::support::hostile_api_server::Protocols;
use crate::support::hostile_api_server::answer::{Answer, Step, status};
use crate::support::hostile_api_server::request::Kind;
use crate::support::hostile_api_server::script::Script;

pub(crate) fn trials() -> Vec<Trial> {
    let cases = [kinds(), envelopes(), objects(), errors(), lists()].concat();
    cases.iter().flat_map(Case::trials).chain(carriers()).collect()
}

/// Row 16: a watch with `text` before the good pod.
fn watched(name: impl std::fmt::Display, text: String) -> Case {
    let answer = Answer::watch([text, event("ADDED", &good("good"))]);
    Case::watch(16, format!("watch with {name}").replace(['"', '\\', '{', '}'], ""), answer)
}

/// Types of an event.
fn kinds() -> Vec<Case> {
    let texts = ["added", "ADDED ", "CREATED", "", "SYNC", "ADDED\u{0}", "null"];
    let others = [json!(null), json!(1), json!(["ADDED"]), json!({"ADDED": true})];
    let texts = texts.map(|kind| watched(format!("the type {kind:?}"), event(kind, &evil("evil"))));
    let others = others.map(|kind| {
        let text = json!({"type": kind, "object": evil("evil")}).to_string();
        watched(format!("a type that is {kind}"), text)
    });
    texts.into_iter().chain(others).collect()
}

/// What is around or in place of an object.
fn envelopes() -> Vec<Case> {
    let evil = evil("evil");
    let items = json!([evil]);
    let table =
        json!({"kind": "Table", "apiVersion": "meta.k8s.io/v1", "rows": [{"object": evil}]});
    let mut cases = vec![
        watched("no object", json!({"type": "ADDED"}).to_string()),
        watched("an empty event", "{}".to_owned()),
        watched("a third field", json!({"type": "ADDED", "object": evil, "x": evil}).to_string())
            .harms()
            .on_all_minors(),
    ];
    for (name, object) in [
        ("a null object", json!(null)),
        ("a list of pods as object", items.clone()),
        ("a string as object", json!(evil.to_string())),
        ("a number as object", json!(1)),
        ("a PodList as object", list(20, [evil.clone()])),
        ("a List as object", json!({"kind": "List", "apiVersion": "v1", "items": items})),
        ("a Table as object", table),
    ] {
        cases.push(watched(name, event("ADDED", &object)));
    }
    cases
}

/// Objects that are no pods, or no whole ones.
fn objects() -> Vec<Case> {
    let evil = evil("evil");
    let changed = |pointer: &str, value: Value| with(evil.clone(), pointer, value);
    let mut nameless = evil.clone();
    nameless.as_object_mut().expect("an object").remove("kind");
    let bare = json!({"kind": "Pod", "apiVersion": "v1"});
    let objects = [
        ("a Node as object", changed("/kind", json!("Node"))),
        ("a PodTemplate as object", changed("/kind", json!("PodTemplate"))),
        ("an object of no kind", nameless),
        ("an object of an empty kind", changed("/kind", json!(""))),
        ("a Pod of another group", changed("/apiVersion", json!("evil.example/v1"))),
        ("a Pod of version v2", changed("/apiVersion", json!("v2"))),
        ("a Pod without a spec", with(bare.clone(), "/metadata", evil["metadata"].clone())),
        ("a Pod without metadata", with(bare, "/spec", evil["spec"].clone())),
        ("a Pod whose metadata is a list", changed("/metadata", json!([]))),
        ("a Pod whose spec is a list", changed("/spec", json!([evil["spec"]]))),
        ("a Pod whose containers are an object", changed("/spec/containers", json!({"0": "evil"}))),
        ("a Pod with a null container", changed("/spec/containers/0", json!(null))),
    ];
    objects.into_iter().map(|(name, object)| watched(name, event("ADDED", &object))).collect()
}

fn errors() -> Vec<Case> {
    let objects = [
        ("a Status", status(500, "InternalError")),
        ("an expired Status", status(410, "Expired")),
        ("an evil pod", evil("evil")),
        ("an expired evil pod", with(evil("evil"), "/code", json!(410))),
        ("null", json!(null)),
    ];
    let case = |(name, object): (&str, Value)| {
        watched(format!("an ERROR of {name}"), event("ERROR", &object))
    };
    objects.into_iter().map(case).collect()
}

/// Row 16, for a LIST.
fn lists() -> Vec<Case> {
    let evil = evil("evil");
    let whole = list(20, [evil.clone(), good("good")]);
    let changed = |pointer: &str, value: Value| with(whole.clone(), pointer, value).to_string();
    let mut cases = Vec::new();
    for (name, text) in [
        ("of a Pod", evil.to_string()),
        ("of kind List", changed("/kind", json!("List"))),
        ("of kind NodeList", changed("/kind", json!("NodeList"))),
        ("of another version", changed("/apiVersion", json!("v2"))),
        ("of a watch event", event("ADDED", &evil)),
        ("of an array", json!([evil]).to_string()),
        ("of null", "null".to_owned()),
        ("of nothing", String::new()),
        ("of two documents", format!("{whole}{whole}")),
        ("with trailing text", format!("{whole} evil")),
        ("with a byte order mark", format!("\u{feff}{whole}")),
        ("cut short", whole.to_string()[..200].to_owned()),
        ("with items that are an object", changed("/items", json!({"0": evil}))),
        ("with items that are text", changed("/items", json!("evil"))),
        ("with metadata that is text", changed("/metadata", json!("evil"))),
        ("with items in items", changed("/items/0", json!({"items": [evil]}))),
        ("with a null item", changed("/items/0", json!(null))),
        ("with a number as item", changed("/items/0", json!(1))),
        ("with an array as item", changed("/items/0", json!([evil]))),
        (
            "with an item of another kind",
            changed("/items/0", with(evil.clone(), "/kind", json!("Node"))),
        ),
        ("with an empty item", changed("/items/0", json!({}))),
        ("with a field it should not have", changed("/extra", json!([evil]))),
    ] {
        cases.push(Case::list(16, format!("list {name}"), Answer::json(200, text)));
    }
    let items_null = Answer::json(200, changed("/items", json!(null)));
    let late = Answer::watch([event("ADDED", &evil), event("ADDED", &good("good"))]);
    let lists = [items_null, Answer::document(&list(30, [good("good")]))];
    let script = Script::new().on(Kind::List, lists).on(Kind::Watch, [late]);
    cases.push(Case::new(16, "list with null items", script).harms());
    cases
}

/// Row 18: a full pod where only a name or a version belongs. A plain watch decodes what a reflector
/// would not show.
fn carriers() -> Vec<Trial> {
    // The name is no secret: a DELETED has it too.
    let evil = evil("web");
    let bookmark =
        with(evil.clone(), "/metadata/annotations/k8s.io~1initial-events-end", json!("true"));
    let mut error = status(500, "InternalError");
    error["spec"] = evil["spec"].clone();
    error["details"] = json!({"causes": [{"message": "x"}], "evil": evil});
    let cases = [
        ("BOOKMARK", evil.clone()),
        ("BOOKMARK", bookmark),
        ("DELETED", evil.clone()),
        ("ERROR", evil.clone()),
        ("ERROR", error),
    ];
    let mut trials = Vec::new();
    for (number, (kind, object)) in cases.into_iter().enumerate() {
        for guarded in [true, false] {
            let prefix = if guarded { "" } else { "control::" };
            let name = format!("{prefix}row_18_{kind}_carries_a_pod_{number}");
            let object = object.clone();
            // A client keeps of an ERROR's object what a Status has, whatever is with it.
            if !guarded && kind == "ERROR" && object["kind"] == "Status" {
                continue;
            }
            trials.push(Trial::test(name, move || {
                carried(kind, &object, guarded);
                Ok(())
            }));
        }
    }
    trials
}

fn carried(kind: &str, object: &Value, guarded: bool) {
    let steps =
        [event(kind, object), event("ADDED", &good("good"))].map(|text| Step::Send(text.into()));
    let script = Script::new().on(Kind::Watch, [Answer::watch_steps(steps)]);
    let world = World::new(Protocols::Http1, script);
    let proxy = guarded.then(|| world.proxy());
    let client = match &proxy {
        Some(proxy) => world.guarded_watch(37, proxy),
        None => world.unguarded(37, &["watch"]),
    };
    let ended = client.wait_until(|lines| {
        lines.iter().any(|line| line["event"] == "end" || line["event"] == "result")
    });
    assert!(ended.is_ok(), "the watch did not end: {:?}", client.lines());
    let leaked = client.lines().iter().any(is_evil);
    assert_eq!(leaked, !guarded, "{:?}", client.lines());
    assert!(client.lines().iter().any(|line| line["event"] == "watch"), "{:?}", client.lines());
}
