//! What lists and watches tell the ledger: whose pins it may forget when it needs room.

use super::*;
use crate::kubelet_proxy::filter::body::Filter;
use crate::kubelet_proxy::filter::list::ListFilter;
use crate::kubelet_proxy::limits::LEDGER_CAPACITY;
use crate::kubelet_proxy::sample_pods::{self, hearing, pod};

fn reflector() -> Reflector {
    Reflector("kubelet".to_owned())
}

fn uid(number: u32) -> Uid {
    Uid::parse(&sample_pods::uid(number)).unwrap()
}

/// Lists these pods; the list goes on at a token unless that is empty.
fn list(hearing: &Hearing, is_partial: bool, pods: &[String], continues: &str) {
    let docket = PodDocket::of_list(hearing.clone(), reflector(), is_partial);
    let items = pods.join(",");
    let document = format!(
        r#"{{"kind":"PodList","apiVersion":"v1","metadata":{{"resourceVersion":"9","continue":"{continues}"}},"items":[{items}]}}"#
    );
    let mut filter = ListFilter::new(docket);
    filter.feed(document.as_bytes()).unwrap();
    filter.end_input().unwrap();
}

/// Needs room for so many denied pods that everything dispensable goes; are these two still pinned?
fn pinned_after_a_flood(hearing: &Hearing) -> [bool; 2] {
    for number in 0..LEDGER_CAPACITY as u32 {
        hearing.ledger().deny(uid(1_000_000 + number), 1);
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
