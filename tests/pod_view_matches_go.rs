//! The full view of a pod against the schema and against Go: it sees every field that it must, and
//! tells apart what Go's decoder tells apart.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "test code, which clippy recognises only in unit tests"
)]

#[path = "pod_view/fields.rs"]
mod fields;
#[path = "support/go.rs"]
mod go;
#[path = "decoder/go_decoder.rs"]
#[expect(dead_code, reason = "pods that are given a field twice are another test's")]
mod go_decoder;

use std::cell::RefCell;

use nodeward::kube_wire::json::{Cursor, Limits, Tape};
use nodeward::kube_wire::pod_view::{KEPT_AS_WRITTEN, PLACE_AND_TIME, PodView};
use nodeward::kube_wire::received_pod::{ReceivedPod, SoundPod};
use nodeward::kube_wire::schema::Shape;
use nodeward::kube_wire::spec_pin::{PodEncoding, SpecPin, ViewPin};
use serde_json::{Value as Json, json};

use self::fields::{fields_of_pods, pod_with, two_values};
use self::go_decoder::GoDecoder;

const LIMITS: Limits = Limits { depth: 64, nodes: 100_000 };

/// Reads a document and looks at its view; `None` if it is no sound pod.
fn view<T>(document: &str, look: impl FnOnce(PodView<'_>) -> T) -> Option<T> {
    let mut tape = Tape::default();
    let flaw = Cursor::new(document.as_bytes()).value(&mut tape, LIMITS).expect("JSON");
    match ReceivedPod::read(tape.root(document.as_bytes()), flaw) {
        ReceivedPod::Sound(pod) => Some(look(PodView::of(&pod))),
        ReceivedPod::Faulty(_) => None,
    }
}

/// Do two pods look the same? `None` if one of them is not sound.
fn look_alike(one: &str, other: &str) -> Option<bool> {
    view(one, |one| view(other, |other| one == other)).flatten()
}

/// Is the field left out on purpose?
fn is_left_out(path: &str) -> bool {
    let path = ["spec.containers[*]", "spec.initContainers[*]", "spec.ephemeralContainers[*]"]
        .iter()
        .find_map(|list| path.strip_prefix(list))
        .map_or(path.to_owned(), |rest| format!("<container>{rest}"));
    PLACE_AND_TIME.iter().any(|entry| is_at_or_below(&path, entry))
}

/// Is the field of a source that the view has as it is written, absent and zero apart?
fn is_as_written(path: &str) -> bool {
    KEPT_AS_WRITTEN.iter().any(|kind| {
        path.strip_prefix("spec.volumes[*].")
            .and_then(|source| source.strip_prefix(kind))
            .is_some_and(|rest| rest.starts_with('.'))
    })
}

fn is_at_or_below(path: &str, entry: &str) -> bool {
    path.strip_prefix(entry).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

/// The pin of a pod's view; `None` if it is no sound pod.
fn view_pin(document: &str) -> Option<ViewPin> {
    let mut tape = Tape::default();
    let flaw = Cursor::new(document.as_bytes()).value(&mut tape, LIMITS).expect("JSON");
    let received = ReceivedPod::read(tape.root(document.as_bytes()), flaw);
    let ReceivedPod::Sound(SoundPod { checked, pod, .. }) = &received else { return None };
    let (mut bytes, mut mutable) = (Vec::new(), Vec::new());
    checked.write(&mut bytes, &mut mutable);
    let encoding = PodEncoding { bytes: &bytes, span: 0..bytes.len(), mutable: &mutable };
    Some(ViewPin::new(&SpecPin::new(checked, pod, &encoding), pod, &encoding))
}

/// Of what is not the spec: the rest of the metadata, and the status.
fn is_outside_of_the_view(path: &str) -> bool {
    const METADATA: [&str; 10] = [
        "generateName",
        "selfLink",
        "resourceVersion",
        "generation",
        "creationTimestamp",
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
        "finalizers",
        "managedFields",
        // Whether it controls, its kind, name and UID are in the view.
        "ownerReferences",
    ];
    ["kind", "apiVersion", "status"].iter().any(|field| is_at_or_below(path, field))
        || path
            .strip_prefix("metadata.")
            .is_some_and(|field| METADATA.iter().any(|listed| is_at_or_below(field, listed)))
}

#[test]
fn each_field_that_is_seen_is_in_the_pin_of_the_view() {
    let mut wrong = Vec::new();
    let (mut pinned, mut free) = (0, 0);
    for (path, shape) in fields_of_pods() {
        if INDISPENSABLE.contains(&path.as_str()) {
            continue;
        }
        let field = path.rsplit('.').next().expect("never empty");
        let mut values = two_values(field, shape).to_vec();
        values.push(Json::Null);
        values.extend(zero(shape));
        let pods: Vec<_> = values.into_iter().map(|value| pod_with(&path, value)).collect();
        for (one, other) in [(0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3)] {
            let (Some(one), Some(other)) = (pods.get(one), pods.get(other)) else { continue };
            let (Some(alike), Some(first), Some(second)) =
                (look_alike(one, other), view_pin(one), view_pin(other))
            else {
                continue;
            };
            match first == second {
                // Equal pins are a promise.
                true if !alike => wrong.push(format!("{path}: {one} {other}")),
                true => free += usize::from(one != other),
                false if is_outside_of_the_view(&path) && alike => {
                    wrong.push(format!("{path}: pinned, and nobody sees it"));
                }
                false => pinned += 1,
            }
        }
    }
    println!("{pinned} differences pinned, {free} not");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(pinned > 2000 && free > 300, "{pinned} pinned, {free} not");
}

/// Without these there is no pod to look at; what is below them is tried field by field.
const INDISPENSABLE: [&str; 3] = ["metadata", "spec", "spec.containers"];

#[test]
fn each_field_of_the_schema_is_seen_or_left_out_on_purpose() {
    let mut wrong = Vec::new();
    let (mut seen, mut left_out) = (0, 0);
    for (path, shape) in fields_of_pods() {
        if INDISPENSABLE.contains(&path.as_str()) {
            continue;
        }
        let field = path.rsplit('.').next().expect("never empty");
        let [one, two] = two_values(field, shape).map(|value| pod_with(&path, value));
        let is_seen = !look_alike(&one, &two).unwrap_or_else(|| panic!("not sound: {one} {two}"));
        match (is_seen, is_left_out(&path)) {
            (true, false) => seen += 1,
            (false, true) => left_out += 1,
            (false, false) => wrong.push(format!("{path}: decide, and read it or list it")),
            (true, true) => wrong.push(format!("{path}: listed as left out, yet read")),
        }
    }
    println!("{seen} fields seen, {left_out} left out");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(seen > 400 && left_out > 100, "{seen} seen, {left_out} left out");
}

#[test]
fn what_is_listed_is_a_field_of_the_schema() {
    let fields: Vec<_> = fields_of_pods().into_iter().map(|(path, _)| path).collect();
    for entry in PLACE_AND_TIME {
        let path = entry.replace("<container>", "spec.containers[*]");
        assert!(fields.contains(&path), "{entry} is in no table");
    }
    for kind in KEPT_AS_WRITTEN {
        assert!(fields.contains(&format!("spec.volumes[*].{kind}")), "{kind} is in no table");
    }
}

/// What Go makes of an absent plain field.
fn zero(shape: &Shape) -> Option<Json> {
    match shape {
        Shape::Text | Shape::Named(_) => Some(json!("")),
        Shape::Bool => Some(json!(false)),
        Shape::Int32 | Shape::Int64 | Shape::IntOrString => Some(json!(0)),
        Shape::List(_) => Some(json!([])),
        Shape::Map(_) => Some(json!({})),
        // Spelt in many ways, all kept apart here.
        Shape::Quantity | Shape::Time => None,
        // Presence is tried above.
        Shape::Object(_) | Shape::Free => None,
    }
}

/// Go keeps apart what no one asks apart: who does not control, and no sources.
const NO_DIFFERENCE: [&str; 2] =
    ["metadata.ownerReferences[*].controller", "spec.volumes[*].projected.sources"];

#[test]
fn absent_differs_from_zero_where_it_differs_in_go() {
    let go = RefCell::new(GoDecoder::start());
    let decode = |pod: &str| go.borrow_mut().decode(pod.as_bytes()).expect("Go reads what we read");
    let mut wrong = Vec::new();
    let (mut pointers, mut plain) = (0, 0);
    for (path, shape) in fields_of_pods() {
        let Some(zero) = zero(shape) else { continue };
        if is_left_out(&path) || is_as_written(&path) {
            continue;
        }
        let field = path.rsplit('.').next().expect("never empty");
        let [some, _] = two_values(field, shape).map(|value| pod_with(&path, value));
        let [absent, zero] = [Json::Null, zero].map(|value| pod_with(&path, value));
        // Most names have grammars that the empty text does not fit.
        let Some(alike_here) = look_alike(&absent, &zero) else { continue };
        let absent = decode(&absent);
        let is_newer_than_the_decoder = decode(&some) == absent;
        if is_newer_than_the_decoder || NO_DIFFERENCE.contains(&path.as_str()) {
            continue;
        }
        match (alike_here, decode(&zero) == absent) {
            (true, true) => plain += 1,
            (false, false) => pointers += 1,
            (true, false) => wrong.push(format!("{path}: alike here, not in Go")),
            (false, true) => wrong.push(format!("{path}: alike in Go, not here")),
        }
    }
    println!("{pointers} pointers, {plain} plain fields");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(pointers > 100 && plain > 250, "{pointers} pointers, {plain} plain fields");
}
