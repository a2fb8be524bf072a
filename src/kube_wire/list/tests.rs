//! Lists whole and in pieces, in every order, and every way in which one is refused.

use super::*;
use crate::kube_wire::received_pod::ReceivedPod;
use crate::kube_wire::resource::PODS;
use proptest::prelude::*;

const LIMITS: Limits = Limits { depth: 64, nodes: 10_000 };
const MAX_POD_BYTES: usize = 4096;

fn pod(name: &str, extra: &str) -> String {
    format!(
        r#"{{"metadata":{{"name":"{name}","namespace":"ns","uid":"0fcb5d1e-4ad9-4a06-8f7e-5c9a3d8e1f00","resourceVersion":"7"}},"spec":{{"nodeName":"n","containers":[{{"name":"c","image":"i"}}]{extra}}}}}"#
    )
}

fn list(items: &[String]) -> String {
    let items = items.join(",");
    format!(
        r#"{{"kind":"PodList","apiVersion":"v1","metadata":{{"resourceVersion":"17","continue":"abc","remainingItemCount":3}},"items":[{items}]}}"#
    )
}

/// What a reader made of bytes that came in these pieces: the pods (with `!` before a faulty one),
/// then the metadata.
fn read(pieces: &[&[u8]]) -> Result<(Vec<String>, ListMetadata), DocumentFault> {
    let mut reader = ListReader::new(&PODS, LIMITS, MAX_POD_BYTES);
    let mut pods = Vec::new();
    let mut pieces = pieces.iter();
    loop {
        match reader.advance()? {
            ListStep::More => match pieces.next() {
                Some(piece) => reader.push(piece),
                None => reader.end_input(),
            },
            ListStep::Item => pods.push(match ReceivedPod::from_item(reader.item().unwrap()) {
                ReceivedPod::Sound(sound) => sound.pod.identity.name.to_owned(),
                ReceivedPod::Faulty(faulty) => {
                    format!("!{}", faulty.identity.map_or("", |identity| identity.name))
                }
            }),
            ListStep::End => return Ok((pods, reader.metadata().unwrap().clone())),
        }
    }
}

fn whole(document: &str) -> Result<Vec<String>, DocumentFault> {
    read(&[document.as_bytes()]).map(|(pods, _)| pods)
}

#[test]
fn pods_come_out_in_order_whatever_the_split() {
    let document = list(&[pod("a", ""), pod("b", r#","hostPort":1"#), pod("c", "")]);
    let bytes = document.as_bytes();
    let expected = read(&[bytes]).unwrap();
    assert_eq!(expected.0, ["a", "!b", "c"]);
    assert_eq!(expected.1.resource_version, "17");
    assert_eq!(expected.1.continue_token, "abc");
    assert_eq!(expected.1.remaining_item_count, Some(3));
    for at in 0..bytes.len() {
        assert_eq!(read(&[&bytes[..at], &bytes[at..]]).unwrap(), expected, "split at {at}");
    }
    let single: Vec<&[u8]> = bytes.chunks(1).collect();
    assert_eq!(read(&single).unwrap(), expected);
}

#[test]
fn members_may_come_in_any_order_and_items_may_be_null() {
    let item = pod("a", "");
    let last = format!(
        r#"{{"items":[{item}],"metadata":{{"resourceVersion":"1"}},"apiVersion":"v1","kind":"PodList"}}"#
    );
    assert_eq!(whole(&last).unwrap(), ["a"]);
    assert!(
        whole(r#"{"kind":"PodList","apiVersion":"v1","metadata":{},"items":null}"#)
            .unwrap()
            .is_empty()
    );
    assert!(whole(&list(&[])).unwrap().is_empty());
    assert_eq!(whole(&format!(" \n{} \n", list(&[item]))).unwrap(), ["a"]);
}

#[test]
fn every_prefix_is_refused_as_truncated() {
    let document = list(&[pod("a", ""), pod("b", "")]);
    for length in 0..document.len() {
        let fault = whole(&document[..length]).unwrap_err();
        assert_eq!(fault, DocumentFault::Truncated, "{length}");
    }
}

#[test]
fn an_envelope_that_two_readers_could_read_differently_is_refused() {
    let cases = [
        (
            r#"{"kind":"Status","KIND":"PodList","apiVersion":"v1","metadata":{},"items":[]}"#,
            "envelope",
        ),
        (
            r#"{"kind":"PodList","KIND":"Status","apiVersion":"v1","metadata":{},"items":[]}"#,
            "envelope",
        ),
        (
            r#"{"kind":"PodList","kind":"PodList","apiVersion":"v1","metadata":{},"items":[]}"#,
            "envelope",
        ),
        (r#"{"kind":"PodList","apiVersion":"v1","metadata":{},"items":[],"items":[]}"#, "envelope"),
        (r#"{"kind":"PodList","apiVersion":"v1","metadata":{},"Items":[]}"#, "envelope"),
        (r#"{"kind":"PodList","apiVersion":"v2","metadata":{},"items":[]}"#, "envelope"),
        (r#"{"kind":"List","apiVersion":"v1","metadata":{},"items":[]}"#, "envelope"),
        (r#"{"kind":null,"apiVersion":"v1","metadata":{},"items":[]}"#, "envelope"),
        (r#"{"apiVersion":"v1","metadata":{},"items":[]}"#, "envelope"),
        (r#"{"kind":"PodList","apiVersion":"v1","metadata":{}}"#, "envelope"),
        (r#"{"kind":"PodList","apiVersion":"v1","metadata":{},"items":{}}"#, "envelope"),
        (
            r#"{"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":1},"items":[]}"#,
            "envelope",
        ),
        (
            r#"{"kind":"PodList","apiVersion":"v1","metadata":{"continue":"a","continue":"b"},"items":[]}"#,
            "envelope",
        ),
        (r#"{"kind":"PodList","apiVersion":"v1","metadata":{},"items":[],}"#, "syntax"),
        (r#"{"kind":"PodList","apiVersion":"v1","metadata":{},"items":[,]}"#, "syntax"),
        (r#"["kind"]"#, "syntax"),
        ("\u{feff}{}", "syntax"),
        ("k8s\0", "syntax"),
    ];
    for (document, label) in cases {
        assert_eq!(whole(document).unwrap_err().label(), label, "{document}");
    }
    let trailing = format!("{}{{}}", list(&[]));
    assert_eq!(whole(&trailing), Err(DocumentFault::TrailingBytes));
}

#[test]
fn a_fault_inside_one_pod_is_that_pods_alone() {
    let deep = format!(r#","x":{}1{}"#, "[".repeat(100), "]".repeat(100));
    let faults = [
        r#","containers":[]"#,
        r#","hostNetwork":"true""#,
        r#","HostNetwork":true"#,
        r#","priority":1e999"#,
        r#","x":1"#,
        r#","hostname":"\ud800""#,
        deep.as_str(),
    ];
    for extra in faults {
        let document = list(&[pod("a", ""), pod("b", extra), pod("c", "")]);
        assert_eq!(whole(&document).unwrap(), ["a", "!b", "c"], "{extra}");
    }
    // A list item that is no object has no name to be denied under, and is denied all the same.
    assert_eq!(whole(&list(&["null".to_owned(), "1".to_owned()])).unwrap(), ["!", "!"]);
}

#[test]
fn a_pod_beyond_the_limit_is_refused_before_it_is_whole() {
    let mut reader = ListReader::new(&PODS, LIMITS, MAX_POD_BYTES);
    reader.push(list(&[]).trim_end_matches("]}").as_bytes());
    let mut fed = 0;
    let fault = loop {
        match reader.advance() {
            Ok(ListStep::More) => {
                reader.push(if fed == 0 { b"{\"a\":\"" } else { &[b'x'; 512] });
                fed += 512;
                assert!(fed < 3 * MAX_POD_BYTES, "never refused");
            }
            Ok(step) => panic!("{step:?}"),
            Err(fault) => break fault,
        }
    };
    assert_eq!(fault, DocumentFault::TooLarge { limit: MAX_POD_BYTES });
}

proptest! {
    #[test]
    fn any_bytes_in_any_pieces_end_in_the_same_way(
        noise in prop::collection::vec(any::<u8>(), 0..40),
        at in 0_usize..400,
        cuts in prop::collection::vec(0_usize..400, 0..6),
    ) {
        let mut bytes = list(&[pod("a", "")]).into_bytes();
        let at = at.min(bytes.len());
        bytes.splice(at..at, noise);
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(bytes.len())).collect();
        cuts.sort_unstable();
        let mut pieces = Vec::new();
        let mut from = 0;
        for cut in cuts {
            pieces.push(&bytes[from..cut]);
            from = cut;
        }
        pieces.push(&bytes[from..]);
        let (apart, together) = (read(&pieces), read(&[&bytes]));
        prop_assert_eq!(apart.is_ok(), together.is_ok());
        if let (Ok(apart), Ok(together)) = (apart, together) {
            prop_assert_eq!(apart, together);
        }
    }
}
