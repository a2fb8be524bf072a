//! What holds for any bytes: agreement with serde_json, indifference to how bytes are cut.

use proptest::prelude::*;

use super::super::{Cursor, ExtentHint, Halt, Limits, Tape, write_text};
use super::{LIMITS, outcome, parse, to_serde};

/// Documents near JSON: a valid one with a few bytes changed, from an alphabet that hits the grammar.
fn almost_json() -> impl Strategy<Value = Vec<u8>> {
    let edit = (
        any::<prop::sample::Index>(),
        prop::sample::select(&b"{}[]\",:\\u0e1-+. tfn\x00\x1f\x80\xc3\xff"[..]),
    );
    (json(), prop::collection::vec(edit, 0..4), any::<bool>()).prop_map(|(value, edits, pretty)| {
        let mut bytes =
            if pretty { serde_json::to_vec_pretty(&value) } else { serde_json::to_vec(&value) }
                .unwrap();
        for (place, byte) in edits {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        bytes
    })
}

fn json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        (-20_i64..20).prop_map(Into::into),
        any::<f64>().prop_map(Into::into),
        any::<String>().prop_map(Into::into),
        "[ -~\\\\\"\n]{0,20}".prop_map(Into::into),
    ];
    leaf.prop_recursive(5, 40, 6, |inner| {
        let key = prop_oneof!["[a-zA-Z]{0,9}", any::<String>()];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Into::into),
            prop::collection::btree_map(key, inner, 0..6)
                .prop_map(|members| serde_json::Value::Object(members.into_iter().collect())),
        ]
    })
}

/// Go reads the token `-0` as the integer 0 and so do we; serde_json makes a float of it.
fn plus_zero(value: serde_json::Value) -> serde_json::Value {
    match value {
        serde_json::Value::Number(ref number) if number.to_string() == "-0.0" => 0.into(),
        serde_json::Value::Array(items) => items.into_iter().map(plus_zero).collect(),
        serde_json::Value::Object(members) => {
            members.into_iter().map(|(key, value)| (key, plus_zero(value))).collect()
        }
        serde_json::Value::Null
        | serde_json::Value::Bool(_)
        | serde_json::Value::Number(_)
        | serde_json::Value::String(_) => value,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn what_is_accepted_reads_as_in_serde_json(bytes in almost_json()) {
        let mut tape = Tape::default();
        let ours = parse(&bytes, &mut tape);
        let theirs = serde_json::from_slice::<serde_json::Value>(&bytes);
        match (ours, theirs) {
            (Ok(None), Ok(theirs)) => prop_assert_eq!(plus_zero(to_serde(tape.root(&bytes))), plus_zero(theirs)),
            (Ok(None), Err(error)) => prop_assert!(false, "accepted, yet {}", error),
            (Err(_), Ok(_)) => prop_assert!(false, "refused"),
            // Lone surrogates, bad UTF-8, huge numbers: serde_json refuses them as well.
            (Ok(Some(fault)), Ok(_)) => prop_assert!(false, "faulty: {}", fault),
            (Ok(Some(_)) | Err(_), Err(_)) => {}
        }
    }

    #[test]
    fn any_prefix_is_incomplete_or_as_wrong_as_the_whole(bytes in almost_json()) {
        let mut tape = Tape::default();
        let whole = Cursor::new(&bytes).value(&mut tape, LIMITS);
        let extent = tape.extent();
        for end in 0..bytes.len() {
            let mut cursor = Cursor::new(&bytes[..end]);
            match cursor.value(&mut tape, LIMITS) {
                Err(Halt::Incomplete) => prop_assert!(whole.is_err() || end <= extent.end),
                cut => {
                    prop_assert_eq!(&cut, &whole);
                    prop_assert!(cut.is_err() || tape.extent() == extent);
                }
            }
        }
    }

    #[test]
    fn the_hint_is_never_later_than_the_parser(bytes in almost_json(), step in 1_usize..9) {
        let mut hint = ExtentHint::new();
        for end in (0..bytes.len()).step_by(step) {
            let is_time = hint.may_be_complete(&bytes[..end]);
            let read = Cursor::new(&bytes[..end]).value(&mut Tape::default(), LIMITS);
            // The parser ends a number before a second sign, the hint waits for what follows both.
            let is_numeric = |byte: &u8| b" \n0123456789+-.eE".contains(byte);
            let is_complete = read.is_ok() && !bytes[..end].iter().all(is_numeric);
            prop_assert!(is_time || !is_complete, "{}", bytes[..end].escape_ascii());
        }
    }

    #[test]
    fn small_limits_change_no_extent(bytes in almost_json(), depth in 0_usize..4, nodes in 0_usize..9) {
        let mut tape = Tape::default();
        let mut cursor = Cursor::of_final(&bytes);
        let whole = cursor.value(&mut tape, LIMITS).map(|_| cursor.offset());
        let mut cursor = Cursor::of_final(&bytes);
        let cut = cursor.value(&mut tape, Limits { depth, nodes }).map(|_| cursor.offset());
        prop_assert_eq!(cut, whole);
        prop_assert!(tape.len() <= nodes.saturating_add(2));
    }

    #[test]
    fn text_reads_as_it_was_written(text in any::<String>(), plain in 0_usize..20) {
        let text = format!("{}{text}", "x".repeat(plain));
        let mut written = Vec::new();
        write_text(&text, &mut written);
        let mut tape = Tape::default();
        prop_assert_eq!(parse(&written, &mut tape), Ok(None));
        prop_assert_eq!(tape.root(&written).as_str(), Some(text.as_str()));
        prop_assert_eq!(serde_json::from_slice::<String>(&written).ok(), Some(text));
    }

    #[test]
    fn no_bytes_at_all_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        outcome(&bytes);
        ExtentHint::new().may_be_complete(&bytes);
    }
}
