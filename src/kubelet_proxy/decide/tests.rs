//! Rulings: what is admitted, what is denied, and what the cluster is told of it.

mod recall;
mod signed;

use super::*;
use crate::kubelet_proxy::list_log::Reflector;
use crate::kubelet_proxy::report_rejection;
use crate::kubelet_proxy::sample_pods::{pod, receive, uid};
use crate::metrics::registry::Metrics;
use crate::policy::Policy;
use tokio::sync::mpsc;

const NO_HOST_NETWORK: &[u8] = br#"{"name":"t","defaultAction":"allow","rules":[{"name":"no-host-network","action":"deny","match":{"security":{"denyHostNetwork":true}},"message":"no"}]}"#;

fn judge() -> (Hearing, mpsc::Receiver<Rejection>) {
    judge_by(Policy::parse(NO_HOST_NETWORK).unwrap().policy)
}

fn judge_by(policy: Policy) -> (Hearing, mpsc::Receiver<Rejection>) {
    let metrics = Metrics::new();
    let policy = PolicyInForce::new(policy, &metrics);
    let meters = Arc::new(Meters::new(metrics));
    let (reporter, reports) = report_rejection::channel(Arc::clone(&meters));
    let settings = JudgeSettings { node: "n".to_owned(), logs_payloads: false };
    (Arc::new(Judge::new(policy, reporter, meters, settings)).hear(), reports)
}

/// The admitted JSON of a list's item, or the tombstone's name and UID; `None` for a pod without identity.
fn rule(judge: &Hearing, json: &str) -> Option<Result<String, String>> {
    receive(json, |received| {
        let mut scratch = Scratch::default();
        match judge.rule(received, Source::List, &mut scratch) {
            Ruling::Admit(pod) => Some(Ok(String::from_utf8(pod.as_json().to_vec()).unwrap())),
            Ruling::Deny(gone) => Some(Err(format!("{} {:?}", gone.name, gone.uid))),
            Ruling::Later(gone) => Some(Err(format!("{} later", gone.name))),
            Ruling::Unidentified => None,
        }
    })
}

fn denied(number: u32) -> Option<Result<String, String>> {
    Some(Err(format!("p{number} {:?}", Some(uid(number)))))
}

const EVIL: &str = r#","hostNetwork":true"#;

#[test]
fn an_admitted_pod_is_written_anew_and_whole() {
    let (judge, mut reports) = judge();
    let json = pod(1, r#","labels":{"b":"2","a":"1"}"#, "", r#""phase":"Running""#);
    let admitted = rule(&judge, &json).unwrap().unwrap();
    let (sent, got): (serde_json::Value, serde_json::Value) =
        (serde_json::from_str(&json).unwrap(), serde_json::from_str(&admitted).unwrap());
    assert_eq!(sent, got);
    assert!(admitted.contains(r#""labels":{"a":"1","b":"2"}"#), "{admitted}");
    assert!(reports.try_recv().is_err());
}

#[test]
fn neither_phase_nor_deletion_skips_the_decision() {
    let (judge, _reports) = judge();
    for (metadata, status) in [
        ("", r#""phase":"Failed""#),
        ("", r#""phase":"Succeeded""#),
        (r#","deletionTimestamp":"2026-01-01T00:00:00Z""#, r#""phase":"Running""#),
    ] {
        assert_eq!(rule(&judge, &pod(1, metadata, EVIL, status)), denied(1), "{metadata} {status}");
    }
}

#[test]
fn a_denied_pod_is_reported_until_its_status_tells() {
    let (judge, mut reports) = judge();
    assert_eq!(rule(&judge, &pod(1, "", EVIL, "")), denied(1));
    let report = reports.try_recv().unwrap();
    assert_eq!(report.reason, "denied by rule 'no-host-network': no");
    assert!(report.wants_status && !report.wants_delete);
    rule(&judge, &pod(1, "", EVIL, r#""phase":"Failed","reason":"NodeAdmissionRejected""#));
    assert!(reports.try_recv().is_err());
}

#[test]
fn a_spec_that_changes_under_its_uid_is_denied() {
    let (judge, mut reports) = judge();
    assert!(rule(&judge, &pod(1, "", "", "")).unwrap().is_ok());
    assert_eq!(rule(&judge, &pod(1, "", r#","hostname":"other""#, "")), denied(1));
    assert!(reports.try_recv().unwrap().reason.contains("after admission"));
    assert!(rule(&judge, &pod(1, "", "", "")).unwrap().is_ok());
}

#[test]
fn a_deletion_is_finished_only_when_no_container_can_be_running() {
    let deleted = r#","deletionTimestamp":"2026-01-01T00:00:00Z""#;
    let running = r#""containerStatuses":[{"name":"c","image":"i","imageID":"","ready":true,"restartCount":0,"state":{"running":{}}}]"#;
    let finishes = |admitted: bool, stopped: bool, status: &str| {
        let (judge, mut reports) = judge();
        if admitted {
            assert!(rule(&judge, &pod(1, "", "", "")).unwrap().is_ok());
        }
        if stopped {
            judge.ledger().kubelet_reported_stop(Uid::parse(&uid(1)).unwrap());
        }
        assert_eq!(rule(&judge, &pod(1, deleted, EVIL, status)), denied(1));
        reports.try_recv().unwrap().wants_delete
    };
    assert!(finishes(false, false, ""));
    assert!(
        !finishes(false, false, running),
        "its containers may run: a former process admitted it"
    );
    assert!(!finishes(true, false, ""), "the kubelet has it and will stop it");
    assert!(finishes(true, true, ""));
}

#[test]
fn a_mirror_pod_passes_without_anything_to_run() {
    let (mut judge, mut reports) = judge();
    let mirror = r#","annotations":{"kubernetes.io/config.mirror":"abc"}"#;
    let later = Some(Err("p1 later".to_owned()));
    assert_eq!(rule(&judge, &pod(1, mirror, EVIL, "")), later, "before a list was taken");
    judge.show_mirrors(true);
    let json = rule(&judge, &pod(1, mirror, EVIL, r#""phase":"Running""#)).unwrap().unwrap();
    let got: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(got["spec"], serde_json::json!({"nodeName": "n", "containers": null}));
    assert_eq!(got["metadata"]["annotations"]["kubernetes.io/config.mirror"], "abc");
    assert_eq!(got["status"]["phase"], "Running");
    assert!(reports.try_recv().is_err());
}

#[test]
fn a_mirror_pod_stays_one_and_no_other_pod_becomes_one() {
    let (mut judge, _reports) = judge();
    let mirror = r#","annotations":{"kubernetes.io/config.mirror":"abc"}"#;
    let renamed = |json: String| json.replace("\"p1\"", "\"p9\"");
    for is_shown in [true, false] {
        judge.show_mirrors(true);
        assert!(rule(&judge, &pod(1, mirror, "", "")).unwrap().is_ok());
        assert!(rule(&judge, &pod(2, "", "", "")).unwrap().is_ok());
        judge.show_mirrors(is_shown);
        assert_eq!(rule(&judge, &pod(1, "", "", "")), denied(1));
        assert_eq!(rule(&judge, &pod(2, mirror, "", "")), denied(2));
        let other_name = rule(&judge, &renamed(pod(1, mirror, "", "")));
        assert_eq!(other_name, Some(Err(format!("p9 {:?}", Some(uid(1))))));
    }
}

#[test]
fn a_faulty_pod_is_denied_with_the_path_of_its_fault() {
    let (judge, mut reports) = judge();
    assert_eq!(rule(&judge, &pod(1, "", r#","hostPower":true"#, "")), denied(1));
    let reason = reports.try_recv().unwrap().reason;
    assert!(reason.contains("spec.hostPower"), "{reason}");
    assert_eq!(rule(&judge, r#"{"metadata":{"name":"../x"}}"#), None);
}

#[test]
fn a_list_by_an_old_policy_does_not_let_watches_resume_under_the_new_one() {
    let (before, _reports) = judge();
    let kubelet = Reflector("kubelet".to_owned());
    before.by().pod_lists().listed(&kubelet);
    assert!(!before.by().pod_lists().sends_back(&kubelet));
    assert!(before.by().pod_lists().sends_back(&Reflector("another".to_owned())));
    before.by().pod_lists().goes_on("page-2");
    assert!(before.by().pod_lists().knows("page-2") && !before.by().pod_lists().knows("page-3"));
    let judge = Arc::clone(&before.judge);
    judge.put_in_force(PolicyInForce::new(Policy::allow_all(), &Metrics::new()));
    // Still under way when the policy changed; it ends as it began.
    assert_eq!(rule(&before, &pod(1, "", EVIL, "")), denied(1));
    before.by().pod_lists().listed(&kubelet);
    let after = judge.hear();
    assert!(after.by().pod_lists().sends_back(&kubelet) && !after.by().pod_lists().knows("page-2"));
    assert!(rule(&after, &pod(2, "", EVIL, "")).unwrap().is_ok());
}

#[tokio::test]
async fn what_was_begun_under_an_old_policy_hears_that_it_has_ended() {
    let (before, _reports) = judge();
    let judge = Arc::clone(&before.judge);
    judge.put_in_force(PolicyInForce::new(Policy::allow_all(), &Metrics::new()));
    before.superseded().await;
    let after =
        tokio::time::timeout(std::time::Duration::from_millis(10), judge.hear().superseded());
    assert!(after.await.is_err());
}
