//! Replays the fuzz corpus: inputs written by hand and inputs that the fuzzers found.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test: a panic is its way to fail; JSON gives null for no field"
)]

#[path = "../fuzz/properties.rs"]
mod properties;

use std::fs;
use std::path::Path;

fn replay(target: &str, property: fn(&[u8])) {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let inputs: Vec<_> =
        fs::read_dir(&directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(inputs.len() >= 8, "{target}: only {} inputs", inputs.len());
    for path in inputs {
        let input = fs::read(&path).unwrap();
        let outcome = std::panic::catch_unwind(|| property(&input));
        assert!(outcome.is_ok(), "{}", path.display());
    }
}

#[test]
fn every_kept_watch_stream_reads_the_same_in_pieces() {
    replay("watch_frames", properties::watch_frames);
}

#[test]
fn every_kept_list_reads_the_same_in_pieces() {
    replay("pod_list", properties::pod_list);
}

#[test]
fn every_kept_list_of_other_objects_reads_the_same_in_pieces() {
    replay("object_list", properties::object_list);
}

#[test]
fn every_kept_watch_of_other_objects_reads_the_same_in_pieces() {
    replay("object_watch", properties::object_watch);
}

#[test]
fn every_kept_expression_has_an_answer_or_says_why_not() {
    replay("expression", properties::expression);
}

#[test]
fn every_kept_call_of_the_kubelets_api_is_asked_as_it_is_understood() {
    replay("kubelet_call", properties::kubelet_call);
}

#[test]
fn every_kept_port_forward_reaches_permitted_ports_alone() {
    replay("port_forward", properties::port_forward);
}

#[test]
fn every_kept_request_target_has_one_meaning() {
    replay("request_target", properties::request_target);
}

#[test]
fn every_kept_policy_decides_or_says_why_not() {
    replay("policy_document", properties::policy_document);
}

#[test]
fn every_kept_access_review_is_refused_to_all_but_the_guard() {
    replay("access_review", properties::access_review);
}

#[test]
fn every_kept_signed_pod_is_admitted_by_nothing_but_what_was_signed() {
    properties::what_was_signed_is_admitted();
    replay("signed_pod", properties::signed_pod);
}

#[test]
fn every_kept_pod_gets_one_verdict() {
    replay("pod_decision", properties::pod_decision);
}

#[test]
fn every_kept_manifest_means_one_thing_or_says_why_not() {
    replay("manifest", properties::manifest);
}
