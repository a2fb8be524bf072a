//! Which verdicts may be remembered: those that rest on the pod's view and the document alone.

use serde_json::{Value, json};

use super::super::sample::{HERE, decide, document, patch, permit, pod, policy, with_pod};
use super::exceptions::excepting;
use super::{allow, deny, plain};
use crate::policy::Policy;

fn lasts(document: &Value, pod: &Value) -> bool {
    decide(document, pod, &HERE, |decision| {
        if decision.lasting.is_some() {
            assert!(decision.verdict.is_allow());
        }
        decision.lasting.is_some()
    })
}

#[test]
fn a_permission_of_a_rule_lasts() {
    assert!(lasts(&document(json!([allow("a")]), json!({})), &plain()));
    let more = json!([deny("d", json!({ "unless": { "hostPID": false } })), allow("a")]);
    assert!(lasts(&document(more, json!({})), &plain()));
    let observed_whole = document(json!([allow("a")]), json!({ "mode": "observe" }));
    assert!(lasts(&observed_whole, &plain()), "permitted, not observed");
}

#[test]
fn permissions_of_two_rules_or_documents_are_told_apart() {
    let first = document(json!([allow("a"), allow("b")]), json!({}));
    let elsewhere = patch(allow("a"), json!({ "match": { "namespaces": ["other"] } }));
    let second = document(json!([elsewhere, allow("b")]), json!({}));
    let policies = [policy(&first), policy(&first), policy(&second)];
    let permission = |policy: &Policy| {
        with_pod(&plain(), |pod| policy.evaluate(pod, &HERE).lasting.clone().unwrap())
    };
    for (number, one) in policies.iter().enumerate() {
        assert_eq!(permission(one), permission(one));
        for other in policies.iter().take(number) {
            assert_ne!(permission(one), permission(other));
        }
    }
}

#[test]
fn no_denial_lasts() {
    let evil = pod(json!({ "hostPID": true }), json!({}));
    assert!(!lasts(&document(json!([allow("a")]), json!({})), &evil));
    let denied = deny("d", json!({ "message": "no" }));
    assert!(!lasts(&document(json!([denied, allow("a")]), json!({})), &plain()));
}

#[test]
fn what_an_expression_was_asked_for_does_not_last() {
    let sees_more = json!([{ "expression": "object.metadata.resourceVersion == '7'" }]);
    let asked = deny("d", json!({ "cel": sees_more }));
    assert!(!lasts(&document(json!([asked.clone(), allow("a")]), json!({})), &plain()));
    let of_others = patch(asked, json!({ "match": { "namespaces": ["other"] } }));
    assert!(lasts(&document(json!([of_others, allow("a")]), json!({})), &plain()));
}

#[test]
fn what_a_policy_leaves_out_of_pods_keeps_its_verdicts_from_lasting() {
    let listed = json!({ "allowUnknownFields": ["spec.newer"] });
    assert!(!lasts(&document(json!([allow("a")]), listed), &plain()));
}

#[test]
fn what_ends_or_is_told_each_time_does_not_last() {
    let evil = pod(json!({ "hostPID": true }), json!({}));
    let permits = json!({ "permit": permit(json!({ "hostPID": true }), json!({})) });
    assert!(!lasts(&excepting(json!([allow("a")]), permits), &evil));
    let lifted = json!([deny("d", json!({ "message": "no" })), allow("a")]);
    assert!(!lasts(&excepting(lifted, json!({ "lifts": ["d"] })), &plain()));
    let observing = deny("d", json!({ "mode": "observe", "message": "no" }));
    assert!(!lasts(&document(json!([observing, allow("a")]), json!({})), &plain()));
    let observing = patch(allow("a"), json!({ "mode": "observe" }));
    assert!(!lasts(&document(json!([observing]), json!({})), &evil));
    let observed_whole = document(json!([allow("a")]), json!({ "mode": "observe" }));
    assert!(!lasts(&observed_whole, &evil));
}
