//! What is let through for a time: until when, over which rules, and how it is told.

use serde_json::{Value, json};

use super::super::sample::{
    HERE, NOW, decide, document, explain, patch, permit, pod, refusal, ruling,
};
use super::{NONE, allow, deny, plain};
use crate::policy::{Circumstances, RuleOutcome};

fn exception(more: Value) -> Value {
    patch(
        json!({ "name": "for-now", "reason": "ticket 7", "expires": "2027-06-01T00:00:00Z", "match": {} }),
        more,
    )
}

pub(super) fn excepting(rules: Value, more: Value) -> Value {
    document(rules, json!({ "exceptions": [exception(more)] }))
}

#[test]
fn an_exception_holds_until_it_expires_and_is_told() {
    let permits = json!({ "permit": permit(json!({ "hostPID": true }), json!({})) });
    let evil = pod(json!({ "hostPID": true }), json!({}));
    let document = excepting(json!([allow("a")]), permits);
    decide(&document, &evil, &HERE, |decision| {
        assert_eq!(
            decision.verdict.reason().to_string(),
            "allowed by exception 'for-now': fits its permit"
        );
        assert_eq!(decision.verdict.rule(), Some("for-now"));
        let [used] = decision.exceptions.as_slice() else { panic!("{decision:?}") };
        assert_eq!(
            (used.name, used.reason, used.expires),
            ("for-now", "ticket 7", "2027-06-01T00:00:00Z")
        );
    });
    decide(&document, &plain(), &HERE, |decision| assert!(decision.exceptions.is_empty()));
    let expires: i64 = 1_811_808_000;
    for (now, allowed) in [(expires - 1, true), (expires, false), (i64::MAX, false)] {
        let then = Circumstances { now, ..HERE };
        decide(&document, &evil, &then, |decision| {
            assert_eq!(decision.verdict.is_allow(), allowed, "{now}");
            assert_eq!(decision.exceptions.len(), usize::from(allowed));
        });
    }
    assert!(NOW < expires);
}

#[test]
fn a_lifted_deny_rule_still_leaves_it_to_the_allow_rules() {
    let rules = json!([
        allow("a"),
        deny("d", json!({})),
        deny("e", json!({ "match": { "namespaces": ["dev"] } }))
    ]);
    let document = excepting(rules, json!({ "lifts": ["d"] }));
    decide(&document, &plain(), &HERE, |decision| {
        assert_eq!(decision.verdict.rule(), Some("a"));
        assert_eq!(decision.exceptions.len(), 1);
    });
    let evil = pod(json!({ "hostPID": true }), json!({}));
    decide(&document, &evil, &HERE, |decision| {
        assert!(!decision.verdict.is_allow() && decision.exceptions.is_empty());
    });
    let mut dev = plain();
    dev["metadata"]["namespace"] = "dev".into();
    assert_eq!(ruling(&document, &dev).1, "denied by rule 'e': matched all criteria");
}

#[test]
fn explaining_names_every_exception_that_lifts_a_rule() {
    let rules = json!([allow("a"), deny("d", json!({}))]);
    let lifting =
        |name: &str, more: Value| exception(patch(json!({ "name": name, "lifts": ["d"] }), more));
    let exceptions = json!([
        lifting("one", json!({})),
        lifting("two", json!({})),
        lifting("elsewhere", json!({ "match": { "namespaces": ["dev"] } })),
        lifting("over", json!({ "expires": "2020-01-01T00:00:00Z" }))
    ]);
    let document = document(rules, json!({ "exceptions": exceptions }));
    let rule = explain(&document, &plain()).rules.swap_remove(1);
    assert_eq!((rule.name.as_str(), rule.outcome), ("d", RuleOutcome::Overruled));
    assert_eq!(rule.findings[0].found, "lifted by \"one\" and \"two\"");
}

#[test]
fn what_is_no_exception_does_not_load() {
    for (more, expected) in [
        (json!({ "lifts": NONE }), "excepts nothing; add `lifts` or `permit`"),
        (json!({ "lifts": ["a"] }), "is no deny rule of this policy"),
        (json!({ "lifts": ["d"], "expires": NONE }), "expires (line "),
        (json!({ "lifts": ["d"], "expires": "2027-06-01" }), "is no time with its zone"),
        (json!({ "lifts": ["d"], "reason": NONE }), "reason (line "),
        (json!({ "lifts": ["d"], "name": "d" }), "has the name \"d\" of an earlier one"),
    ] {
        let message = refusal(&excepting(json!([allow("a"), deny("d", json!({}))]), more));
        assert!(message.contains(expected) && message.starts_with("exceptions[0]"), "{message}");
    }
}
