//! Verdicts that are remembered: for the same view by the same policy, and for nothing else.

use super::*;

const POLICY: &str = r#"{"apiVersion":"nodeward.dev/v2","kind":"NodePolicy","name":"t","rules":[
    {"name":"web","action":"allow","match":{"labels":{"app":"web"}},
        "permit":{"serviceLinks":true,"updates":["image","activeDeadlineSeconds"],
            "containers":[{"images":{"references":["i","j"],"requireDigest":false}}]}}]}"#;

const WEB: &str = r#","labels":{"app":"web"}"#;

fn web_judge() -> Hearing {
    judge_by(parse(POLICY)).0
}

fn parse(document: &str) -> Policy {
    Policy::parse(document.as_bytes()).unwrap().policy
}

fn admits(judge: &Hearing, json: &str) -> bool {
    rule(judge, json).unwrap().is_ok()
}

/// Would the pod be let through for what was decided before?
fn is_recalled(judge: &Hearing, json: &str) -> bool {
    receive(json, |received| {
        let ReceivedPod::Sound(sound) = received else { panic!("{received:?}") };
        let mut scratch = Scratch::default();
        let uid = Uid::parse(sound.pod.identity.uid).unwrap();
        let view = Pins::of(sound, &mut scratch).view(&scratch);
        let remembered = judge.ledger().remembered(uid);
        let recalled = remembered.and_then(|known| judge.by.policy().recall(&known, &view));
        recalled.is_some_and(|decision| {
            let counters = crate::policy::NoCounters;
            assert_eq!(
                decision,
                judge.by.policy().evaluate(sound, &judge.circumstances(&counters))
            );
            true
        })
    })
}

#[test]
fn a_pod_whose_status_changed_is_not_decided_on_again() {
    let judge = web_judge();
    let first = pod(1, WEB, "", "");
    assert!(!is_recalled(&judge, &first));
    assert!(admits(&judge, &first));
    assert!(is_recalled(&judge, &first));
    let running = pod(1, &format!(r#"{WEB},"finalizers":["x"]"#), "", r#""phase":"Running""#)
        .replace(r#""resourceVersion":"7""#, r#""resourceVersion":"12345""#);
    assert!(is_recalled(&judge, &running));
    let sent = rule(&judge, &running).unwrap().unwrap();
    let (sent, shown): (serde_json::Value, serde_json::Value) =
        (serde_json::from_str(&sent).unwrap(), serde_json::from_str(&running).unwrap());
    assert_eq!(sent, shown);
    assert!(!is_recalled(&judge, &pod(2, WEB, "", "")), "another pod");
}

#[test]
fn nothing_is_admitted_for_what_is_remembered_that_would_be_denied_anew() {
    let owner = r#","ownerReferences":[{"apiVersion":"v1","kind":"Node","name":"x","uid":"y","controller":true}]"#;
    let versions = [
        pod(1, WEB, "", ""),
        pod(1, WEB, "", r#""phase":"Running""#),
        pod(1, "", "", ""),
        pod(1, r#","labels":{"app":"web","other":"x"}"#, "", ""),
        pod(1, r#","annotations":{"app":"web"}"#, "", ""),
        pod(1, &format!("{WEB}{owner}"), "", ""),
        pod(1, WEB, r#","activeDeadlineSeconds":5"#, ""),
        pod(1, WEB, r#","hostNetwork":true"#, ""),
        pod(1, WEB, r#","tolerations":[{"key":"a"}]"#, ""),
        pod(1, WEB, r#","ephemeralContainers":[{"name":"x","image":"evil"}]"#, ""),
        pod(1, WEB, "", "").replace(r#""image":"i""#, r#""image":"j""#),
        pod(1, WEB, "", "").replace(r#""image":"i""#, r#""image":"evil""#),
        pod(1, WEB, "", "").replace(r#""nodeName":"n""#, r#""nodeName":"m""#),
        pod(1, WEB, "", "").replace(r#""name":"p1""#, r#""name":"p9""#),
    ];
    let (mut recalled, mut denied) = (0, 0);
    for first in &versions {
        for second in &versions {
            let judge = web_judge();
            let _ = rule(&judge, first);
            recalled += u32::from(is_recalled(&judge, second));
            let by_memory = rule(&judge, second).unwrap();
            let anew = rule(&web_judge(), second).unwrap();
            match by_memory {
                Ok(json) => assert_eq!(Ok(json), anew, "{first}\n{second}"),
                Err(_) => denied += 1,
            }
        }
    }
    assert!(recalled >= 10 && denied >= 70, "{recalled} recalled, {denied} denied");
}

#[test]
fn another_policy_remembers_nothing_not_even_the_same_text() {
    let (before, shown) = (web_judge(), pod(1, WEB, "", ""));
    assert!(admits(&before, &shown) && is_recalled(&before, &shown));
    let judge = Arc::clone(&before.judge);
    judge.put_in_force(PolicyInForce::new(parse(POLICY), &Metrics::new()));
    let same = judge.hear();
    assert!(!is_recalled(&same, &shown));
    assert!(admits(&same, &shown) && is_recalled(&same, &shown));
    assert!(!is_recalled(&before, &shown), "an answer by the older one is still under way");
    let strict = parse(&POLICY.replace(r#"["i","j"]"#, r#"["j"]"#));
    judge.put_in_force(PolicyInForce::new(strict, &Metrics::new()));
    assert!(!admits(&judge.hear(), &shown));
}

#[test]
fn an_answer_that_starts_no_pod_is_not_remembered() {
    let (judge, shown) = (web_judge(), pod(1, WEB, "", ""));
    for source in [Source::Get, Source::Write] {
        receive(&shown, |received| {
            let mut scratch = Scratch::default();
            assert!(matches!(judge.rule(received, source, &mut scratch), Ruling::Admit(_)));
        });
        assert!(!is_recalled(&judge, &shown));
    }
}
