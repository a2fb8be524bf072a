//! The check and the canonical encoding, on small tables that hold every shape.

use proptest::prelude::*;

use super::super::grammar::Grammar;
use super::super::json::{Cursor, Limits, Tape, ValueFault};
use super::{Field, MAX_FIELDS, ObjectSchema, Pin, Shape, UnknownFields, check};

static INNER: ObjectSchema = ObjectSchema {
    name: "Inner",
    unknown: UnknownFields::Omit,
    fields: &[
        Field { name: "label", shape: Shape::Named(Grammar::DnsLabel), pin: Pin::Frozen },
        Field { name: "image", shape: Shape::Text, pin: Pin::Mutable },
        Field { name: "port", shape: Shape::IntOrString, pin: Pin::Frozen },
    ],
};

static OUTER: ObjectSchema = ObjectSchema {
    name: "Outer",
    unknown: UnknownFields::Refuse,
    fields: &[
        Field { name: "kind", shape: Shape::Text, pin: Pin::Mutable },
        Field { name: "flag", shape: Shape::Bool, pin: Pin::Mutable },
        Field { name: "small", shape: Shape::Int32, pin: Pin::Frozen },
        Field { name: "large", shape: Shape::Int64, pin: Pin::Frozen },
        Field { name: "amount", shape: Shape::Quantity, pin: Pin::Frozen },
        Field { name: "when", shape: Shape::Time, pin: Pin::Frozen },
        Field { name: "inner", shape: Shape::Object(&INNER), pin: Pin::Frozen },
        Field { name: "inners", shape: Shape::List(&Shape::Object(&INNER)), pin: Pin::Frozen },
        Field { name: "map", shape: Shape::Map(&Shape::Text), pin: Pin::Frozen },
        Field { name: "free", shape: Shape::Free, pin: Pin::Frozen },
        Field { name: "hostPID", shape: Shape::Bool, pin: Pin::Mutable },
    ],
};

/// Checks a document and encodes it: the encoding and what is left of it without mutable members.
fn encode(document: &str) -> Result<(String, String), ValueFault> {
    let mut tape = Tape::default();
    let mut cursor = Cursor::of_final(document.as_bytes());
    let fault = cursor.value(&mut tape, Limits { depth: 64, nodes: 10_000 }).unwrap();
    assert_eq!(fault, None, "{document}");
    let checked = check(tape.root(document.as_bytes()), &OUTER)?;
    let (mut out, mut mutable) = (Vec::new(), Vec::new());
    checked.write(&mut out, &mut mutable);
    assert!(mutable.is_sorted_by(|left, right| left.end < right.start), "{mutable:?}");
    let mut frozen = out.clone();
    for range in mutable.into_iter().rev() {
        frozen.drain(range);
    }
    Ok((String::from_utf8(out).unwrap(), String::from_utf8(frozen).unwrap()))
}

fn problem(document: &str) -> String {
    encode(document).expect_err(document).to_string()
}

#[test]
fn a_value_is_written_in_the_tables_order_with_sorted_maps() {
    for (document, expected) in [
        ("{}", "{}"),
        (r#" { "small" : 1 , "kind" : "a" } "#, r#"{"kind":"a","small":1}"#),
        (r#"{"kind":"\u0061\u0022\/"}"#, r#"{"kind":"a\"/"}"#),
        (
            r#"{"map":{"b":"1","a":"\u0000","\u0061a":""}}"#,
            r#"{"map":{"a":"\u0000","aa":"","b":"1"}}"#,
        ),
        (r#"{"map":{},"inners":[],"inner":{}}"#, r#"{"inner":{},"inners":[],"map":{}}"#),
        (
            r#"{"small":-0,"large":-9223372036854775808}"#,
            r#"{"small":0,"large":-9223372036854775808}"#,
        ),
        (
            r#"{"amount":1.50,"when":"2026-11-21T08:00:00Z"}"#,
            r#"{"amount":1.50,"when":"2026-11-21T08:00:00Z"}"#,
        ),
        (
            r#"{"inners":[{"port":80,"label":"a"},{"port":"http","new":[1e3,null]}]}"#,
            r#"{"inners":[{"label":"a","port":80},{"port":"http"}]}"#,
        ),
        (
            r#"{"free":{"b":[{"d":1.0,"c":null}],"a":true}}"#,
            r#"{"free":{"a":true,"b":[{"c":null,"d":1.0}]}}"#,
        ),
        (r#"{"kind":null,"map":null,"inner":null,"inners":null,"small":null}"#, "{}"),
        (r#"{"small":1,"hostPID":null,"flag":false}"#, r#"{"flag":false,"small":1}"#),
    ] {
        assert_eq!(encode(document).unwrap().0, expected, "{document}");
    }
}

#[test]
fn what_is_frozen_does_not_tell_of_mutable_members() {
    for (document, frozen) in [
        (
            r#"{"kind":"a","flag":true,"small":1,"large":2,"hostPID":true}"#,
            r#"{"small":1,"large":2}"#,
        ),
        (r#"{"flag":true,"small":1,"large":2}"#, r#"{"small":1,"large":2}"#),
        (r#"{"small":1,"large":2,"hostPID":false}"#, r#"{"small":1,"large":2}"#),
        (r#"{"kind":"a","hostPID":true}"#, "{}"),
        (r#"{"kind":"a"}"#, "{}"),
        (r#"{"inner":{"image":"x"}}"#, r#"{"inner":{}}"#),
        (r#"{"inner":{"image":"x","port":1}}"#, r#"{"inner":{"port":1}}"#),
        (
            r#"{"inners":[{"label":"a","image":"x","port":1},{"image":"y"}]}"#,
            r#"{"inners":[{"label":"a","port":1},{}]}"#,
        ),
    ] {
        assert_eq!(encode(document).unwrap().1, frozen, "{document}");
    }
}

#[test]
fn keys_that_go_might_confuse_are_faults() {
    for (document, expected) in [
        (r#"{"kind":"a","kind":"b"}"#, "kind: field given twice"),
        (r#"{"kind":"a","k\u0069nd":"b"}"#, "kind: field given twice"),
        (r#"{"hostPID":true,"hostPID":null}"#, "hostPID: field given twice"),
        (r#"{"small":1,"kind":"a","small":2}"#, "small: field given twice"),
        (r#"{"kind":"a","large":1,"small":2,"large":3}"#, "large: field given twice"),
        (r#"{"kind":"a","KIND":"b"}"#, "KIND: differs from `kind` only in case"),
        (r#"{"Kind":null}"#, "Kind: differs from `kind` only in case"),
        (r#"{"\u212aind":"a"}"#, r#"["\u{212a}ind"]: differs from `kind` only in case"#),
        (r#"{"\u017fmall":1}"#, r#"["\u{17f}mall"]: differs from `small` only in case"#),
        (r#"{"inner":{"Label":"a"}}"#, "inner.Label: differs from `label` only in case"),
        (
            r#"{"inner":{"new":1,"other":2,"NEW":2}}"#,
            "inner.NEW: two unknown fields that differ at most in case",
        ),
        (
            r#"{"inner":{"new":1,"new":1}}"#,
            "inner.new: two unknown fields that differ at most in case",
        ),
        (r#"{"inner":{"n\u0001":1}}"#, r#"inner["n\u{1}"]: control character in a field name"#),
        (r#"{"inner":{"n\u007f":1}}"#, r#"inner["n\u{7f}"]: control character in a field name"#),
        (r#"{"new":1}"#, "new: unknown field of Outer"),
        (r#"{"":1}"#, r#"[""]: unknown field of Outer"#),
        (r#"{"map":{"a":"1","b":"2","a":"3"}}"#, "map.a: key given twice"),
        (r#"{"map":{"a":"1","a":"1"}}"#, "map.a: key given twice"),
        (r#"{"map":{"b":"1","\u0062":"1"}}"#, "map.b: key given twice"),
        (r#"{"free":{"a":[{"b":1,"c":2,"b":3}]}}"#, "free.a[0].b: key given twice"),
    ] {
        assert_eq!(problem(document), expected, "{document}");
    }
}

#[test]
fn keys_of_maps_may_be_anything_but_equal() {
    let (encoded, _) = encode(r#"{"map":{"kind":"","KIND":"","a\u0000\n":"","":""}}"#).unwrap();
    assert_eq!(encoded, r#"{"map":{"":"","KIND":"","a\u0000\n":"","kind":""}}"#);
}

#[test]
fn wrong_kinds_are_faults() {
    for (field, values, expected) in [
        ("kind", &["1", "true", "[]", "{}"][..], "a string"),
        ("flag", &["1", "0", r#""true""#, "[]"], "true or false"),
        (
            "small",
            &["2147483648", "-2147483649", "1.0", "1e3", r#""1""#, "true"],
            "a 32-bit integer",
        ),
        ("large", &["9223372036854775808", "1.0", "1e3", r#""1""#], "a 64-bit integer"),
        ("amount", &["true", r#""""#, r#"" 1""#, r#""1KiB""#, "1e100", "[]"], "a quantity"),
        ("when", &["1", r#""""#, r#""yesterday""#], "an RFC 3339 time"),
        ("inner", &["1", "[]", r#""""#], "an object"),
        ("inners", &["1", "{}", r#""""#], "a list"),
        ("map", &["1", "[]", r#""""#], "an object"),
        ("free", &["1", "[]", r#""""#], "an object"),
    ] {
        for value in values {
            let document = format!(r#"{{"{field}":{value}}}"#);
            assert_eq!(problem(&document), format!("{field}: expected {expected}"));
        }
    }
    assert_eq!(problem("[]"), "expected an object");
    assert_eq!(
        problem(r#"{"inner":{"port":1.5}}"#),
        "inner.port: expected a 32-bit integer or a string"
    );
    assert_eq!(
        problem(r#"{"inner":{"label":"../../etc"}}"#),
        "inner.label: must be an RFC 1123 label"
    );
}

#[test]
fn null_inside_lists_and_maps_is_a_fault() {
    assert_eq!(problem(r#"{"inners":[{},null]}"#), "inners[1]: expected an object");
    assert_eq!(problem(r#"{"map":{"a":null}}"#), "map.a: expected a string");
}

#[test]
fn a_field_past_the_last_bit_is_a_fault() {
    let field = |index: usize| Field {
        name: format!("f{index}").leak(),
        shape: Shape::Bool,
        pin: Pin::Frozen,
    };
    let fields = (0..=MAX_FIELDS).map(field).collect::<Vec<_>>().leak();
    let wide =
        Box::leak(Box::new(ObjectSchema { name: "Wide", unknown: UnknownFields::Omit, fields }));
    let mut tape = Tape::default();
    for (document, fits) in [(r#"{"f63":true}"#, true), (r#"{"f64":true}"#, false)] {
        let limits = Limits { depth: 2, nodes: 10 };
        Cursor::new(document.as_bytes()).value(&mut tape, limits).unwrap();
        assert_eq!(check(tape.root(document.as_bytes()), wide).is_ok(), fits, "{document}");
    }
}

#[test]
fn one_member_is_written_alone() {
    let document = br#"{"inner":{"port":1,"image":"x"},"small":1,"map":null}"#;
    let mut tape = Tape::default();
    Cursor::of_final(document).value(&mut tape, Limits { depth: 64, nodes: 100 }).unwrap();
    let checked = check(tape.root(document), &OUTER).unwrap();
    let (mut out, mut mutable) = (b"x".to_vec(), Vec::new());
    assert!(checked.write_field("inner", &mut out, &mut mutable));
    assert_eq!(out, br#"x{"image":"x","port":1}"#);
    assert_eq!(mutable.first(), Some(&(2..14)));
    assert!(!checked.write_field("map", &mut out, &mut mutable));
    assert!(!checked.write_field("unheard-of", &mut out, &mut mutable));
}

/// Documents that fit the table, in any order and any spelling.
fn fitting() -> impl Strategy<Value = String> {
    let text = any::<String>().prop_map(|text| serde_json::to_string(&text).unwrap());
    let label = "[a-z]{1,8}".prop_map(|text| format!("\"{text}\""));
    let inner = (label, text.clone(), any::<i32>(), any::<bool>()).prop_map(
        |(label, image, port, turned)| {
            if turned {
                format!(r#"{{"port": {port},"later":{image},"image":{image},"label":{label}}}"#)
            } else {
                format!(r#"{{"label":{label},"image":{image},"port":"{port}"}}"#)
            }
        },
    );
    let map = prop::collection::btree_map(any::<String>(), any::<String>(), 0..5)
        .prop_map(|map| serde_json::to_string(&map).unwrap());
    let fields = (
        text,
        any::<bool>(),
        any::<i32>(),
        any::<i64>(),
        inner.clone(),
        prop::collection::vec(inner, 0..3),
        map,
    );
    fields
        .prop_map(|(kind, flag, small, large, inner, inners, map)| {
            vec![
                format!(r#""kind":{kind}"#),
                format!(r#""flag": {flag}"#),
                format!(r#""small":{small}"#),
                format!(r#""large" :{large}"#),
                format!(r#""amount":{small}.5e1"#),
                format!(r#""inner":{inner}"#),
                format!(r#""inners":[{}]"#, inners.join(" , ")),
                format!(r#""map":{map}"#),
                format!(r#""free":{{"z":[{map},{kind}],"a":{inner}}}"#),
                r#""hostPID":null"#.to_owned(),
            ]
        })
        .prop_flat_map(|members| prop::sample::subsequence(members, 0..=10).prop_shuffle())
        .prop_map(|members| format!("{{{}}}", members.join(",")))
}

proptest! {
    #[test]
    fn the_canonical_encoding_is_a_fixed_point_that_means_the_same(document in fitting()) {
        let (once, frozen) = encode(&document).unwrap();
        let (twice, frozen_again) = encode(&once).unwrap();
        prop_assert_eq!(&once, &twice);
        prop_assert_eq!(frozen, frozen_again);
        let read = |text: &str| {
            let mut value: serde_json::Value = serde_json::from_str(text).unwrap();
            forget(&mut value);
            value
        };
        prop_assert_eq!(read(&document), read(&once));
    }

    #[test]
    fn a_member_given_twice_is_a_fault_wherever_it_stands(
        places in prop::collection::vec(0..OUTER.fields.len(), 0..9),
    ) {
        let names: Vec<_> = places.into_iter().map(|place| OUTER.fields[place].name).collect();
        let members: Vec<_> = names.iter().map(|name| format!(r#""{name}":null"#)).collect();
        let distinct: std::collections::BTreeSet<_> = names.iter().collect();
        let document = format!("{{{}}}", members.join(","));
        prop_assert_eq!(encode(&document).is_ok(), distinct.len() == names.len(), "{}", document);
    }
}

/// Drops what the encoding leaves out.
fn forget(value: &mut serde_json::Value) {
    let Some(outer) = value.as_object_mut() else { return };
    outer.retain(|_, member| !member.is_null());
    let (mut inner, mut inners) = (outer.remove("inner"), outer.remove("inners"));
    let listed = inners.as_mut().and_then(|inners| inners.as_array_mut()).into_iter().flatten();
    for object in inner.iter_mut().chain(listed) {
        object.as_object_mut().unwrap().remove("later");
    }
    outer.extend(inner.map(|inner| ("inner".to_owned(), inner)));
    outer.extend(inners.map(|inners| ("inners".to_owned(), inners)));
}
