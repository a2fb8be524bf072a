//! What lists and watches tell the ledger: whose pins it may forget when it needs room.

use super::*;
use crate::kubelet_proxy::filter::body::Filter;
use crate::kubelet_proxy::filter::list::ListFilter;
use crate::kubelet_proxy::filter::watch::WatchFilter;
use crate::kubelet_proxy::limits::LEDGER_CAPACITY;
use crate::kubelet_proxy::sample_pods::{self, hearing, pod};

fn reflector() -> Reflector {
    Reflector("kubelet".to_owned())
}

fn uid(number: u32) -> Uid {
    Uid::parse(&sample_pods::uid(number)).unwrap()
}

/// Lists these pods; the list goes on at a token unless that is empty.
fn list(hearing: &Hearing, is_partial: bool, pods: &[String], continues: &str) -> String {
    let docket = PodDocket::of_list(hearing.clone(), reflector(), is_partial);
    let items = pods.join(",");
    let document = format!(
        r#"{{"kind":"PodList","apiVersion":"v1","metadata":{{"resourceVersion":"9","continue":"{continues}"}},"items":[{items}]}}"#
    );
    let mut filter = ListFilter::new(docket);
    fed(&mut filter, &document)
}

/// Watches, beginning with everything or not; returns what the kubelet reads.
fn watch(docket: PodDocket, events: &[String]) -> String {
    fed(&mut WatchFilter::new(docket), &events.concat())
}

fn fed(filter: &mut impl Filter, document: &str) -> String {
    filter.feed(document.as_bytes()).unwrap();
    filter.end_input().unwrap();
    let written = filter.take().unwrap().into_bytes();
    String::from_utf8(written.to_vec()).unwrap()
}

fn added(pod: &str) -> String {
    format!(r#"{{"type":"ADDED","object":{pod}}}"#)
}

fn initial_events_end() -> String {
    let annotation = r#""annotations":{"k8s.io/initial-events-end":"true"}"#;
    format!(
        r#"{{"type":"BOOKMARK","object":{{"kind":"Pod","apiVersion":"v1","metadata":{{"resourceVersion":"9",{annotation}}}}}}}"#
    )
}

fn mirror(number: u32) -> String {
    pod(number, r#","annotations":{"kubernetes.io/config.mirror":"abc"}"#, "", "")
}

/// Needs room for so many denied pods that everything dispensable goes; are these two still pinned?
fn pinned_after_a_flood(hearing: &Hearing) -> [bool; 2] {
    for number in 0..LEDGER_CAPACITY as u32 {
        hearing.ledger().deny(uid(number.saturating_add(1_000_000)), 1);
    }
    [1, 2].map(|number| hearing.ledger().is_pinned(uid(number)))
}

#[test]
fn a_whole_list_frees_the_places_of_pods_that_it_does_not_name() {
    let (one, two) = (pod(1, "", "", ""), pod(2, "", "", ""));
    for (is_partial, continues, remain) in [
        (false, "", [true, false]),
        (true, "", [true, true]),
        // Asked for whole, and the server says that there is more: the second may be on the next page.
        (false, "next", [true, true]),
    ] {
        let hearing = hearing();
        list(&hearing, false, &[one.clone(), two.clone()], "");
        list(&hearing, is_partial, std::slice::from_ref(&one), continues);
        assert_eq!(pinned_after_a_flood(&hearing), remain, "{is_partial} {continues}");
    }
}

#[test]
fn a_whole_watch_list_frees_the_places_of_pods_that_it_does_not_name() {
    let (one, two) = (added(&pod(1, "", "", "")), added(&pod(2, "", "", "")));
    let both = [one.clone(), two, initial_events_end()];
    type Begin = fn(Hearing) -> PodDocket;
    let cases: [(&str, Begin, [bool; 2]); 3] = [
        ("whole", |hearing| PodDocket::of_watch_list(hearing, reflector(), false), [true, false]),
        ("a choice", |hearing| PodDocket::of_watch_list(hearing, reflector(), true), [true, true]),
        ("no list", |hearing| PodDocket::of_watch(hearing, reflector()), [true, true]),
    ];
    for (name, begin, remain) in cases {
        let hearing = hearing();
        watch(PodDocket::of_watch_list(hearing.clone(), reflector(), false), &both);
        watch(begin(hearing.clone()), &[one.clone(), initial_events_end()]);
        assert_eq!(pinned_after_a_flood(&hearing), remain, "{name}");
    }
    // A stream that breaks off before its end has not named what was still to come.
    let hearing = hearing();
    watch(PodDocket::of_watch_list(hearing.clone(), reflector(), false), &both);
    watch(PodDocket::of_watch_list(hearing.clone(), reflector(), false), &[one]);
    assert_eq!(pinned_after_a_flood(&hearing), [true, true]);
}

#[test]
fn a_first_list_has_no_mirror_pods_and_is_made_again_once_it_was_taken() {
    let hearing = hearing();
    let pods = [mirror(1), pod(2, "", "", "")];
    let is_shown = || list(&hearing, false, &pods, "").contains("\"p1\"");
    // Asked for again and again, it has not been taken.
    assert!(!is_shown() && !is_shown());
    assert!(hearing.first_lists().goes_on(&reflector()));
    assert!(is_shown() && !hearing.first_lists().goes_on(&reflector()));
}

#[test]
fn a_page_that_is_not_the_last_is_no_list_that_was_taken() {
    let hearing = hearing();
    list(&hearing, false, &[mirror(1)], "next");
    assert!(hearing.first_lists().goes_on(&reflector()));
    assert!(!list(&hearing, false, &[mirror(1)], "").contains("\"p1\""));
}

#[test]
fn a_first_watch_list_with_mirror_pods_makes_its_reflector_go_on_from_it() {
    let hearing = hearing();
    let events = [added(&mirror(1)), added(&pod(2, "", "", "")), initial_events_end()];
    let first = watch(PodDocket::of_watch_list(hearing.clone(), reflector(), false), &events);
    assert!(first.contains(r#"{"type":"DELETED""#) && first.contains("\"code\":429"), "{first}");
    assert!(!first.contains("config.mirror"), "{first}");
    assert!(hearing.first_lists().goes_on(&reflector()));
    let second = watch(PodDocket::of_watch_list(hearing.clone(), reflector(), false), &events);
    assert!(second.contains("config.mirror") && !second.contains("ERROR"), "{second}");
}

#[test]
fn what_follows_initial_events_may_be_a_mirror_pod() {
    let hearing = hearing();
    let events = [added(&pod(2, "", "", "")), initial_events_end(), added(&mirror(1))];
    let seen = watch(PodDocket::of_watch_list(hearing.clone(), reflector(), false), &events);
    assert!(seen.contains("config.mirror") && !seen.contains("ERROR"), "{seen}");
    // A bookmark that says so in any other watch ends nothing, and a list that nobody went on from was not taken.
    let docket = PodDocket::of_watch(hearing.clone(), reflector());
    let events = [initial_events_end(), added(&mirror(3))];
    assert!(!watch(docket, &events).contains("config.mirror"));
}
