use super::*;

/// A review as Go's own serializer writes it (apimachinery v0.35.4).
const FROM_GO: &str = "6b3873000a2e0a17617574686f72697a6174696f6e2e6b38732e696f2f763112135375626a6563744163\
    6365737352657669657712ab010a100a0012001a0022002a00320038004200128c010a230a0012036765\
    741a00220276312a056e6f646573320570726f78793a066e6f64652d311a0e6e6f6465776172642d6775\
    617264221473797374656d3a61757468656e746963617465642a3d0a2a61757468656e7469636174696f\
    6e2e6b756265726e657465732e696f2f63726564656e7469616c2d6964120f0a0d583530395348413235\
    363d616232001a08080012001a0020001a002200";

const JSON: &str = r#"{"kind":"SubjectAccessReview","apiVersion":"authorization.k8s.io/v1","metadata":{"creationTimestamp":null},"spec":{"resourceAttributes":{"verb":"get","version":"v1","resource":"nodes","subresource":"proxy","name":"node-1"},"user":"nodeward-guard","groups":["system:authenticated"],"extra":{"authentication.kubernetes.io/credential-id":["X509SHA256=ab"]}},"status":{"allowed":false}}"#;

const PROTOBUF: &str = "application/vnd.kubernetes.protobuf";

fn bytes(hexadecimal: &str) -> Vec<u8> {
    let digits = hexadecimal.as_bytes().chunks(2);
    let byte = |pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.map(byte).collect()
}

fn expected() -> AccessReview {
    AccessReview {
        user: "nodeward-guard".to_owned(),
        credentials: vec!["X509SHA256=ab".to_owned()],
        resource: Resource {
            verb: "get".to_owned(),
            version: "v1".to_owned(),
            resource: "nodes".to_owned(),
            subresource: "proxy".to_owned(),
            name: "node-1".to_owned(),
            ..Resource::default()
        },
    }
}

#[test]
fn a_review_reads_the_same_in_both_encodings() {
    assert_eq!(AccessReview::read(PROTOBUF, &bytes(FROM_GO)), Ok(expected()));
    assert_eq!(AccessReview::read("application/json", JSON.as_bytes()), Ok(expected()));
}

#[test]
fn a_cut_or_changed_review_is_never_another_credential() {
    let whole = bytes(FROM_GO);
    for end in 0..whole.len() {
        // The last fields of the envelope are empty: without them it is still whole.
        let cut = AccessReview::read(PROTOBUF, &whole[..end]);
        assert!(cut.is_err() || cut == Ok(expected()), "{end}");
    }
    for at in 0..whole.len() {
        for bit in 0..8 {
            let mut changed = whole.clone();
            changed[at] ^= 1 << bit;
            if let Ok(review) = AccessReview::read(PROTOBUF, &changed) {
                let one_word_differs = [
                    review.user != expected().user,
                    review.credentials != expected().credentials,
                    review.resource != expected().resource,
                ];
                assert!(one_word_differs.into_iter().filter(|differs| *differs).count() <= 1);
            }
        }
    }
}

#[test]
fn what_is_odd_is_refused() {
    let json = |from: &str, to: &str| {
        assert!(JSON.contains(from), "{from}");
        AccessReview::read("application/json", JSON.replace(from, to).as_bytes())
    };
    for (from, to) in [
        ("SubjectAccessReview", "LocalSubjectAccessReview"),
        ("authorization.k8s.io/v1", "authorization.k8s.io/v1beta1"),
        (r#""resourceAttributes""#, r#""nonResourceAttributes":{"path":"/"},"resourceAttributes""#),
        (r#""resourceAttributes""#, r#""resourceattributes""#),
        (r#""verb":"get""#, r#""verb":"get","verb":"create""#),
        (r#""verb":"get""#, r#""verb":"get","VERB":"create""#),
        (r#""user":"#, r#""extra":{},"user":"#),
        (r#""spec":"#, r#""spec":{},"spec":"#),
        (r#""verb":"get""#, r#""verb":7"#),
        (r#""name":"node-1""#, r#""name":"node-1","labelSelector":{}"#),
        (r#"["X509SHA256=ab"]"#, r#""X509SHA256=ab""#),
        (r#"["X509SHA256=ab"]"#, "[7]"),
        (r#""user":"nodeward-guard""#, r#""user":7"#),
    ] {
        let read = json(from, to);
        assert!(read.is_err(), "{to}: {read:?}");
    }
    assert!(json("}", "}}").is_err());
    for kind in ["", "text/plain", "application/json;charset=utf-8", "application/cbor"] {
        let read = AccessReview::read(kind, JSON.as_bytes());
        assert_eq!(read, Err(ReviewFault::ContentType), "{kind}");
    }
}

#[test]
fn several_credentials_are_all_seen() {
    let two = JSON.replace(r#"["X509SHA256=ab"]"#, r#"["X509SHA256=ab","JTI=x"]"#);
    let review = AccessReview::read("application/json", two.as_bytes()).unwrap();
    assert_eq!(review.credentials, ["X509SHA256=ab", "JTI=x"]);
    let none = JSON.replace("credential-id", "credential-ID");
    let review = AccessReview::read("application/json", none.as_bytes()).unwrap();
    assert!(review.credentials.is_empty());
}

proptest::proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(0_u8.., 0..200)) {
        let _ = AccessReview::read(PROTOBUF, &[b"k8s\0", &bytes[..]].concat());
        let _ = AccessReview::read("application/json", &bytes);
    }
}
