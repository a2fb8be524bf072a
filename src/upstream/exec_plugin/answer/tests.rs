//! What plugins print, good and bad.

use super::*;

fn command() -> ExecCommand {
    ExecCommand {
        origin: "kubeconfig: users[node].exec".to_owned(),
        api_version: ApiVersion::V1,
        program: "plugin".into(),
        arguments: Vec::new(),
        environment: vec![("SECRET".to_owned(), "hunter2".to_owned())],
        install_hint: None,
        cluster: None,
    }
}

fn answer(status: &str) -> String {
    format!(
        r#"{{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","spec":{{"interactive":false}},"status":{status}}}"#
    )
}

fn check(output: &str, expected: Result<(bool, bool, Option<u64>), &str>) {
    let now: Timestamp = "2026-11-21T08:00:00Z".parse().unwrap();
    match (read(output.as_bytes(), &command(), now), expected) {
        (Ok(found), Ok((token, pair, seconds))) => {
            assert_eq!((found.header.is_some(), found.pair.is_some()), (token, pair), "{output}");
            assert_eq!(found.lifetime.map(|left| left.as_secs()), seconds, "{output}");
            assert!(!format!("{found:?}").contains("hunter2"));
        }
        (Err(reason), Err(part)) => {
            assert!(reason.contains(part), "{output}: {reason}");
            assert!(!reason.contains("hunter2"));
        }
        (found, expected) => panic!("{output}: {found:?}, expected {expected:?}"),
    }
}

#[test]
fn tokens_certificates_and_expiry_are_read() {
    check(&answer(r#"{"token":"hunter2"}"#), Ok((true, false, None)));
    check(
        &answer(r#"{"token":"hunter2","expirationTimestamp":"2026-11-21T08:01:30Z"}"#),
        Ok((true, false, Some(90))),
    );
    check(
        &answer(r#"{"clientCertificateData":"c","clientKeyData":"hunter2"}"#),
        Ok((false, true, None)),
    );
}

#[test]
fn anything_but_the_credential_asked_for_is_refused() {
    let not_json = "not one ExecCredential object";
    check("", Err(not_json));
    check("hunter2", Err(not_json));
    check(r#""hunter2""#, Err(not_json));
    check(&(answer(r#"{"token":"hunter2"}"#) + "hunter2"), Err(not_json));
    check(&answer(r#"{"token":"a","token":"hunter2"}"#), Err(not_json));
    check(&answer(r#"{"Token":"hunter2"}"#), Err(not_json));
    check(&answer(r#"{"token":5}"#), Err(not_json));
    check(
        &answer(r#"{"token":"hunter2"}"#).replace("/v1", "/v1beta1"),
        Err("not the one asked for"),
    );
    check(
        &answer(r#"{"token":"hunter2"}"#).replace("ExecCredential", "TokenReview"),
        Err("not the one asked for"),
    );
    check(&answer("{}"), Err("neither a token nor"));
    check(&answer(r#"{"token":""}"#), Err("neither a token nor"));
    check(&answer(r#"{"token":"hunter2\r\nX: y"}"#), Err("white space"));
    check(&answer(r#"{"token":"t","clientKeyData":"hunter2"}"#), Err("only go together"));
    check(&answer(r#"{"token":"t","expirationTimestamp":"soon"}"#), Err("RFC 3339"));
    check(
        &answer(r#"{"token":"t","expirationTimestamp":"2026-11-21T08:00:00Z"}"#),
        Err("already past"),
    );
}
