//! Reading envelopes key by key, the extent hint, and the object writer.

use super::super::{ArrayWriter, Cursor, ExtentHint, Halt, ObjectWriter, Tape, write_text};
use super::{LIMITS, outcome, to_serde};

/// Reads `{"kind":…,"items":[…]}` the way callers do; item count and kind.
fn read_list(bytes: &[u8]) -> Result<(String, usize), Halt> {
    let mut tape = Tape::default();
    let mut cursor = Cursor::new(bytes);
    let (mut kind, mut items) = (String::new(), 0);
    cursor.punctuation(b'{')?;
    let mut is_first = true;
    while cursor.advance(b'}', is_first)? {
        is_first = false;
        match cursor.key(16)?.as_ref() {
            "kind" => kind = cursor.text(16)?.into_owned(),
            "items" => {
                cursor.punctuation(b'[')?;
                let mut is_first_item = true;
                while cursor.advance(b']', is_first_item)? {
                    is_first_item = false;
                    cursor.value(&mut tape, LIMITS)?;
                    items = usize::saturating_add(items, 1);
                }
            }
            _ => drop(cursor.value(&mut tape, LIMITS)?),
        }
    }
    cursor.end()?;
    Ok((kind, items))
}

#[test]
fn an_envelope_is_read_key_by_key() {
    let document =
        b" { \"kind\" : \"P\\u006fdList\", \"x\":{\"y\":[1]},\n\"items\":[ {} , 1,\"a\"] } ";
    assert_eq!(read_list(document), Ok(("PodList".to_owned(), 3)));
    for end in 0..document.len() - 2 {
        assert_eq!(read_list(&document[..end]), Err(Halt::Incomplete), "cut at {end}");
    }
}

#[test]
fn a_broken_envelope_is_a_syntax_fault() {
    for document in [
        r#"["kind"]"#,
        r#"{"kind":1}"#,
        r#"{"kind":"a" "x":1}"#,
        r#"{"kind":"a",}"#,
        r#"{,"kind":"a"}"#,
        r#"{"items":[1 2]}"#,
        r#"{"items":[1,]}"#,
        r#"{"items":[,1]}"#,
        r#"{"items":{}}"#,
        r#"{"kind" "a"}"#,
        r#"{kind:"a"}"#,
        r#"{} {}"#,
        r#"{}x"#,
        r#"{"\ud800":1}"#,
        r#"{"kind":"a kind much too long"}"#,
        r#"{"kind":"a kind much too long to e"#,
        r#"{"a key much too long":1}"#,
    ] {
        assert!(matches!(read_list(document.as_bytes()), Err(Halt::Syntax(_))), "{document}");
    }
    assert!(matches!(read_list(b"{\"k\xff\":1}"), Err(Halt::Syntax(_))));
}

#[test]
fn a_syntax_fault_tells_where() {
    let fault = Cursor::new(b"[1, x]").value(&mut Tape::default(), LIMITS).unwrap_err();
    assert_eq!(fault.to_string(), "not JSON at byte 4: expected a value");
}

#[test]
fn a_halt_does_not_move_the_cursor() {
    let mut cursor = Cursor::new(b"  {\"a\" : [1, 2");
    assert_eq!(cursor.value(&mut Tape::default(), LIMITS), Err(Halt::Incomplete));
    assert_eq!(cursor.offset(), 0);
    assert!(cursor.punctuation(b'[').is_err());
    assert_eq!(cursor.offset(), 0);
    assert_eq!(cursor.punctuation(b'{'), Ok(()));
    assert_eq!(cursor.offset(), 3);
}

#[test]
fn a_number_may_go_on_until_the_input_is_final() {
    let mut tape = Tape::default();
    for number in ["1", "-1", "0", "1.5", "1e5", "12345678901234567890"] {
        let bytes = number.as_bytes();
        assert_eq!(Cursor::new(bytes).value(&mut tape, LIMITS), Err(Halt::Incomplete), "{number}");
        assert_eq!(Cursor::of_final(bytes).value(&mut tape, LIMITS), Ok(None), "{number}");
    }
}

#[test]
fn the_hint_waits_for_the_last_byte_and_not_longer() {
    for (document, follow) in [
        (r#" {"a":"}]\"\\","b":[{},"\\"]}"#, ""),
        (r#"["[",{"x":"\u0022"}]"#, ""),
        (r#""te\"xt\\""#, ""),
        ("-12.5e3", ","),
    ] {
        let unit = format!("{document}{follow}");
        let mut hint = ExtentHint::new();
        for end in 0..unit.len() {
            assert!(!hint.may_be_complete(&unit.as_bytes()[..end]), "{unit} at {end}");
        }
        assert!(hint.may_be_complete(unit.as_bytes()), "{unit}");
        assert!(hint.may_be_complete(unit.as_bytes()), "{unit} again");
        assert!(ExtentHint::new().may_be_complete(unit.as_bytes()), "{unit} at once");
    }
}

#[test]
fn the_hint_never_waits_for_what_the_parser_refuses_at_once() {
    for rubbish in ["tru}", "}", "]", ",", ":", "x", "\u{feff}", "'a'", "+1"] {
        assert_eq!(outcome(rubbish.as_bytes()), "syntax");
        assert!(ExtentHint::new().may_be_complete(rubbish.as_bytes()), "{rubbish}");
    }
}

#[test]
fn text_is_written_with_the_fewest_escapes() {
    let mut out = Vec::new();
    write_text("a\"b\\c\n\r\t\u{8}\u{c}\u{0}\u{1f}\u{7f}é\u{2028}/", &mut out);
    let expected = "\"a\\\"b\\\\c\\n\\r\\t\\b\\f\\u0000\\u001f\u{7f}é\u{2028}/\"";
    assert_eq!(String::from_utf8(out).unwrap(), expected);
}

#[test]
fn objects_are_written_member_by_member() {
    let mut out = Vec::new();
    ObjectWriter::write(&mut out, |status| {
        status.text("kind", "St\"atus");
        status.text_unless_empty("continue", "");
        status.object("metadata", |_| {});
        status.integer("code", -410);
        status.bool("ok", true);
        status.null("none");
        status.array("causes", |causes| {
            causes.text("a");
            causes.object(|cause| cause.text("field", "x"));
        });
        status.member("raw", |out| ArrayWriter::write(out, |_| {}));
    });
    let expected = r#"{"kind":"St\"atus","metadata":{},"code":-410,"ok":true,"none":null,"causes":["a",{"field":"x"}],"raw":[]}"#;
    assert_eq!(std::str::from_utf8(&out).unwrap(), expected);
    let mut tape = Tape::default();
    assert_eq!(Cursor::new(&out).value(&mut tape, LIMITS), Ok(None));
    assert_eq!(
        to_serde(tape.root(&out)),
        serde_json::from_slice::<serde_json::Value>(&out).unwrap()
    );
}
