use serde_json::{Value, json};

use super::{CaseFile, Outcome};
use crate::policy::Policy;

const POLICY: &str = r#"{"name":"n","defaultAction":"allow","rules":[
    {"name":"r","action":"deny","match":{"security":{"denyPrivileged":true}}}]}"#;

fn run(case: Value) -> Outcome {
    let file = CaseFile::read(json!({"cases": [case]}).to_string().as_bytes()).unwrap();
    let policy = Policy::parse(POLICY.as_bytes()).unwrap().policy;
    let read_time = |_: &str| Err("no clock".to_owned());
    file.cases().unwrap()[0].run(&policy, &file, 0, read_time)
}

fn privileged() -> Value {
    let container = json!({"name": "a", "image": "i", "securityContext": {"privileged": true}});
    json!({"kind": "Deployment", "apiVersion": "apps/v1", "metadata": {"name": "d"},
        "spec": {"template": {"spec": {"containers": [container]}}}})
}

#[test]
fn a_case_passes_when_everything_declared_holds() {
    let passed = run(json!({"name": "x", "expect": "deny", "rule": "r",
        "reasonContains": "is privileged", "observed": [], "manifest": privileged()}));
    assert_eq!(passed, Outcome { name: "x".to_owned(), failures: Vec::new() });
}

#[test]
fn everything_that_does_not_hold_is_told() {
    let failed = run(json!({"name": "x", "expect": "allow", "rule": "q", "reason": "z",
        "reasonContains": "yyy", "observed": ["o"], "exception": "e", "manifest": privileged()}));
    let expected = [
        "decision: expected allow, found deny (",
        "rule: expected q",
        "reason: expected z",
        "reason: expected a text with",
        "exception: expected e",
        "observed: expected [\"o\"]",
    ];
    assert_eq!(failed.failures.len(), expected.len(), "{failed:?}");
    for (failure, expected) in failed.failures.iter().zip(expected) {
        assert!(failure.starts_with(expected), "{failure}");
    }
}

#[test]
fn a_case_that_checks_nothing_does_not_load() {
    let pod = json!({"kind": "Pod"});
    for (text, expected) in [
        (json!({"cases": []}), "cases: is empty"),
        (json!({}), "missing field `cases`"),
        (json!({"cases": 3}), "expected a sequence"),
        (json!({"cases": [{"name": "a"}]}), "cases[0] (a): missing field `expect`"),
        (json!({"cases": [{"name": "a", "expect": "allow"}]}), "names not one pod"),
        (json!({"cases": [{"name": "a", "expect": "alow", "pod": pod}]}), "unknown variant"),
        (
            json!({"cases": [{"name": "a", "expect": "deny", "pod": pod, "rul": "x"}]}),
            "unknown field",
        ),
        (
            json!({"cases": [{"name": "a", "expect": "deny", "pod": pod},
            {"name": "a", "expect": "deny", "pod": pod}]}),
            "cases[1] (a): has the name",
        ),
    ] {
        let text = text.to_string();
        let read = CaseFile::read(text.as_bytes()).and_then(|file| file.cases());
        let message = read.map(|cases| cases.len()).unwrap_err();
        assert!(message.contains(expected), "{text}: {message}");
    }
    assert!(
        run(json!({"name": "x", "expect": "deny", "manifest": {"kind": "Service"}})).failures[0]
            .contains("makes no pod")
    );
}
