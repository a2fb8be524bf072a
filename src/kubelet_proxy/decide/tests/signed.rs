//! Signed policies over the life of pods: an older one stays out, a pod that runs keeps the one it runs
//! by, and what is told of a denial.

use serde_json::json;

use super::*;
use crate::policy::signed::test_keys::Signer;

const DOCUMENT: &[u8] = br#"{"apiVersion":"nodeward.dev/v2","kind":"NodePolicy","name":"t",
    "kubeletApi":{},
    "rules":[{"name":"own","action":"allow","match":{"labels":{"own":"yes"}},
        "permit":{"serviceLinks":true,"containers":[{"images":{"references":["i"],"requireDigest":false}}]}}]}"#;

/// Metadata of a pod that the rule admits, signed or not.
const OWN: &str = r#","labels":{"own":"yes"}"#;

const OVER: &str = r#""phase":"Succeeded""#;

struct Node {
    judge: Hearing,
    signer: Signer,
    reports: mpsc::Receiver<Rejection>,
}

impl Node {
    fn new() -> Self {
        let signer = Signer::p256();
        let policy = Policy::parse(DOCUMENT).unwrap().policy.and_signed(signer.trusted());
        let (judge, reports) = judge_by(policy);
        Self { judge, signer, reports }
    }

    /// Metadata with a policy of this counter, by which `sh` may run in the pod until counter 7.
    fn signed(&self, counter: u64) -> String {
        self.signed_as("web", counter)
    }

    fn signed_as(&self, policy_id: &str, counter: u64) -> String {
        let access = if counter < 7 { json!({"exec": [["sh"]]}) } else { json!({}) };
        let policy = json!({
            "apiVersion": "nodeward.dev/v2", "kind": "SignedPodPolicy", "policyId": policy_id,
            "keyId": self.signer.key().id(), "counter": counter,
            "bind": {"namespace": "ns", "serviceAccount": "default", "podName": "p*",
                "nodes": ["n"]},
            "notBefore": "2000-01-01T00:00:00Z", "notAfter": "2100-01-01T00:00:00Z",
            "permit": {"serviceLinks": true, "access": access, "containers": [
                {"images": {"references": ["i"], "requireDigest": false}}]},
        });
        let [(policy, text), (key, signature)] = self.signer.bound_annotations(&policy.to_string());
        format!(r#","annotations":{{"{policy}":"{text}","{key}":"{signature}"}}"#)
    }

    /// Is the pod admitted?
    #[track_caller]
    fn admits(&self, number: u32, metadata: &str, status: &str) -> bool {
        rule(&self.judge, &pod(number, metadata, "", status)).unwrap().is_ok()
    }

    /// May `sh` be run in the pod?
    fn permits_sh(&self, number: u32) -> bool {
        let found = self.judge.ledger().access().find(
            "ns",
            &format!("p{number}"),
            self.judge.by().policy().digest(),
        );
        let may = |access: &Option<Arc<Access>>| {
            access.as_ref().is_some_and(|it| it.permits_exec("c", &["sh".to_owned()]))
        };
        !found.accesses.is_empty() && found.accesses.iter().all(may)
    }
}

#[test]
fn a_policy_older_than_one_that_was_admitted_starts_no_pod() {
    let node = Node::new();
    assert!(node.admits(1, &node.signed(5), ""));
    assert!(node.admits(2, &node.signed(7), ""));
    assert!(!node.admits(3, &node.signed(5), ""));
    assert!(node.admits(3, &node.signed_as("another", 5), ""));
    assert!(node.admits(4, &node.signed(8), "") && !node.admits(5, &node.signed(7), ""));
}

#[test]
fn an_answer_that_starts_no_pod_makes_no_policy_older() {
    let node = Node::new();
    for source in [Source::Get, Source::Write] {
        receive(&pod(1, &node.signed(7), "", ""), |received| {
            let mut scratch = Scratch::default();
            let ruling = node.judge.rule(received, source, &mut scratch);
            assert!(matches!(ruling, Ruling::Admit(_)));
        });
    }
    assert!(node.admits(2, &node.signed(5), ""));
}

#[test]
fn a_pod_that_runs_keeps_its_policy_while_newer_ones_start() {
    let node = Node::new();
    assert!(node.admits(1, &node.signed(5), ""));
    assert!(node.permits_sh(1));
    assert!(node.admits(2, &node.signed(7), ""));
    assert!(node.admits(1, &node.signed(5), r#""phase":"Running""#));
    assert!(node.permits_sh(1) && !node.permits_sh(2));
    // It is held to the newer one as soon as it carries it.
    assert!(node.admits(1, &node.signed(7), "") && !node.permits_sh(1));
    assert!(!node.admits(1, &node.signed(5), ""));
    assert!(!node.permits_sh(1));
}

#[test]
fn a_pod_that_runs_gets_no_older_policy_with_more_rights() {
    let node = Node::new();
    for (number, metadata) in
        [(1, node.signed(7)), (2, OWN.to_owned()), (3, node.signed_as("another", 9))]
    {
        assert!(node.admits(number, &metadata, ""), "{metadata}");
        assert!(!node.permits_sh(number));
    }
    for number in 1..=3 {
        assert!(!node.admits(number, &node.signed(5), ""), "{number}");
        assert!(!node.permits_sh(number));
    }
}

#[test]
fn a_pod_that_was_deleted_or_denied_does_not_come_back_by_an_older_policy() {
    let node = Node::new();
    let uid = |number| Uid::parse(&uid(number)).unwrap();
    for number in 1..=3 {
        assert!(node.admits(number, &node.signed(5), ""));
    }
    assert!(node.admits(4, &node.signed(7), ""));
    node.judge.ledger().forget_later(uid(1), ("ns", "p1"));
    assert!(!node.admits(1, &node.signed(5), ""), "deleted");
    assert!(!node.admits(2, "", ""), "unsigned for a moment");
    assert!(!node.admits(2, &node.signed(5), ""), "denied");
    let mark = node.judge.ledger().begin_list();
    node.judge.ledger().end_list(mark);
    assert!(!node.admits(3, &node.signed(5), ""), "not in a list");
}

#[test]
fn a_pod_that_ended_stays_as_it_is_and_does_not_start_again_by_an_older_policy() {
    let node = Node::new();
    assert!(node.admits(1, &node.signed(5), ""));
    node.judge.ledger().kubelet_reported_stop(Uid::parse(&uid(1)).unwrap());
    assert!(node.admits(2, &node.signed(7), ""));
    assert!(node.admits(1, &node.signed(5), OVER), "its logs can be read on");
    assert!(!node.admits(1, &node.signed(5), r#""phase":"Running""#));
}

#[test]
fn an_event_has_no_values_of_the_environment_and_the_status_has_them() {
    let mut node = Node::new();
    let signed = r#"[{"name":"c","properties":{"image":"i",
        "environmentVariables":[{"name":"PASSWORD","value":"correct-horse"}]}}]"#;
    let [(policy, text), (key, signature)] = node.signer.seed_annotations(signed);
    let annotations = format!(r#","annotations":{{"{policy}":"{text}","{key}":"{signature}"}}"#);
    let env = r#""image":"i","env":[{"name":"PASSWORD","value":"battery-staple"}]"#;
    let json = pod(1, &annotations, "", "").replace(r#""image":"i""#, env);
    assert_eq!(rule(&node.judge, &json), denied(1));
    let Rejection { reason, recorded, .. } = node.reports.try_recv().unwrap();
    let values = ["correct-horse", "battery-staple"];
    assert!(values.iter().all(|value| reason.contains(value)), "{reason}");
    assert!(!values.iter().any(|value| recorded.contains(value)), "{recorded}");
    assert!(recorded.contains("env var 'PASSWORD' value '[hidden]'"), "{recorded}");
}
