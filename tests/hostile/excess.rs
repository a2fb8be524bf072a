//! Row 14: numbers, depths and sizes beyond what anything honest needs, and answers without end.
//!
//! Go skips an unknown field whatever it holds; a proxy that stops reading there must not let pass
//! what stands around it.

use std::time::Duration;

use libtest_mimic::Trial;
use serde_json::{Value, json};

use super::case::Case;
use super::json_tricks::{in_pod, pod_text, replaced, replaced_first};
use super::pods::{event, evil, good, list, with};
use crate::support::hostile_api_server::answer::{Answer, Framing, Step};

pub(crate) fn trials() -> Vec<Trial> {
    let cases = [unknown_fields(), integers(), sizes(), drips()].concat();
    cases.iter().flat_map(Case::trials).collect()
}

fn nested(depth: usize) -> String {
    format!("{}{}", "[".repeat(depth), "]".repeat(depth))
}

/// An unknown field with an extreme value, on every level.
fn unknown_fields() -> Vec<Case> {
    let mut cases = Vec::new();
    for (name, value) in [
        ("1e999", "1e999".to_owned()),
        ("a huge integer", "9".repeat(400)),
        ("depth 200", nested(200)),
        ("depth 9000", nested(9_000)),
    ] {
        let inside = |fragment: &str| {
            let replacement = format!(r#"{fragment}"x":{value},"#);
            replaced_first(&evil("evil").to_string(), fragment, &replacement)
        };
        let metadata = pod_text(14, &format!("{name} in metadata"), &inside(r#""metadata":{"#));
        cases.extend(metadata.map(|case| case.harms().on_all_minors()));
        let spec = pod_text(14, &format!("{name} in a spec"), &inside(r#""spec":{"#));
        cases.extend(spec.map(Case::harms));
        let document = list(20, [evil("evil"), good("good")]).to_string();
        let kind = r#""kind":"PodList""#;
        let text = replaced(&document, kind, &format!(r#"{kind},"x":{value}"#));
        let listed =
            Case::list(14, format!("list with {name} beside items"), Answer::json(200, text));
        let added = event("ADDED", &evil("evil"));
        let text = replaced(&added, r#"{"object":"#, &format!(r#"{{"x":{value},"object":"#));
        let parts = Answer::watch([text, event("ADDED", &good("good"))]);
        let watched = Case::watch(14, format!("watch with {name} beside object"), parts);
        cases.extend([listed.harms(), watched.harms()]);
    }
    // Go itself gives up at 10 000.
    let metadata = r#""metadata":{"#;
    let beyond = format!(r#"{metadata}"x":{},"#, nested(300_000));
    let text = replaced_first(&evil("evil").to_string(), metadata, &beyond);
    cases.extend(pod_text(14, "depth 300000 in metadata", &text));
    cases
}

/// What stands where an integer belongs.
fn integers() -> Vec<Case> {
    let mut cases = Vec::new();
    for (name, value) in [
        ("1e3", "1e3"),
        ("a fraction", "30.5"),
        ("a string", "\"30\""),
        ("too much", "99999999999999999999"),
        ("a leading zero", "030"),
        ("a plus", "+30"),
        ("hexadecimal", "0x1e"),
        ("NaN", "NaN"),
        ("Infinity", "Infinity"),
    ] {
        let replacement = format!(r#""terminationGracePeriodSeconds":{value}"#);
        let name = format!("{name} as an integer");
        cases.extend(in_pod(14, &name, r#""terminationGracePeriodSeconds":30"#, &replacement));
    }
    cases
}

/// More than client-go's own limit of 16 MiB for one event, or of more parts than any pod.
fn sizes() -> Vec<Case> {
    const OVER_THE_FRAME_CAP: usize = 17 * 1024 * 1024;
    const MEGABYTE: usize = 1024 * 1024;
    const MEGABYTES: usize = 40;
    let bulk =
        |pod: Value| with(pod, "/metadata/annotations/bulk", json!("x".repeat(OVER_THE_FRAME_CAP)));
    let events = [event("ADDED", &bulk(evil("evil"))), event("ADDED", &good("good"))];
    let huge = Answer::watch([event("ADDED", &bulk(good("huge")))]);
    let open = Step::Send(r#"{"type":"ADDED","object":{"kind":"Pod","x":""#.into());
    let more = Step::Send("x".repeat(MEGABYTE).into());
    let endless =
        [open].into_iter().chain(std::iter::repeat_n(more, MEGABYTES)).chain([Step::Hold]);
    let many_keys: String = (0..200_000).map(|key| format!("\"k{key}\":0,")).collect();
    let metadata = r#""metadata":{"#;
    let keyed =
        replaced_first(&evil("evil").to_string(), metadata, &format!("{metadata}{many_keys}"));
    let mut cases = vec![
        Case::watch(14, "watch with an evil event of 17 MiB", Answer::watch(events)),
        Case::watch(14, "watch with a good event of 17 MiB", huge),
        Case::watch(14, "watch with an event that never ends", Answer::watch_steps(endless)),
    ];
    cases.extend(pod_text(14, "200000 keys in metadata", &keyed).map(Case::harms));
    cases
}

/// A byte now and then, and no end. (What is whole in the end is in `frames` and `delivery`.)
fn drips() -> Vec<Case> {
    const DROPS: usize = 200;
    let drip = |text: String| {
        let drops = text.into_bytes().into_iter().take(DROPS).map(|byte| vec![byte]);
        let pause = Step::Pause(Duration::from_millis(10));
        let steps = drops.flat_map(move |drop| [Step::Send(drop.into()), pause.clone()]);
        Answer::watch_steps(steps.chain([Step::Break])).framed(Framing::Chunked)
    };
    let listed = drip(list(20, [evil("evil")]).to_string());
    let watched = drip(event("ADDED", &evil("evil")));
    vec![
        Case::list(14, "list that drips and breaks off", listed),
        Case::watch(14, "watch that drips and breaks off", watched),
    ]
}
