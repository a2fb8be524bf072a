//! Ways past a strict rule, each tried on a pod that fits but for the trick.
//!
//! A test begins with `t` and the number that its trick has in our list of past and possible ones.

mod commands;
mod demands;
mod files;
mod identity;
mod mounts;
mod omissions;
mod privileges;
mod servers;

use serde_json::{Value, json};

use super::sample::{assert_reason, permit, permitting, pod};

/// A strict rule, and a pod that fits it but for what is added to both.
#[track_caller]
fn tried(rule: (Value, Value), spec: Value, container: Value, expected: &str) {
    assert_reason(&permitting(permit(rule.0, rule.1)), &pod(spec, container), expected);
}

/// A rule whose container entry says this as well.
#[track_caller]
fn entry(entry: Value, container: Value, expected: &str) {
    tried((json!({}), entry), json!({}), container, expected);
}

/// A rule that says this of the pod as well.
#[track_caller]
fn whole(permit: Value, spec: Value, expected: &str) {
    tried((permit, json!({})), spec, json!({}), expected);
}

/// A strict rule that says nothing about what is added to the pod.
#[track_caller]
fn denied(spec: Value, container: Value, expected: &str) {
    tried((json!({}), json!({})), spec, container, expected);
}

#[test]
fn the_pod_that_every_test_spoils_fits() {
    denied(json!({}), json!({}), "");
}
