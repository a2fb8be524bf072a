//! What must hold for any bytes from outside: one function a parser.
//!
//! Shared by the fuzz targets, which look for inputs, and by `tests/fuzz_corpus.rs`, which replays those
//! that were found. Uses the public API alone, as an attacker's bytes do.

#![allow(dead_code, reason = "each fuzz target uses one of these")]

#[path = "properties/access_review.rs"]
mod access_review;
#[path = "properties/decision.rs"]
mod decision;
#[path = "properties/manifest.rs"]
mod manifest;
#[path = "properties/signed_pod.rs"]
mod signed_pod;

pub(crate) use access_review::access_review;
pub(crate) use decision::pod_decision;
pub(crate) use manifest::manifest;
pub(crate) use signed_pod::{signed_pod, what_was_signed_is_admitted};

use nodeward::kube_wire::document::{DocumentFault, read_whole};
use nodeward::kube_wire::json::{Limits, Tape};
use nodeward::kube_wire::list::{ListReader, ListStep};
use nodeward::kube_wire::pod_view::PodView;
use nodeward::kube_wire::received_object::{ObjectKind, ReceivedObject};
use nodeward::kube_wire::received_pod::{ReceivedPod, SoundPod};
use nodeward::kube_wire::request_path::{CanonicalPath, Query, TargetFault, append_parameter};
use nodeward::kube_wire::resource::{Item, PODS, Resource};
use nodeward::kube_wire::watch_event::{WatchEvent, WatchReader, WatchStep};
use nodeward::kubelet_api::attacked;
use nodeward::policy::expressions::{Expression, Fuel};
use nodeward::policy::{Circumstances, NoCounters, Policy};

const LIMITS: Limits = Limits { depth: 64, nodes: 4096 };
const MAX_OBJECT_BYTES: usize = 64 << 10;

/// What a list or watch is of.
#[derive(Clone, Copy)]
enum Of {
    Pods,
    Objects(ObjectKind),
}

impl Of {
    fn resource(self) -> &'static Resource {
        match self {
            Self::Pods => &PODS,
            Self::Objects(kind) => kind.resource(),
        }
    }

    /// One item as it would be sent, which must read back as itself; or what is wrong with it.
    fn text(self, item: Item<'_>) -> String {
        match self {
            Self::Pods => pod_text(&ReceivedPod::from_item(item)),
            Self::Objects(kind) => object_text(&ReceivedObject::read(item, kind)),
        }
    }
}

/// The first byte says where the rest is cut in two; what is read must not depend on it.
pub(crate) fn watch_frames(input: &[u8]) {
    watched(input, Of::Pods);
}

/// As [`watch_frames`], for lists.
pub(crate) fn pod_list(input: &[u8]) {
    listed(input, Of::Pods);
}

/// As [`pod_list`], for the other kinds that decide what runs; the first byte says which.
pub(crate) fn object_list(input: &[u8]) {
    if let Some((kind, rest)) = kind_of(input) {
        listed(rest, kind);
    }
}

/// As [`object_list`], for watches.
pub(crate) fn object_watch(input: &[u8]) {
    if let Some((kind, rest)) = kind_of(input) {
        watched(rest, kind);
    }
}

fn kind_of(input: &[u8]) -> Option<(Of, &[u8])> {
    let (kind, rest) = input.split_first()?;
    let kind = match kind % 5 {
        0 => ObjectKind::RuntimeClass,
        1 => ObjectKind::PersistentVolume,
        2 => ObjectKind::ConfigMap,
        3 => ObjectKind::Secret,
        _ => ObjectKind::Service,
    };
    Some((Of::Objects(kind), rest))
}

fn watched(input: &[u8], of: Of) {
    let (pieces, whole) = cut(input);
    let (apart, together) = (watch(&pieces, of), watch(&[whole], of));
    assert_eq!(apart, together, "a split changed what was read");
}

fn listed(input: &[u8], of: Of) {
    let (pieces, whole) = cut(input);
    let (apart, together) = (list(&pieces, of), list(&[whole], of));
    // A list ends at its first fault, which may be seen before the items behind it have arrived.
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
            append_parameter(&mut written, name, value);
        }
        // Escapes take room: what just fitted may no longer.
        let again = match Query::parse(&written) {
            Err(TargetFault::TooLong) => return,
            read => read.expect("what was written is read"),
        };
        for (name, value) in again.iter() {
            assert_eq!(query.value(name), Some(value));
        }
    }
}

/// What the guard of the kubelet's port grants is asked of the kubelet in words that mean the same.
pub(crate) fn kubelet_call(input: &[u8]) {
    let Some((choice, target)) = input.split_first() else { return };
    if choice & 4 != 0 {
        return websocket(target);
    }
    let Ok(target) = std::str::from_utf8(target) else { return };
    let method = if choice & 1 == 0 { "GET" } else { "POST" };
    let upgrades = choice & 2 != 0;
    if let Some(Ok((call, written))) = attacked::call(method, target, upgrades) {
        let again = attacked::call(method, &written, upgrades);
        assert_eq!(again, Some(Ok((call, written))), "the kubelet is asked for something else");
    }
}

/// What is spoken inside a WebSocket is known by the names that the kubelet gets, and no token is among them.
fn websocket(wish: &[u8]) {
    let Some((has_ports_inside, names)) = attacked::websocket(wish) else { return };
    assert_eq!(has_ports_inside, names.contains("SPDY"), "{names}");
    assert!(!names.contains("bearer"), "{names}");
    if !names.is_empty() {
        assert_eq!(attacked::websocket(names.as_bytes()), Some((has_ports_inside, names)));
    }
}

/// Whatever passes towards a pod's ports reaches permitted ports alone, and reads back as itself.
pub(crate) fn port_forward(input: &[u8]) {
    const PERMITTED: [u16; 2] = [80, 8080];
    let (outcome, passed, ports) = attacked::port_forward(&PERMITTED, input);
    assert!(ports.iter().all(|port| PERMITTED.contains(port)), "{ports:?}");
    let (again, twice, same_ports) = attacked::port_forward(&PERMITTED, &passed);
    assert_eq!(twice, passed, "what passed is read in another way");
    assert_eq!(same_ports, ports);
    if outcome.is_ok() {
        assert_eq!(again, Ok(()));
    }
}

/// A policy that loads decides on every pod; one that does not says why in one line.
pub(crate) fn policy_document(input: &[u8]) {
    match Policy::parse(input) {
        Ok(loaded) => {
            with_pod(|pod| {
                let here = Circumstances { now: 0, node: "n", counters: &NoCounters };
                let decision = loaded.policy.evaluate(pod, &here);
                assert!(!decision.verdict.reason().to_string().is_empty());
            });
        }
        Err(error) => assert_eq!(error.to_string().lines().count(), 1, "{error}"),
    }
}

/// An expression that loads has an answer, at no more than its cost; one that does not says why in one line.
pub(crate) fn expression(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    match Expression::compile(text) {
        Ok(expression) => with_pod(|pod| {
            let mut fuel = Fuel::limited(10_000);
            let first = expression.ask(pod.checked.value(), &mut fuel);
            let again = expression.ask(pod.checked.value(), &mut Fuel::limited(10_000));
            assert_eq!(first, again);
        }),
        Err(problem) => assert_eq!(problem.lines().count(), 1, "{problem}"),
    }
}

const POD: &[u8] = br#"{"metadata":{"name":"p","namespace":"ns","uid":"0fcb5d1e-4ad9-4a06-8f7e-5c9a3d8e1f00","labels":{"a":"b"}},"spec":{"nodeName":"n","hostNetwork":true,"containers":[{"name":"c","image":"i","args":["x","y"],"securityContext":{"privileged":true}}]}}"#;

fn with_pod(body: impl FnOnce(&SoundPod<'_>)) {
    let mut tape = Tape::default();
    let flaw = read_whole(POD, &mut tape, LIMITS).expect("the pod is JSON");
    let ReceivedPod::Sound(sound) = ReceivedPod::read(tape.root(POD), flaw) else {
        panic!("the pod is sound");
    };
    body(&sound);
}

fn cut(input: &[u8]) -> (Vec<&[u8]>, &[u8]) {
    let Some((at, whole)) = input.split_first() else { return (vec![input], input) };
    let (first, rest) = whole.split_at(usize::from(*at).min(whole.len()));
    (vec![first, rest], whole)
}

fn watch(pieces: &[&[u8]], of: Of) -> (Vec<String>, Option<DocumentFault>) {
    let mut reader = WatchReader::new(of.resource(), LIMITS, MAX_OBJECT_BYTES);
    let mut pieces = pieces.iter();
    let mut events = Vec::new();
    loop {
        match reader.advance() {
            Ok(WatchStep::More) => match pieces.next() {
                Some(piece) => reader.push(piece),
                None => reader.end_input(),
            },
            Ok(WatchStep::Event) => match reader.event() {
                Ok(event) => {
                    events.push(event.map_or_else(String::new, |event| event_text(event, of)))
                }
                Err(fault) => return (events, Some(without_place(fault))),
            },
            Ok(WatchStep::End) => return (events, None),
            Err(fault) => return (events, Some(without_place(fault))),
        }
    }
}

/// Offsets count from the unit at hand, which a split moves; and of two flaws in what ends a stream
/// anyway, a split decides which is met first.
fn without_place(fault: DocumentFault) -> DocumentFault {
    match fault {
        DocumentFault::Syntax(mut fault) => {
            fault.offset = 0;
            fault.problem = "";
            DocumentFault::Syntax(fault)
        }
        other => other,
    }
}

fn event_text(event: WatchEvent<'_>, of: Of) -> String {
    match event {
        WatchEvent::Added(item) | WatchEvent::Modified(item) => of.text(item),
        other => format!("{other:?}"),
    }
}

fn list(pieces: &[&[u8]], of: Of) -> Result<Vec<String>, DocumentFault> {
    let mut reader = ListReader::new(of.resource(), LIMITS, MAX_OBJECT_BYTES);
    let mut pieces = pieces.iter();
    let mut items = Vec::new();
    loop {
        match reader.advance()? {
            ListStep::More => match pieces.next() {
                Some(piece) => reader.push(piece),
                None => reader.end_input(),
            },
            ListStep::Item => {
                items.push(of.text(reader.item().expect("an item is there")));
            }
            ListStep::End => {
                items.push(format!("{:?}", reader.metadata()));
                return Ok(items);
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
            assert_eq!(PodView::of(sound), PodView::of(&again), "a policy sees another pod");
            String::from_utf8(written).expect("what was written is UTF-8")
        }
    }
}

fn object_text(received: &ReceivedObject<'_>) -> String {
    match received {
        ReceivedObject::Faulty { .. } => format!("{received:?}"),
        ReceivedObject::Sound(sound) => {
            let mut written = Vec::new();
            sound.checked.write(&mut written, &mut Vec::new());
            let mut tape = Tape::default();
            let flaw = read_whole(&written, &mut tape, LIMITS).expect("what was written is JSON");
            let item = Item { value: tape.root(&written), flaw };
            let ReceivedObject::Sound(again) = ReceivedObject::read(item, sound.kind) else {
                panic!("what was written is not sound");
            };
            let mut twice = Vec::new();
            again.checked.write(&mut twice, &mut Vec::new());
            assert_eq!(written, twice, "writing what was written changed it");
            String::from_utf8(written).expect("what was written is UTF-8")
        }
    }
}
