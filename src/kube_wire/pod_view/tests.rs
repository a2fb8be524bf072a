//! Every field of the schema is seen by the view or left out on purpose.

use serde_json::{Value as Json, json};

use super::*;
use crate::kube_wire::grammar::Grammar;
use crate::kube_wire::json::{Cursor, Limits, Tape};
use crate::kube_wire::pod_schema::POD;
use crate::kube_wire::received_pod::ReceivedPod;
use crate::kube_wire::schema::{ObjectSchema, Shape};

const LIMITS: Limits = Limits { depth: 64, nodes: 100_000 };

/// Reads a document, which must be a sound pod, and looks at its view.
fn view<T>(document: &str, look: impl FnOnce(PodView<'_>) -> T) -> T {
    let mut tape = Tape::default();
    let flaw = Cursor::new(document.as_bytes()).value(&mut tape, LIMITS).expect("JSON");
    match ReceivedPod::read(tape.root(document.as_bytes()), flaw) {
        ReceivedPod::Sound(pod) => look(PodView::of(&pod)),
        ReceivedPod::Faulty(faulty) => panic!("{}: {document}", faulty.fault),
    }
}

/// Two values of a field, the second one `null` or empty where only presence can differ.
fn two_values(field: &str, shape: &Shape) -> [Json; 2] {
    match shape {
        Shape::Text => [json!("one"), json!("two")],
        Shape::Named(grammar) => two_texts(*grammar).map(|text| json!(text)),
        Shape::Bool => [json!(true), json!(false)],
        Shape::Int32 | Shape::Int64 => [json!(7), json!(8)],
        Shape::Quantity => [json!("1Mi"), json!("2Mi")],
        Shape::IntOrString => [json!("http"), json!(80)],
        Shape::Time => [json!("2026-01-01T00:00:00Z"), json!("2027-01-01T00:00:00Z")],
        Shape::Object(_) => [companions(field), Json::Null],
        Shape::List(Shape::Object(_)) => [json!([companions(field)]), json!([])],
        Shape::List(element) => two_values(field, element).map(|value| json!([value])),
        Shape::Map(member) => two_values(field, member).map(|value| json!({"key": value})),
        Shape::Free => [json!({"a": 1}), json!({"a": 2})],
    }
}

fn two_texts(grammar: Grammar) -> [&'static str; 2] {
    match grammar {
        Grammar::IpAddress => ["10.0.0.1", "10.0.0.2"],
        Grammar::Uuid => {
            ["12345678-90ab-cdef-0123-456789abcde1", "12345678-90ab-cdef-0123-456789abcde2"]
        }
        Grammar::AbsolutePath | Grammar::MountPath => ["/one", "/two"],
        Grammar::PodKind => ["Pod"; 2],
        Grammar::CoreVersion => ["v1"; 2],
        Grammar::Exactly(text) => [text; 2],
        Grammar::FlexDriver
        | Grammar::DnsLabel
        | Grammar::DnsSubdomain
        | Grammar::SearchDomain
        | Grammar::ResolverOptionValue
        | Grammar::PortName
        | Grammar::CsiDriver
        | Grammar::ObjectName
        | Grammar::EnvName
        | Grammar::HeaderName
        | Grammar::SysctlName
        | Grammar::SelinuxPart
        | Grammar::FilesystemType
        | Grammar::Token
        | Grammar::OneLine
        | Grammar::PathComponent
        | Grammar::NoBacksteps
        | Grammar::DescendingPath
        | Grammar::VolumeFilePath => ["one", "two"],
    }
}

/// A pod that is sound, with room for what is put into it.
fn base() -> Json {
    json!({
        "metadata": {"namespace": "a", "name": "b", "uid": "12345678-90ab-cdef-0123-456789abcdef"},
        "spec": {"nodeName": "n", "containers": [{"name": "base", "image": "x"}], "volumes": []},
    })
}

/// What an object or an element of a list must have beside the field in question.
fn companions(field: &str) -> Json {
    match field {
        "containers" | "initContainers" | "ephemeralContainers" => {
            json!({"name": "subject", "image": "x"})
        }
        "volumes" => json!({"name": "subject"}),
        "volumeMounts" => json!({"name": "one", "mountPath": "/subject"}),
        "volumeDevices" => json!({"name": "one", "devicePath": "/subject"}),
        "image" => json!({"reference": "x"}),
        "ownerReferences" => json!({"controller": true}),
        _ => json!({}),
    }
}

/// The base with a value at a path such as `spec.containers[*].ports[*].hostPort`.
fn pod_with(path: &str, value: Json) -> String {
    let mut pod = base();
    if !path.starts_with("spec.volumes[*]") {
        // What mounts may name.
        pod["spec"]["volumes"] = json!([{"name": "one"}, {"name": "two"}]);
    }
    let mut here = &mut pod;
    let (parents, last) =
        path.rsplit_once('.').map_or(("", path), |(parents, last)| (parents, last));
    for segment in parents.split('.').filter(|segment| !segment.is_empty()) {
        match segment.strip_suffix("[*]") {
            None => here = &mut here[segment],
            Some(list) => {
                if !here[list].is_array() {
                    here[list] = json!([]);
                }
                let elements = here[list].as_array_mut().expect("a list");
                elements.push(companions(list));
                here = elements.last_mut().expect("just pushed");
            }
        }
        if here.is_null() {
            *here = companions(segment);
        }
    }
    here[last] = value;
    pod.to_string()
}

/// Do two values of the field make two views?
fn is_seen(path: &str, shape: &Shape) -> bool {
    let field = path.rsplit('.').next().expect("never empty");
    let [one, two] = two_values(field, shape).map(|value| pod_with(path, value));
    view(&one, |one| view(&two, |two| one != two))
}

/// Is the field left out on purpose?
fn is_left_out(path: &str) -> bool {
    let path = ["spec.containers[*]", "spec.initContainers[*]", "spec.ephemeralContainers[*]"]
        .iter()
        .find_map(|list| path.strip_prefix(list))
        .map_or(path.to_owned(), |rest| format!("<container>{rest}"));
    let by_kind = SEEN_BY_KIND.iter().any(|kind| {
        path.strip_prefix("spec.volumes[*].")
            .and_then(|source| source.strip_prefix(kind))
            .is_some_and(|rest| rest.starts_with('.'))
    });
    by_kind || PLACE_AND_TIME.iter().any(|entry| is_at_or_below(&path, entry))
}

fn is_at_or_below(path: &str, entry: &str) -> bool {
    path.strip_prefix(entry).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

fn nested(shape: &'static Shape) -> Option<(&'static str, &'static ObjectSchema)> {
    match shape {
        Shape::Object(schema) => Some(("", schema)),
        Shape::List(element) => nested(element).map(|(_, schema)| ("[*]", schema)),
        Shape::Map(member) => nested(member),
        Shape::Text
        | Shape::Named(_)
        | Shape::Bool
        | Shape::Int32
        | Shape::Int64
        | Shape::Quantity
        | Shape::IntOrString
        | Shape::Time
        | Shape::Free => None,
    }
}

/// Every field below a table, with its path.
fn fields(schema: &'static ObjectSchema, prefix: &str) -> Vec<(String, &'static Shape)> {
    let mut found = Vec::new();
    for field in schema.fields {
        let path = format!("{prefix}{}", field.name);
        found.push((path.clone(), &field.shape));
        if let Some((brackets, schema)) = nested(&field.shape) {
            found.extend(fields(schema, &format!("{path}{brackets}.")));
        }
    }
    found
}

/// Without these there is no pod to look at; what is below them is tried field by field.
const INDISPENSABLE: [&str; 3] = ["metadata", "spec", "spec.containers"];

#[test]
fn each_field_of_the_schema_is_seen_or_left_out_on_purpose() {
    let mut wrong = Vec::new();
    let (mut seen, mut left_out) = (0, 0);
    for (path, shape) in fields(&POD, "") {
        if INDISPENSABLE.contains(&path.as_str()) {
            continue;
        }
        match (is_seen(&path, shape), is_left_out(&path)) {
            (true, false) => seen += 1,
            (false, true) => left_out += 1,
            (false, false) => wrong.push(format!("{path}: decide, and read it or list it")),
            (true, true) => wrong.push(format!("{path}: listed as left out, yet read")),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(seen > 400 && left_out > 100, "{seen} seen, {left_out} left out");
}
