//! Rules and signatures together: a deny rule wins, an allow rule suffices, silence needs a signature.

use serde_json::{Value, json};

use super::super::test_keys::Signer;
use super::{annotate, ask, full_pod, here, signed_app};
use crate::policy::{Circumstances, NoCounters, Policy};

fn rule(name: &str, action: &str, namespace: &str) -> Value {
    json!({"name": name, "action": action, "match": {"namespaces": [namespace]}})
}

/// What each way to write the same two rules says.
fn documents(default_action: &str) -> [Value; 2] {
    let (denied, own) = (rule("none-here", "deny", "denied"), rule("own", "allow", "kube-system"));
    let mut second = own.clone();
    second["permit"] = json!({"unlisted": "permit", "containers": [{"unlisted": "permit"}]});
    [
        json!({"name": "n", "defaultAction": default_action, "rules": [denied, own]}),
        json!({"apiVersion": "nodeward.dev/v2", "kind": "NodePolicy", "name": "n",
            "rules": [second, denied]}),
    ]
}

#[test]
fn a_deny_rule_wins_an_allow_rule_suffices_and_the_default_counts_as_deny() {
    let signer = Signer::p256();
    for default_action in ["deny", "allow"] {
        for document in documents(default_action) {
            let loaded = Policy::parse(document.to_string().as_bytes()).unwrap();
            let policy = loaded.policy.and_signed(signer.trusted());
            for (namespace, is_signed, runs, expected) in [
                ("denied", true, false, "denied by rule 'none-here': "),
                ("denied", false, false, "denied by rule 'none-here': "),
                ("kube-system", false, true, "allowed by rule 'own': "),
                ("kube-system", true, true, "allowed by rule 'own': "),
                ("shop", true, true, "pod matches signed policy"),
                ("shop", false, false, "pod policy required but not found"),
            ] {
                let mut pod = full_pod();
                pod["metadata"]["namespace"] = namespace.into();
                if is_signed {
                    annotate(&mut pod, signer.seed_annotations(&signed_app().to_string()));
                }
                let (allowed, reason) = ask(&policy, &pod, &here(&NoCounters));
                assert_eq!(allowed, runs, "{document} {namespace}: {reason}");
                assert!(reason.starts_with(expected), "{document} {namespace}: {reason}");
            }
        }
    }
}

#[test]
fn a_default_that_no_longer_counts_is_told() {
    let signer = Signer::p256();
    for (default_action, told) in [("allow", true), ("deny", false)] {
        let [document, _] = documents(default_action);
        let policy = Policy::parse(document.to_string().as_bytes()).unwrap().policy;
        assert!(!policy.overrules_default());
        assert_eq!(policy.and_signed(signer.trusted()).overrules_default(), told);
    }
}

#[test]
fn another_key_makes_another_policy() {
    let (one, two) = (Signer::p256(), Signer::p256());
    let [document, _] = documents("deny");
    let parse = || Policy::parse(document.to_string().as_bytes()).unwrap().policy;
    let signed = parse().and_signed(one.trusted());
    assert!(parse().is_same_as(&parse()) && signed.is_same_as(&signed.clone()));
    assert!(!signed.is_same_as(&parse()));
    assert!(!signed.is_same_as(&parse().and_signed(two.trusted())));
    let alone = |signer: &Signer| Policy::only_signed(signer.trusted());
    assert!(!alone(&one).is_same_as(&alone(&two)));
    assert_eq!(alone(&one).digest().len(), 64);
}

#[test]
fn signed_pods_run_where_the_nodes_name_is_known_and_theirs() {
    let signer = Signer::p256();
    let [first, _] = documents("deny");
    let first = Policy::parse(first.to_string().as_bytes()).unwrap().policy;
    assert!(!first.needs_node_name());
    for policy in [first.and_signed(signer.trusted()), Policy::only_signed(signer.trusted())] {
        assert!(policy.needs_node_name());
        let mut pod = full_pod();
        annotate(&mut pod, signer.seed_annotations(&signed_app().to_string()));
        for (node, runs) in [("node-1", true), ("node-2", false), ("", false)] {
            let at = Circumstances { node, ..here(&NoCounters) };
            let (allowed, reason) = ask(&policy, &pod, &at);
            assert_eq!(allowed, runs, "{node}: {reason}");
            assert!(runs || reason.contains("the pod is for node 'node-1'"), "{reason}");
        }
    }
}
