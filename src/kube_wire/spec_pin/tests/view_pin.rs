//! The pin of a view: what tells two pods apart, wherever it stands, and what does not. That no field
//! is forgotten is tried in `tests/pod_view_matches_go.rs`.

use super::*;
use crate::kube_wire::schema::Pin;

fn view(document: &str) -> ViewPin {
    pins(document).1
}

#[track_caller]
fn assert_apart(pods: &[String]) {
    for (number, one) in pods.iter().enumerate() {
        assert_eq!(view(one), view(one));
        for other in pods.iter().take(number) {
            assert_ne!(view(one), view(other), "{one}\n{other}");
        }
    }
}

fn metadata(more: &str) -> String {
    pod("").replace(r#""resourceVersion":"7""#, more)
}

/// What the encoding's first and last member stand for: `PodEncoding::changeable` relies on it.
#[test]
fn the_spec_stands_between_what_is_outside_of_it() {
    let fields: Vec<_> = POD.fields.iter().map(|field| (field.name, field.pin)).collect();
    let (mutable, frozen) = (Pin::Mutable, Pin::Frozen);
    assert_eq!(
        fields,
        [
            ("kind", mutable),
            ("apiVersion", mutable),
            ("metadata", mutable),
            ("spec", frozen),
            ("status", mutable),
        ]
    );
}

#[test]
fn what_may_change_is_told_apart() {
    let of = |json: &str| container(&format!(r#""image":"a/b:1",{json}"#));
    assert_apart(&[
        pod(""),
        pod(r#""hostNetwork":true,"#),
        container(r#""image":"a/b:2","#),
        of(r#""resources":{"limits":{"cpu":"1"}},"#),
        of(r#""resources":{"limits":{"cpu":"2"}},"#),
        of(r#""resources":{"requests":{"cpu":"1"}},"#),
        pod(r#""activeDeadlineSeconds":5,"#),
        pod(r#""activeDeadlineSeconds":6,"#),
        pod(r#""tolerations":[{"key":"a"}],"#),
        pod(r#""tolerations":[{"key":"a","tolerationSeconds":1}],"#),
        pod(r#""tolerations":[{"key":"a"},{"key":"b"}],"#),
        pod(r#""tolerations":[{"key":"b"},{"key":"a"}],"#),
        pod(r#""ephemeralContainers":[{"name":"x","image":"x"}],"#),
        pod(r#""ephemeralContainers":[{"name":"x","image":"y"}],"#),
    ]);
}

#[test]
fn the_same_in_another_place_is_something_else() {
    let two = |first: &str, second: &str| {
        pod(&format!(r#""initContainers":[{{"name":"x",{first}}},{{"name":"y",{second}}}],"#))
    };
    let cpu = r#""image":"i","resources":{"limits":{"cpu":"1"}}"#;
    assert_apart(&[
        two(r#""image":"i""#, r#""image":"j""#),
        two(r#""image":"j""#, r#""image":"i""#),
        two(cpu, r#""image":"i""#),
        two(r#""image":"i""#, cpu),
        two(r#""image":"i""#, r#""image":"i""#),
    ]);
}

#[test]
fn labels_annotations_and_the_controller_are_told_apart() {
    let owner = |name: &str, uid: &str, controller: bool| {
        metadata(&format!(
            r#""ownerReferences":[{{"apiVersion":"v1","kind":"Node","name":"{name}","uid":"{uid}","controller":{controller}}}]"#
        ))
    };
    assert_apart(&[
        metadata(r#""labels":{}"#),
        metadata(r#""labels":{"a":"b"}"#),
        metadata(r#""annotations":{"a":"b"}"#),
        metadata(r#""labels":{"a":"b"},"annotations":{"a":"b"}"#),
        metadata(r#""labels":{"ab":""}"#),
        metadata(r#""labels":{"":"ab"}"#),
        metadata(r#""labels":{"a":"b","c":"d"}"#),
        metadata(r#""labels":{"a":"b"},"annotations":{"c":"d"}"#),
        metadata(r#""annotations":{"Node":"n","u":""}"#),
        owner("n", "u", true),
        owner("u", "n", true),
        owner("nu", "x", true),
        owner("n", "ux", true),
    ]);
    assert_eq!(view(&owner("n", "u", false)), view(&metadata(r#""labels":{}"#)));
}

#[test]
fn identity_is_part_of_it() {
    assert_apart(&[
        pod(""),
        pod_named("web2", "", r#""image":"a/b:1","#),
        pod("").replace("shop", "shoq"),
        pod("").replace(UID, "12345678-90ab-cdef-0123-456789abcdee"),
    ]);
}

#[test]
fn a_status_and_a_version_make_no_difference() {
    let plain = view(&pod(""));
    for document in [
        pod("").replace(r#""phase":"Running""#, r#""phase":"Failed","message":"x""#),
        pod("").replace(r#""phase":"Running""#, ""),
        pod("").replace(r#""status":{"phase":"Running"}"#, r#""status":null"#),
        metadata(r#""resourceVersion":"123456789""#),
        metadata(r#""finalizers":["a"],"managedFields":[{"manager":"x"}]"#),
        metadata(r#""deletionTimestamp":"2026-01-01T00:00:00Z""#),
        pod("").replacen('{', r#"{"kind":"Pod","apiVersion":"v1","#, 1),
    ] {
        assert_ne!(document, pod(""));
        assert_eq!(view(&document), plain, "{document}");
    }
}
