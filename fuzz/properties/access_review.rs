//! A kubelet's question who may use its own API: whatever is asked, the answer is no to all but the guard.

use nodeward::kube_wire::access_review::{AccessReview, Resource};
use nodeward::kubelet_proxy::attacked;
use serde_json::{Value, json};

const GUARD: [u8; 32] = [0xab; 32];

const CREDENTIAL_ID: &str = "authentication.kubernetes.io/credential-id";
const PROTOBUF: &str = "application/vnd.kubernetes.protobuf";
const JSON: &str = "application/json";

/// The first byte says whether there is a guard, and how the rest is encoded.
pub(crate) fn access_review(input: &[u8]) {
    let Some((choice, body)) = input.split_first() else { return };
    let guard = (choice & 1 == 1).then_some(&GUARD);
    let content_type = if choice & 2 == 0 { PROTOBUF } else { JSON };
    let answer = attacked::access_review(guard, content_type, body);
    let answer: Value = serde_json::from_slice(&answer).expect("the answer is JSON");
    assert_eq!(answer["kind"], "SubjectAccessReview");
    let status = &answer["status"];
    let is_allowed = status["allowed"] == true;
    assert_eq!(status["denied"], !is_allowed, "{answer}");
    assert!(!is_allowed || guard.is_some(), "nobody is served without a guard");
    assert!(!is_allowed || shows_the_guard(content_type, body), "served without its certificate");
    if let Ok(review) = AccessReview::read(content_type, body) {
        // More than the limit of JSON, which protobuf has not.
        if review.credentials.len() < 1000 {
            let read = AccessReview::read(JSON, as_json(&review).to_string().as_bytes());
            assert_eq!(read.as_ref(), Ok(&review));
        }
        assert_eq!(AccessReview::read(PROTOBUF, &as_protobuf(&review)), Ok(review));
    }
}

/// By another reader than ours.
fn shows_the_guard(content_type: &str, body: &[u8]) -> bool {
    let credential = format!("X509SHA256={}", "ab".repeat(32));
    if content_type == PROTOBUF {
        return body.windows(credential.len()).any(|window| window == credential.as_bytes());
    }
    let review: Value = serde_json::from_slice(body).expect("what is served is JSON");
    review["spec"]["extra"][CREDENTIAL_ID] == json!([credential])
        && review["spec"]["resourceAttributes"]["resource"] == "nodes"
}

fn as_json(review: &AccessReview) -> Value {
    let Resource { namespace, verb, group, version, resource, subresource, name } =
        &review.resource;
    json!({
        "apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview",
        "spec": {
            "resourceAttributes": {
                "namespace": namespace, "verb": verb, "group": group, "version": version,
                "resource": resource, "subresource": subresource, "name": name,
            },
            "user": review.user, "extra": { CREDENTIAL_ID: review.credentials },
        },
    })
}

fn as_protobuf(review: &AccessReview) -> Vec<u8> {
    let Resource { namespace, verb, group, version, resource, subresource, name } =
        &review.resource;
    let texts = [namespace, verb, group, version, resource, subresource, name];
    let asked = (1..).zip(texts).map(|(number, text)| field(number, text.as_bytes())).collect();
    let credentials: Vec<_> =
        review.credentials.iter().map(|text| field(1, text.as_bytes())).collect();
    let extra = [field(1, CREDENTIAL_ID.as_bytes()), field(2, &credentials.concat())].concat();
    let asked: Vec<Vec<u8>> = asked;
    let spec =
        [field(1, &asked.concat()), field(3, review.user.as_bytes()), field(5, &extra)].concat();
    let meta = [field(1, b"authorization.k8s.io/v1"), field(2, b"SubjectAccessReview")].concat();
    [b"k8s\0", &field(1, &meta)[..], &field(2, &field(2, &spec))].concat()
}

/// One field that has a length.
fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    let mut written = vec![number << 3 | 2];
    let mut length = bytes.len();
    while length >= 0x80 {
        written.push(u8::try_from(length & 0x7f).expect("seven bits") | 0x80);
        length >>= 7;
    }
    written.push(u8::try_from(length).expect("seven bits"));
    written.extend_from_slice(bytes);
    written
}
