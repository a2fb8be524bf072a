//! The parser against tables of single cases; `properties` has the same claims for any input.

mod envelope;
mod properties;

use super::{Cursor, Halt, Kind, Limits, Tape, Value, ValueFault};

const LIMITS: Limits = Limits { depth: 64, nodes: 10_000 };

/// Parses a whole document: exactly one value.
fn parse(document: &[u8], tape: &mut Tape) -> Result<Option<ValueFault>, Halt> {
    let mut cursor = Cursor::of_final(document);
    let fault = cursor.value(tape, LIMITS)?;
    cursor.end()?;
    Ok(fault)
}

/// What became of a document, in one word.
fn outcome(document: &[u8]) -> &'static str {
    match parse(document, &mut Tape::default()) {
        Ok(None) => "clean",
        Ok(Some(_)) => "faulty",
        Err(Halt::Incomplete) => "incomplete",
        Err(Halt::Syntax(_)) => "syntax",
    }
}

fn assert_outcome(expected: &str, documents: &[&[u8]]) {
    for document in documents {
        assert_eq!(outcome(document), expected, "{}", document.escape_ascii());
    }
}

/// The tape as serde_json's value, to compare with its own parser.
fn to_serde(value: Value<'_>) -> serde_json::Value {
    match value.kind() {
        Kind::Null => serde_json::Value::Null,
        Kind::Bool(flag) => flag.into(),
        Kind::Integer(number) => number.into(),
        Kind::Number(token) => serde_json::from_str(token).unwrap(),
        Kind::Text(text) => text.into(),
        Kind::Array => value.items().map(to_serde).collect(),
        Kind::Object => {
            value.entries().map(|(key, member)| (key.to_owned(), to_serde(member))).collect()
        }
    }
}

#[test]
fn every_kind_of_value_is_read() {
    let document =
        br#" { "a" : [ null , true, false, -12, 1.5, 1e3 , "x\u00e9\n" ] , "": {}, "b":[] } "#;
    let mut tape = Tape::default();
    assert_eq!(parse(document, &mut tape), Ok(None));
    let root = tape.root(document);
    let kinds: Vec<_> = root.field("a").unwrap().items().map(|value| value.kind()).collect();
    let expected = [
        Kind::Null,
        Kind::Bool(true),
        Kind::Bool(false),
        Kind::Integer(-12),
        Kind::Number("1.5"),
        Kind::Number("1e3"),
        Kind::Text("xé\n"),
    ];
    assert_eq!(kinds, expected);
    assert!(root.field("").unwrap().is_object());
    assert!(root.field("b").unwrap().is_array());
    assert!(root.field("c").is_none());
    assert_eq!(root.entries().map(|(key, _)| key).collect::<Vec<_>>(), ["a", "", "b"]);
    assert_eq!(&document[tape.extent()], document.trim_ascii());
}

#[test]
fn a_null_member_reads_as_absent() {
    let mut tape = Tape::default();
    assert_eq!(parse(br#"{"a":null}"#, &mut tape), Ok(None));
    assert!(tape.root(br#"{"a":null}"#).field("a").is_none());
}

#[test]
fn integers_end_where_i64_ends() {
    for (token, kind) in [
        ("0", Kind::Integer(0)),
        ("-0", Kind::Integer(0)),
        ("999999999999999999", Kind::Integer(999_999_999_999_999_999)),
        ("9223372036854775807", Kind::Integer(i64::MAX)),
        ("-9223372036854775808", Kind::Integer(i64::MIN)),
        ("9223372036854775808", Kind::Number("9223372036854775808")),
        ("-9223372036854775809", Kind::Number("-9223372036854775809")),
        ("18446744073709551616", Kind::Number("18446744073709551616")),
        ("1.0", Kind::Number("1.0")),
        ("1e0", Kind::Number("1e0")),
    ] {
        let mut tape = Tape::default();
        assert_eq!(parse(token.as_bytes(), &mut tape), Ok(None), "{token}");
        assert_eq!(tape.root(token.as_bytes()).kind(), kind, "{token}");
    }
}

#[test]
fn numbers_follow_rfc_8259() {
    assert_outcome(
        "clean",
        &[
            b"0",
            b"-0",
            b"10",
            b"1.5",
            b"0.0",
            b"1E5",
            b"1e+5",
            b"1e-5",
            b"-0.1e1",
            b"123456789",
            b"1e308",
        ],
    );
    assert_outcome(
        "syntax",
        &[
            b"01",
            b"-01",
            b"1.e1",
            b".5",
            b"+1",
            b"1.2.3",
            b"1e ",
            b"1e1.5",
            b"0x10",
            b"1_000",
            b"NaN",
            b"Infinity",
            b"-Infinity",
            b"--1",
            b"-a",
            b"1.a",
            b"1ea",
            b"1e+a",
            b"00",
            b"1a",
            b"- 1",
        ],
    );
}

#[test]
fn numbers_past_every_float_are_faults() {
    let long = [b'9'; 400];
    assert_outcome("faulty", &[b"1e999", b"-1e999", b"[1e309]", b"1.0e400", &long]);
}

#[test]
fn structure_follows_rfc_8259() {
    assert_outcome(
        "clean",
        &[b"[]", b"{}", b"[[]]", b" [1 , 2]\r\n\t", b"{\"a\":{}}", b"null", b"\"\"", b"[{},[],0]"],
    );
    assert_outcome(
        "syntax",
        &[
            b"[1,]",
            b"[,1]",
            b"[1 2]",
            b"[1,,2]",
            b"{,}",
            b"{\"a\":1,}",
            b"{\"a\" 1}",
            b"{\"a\":1 \"b\":2}",
            b"{\"a\":}",
            b"{a:1}",
            b"{'a':1}",
            b"{1:1}",
            b"{\"a\",1}",
            b"[1}",
            b"{\"a\":1]",
            b"]",
            b"}",
            b"[]]",
            b"{}{}",
            b"1 2",
            b"nil",
            b"True",
            b"nulll",
            b"[tru]",
            b"// x\n1",
            b"/* */1",
            b"[1]#",
        ],
    );
    assert_outcome(
        "syntax",
        &[b"\xEF\xBB\xBF{}", b"\x00", b"\x0c1", b"\xC2\xA01", b"[\x01]", b"\xff"],
    );
    assert_outcome(
        "incomplete",
        &[b"", b" ", b"[", b"{", b"[1", b"{\"a\"", b"{\"a\":", b"\"", b"\"\\", b"nul", b"-"],
    );
}

#[test]
fn strings_follow_rfc_8259() {
    assert_outcome(
        "clean",
        &[
            br#""\"\\\/\b\f\n\r\t\u0041\u00e9\uD834\uDD1E""#,
            "\"é😀\u{2028}\u{7f}\u{FFFD}\"".as_bytes(),
            br#""\u0000""#,
            br#""\ufdd0\uffff""#,
        ],
    );
    assert_outcome(
        "syntax",
        &[
            b"\"\x00\"",
            b"\"\x1f\"",
            b"\"\n\"",
            b"\"a\tb\"",
            b"\"01234567890123456789\x01\"",
            b"\"\\x41\"",
            b"\"\\u12\"",
            b"\"\\u12G4\"",
            b"\"\\U0041\"",
            b"\"\\'\"",
            b"\"\\\n\"",
            b"\"\\u+041\"",
            b"\"\\ \"",
            b"{\"\\q\":1}",
            b"'a'",
        ],
    );
}

#[test]
fn strings_that_are_not_unicode_are_faults_of_known_extent() {
    assert_outcome(
        "faulty",
        &[
            br#""\ud800""#,
            br#""\udc00""#,
            br#""\udc00\ud800""#,
            br#""\ud800x""#,
            br#""\ud800\n""#,
            br#""\ud800\u0041""#,
            br#"{"\ud800":1}"#,
            b"\"\xff\"",
            b"\"\xc3\"",
            b"\"\xc0\xaf\"",
            b"\"\xed\xa0\x80\"",
            b"\"\xf4\x90\x80\x80\"",
            b"\"\\n\xff\"",
            b"{\"\xff\":1}",
            b"[\"\xe9 latin1\"]",
        ],
    );
}

#[test]
fn the_way_strings_are_decoded_is_gos() {
    for (document, text) in [
        (r#""\ud834\udd1e""#, "𝄞"),
        (r#""\u00e9\u00E9""#, "éé"),
        (r#""a\/b""#, "a/b"),
        (r#""\\u0041""#, "\\u0041"),
        (r#""\ud800\u0041""#, "\u{FFFD}A"),
        (r#""\ud800\ud834\udd1e""#, "\u{FFFD}𝄞"),
    ] {
        let mut tape = Tape::default();
        parse(document.as_bytes(), &mut tape).unwrap();
        assert_eq!(tape.root(document.as_bytes()).as_str(), Some(text), "{document}");
    }
}

#[test]
fn a_fault_names_its_path() {
    let mut many = vec![b'['; 70];
    many.extend([b']'; 70]);
    let cases: [(&[u8], &str); 8] = [
        (br#"{"spec":{"containers":[{},{"image":"\ud800"}]}}"#, "spec.containers[1].image"),
        (br#"{"metadata":{"annotations":{"a.b/c":1e999}}}"#, r#"metadata.annotations["a.b/c"]"#),
        (br#"{"\ud800":1}"#, r#"["\u{fffd}"]"#),
        (b"\"\xff\"", ""),
        (b"{\"a\":[0,\"\\n\",\"\xff\"]}", "a[2]"),
        (b"{\"a\":{\"x\xff\":1}}", r#"a["x\u{fffd}"]"#),
        (br#"{"a\n\u001b[31m":1e999}"#, r#"["a\n\u{1b}[31m"]"#),
        (&many, &"[0]".repeat(64)),
    ];
    for (document, path) in cases {
        let fault = parse(document, &mut Tape::default()).unwrap().unwrap();
        assert_eq!(fault.path, path, "{}", document.escape_ascii());
    }
}

#[test]
fn a_path_stays_short_whatever_the_keys() {
    let document = format!(r#"{{"{}":{{"{}":1e999}}}}"#, "k".repeat(5000), "é".repeat(5000));
    let fault = parse(document.as_bytes(), &mut Tape::default()).unwrap().unwrap();
    assert!(fault.path.len() < 800, "{}", fault.path.len());
    assert!(fault.path.is_ascii());
}

#[test]
fn bad_utf_8_anywhere_leaves_an_identity_to_salvage() {
    let document =
        b"{\"metadata\":{\"uid\":\"u-1\",\"name\":\"\\u0061b\"},\"x\":\"\xff\",\"n\":1.5}";
    let mut tape = Tape::default();
    let fault = parse(document, &mut tape).unwrap().unwrap();
    assert_eq!((fault.path.as_str(), fault.problem.as_str()), ("x", "string that is not UTF-8"));
    let metadata = tape.root(document).field("metadata").unwrap();
    assert_eq!(metadata.field("uid").unwrap().as_str(), Some("u-1"));
    assert_eq!(metadata.field("name").unwrap().as_str(), Some("ab"));
    assert_eq!(tape.root(document).field("x").unwrap().as_str(), Some("\u{FFFD}"));
}

#[test]
fn what_is_too_deep_is_skipped_and_what_follows_is_read() {
    let document = format!(r#"{{"deep":{}"]"{},"uid":"u"}}"#, "[".repeat(9000), "]".repeat(9000));
    let mut tape = Tape::default();
    let fault = parse(document.as_bytes(), &mut tape).unwrap().unwrap();
    assert_eq!(fault.problem, "nested too deep");
    assert_eq!(tape.root(document.as_bytes()).field("uid").unwrap().as_str(), Some("u"));
    assert!(tape.len() < 100);
}

#[test]
fn what_go_would_not_read_for_its_depth_is_a_syntax_fault() {
    let document = [vec![b'['; 20_000], vec![b']'; 20_000]].concat();
    assert_outcome("syntax", &[&document]);
}

#[test]
fn skipped_parts_must_still_be_json() {
    for inner in ["[1,]", "{\"a\"}", "\"\\q\"", "01", "{]", "\"\n\""] {
        let document = format!("{}{inner}{}", "[".repeat(80), "]".repeat(80));
        assert_eq!(outcome(document.as_bytes()), "syntax", "{inner}");
    }
}

#[test]
fn too_many_nodes_are_a_fault_that_costs_no_more_memory() {
    let document = format!(r#"{{"uid":"u","x":{{"y":[{}0]}},"z":[1]}} "#, "0,".repeat(100_000));
    let mut tape = Tape::default();
    let limits = Limits { depth: 8, nodes: 100 };
    let mut cursor = Cursor::of_final(document.as_bytes());
    let fault = cursor.value(&mut tape, limits).unwrap().unwrap();
    assert_eq!((fault.path.as_str(), fault.problem.as_str()), ("x.y[93]", "too many values"));
    assert_eq!(cursor.offset(), document.len() - 1);
    assert!(tape.len() <= 102 && tape.capacity_bytes() < 10_000);
    let root = tape.root(document.as_bytes());
    assert_eq!(root.field("uid").unwrap().as_str(), Some("u"));
    assert_eq!(root.field("x").unwrap().field("y").unwrap().items().count(), 94);
}

#[test]
fn a_tape_gives_back_what_a_giant_took() {
    let document = format!("[{}0]", "0,".repeat(100_000));
    let mut tape = Tape::default();
    let limits = Limits { depth: 8, nodes: 1_000_000 };
    assert_eq!(Cursor::new(document.as_bytes()).value(&mut tape, limits), Ok(None));
    assert!(tape.capacity_bytes() >= 16 * 100_001);
    tape.shrink(1000);
    assert!(tape.capacity_bytes() <= 17 * 1000);
    assert!(tape.is_empty() && tape.root(b"").is_null());
}

#[test]
fn a_halt_leaves_an_empty_tape() {
    let mut tape = Tape::default();
    for document in [&b"[{\"a\":[1,2"[..], b"[{\"a\":[1,x"] {
        assert!(parse(document, &mut tape).is_err());
        assert!(tape.is_empty() && tape.root(document).items().count() == 0);
    }
}

#[test]
fn other_bytes_than_the_source_read_as_absent() {
    let mut tape = Tape::default();
    parse(br#"["abc"]"#, &mut tape).unwrap();
    for other in [&b""[..], b"[", b"\xff\xff\xff\xff\xff\xff\xff"] {
        assert!(tape.root(other).items().all(|value| value.as_str().is_none()));
    }
}

#[test]
fn debug_output_never_shows_values() {
    let document = br#"["s3cret","s3\u0063ret",115,51]"#;
    let mut tape = Tape::default();
    parse(document, &mut tape).unwrap();
    let shown = format!("{:?} {tape:?} {:?}", tape.root(document), Cursor::new(document));
    assert!(!shown.contains("s3cret") && !shown.contains("115"), "{shown}");
}
