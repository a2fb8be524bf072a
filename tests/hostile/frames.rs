//! Rows 15, 16, 18: where one watch event ends, and events that are none.
//!
//! A watch is a sequence of JSON values and not of lines. Whatever a proxy finds between two of them,
//! a kubelet's decoder must not find a pod there that was not decided on.

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
    let framing = framing();
    let slow = framing.iter().map(|case| case.clone().byte_by_byte()).collect();
    let cases = [framing, slow, events(), lists()].concat();
    cases.iter().flat_map(Case::trials).chain(carriers()).collect()
}

fn compact(kind: &str, object: &Value) -> String {
    json!({"type": kind, "object": object}).to_string()
}

fn framing() -> Vec<Case> {
    let (evil, good) = (compact("ADDED", &evil("evil")), compact("ADDED", &good("good")));
    let pretty = |text: &str| {
        let value: Value = serde_json::from_str(text).expect("JSON");
        serde_json::to_string_pretty(&value).expect("JSON")
    };
    let watch = |name: &str, text: String| {
        Case::watch(15, format!("watch with {name}"), Answer::watch([text]))
    };
    let ended = |name: &str, text: String| {
        let answer = Answer::watch_steps([Step::Send(text.into())]);
        Case::watch(15, format!("watch with {name}"), answer)
    };
    vec![
        watch("two values on a line", format!("{evil}{good}\n")).harms().on_all_minors(),
        watch("a good value before an evil one on a line", format!("{good}{evil}\n")).harms(),
        watch("values over many lines", format!("{}\n{}\n", pretty(&evil), pretty(&good)))
            .harms()
            .on_all_minors(),
        watch("carriage returns and blank lines", format!("\r\n\r\n{evil}\r\n \t\n{good}\r\n"))
            .harms(),
        watch("no newline at all", format!("{evil}{good}")).harms(),
        ended("no final newline", format!("{good}\n{evil}")).harms(),
        ended("a value cut short", format!("{good}\n{}", &evil[..evil.len() - 1])),
        watch("a byte order mark", format!("\u{feff}{evil}\n{good}\n")),
        watch("record separators", format!("\u{1e}{evil}\n\u{1e}{good}\n")),
        watch("a comma between values", format!("{evil},{good}\n")),
        watch("an array around the values", format!("[{evil},{good}]\n")),
        watch("NULs between values", format!("{evil}\0\0{good}\n")),
        watch("a form feed between values", format!("{evil}\u{c}{good}\n")),
        watch("a no-break space between values", format!("{evil}\u{a0}{good}\n")),
        watch("a comment between values", format!("/* x */{evil}// y\n{good}\n")),
        watch("a stray brace", format!("{evil}}}{good}\n")),
        watch("a bare string before", format!("\"x\"{evil}{good}\n")),
        watch("a bare null before", format!("null\n{evil}\n{good}\n")),
        watch("server-sent events", format!("data: {evil}\n\ndata: {good}\n\n")),
        watch("a brace in a string", {
            let tricky =
                with(super::pods::good("good"), "/metadata/annotations/x", json!("}\\\"}{"));
            format!("{evil}\n{}\n", compact("ADDED", &tricky))
        })
        .harms(),
    ]
}

/// Row 16.
fn events() -> Vec<Case> {
    let good = event("ADDED", &good("good"));
    let evil = evil("evil");
    let watch = |name: String, text: String| {
        Case::watch(16, format!("watch with {name}"), Answer::watch([text, good.clone()]))
    };
    let mut cases = Vec::new();
    for kind in ["added", "ADDED ", "CREATED", "", "SYNC", "ADDED\u{0}", "null"] {
        let name = format!("the type {:?}", kind).replace(['"', '\\', '{', '}'], "");
        cases.push(watch(name, event(kind, &evil)));
    }
    for kind in [json!(null), json!(1), json!(["ADDED"]), json!({"ADDED": true})] {
        cases.push(watch(
            format!("a type that is {kind}").replace('"', ""),
            format!("{}\n", json!({"type": kind, "object": evil})),
        ));
    }
    let of_kind = |kind: &str| with(evil.clone(), "/kind", json!(kind));
    let of_version = |version: &str| with(evil.clone(), "/apiVersion", json!(version));
    let mut nameless = evil.clone();
    nameless.as_object_mut().expect("an object").remove("kind");
    for (name, object) in [
        ("no object", None),
        ("a null object", Some(json!(null))),
        ("a list of pods as object", Some(json!([evil]))),
        ("a string as object", Some(json!(evil.to_string()))),
        ("a number as object", Some(json!(1))),
        ("a PodList as object", Some(list(20, [evil.clone()]))),
        ("a List as object", Some(json!({"kind": "List", "apiVersion": "v1", "items": [evil]}))),
        (
            "a Table as object",
            Some(
                json!({"kind": "Table", "apiVersion": "meta.k8s.io/v1", "rows": [{"object": evil}]}),
            ),
        ),
        ("a Node as object", Some(of_kind("Node"))),
        ("a PodTemplate as object", Some(of_kind("PodTemplate"))),
        ("an object of no kind", Some(nameless)),
        ("an object of an empty kind", Some(of_kind(""))),
        ("a Pod of another group", Some(of_version("evil.example/v1"))),
        ("a Pod of version v2", Some(of_version("v2"))),
        (
            "a Pod without a spec",
            Some(json!({"kind": "Pod", "apiVersion": "v1", "metadata": evil["metadata"]})),
        ),
        (
            "a Pod without metadata",
            Some(json!({"kind": "Pod", "apiVersion": "v1", "spec": evil["spec"]})),
        ),
        ("a Pod whose metadata is a list", Some(with(evil.clone(), "/metadata", json!([])))),
        ("a Pod whose spec is a list", Some(with(evil.clone(), "/spec", json!([evil["spec"]])))),
        (
            "a Pod whose containers are an object",
            Some(with(evil.clone(), "/spec/containers", json!({"0": "evil"}))),
        ),
        (
            "a Pod with a null container",
            Some(with(evil.clone(), "/spec/containers/0", json!(null))),
        ),
    ] {
        let text = match object {
            Some(object) => event("ADDED", &object),
            None => "{\"type\":\"ADDED\"}\n".to_owned(),
        };
        cases.push(watch(name.to_owned(), text));
    }
    cases.push(watch("an empty object".to_owned(), "{}\n".to_owned()));
    let extra = json!({"type": "ADDED", "object": evil, "extra": evil});
    cases.push(watch("a third field".to_owned(), format!("{extra}\n")).harms());
    for (name, object) in [
        ("a Status", status(500, "InternalError")),
        ("an expired Status", status(410, "Expired")),
        ("an evil pod", evil.clone()),
        ("an expired evil pod", with(evil.clone(), "/code", json!(410))),
        ("null", json!(null)),
    ] {
        cases.push(watch(format!("an ERROR of {name}"), event("ERROR", &object)));
    }
    cases
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
        Some(proxy) => world.guarded(37, proxy, &["watch"]),
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
