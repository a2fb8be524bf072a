//! What must hold for any bytes from outside: one function a parser.
//!
//! Shared by the fuzz targets, which look for inputs, and by `tests/fuzz_corpus.rs`, which replays those
//! that were found. Uses the public API alone, as an attacker's bytes do.

#![allow(dead_code, reason = "each fuzz target uses one of these")]

use nodeward::kube_wire::document::{DocumentFault, read_whole};
use nodeward::kube_wire::json::{Limits, Tape};
use nodeward::kube_wire::list::{ListReader, ListStep};
use nodeward::kube_wire::received_pod::ReceivedPod;
use nodeward::kube_wire::request_path::{CanonicalPath, Query, append_parameter};
use nodeward::kube_wire::resource::PODS;
use nodeward::kube_wire::watch_event::{WatchEvent, WatchReader, WatchStep};
use nodeward::policy::{Circumstances, NoCounters, Policy};

const LIMITS: Limits = Limits { depth: 64, nodes: 4096 };
const MAX_OBJECT_BYTES: usize = 64 << 10;

/// The first byte says where the rest is cut in two; what is read must not depend on it.
pub(crate) fn watch_frames(input: &[u8]) {
    let (pieces, whole) = cut(input);
    let (apart, together) = (watch(&pieces), watch(&[whole]));
    assert_eq!(apart, together, "a split changed what was read");
}

/// As [`watch_frames`], for lists.
pub(crate) fn pod_list(input: &[u8]) {
    let (pieces, whole) = cut(input);
    let (apart, together) = (list(&pieces), list(&[whole]));
    // A list ends at its first fault, which may be seen before the pods behind it have arrived.
    assert_eq!(apart.is_ok(), together.is_ok(), "a split changed whether a list is taken");
    if let (Ok(apart), Ok(together)) = (apart, together) {
        assert_eq!(apart, together, "a split changed what was read");
    }
}

/// A path that is taken is taken as it stands, and a query's parameters survive being written.
pub(crate) fn request_target(input: &[u8]) {
    let Ok(target) = std::str::from_utf8(input) else { return };
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    if let Ok(path) = CanonicalPath::parse(path) {
        assert_eq!(format!("/{}", path.segments().collect::<Vec<_>>().join("/")), path.as_str());
        assert!(path.segments().all(|segment| !matches!(segment, "" | "." | "..")));
    }
    if let Ok(query) = Query::parse(query) {
        let mut written = String::new();
        for (name, value) in query.iter() {
            // Names are ours when we write; values are the caller's.
            if name.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
                append_parameter(&mut written, name, value);
            }
        }
        let again = Query::parse(&written).expect("what was written is read");
        for (name, value) in again.iter() {
            assert_eq!(query.value(name), Some(value));
        }
    }
}

/// A policy that loads decides on every pod; one that does not says why in one line.
pub(crate) fn policy_document(input: &[u8]) {
    match Policy::parse(input) {
        Ok(loaded) => {
            let pod = br#"{"metadata":{"name":"p","namespace":"ns","uid":"0fcb5d1e-4ad9-4a06-8f7e-5c9a3d8e1f00"},"spec":{"nodeName":"n","hostNetwork":true,"containers":[{"name":"c","image":"i","securityContext":{"privileged":true}}]}}"#;
            let mut tape = Tape::default();
            let flaw = read_whole(pod, &mut tape, LIMITS).expect("the pod is JSON");
            let ReceivedPod::Sound(sound) = ReceivedPod::read(tape.root(pod), flaw) else {
                panic!("the pod is sound");
            };
            let here = Circumstances { now: 0, node: "n", counters: &NoCounters };
            let decision = loaded.policy.evaluate(&sound, &here);
            assert!(!decision.verdict.reason().to_string().is_empty());
        }
        Err(error) => assert_eq!(error.to_string().lines().count(), 1, "{error}"),
    }
}

fn cut(input: &[u8]) -> (Vec<&[u8]>, &[u8]) {
    let Some((at, whole)) = input.split_first() else { return (vec![input], input) };
    let (first, rest) = whole.split_at(usize::from(*at).min(whole.len()));
    (vec![first, rest], whole)
}

fn watch(pieces: &[&[u8]]) -> (Vec<String>, Option<DocumentFault>) {
    let mut reader = WatchReader::new(&PODS, LIMITS, MAX_OBJECT_BYTES);
    let mut pieces = pieces.iter();
    let mut events = Vec::new();
    loop {
        match reader.advance() {
            Ok(WatchStep::More) => match pieces.next() {
                Some(piece) => reader.push(piece),
                None => reader.end_input(),
            },
            Ok(WatchStep::Event) => match reader.event() {
                Ok(event) => events.push(event.map_or_else(String::new, event_text)),
                Err(fault) => return (events, Some(without_place(fault))),
            },
            Ok(WatchStep::End) => return (events, None),
            Err(fault) => return (events, Some(without_place(fault))),
        }
    }
}

/// Offsets count from the unit at hand, which a split moves.
fn without_place(fault: DocumentFault) -> DocumentFault {
    match fault {
        DocumentFault::Syntax(mut fault) => {
            fault.offset = 0;
            DocumentFault::Syntax(fault)
        }
        other => other,
    }
}

fn event_text(event: WatchEvent<'_>) -> String {
    match event {
        WatchEvent::Added(item) | WatchEvent::Modified(item) => {
            pod_text(&ReceivedPod::from_item(item))
        }
        other => format!("{other:?}"),
    }
}

fn list(pieces: &[&[u8]]) -> Result<Vec<String>, DocumentFault> {
    let mut reader = ListReader::new(&PODS, LIMITS, MAX_OBJECT_BYTES);
    let mut pieces = pieces.iter();
    let mut pods = Vec::new();
    loop {
        match reader.advance()? {
            ListStep::More => match pieces.next() {
                Some(piece) => reader.push(piece),
                None => reader.end_input(),
            },
            ListStep::Item => {
                let item = reader.item().expect("a pod is there");
                pods.push(pod_text(&ReceivedPod::from_item(item)));
            }
            ListStep::End => {
                pods.push(format!("{:?}", reader.metadata()));
                return Ok(pods);
            }
        }
    }
}

/// A sound pod as it would be sent, which must read back as itself; a faulty one as its fault.
fn pod_text(received: &ReceivedPod<'_>) -> String {
    match received {
        ReceivedPod::Faulty(faulty) => format!("{faulty:?}"),
        ReceivedPod::Sound(sound) => {
            let mut written = Vec::new();
            sound.checked.write(&mut written, &mut Vec::new());
            let mut tape = Tape::default();
            let flaw = read_whole(&written, &mut tape, LIMITS).expect("what was written is JSON");
            let ReceivedPod::Sound(again) = ReceivedPod::read(tape.root(&written), flaw) else {
                panic!("what was written is not sound");
            };
            let mut twice = Vec::new();
            again.checked.write(&mut twice, &mut Vec::new());
            assert_eq!(written, twice, "writing what was written changed it");
            assert_eq!(sound.pod.identity, again.pod.identity);
            String::from_utf8(written).expect("what was written is UTF-8")
        }
    }
}
