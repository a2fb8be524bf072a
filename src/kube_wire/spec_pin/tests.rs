mod view_pin;

use super::*;
use crate::kube_wire::json::{Cursor, Limits, Tape};
use crate::kube_wire::pod_schema::POD;
use crate::kube_wire::schema::check;

const UID: &str = "12345678-90ab-cdef-0123-456789abcdef";

/// A pod with the given name, members of its spec, and members of its first container.
fn pod_named(name: &str, spec: &str, container: &str) -> String {
    format!(
        r#"{{"metadata":{{"namespace":"shop","name":"{name}","uid":"{UID}","resourceVersion":"7"}},
        "spec":{{{spec}"nodeName":"n1","containers":[{{{container}"name":"main","command":["/bin/app"]}}]}},
        "status":{{"phase":"Running"}}}}"#
    )
}

fn pod(spec: &str) -> String {
    pod_named("web", spec, r#""image":"a/b:1","#)
}

fn container(container: &str) -> String {
    pod_named("web", "", container)
}

fn pin(document: &str) -> SpecPin {
    pins(document).0
}

fn pins(document: &str) -> (SpecPin, ViewPin) {
    let mut tape = Tape::default();
    let limits = Limits { depth: 64, nodes: 100_000 };
    let fault = Cursor::new(document.as_bytes()).value(&mut tape, limits).expect("JSON");
    assert_eq!(fault, None, "{document}");
    let checked = check(tape.root(document.as_bytes()), &POD).expect(document);
    let pod = Pod::read(&checked).expect(document);
    let (mut bytes, mut mutable) = (b"what was written before".to_vec(), Vec::new());
    let start = bytes.len();
    checked.write(&mut bytes, &mut mutable);
    let span = start..bytes.len();
    let encoding = PodEncoding { bytes: &bytes, span, mutable: &mutable };
    let pin = SpecPin::new(&checked, &pod, &encoding);
    let view = ViewPin::new(&pin, &pod, &encoding);
    (pin, view)
}

/// What the pin of `before` says to `after`.
fn check_change(before: &str, after: &str, expected: Result<(), PinViolation>) {
    assert_eq!(pin(before).permits(&pin(after)), expected, "{before}\n→ {after}");
}

#[test]
fn metadata_status_kind_and_the_order_of_members_make_no_difference() {
    let reordered = format!(
        r#"{{"apiVersion":"v1","kind":"Pod","status":{{"phase":"Failed"}},
        "spec":{{"containers":[{{"command":["/bin/app"],"image":"a/b:1","name":"main"}}],"nodeName":"n1"}},
        "metadata":{{"labels":{{"a":"b"}},"uid":"{UID}","name":"web","namespace":"shop"}}}}"#
    );
    check_change(&pod(""), &reordered, Ok(()));
    check_change(&reordered, &pod(""), Ok(()));
}

#[test]
fn any_frozen_part_of_the_spec_is_pinned() {
    for changed in [
        pod(r#""hostNetwork":true,"#),
        pod(r#""hostNetwork":false,"#),
        pod(r#""initContainers":[{"name":"x","image":"x"}],"#),
        container(r#""image":"a/b:1","args":["x"],"#),
        container(r#""image":"a/b:1","lifecycle":{"preStop":{"exec":{"command":["sh"]}}},"#),
        pod("").replace("/bin/app", "/bin/apq"),
        pod_named("web2", "", r#""image":"a/b:1","#),
        pod("").replace("shop", "shoq"),
        pod("").replace(UID, "12345678-90ab-cdef-0123-456789abcdee"),
    ] {
        check_change(&pod(""), &changed, Err(PinViolation::Spec));
        check_change(&changed, &pod(""), Err(PinViolation::Spec));
    }
}

#[test]
fn images_may_change() {
    check_change(&pod(""), &container(r#""image":"a/b:2","#), Ok(()));
    let init = |image| pod(&format!(r#""initContainers":[{{"name":"x","image":"{image}"}}],"#));
    check_change(&init("x"), &init("y"), Ok(()));
}

#[test]
fn the_deadline_may_be_set_and_lowered() {
    let deadline = |seconds: i64| pod(&format!(r#""activeDeadlineSeconds":{seconds},"#));
    for (before, after, is_allowed) in [
        (pod(""), deadline(5), true),
        (deadline(5), deadline(5), true),
        (deadline(5), deadline(0), true),
        (deadline(5), deadline(6), false),
        (deadline(5), pod(""), false),
        (pod(""), deadline(-1), false),
    ] {
        let expected = if is_allowed { Ok(()) } else { Err(PinViolation::ActiveDeadline) };
        check_change(&before, &after, expected);
    }
}

#[test]
fn the_grace_period_stays_unless_it_was_negative() {
    let grace = |seconds: i64| pod(&format!(r#""terminationGracePeriodSeconds":{seconds},"#));
    for (before, after, is_allowed) in [
        (grace(30), grace(30), true),
        (grace(-1), grace(1), true),
        (grace(30), grace(0), false),
        (grace(30), pod(""), false),
        (pod(""), grace(30), false),
        (grace(-1), grace(2), false),
    ] {
        let expected = if is_allowed { Ok(()) } else { Err(PinViolation::TerminationGracePeriod) };
        check_change(&before, &after, expected);
    }
}

#[test]
fn tolerations_may_be_added_and_their_seconds_may_change() {
    let tolerations = |list: &str| pod(&format!(r#""tolerations":[{list}],"#));
    let not_ready = r#"{"key":"not-ready","operator":"Exists","tolerationSeconds":300}"#;
    let sooner = r#"{"key":"not-ready","operator":"Exists","tolerationSeconds":10}"#;
    let other = r#"{"effect":"NoExecute","key":"a","value":"b"}"#;
    let both = format!("{other},{not_ready}");
    let removed = Err(PinViolation::Tolerations);
    check_change(&pod(""), &tolerations(not_ready), Ok(()));
    check_change(&tolerations(not_ready), &tolerations(&both), Ok(()));
    check_change(&tolerations(not_ready), &tolerations(sooner), Ok(()));
    check_change(&tolerations(&both), &tolerations(not_ready), removed);
    check_change(&tolerations(not_ready), &pod(""), removed);
    check_change(
        &tolerations(not_ready),
        &tolerations(&not_ready.replace("Exists", "Equal")),
        removed,
    );
}

#[test]
fn ephemeral_containers_may_be_added_but_not_changed() {
    let ephemeral = |list: &str| pod(&format!(r#""ephemeralContainers":[{list}],"#));
    let debugger = r#"{"name":"debugger","image":"busybox","env":[{"name":"A","value":"]}\""}]}"#;
    let second = r#"{"name":"second","image":"busybox"}"#;
    let changed = Err(PinViolation::EphemeralContainers);
    check_change(&pod(""), &ephemeral(debugger), Ok(()));
    check_change(&ephemeral(debugger), &ephemeral(&format!("{second},{debugger}")), Ok(()));
    check_change(&ephemeral(debugger), &pod(""), changed);
    check_change(&ephemeral(debugger), &ephemeral(&debugger.replace("busybox", "evil")), changed);
    check_change(&ephemeral(&format!("{debugger},{second}")), &ephemeral(second), changed);
}

#[test]
fn cpu_and_memory_may_be_resized_but_not_removed() {
    let resources = |json: &str| container(&format!(r#""image":"a/b:1","resources":{json},"#));
    let small = resources(r#"{"limits":{"cpu":"1"},"requests":{"cpu":"1","memory":"1Gi"}}"#);
    let large = resources(r#"{"limits":{"cpu":2},"requests":{"memory":"2Gi","cpu":"1"}}"#);
    let removed = resources(r#"{"requests":{"cpu":"1","memory":"1Gi"}}"#);
    check_change(&small, &large, Ok(()));
    check_change(&removed, &small, Ok(()));
    check_change(&small, &removed, Err(PinViolation::Resources));
    check_change(&small, &container(r#""image":"a/b:1","#), Err(PinViolation::Resources));
    let init = |cpu: &str| {
        let limits = format!(r#""resources":{{"limits":{{"cpu":"{cpu}"}}}}"#);
        pod(&format!(r#""initContainers":[{{"name":"x","image":"x",{limits}}}],"#))
    };
    check_change(&init("1"), &init("2"), Ok(()));
    let pod_level = |cpu: &str| pod(&format!(r#""resources":{{"limits":{{"cpu":"{cpu}"}}}},"#));
    check_change(&pod_level("1"), &pod_level("2"), Ok(()));
    check_change(&pod_level("1"), &pod(""), Err(PinViolation::Resources));
}

#[test]
fn devices_and_claims_are_pinned() {
    let resources = |json: &str| container(&format!(r#""image":"a/b:1","resources":{json},"#));
    for (before, after, is_allowed) in [
        (resources(r#"{"limits":{"a/gpu":"1"}}"#), resources(r#"{"limits":{"a/gpu":"2"}}"#), false),
        (resources(r#"{"limits":{"a/gpu":1}}"#), resources(r#"{"limits":{"a/gpu":2}}"#), false),
        (resources(r#"{"limits":{"a/gpu":"1"}}"#), resources("{}"), false),
        (resources("{}"), resources(r#"{"claims":[{"name":"g"}]}"#), false),
        (
            resources(r#"{"claims":[{"name":"g","request":"a"}]}"#),
            resources(r#"{"claims":[{"name":"g","request":"b"}]}"#),
            false,
        ),
    ] {
        check_change(&before, &after, if is_allowed { Ok(()) } else { Err(PinViolation::Spec) });
    }
}

#[test]
fn a_pin_of_an_ordinary_pod_is_small() {
    let tolerations = r#""tolerations":[{"key":"a"},{"key":"b"}],"#;
    let pin = pin(&pod(tolerations));
    let sets = pin.tolerations.bytes() + pin.ephemeral_containers.bytes();
    let heap = sets + pin.resources.len() + pin.images.bytes() + pin.amounts.bytes();
    assert!(size_of::<SpecPin>() + heap <= 300, "{} + {heap}", size_of::<SpecPin>());
}

fn changed(before: &str, after: &str) -> SpecChanges {
    let (before, after) = (pin(before), pin(after));
    assert_eq!(before.permits(&after), Ok(()));
    before.changes(&after)
}

#[test]
fn what_changed_of_what_may_change_is_told() {
    let none = SpecChanges::default();
    let with = |rest: &str| container(&format!(r#""image":"a/b:1"{rest},"#));
    let cpu = |amount: &str| {
        with(&format!(r#","resources":{{"limits":{{"cpu":"{amount}","memory":"1Mi"}}}}"#))
    };
    let init =
        |image: &str| pod(&format!(r#""initContainers":[{{"name":"x","image":"{image}"}}],"#));
    assert_eq!(changed(&pod(""), &pod("")), none);
    assert_eq!(changed(&pod(""), &pod("").replace("Running", "Failed")), none);
    let image = SpecChanges { image: true, ..none };
    assert_eq!(changed(&pod(""), &container(r#""image":"a/b:2","#)), image);
    assert_eq!(changed(&init("x"), &init("y")), image);
    let resources = SpecChanges { resources: true, ..none };
    assert_eq!(changed(&cpu("1"), &cpu("2")), resources);
    assert_eq!(changed(&with(""), &cpu("2")), resources);
    let swapped = with(r#","resources":{"limits":{"memory":"1Mi","cpu":"1"}}"#);
    assert_eq!(changed(&cpu("1"), &swapped), none);
    let of_pod = |amount: &str| pod(&format!(r#""resources":{{"limits":{{"cpu":"{amount}"}}}},"#));
    assert_eq!(changed(&of_pod("1"), &of_pod("2")), resources);
    let deadline = pod(r#""activeDeadlineSeconds":5,"#);
    let expected = SpecChanges { active_deadline_seconds: true, ..none };
    assert_eq!(changed(&pod(""), &deadline), expected);
    let toleration = |seconds: u8| {
        pod(&format!(r#""tolerations":[{{"key":"a","tolerationSeconds":{seconds}}}],"#))
    };
    assert_eq!(changed(&pod(""), &toleration(1)), SpecChanges { tolerations: true, ..none });
    assert_eq!(changed(&toleration(1), &toleration(2)), none);
}
