//! Streams whole and in pieces, and every way in which an event is refused or read for less.

use super::*;
use crate::kube_wire::received_pod::ReceivedPod;
use crate::kube_wire::resource::PODS;

const LIMITS: Limits = Limits { depth: 64, nodes: 10_000 };
const MAX_EVENT_BYTES: usize = 4096;
const UID: &str = "0fcb5d1e-4ad9-4a06-8f7e-5c9a3d8e1f00";

fn object(name: &str) -> String {
    format!(
        r#"{{"kind":"Pod","apiVersion":"v1","metadata":{{"name":"{name}","namespace":"ns","uid":"{UID}","resourceVersion":"7"}},"spec":{{"nodeName":"n","containers":[{{"name":"c","image":"i"}}]}}}}"#
    )
}

fn event(kind: &str, object: &str) -> String {
    format!(r#"{{"type":"{kind}","object":{object}}}"#)
}

/// What a reader made of bytes that came in these pieces, one word an event.
fn read(pieces: &[&[u8]]) -> (Vec<String>, Option<DocumentFault>) {
    let mut reader = WatchReader::new(&PODS, LIMITS, MAX_EVENT_BYTES);
    let mut events = Vec::new();
    let mut pieces = pieces.iter();
    loop {
        let step = match reader.advance() {
            Ok(step) => step,
            Err(fault) => return (events, Some(fault)),
        };
        match step {
            WatchStep::More => match pieces.next() {
                Some(piece) => reader.push(piece),
                None => reader.end_input(),
            },
            WatchStep::Event => match reader.event() {
                Ok(event) => events.push(word(event.unwrap())),
                Err(fault) => return (events, Some(fault)),
            },
            WatchStep::End => return (events, None),
        }
    }
}

fn word(event: WatchEvent<'_>) -> String {
    let pod = |item| match ReceivedPod::from_item(item) {
        ReceivedPod::Sound(sound) => sound.pod.identity.name.to_owned(),
        ReceivedPod::Faulty(faulty) => format!("!{}", faulty.identity.map_or("", |it| it.name)),
    };
    match event {
        WatchEvent::Added(received) => format!("added {}", pod(received)),
        WatchEvent::Modified(received) => format!("modified {}", pod(received)),
        WatchEvent::Deleted(gone) => {
            format!("deleted {} {:?} {:?}", gone.name, gone.uid, gone.resource_version)
        }
        WatchEvent::Bookmark { resource_version, initial_events_end } => {
            format!("bookmark {resource_version} {initial_events_end}")
        }
        WatchEvent::Error(status) => format!("error {} {}", status.code(), status.reason()),
    }
}

fn whole(stream: &str) -> (Vec<String>, Option<DocumentFault>) {
    read(&[stream.as_bytes()])
}

fn stream() -> String {
    let bookmark = r#"{"kind":"Pod","apiVersion":"v1","metadata":{"resourceVersion":"9","annotations":{"k8s.io/initial-events-end":"true"}},"spec":{"containers":null}}"#;
    let error =
        r#"{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"Expired","code":410}"#;
    [
        event("ADDED", &object("a")),
        // Two on one line, one over three, none at the end of a line.
        "\n".to_owned(),
        event("MODIFIED", &object("b")) + &event("DELETED", &object("c")),
        format!("\n{{\n\"object\":{},\r\n\t\"type\":\"ADDED\"}}", object("d")),
        event("BOOKMARK", bookmark),
        event("ERROR", error),
    ]
    .concat()
}

#[test]
fn events_come_out_by_structure_whatever_the_lines_and_the_split() {
    let stream = stream();
    let bytes = stream.as_bytes();
    let expected = read(&[bytes]);
    let deleted = format!("deleted c Some({UID:?}) Some(\"7\")");
    assert_eq!(
        expected.0,
        ["added a", "modified b", &deleted, "added d", "bookmark 9 true", "error 410 Expired"]
    );
    assert_eq!(expected.1, None);
    for at in 0..bytes.len() {
        assert_eq!(read(&[&bytes[..at], &bytes[at..]]), expected, "split at {at}");
    }
    let single: Vec<&[u8]> = bytes.chunks(1).collect();
    assert_eq!(read(&single), expected);
}

#[test]
fn a_stream_that_stops_inside_an_event_is_truncated() {
    let event = event("ADDED", &object("a"));
    for length in 1..event.len() {
        assert_eq!(whole(&event[..length]), (vec![], Some(DocumentFault::Truncated)), "{length}");
    }
}

#[test]
fn what_is_no_event_ends_the_stream_and_what_came_before_stays() {
    let good = event("ADDED", &object("a"));
    let cases = [
        (event("PATCHED", &object("b")), "envelope"),
        (event("added", &object("b")), "envelope"),
        (event("", &object("b")), "envelope"),
        (r#"{"type":"ADDED"}"#.to_owned(), "envelope"),
        (format!(r#"{{"object":{}}}"#, object("b")), "envelope"),
        (event("ADDED", "[]"), "envelope"),
        (event("ADDED", "null"), "envelope"),
        (format!(r#"{{"type":"ADDED","type":"ADDED","object":{}}}"#, object("b")), "envelope"),
        (format!(r#"{{"type":"ADDED","Type":"DELETED","object":{}}}"#, object("b")), "envelope"),
        (
            format!(r#"{{"type":"ADDED","object":{},"object":{}}}"#, object("b"), object("b")),
            "envelope",
        ),
        (format!(r#"{{"type":"ADDED","object":{},"x":1}}"#, object("b")), "envelope"),
        (event("BOOKMARK", "{}"), "envelope"),
        (event("BOOKMARK", r#"{"metadata":{"resourceVersion":"a b"}}"#), "envelope"),
        (event("DELETED", r#"{"metadata":{"name":"x"}}"#), "envelope"),
        (event("DELETED", r#"{"metadata":{"name":"../x","namespace":"ns"}}"#), "envelope"),
        (event("ERROR", &object("b")), "envelope"),
        ("[]".to_owned(), "syntax"),
        ("\0".to_owned(), "syntax"),
        ("{}".to_owned(), "envelope"),
    ];
    for (bad, label) in cases {
        let (events, fault) = whole(&(good.clone() + "\n" + &bad));
        assert_eq!(events, ["added a"], "{bad}");
        assert_eq!(fault.unwrap().label(), label, "{bad}");
    }
}

#[test]
fn a_faulty_pod_is_denied_by_name_and_the_stream_goes_on() {
    let faulty = object("b")
        .replace(r#""nodeName""#, r#""hostNetwork":true,"hostNetwork":false,"nodeName""#);
    let stream = event("ADDED", &faulty) + &event("ADDED", &object("c"));
    assert_eq!(whole(&stream), (vec!["added !b".to_owned(), "added c".to_owned()], None));
}

#[test]
fn an_event_beyond_the_limit_is_refused_before_it_is_whole() {
    let mut reader = WatchReader::new(&PODS, LIMITS, MAX_EVENT_BYTES);
    reader.push(br#"{"type":"ADDED","object":{"x":""#);
    let mut fed = 0;
    let fault = loop {
        match reader.advance() {
            Ok(WatchStep::More) => {
                reader.push(&[b'x'; 512]);
                fed += 512;
                assert!(fed < 3 * MAX_EVENT_BYTES, "never refused");
            }
            Ok(step) => panic!("{step:?}"),
            Err(fault) => break fault,
        }
    };
    assert_eq!(fault, DocumentFault::TooLarge { limit: MAX_EVENT_BYTES });
}
