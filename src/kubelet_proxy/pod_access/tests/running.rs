//! The register beside the kubelet's own word on what runs, and grants that end.

use std::time::Duration;

use tokio::time::advance;

use super::*;
use crate::kubelet_proxy::limits::GONE_SETTLES;

/// The kubelet's answer now: pods named `web` in `ns`, by their UIDs.
fn running(uids: &[&str]) -> RunningPods {
    let pod = |uid: &&str| {
        format!(r#"{{"metadata":{{"name":"web","namespace":"ns","uid":"{uid}"}},"spec":{{}}}}"#)
    };
    let pods: Vec<String> = uids.iter().map(pod).collect();
    let body = format!(r#"{{"kind":"PodList","apiVersion":"v1","items":[{}]}}"#, pods.join(","));
    RunningPods::read(Instant::now(), body.as_bytes()).unwrap()
}

fn text(number: u32) -> String {
    uid(number).to_string()
}

fn others(register: &PodAccess, uids: &[&str]) -> Others {
    register.find_with(("ns", "web"), POLICY, &running(uids)).1
}

fn stranger(uid: u32) -> Others {
    Others { is_static: false, stranger: Some(text(uid)) }
}

const STATIC: &str = "0123456789abcdef0123456789abcdef";

/// After a restart: A, from before, has a long grace and is in no list; B was admitted since.
#[test]
fn who_runs_and_was_never_admitted_is_a_stranger() {
    let register = PodAccess::default();
    register.admit(uid(2), ("ns", "web"), access(), POLICY);
    assert_eq!(others(&register, &[&text(2)]), Others::default());
    assert_eq!(others(&register, &[]), Others::default(), "it ended and has logs");
    assert_eq!(others(&register, &[&text(1), &text(2)]), stranger(1));
    assert_eq!(others(&register, &[&text(1)]), stranger(1));
    for odd in ["u1", "0123456789ABCDEF0123456789ABCDEF", &STATIC[1..]] {
        let odd = odd.to_ascii_lowercase().replace("0123456789abcdef0", "x");
        assert_eq!(others(&register, &[&odd]).stranger, Some(odd));
    }
}

#[test]
fn a_pod_known_under_another_name_is_a_stranger_here() {
    let register = PodAccess::default();
    register.admit(uid(1), ("ns", "db"), access(), POLICY);
    register.admit(uid(2), ("ns", "web"), access(), POLICY);
    assert_eq!(others(&register, &[&text(1)]), stranger(1));
}

#[test]
fn pods_of_the_nodes_own_files_are_told_by_their_uid() {
    let register = PodAccess::default();
    register.admit(uid(2), ("ns", "web"), access(), POLICY);
    assert!(others(&register, &[STATIC, &text(2)]).is_static);
    assert_eq!(others(&register, &[STATIC]).stranger, None);
}

#[test]
fn a_pod_that_was_replaced_by_one_with_the_same_rights_is_no_stranger() {
    let register = PodAccess::default();
    let same = access();
    register.admit(uid(1), ("ns", "web"), Arc::clone(&same), POLICY);
    register.gone(uid(1));
    register.admit(uid(2), ("ns", "web"), Arc::clone(&same), POLICY);
    assert_eq!(others(&register, &[&text(1), &text(2)]), Others::default(), "spoken for");
}

/// The API server shows a phase, the kubelet repeats it in its report, and the containers run on.
#[test]
fn a_pod_that_was_said_to_have_ended_and_runs_is_a_stranger() {
    let register = PodAccess::default();
    register.admit(uid(1), ("ns", "web"), access(), POLICY);
    register.stopped(uid(1));
    register.gone(uid(1));
    register.admit(uid(2), ("ns", "web"), access(), POLICY);
    assert_eq!(others(&register, &[&text(2), &text(1)]).stranger, Some(text(1)));
    assert_eq!(others(&register, &[&text(2)]), Others::default());
}

#[test]
fn who_is_pushed_out_of_what_is_spoken_for_is_a_stranger() {
    let register = PodAccess::default();
    let same = access();
    let count = u32::try_from(PODS_OF_ONE_NAME).unwrap() + 2;
    for number in 1..=count {
        register.admit(uid(number), ("ns", "web"), Arc::clone(&same), POLICY);
        register.gone(uid(number));
    }
    assert_eq!(others(&register, &[&text(1)]), stranger(1));
    assert_eq!(others(&register, &[&text(count - 1), &text(count)]), Others::default());
}

#[tokio::test(start_paused = true)]
async fn what_is_gone_for_long_and_does_not_run_is_dropped() {
    let register = PodAccess::default();
    let (strict, lax) = (access(), access());
    register.admit(uid(1), ("ns", "web"), strict, POLICY);
    register.gone(uid(1));
    register.admit(uid(2), ("ns", "web"), lax, POLICY);
    assert!(register.has_gone_entries());
    register.free(&running(&[]));
    assert_eq!(found(&register, "web"), (2, 2), "a start may be under way");
    let early = running(&[]);
    advance(GONE_SETTLES).await;
    register.free(&early);
    assert_eq!(found(&register, "web"), (2, 2), "an old answer says nothing");
    register.free(&running(&[&text(1)]));
    assert_eq!(found(&register, "web"), (2, 2), "it runs");
    register.free(&running(&[]));
    assert_eq!(found(&register, "web"), (1, 1));
    assert_eq!(register.find("ns", "web", POLICY).uid, Some(uid(2)), "what exists stays");
    assert!(!register.has_gone_entries());
    // Should it run all the same, nobody is let in.
    assert_eq!(others(&register, &[&text(1)]), stranger(1));
}

#[tokio::test(start_paused = true)]
async fn a_pod_that_is_spoken_for_is_dropped_when_it_ended() {
    let register = PodAccess::default();
    let same = access();
    register.admit(uid(1), ("ns", "web"), Arc::clone(&same), POLICY);
    register.gone(uid(1));
    register.admit(uid(2), ("ns", "web"), Arc::clone(&same), POLICY);
    assert_eq!(register.find("ns", "web", POLICY).uid, None);
    advance(GONE_SETTLES).await;
    register.free(&running(&[&text(2)]));
    assert_eq!(register.find("ns", "web", POLICY).uid, Some(uid(2)));
    assert_eq!(others(&register, &[&text(1)]), stranger(1));
}

#[tokio::test(start_paused = true)]
async fn a_full_register_has_room_again() {
    let register = PodAccess::default();
    for number in 0..u32::try_from(LEDGER_CAPACITY).unwrap() {
        register.admit(uid(number), ("ns", &format!("p{number}")), access(), POLICY);
        register.gone(uid(number));
    }
    advance(GONE_SETTLES).await;
    register.free(&running(&[&text(7)]));
    assert_eq!(register.lock().names.len(), 1);
    assert_eq!(register.lock().by_name.len(), 1);
    register.admit(uid(u32::MAX), ("ns", "late"), access(), POLICY);
    assert_eq!(found(&register, "late"), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn the_kubelets_word_is_taken_some_time_after_its_first_list() {
    let register = PodAccess::default();
    assert_eq!(register.settled_at(), None);
    let began = Instant::now();
    register.listed();
    advance(Duration::from_secs(60)).await;
    register.listed();
    assert_eq!(register.settled_at(), Some(began + LISTED_SETTLES));
}

/// Does what was granted on `web` end by this?
fn ends(register: &PodAccess, by: impl FnOnce(&PodAccess)) -> bool {
    let granted = register.find("ns", "web", POLICY).changed;
    assert!(!granted.is_cancelled());
    by(register);
    granted.is_cancelled()
}

#[test]
fn a_grant_ends_when_its_pod_is_denied_or_another_word_counts() {
    let register = PodAccess::default();
    let (one, other) = (access(), access());
    let admit = |number: u32, access: &Arc<Access>| {
        let access = Arc::clone(access);
        move |register: &PodAccess| register.admit(uid(number), ("ns", "web"), access, POLICY)
    };
    admit(1, &one)(&register);
    assert!(!ends(&register, admit(1, &one)), "a change of its labels");
    assert!(!ends(&register, admit(2, &one)), "another pod of the same rule");
    assert!(!ends(&register, |register| register.gone(uid(2))), "its end is the kubelet's matter");
    assert!(!ends(&register, |register| register.withdraw(uid(9))), "somebody else");
    assert!(ends(&register, |register| register.withdraw(uid(1))));
    admit(1, &one)(&register);
    assert!(ends(&register, admit(3, &other)), "a pod of another rule takes the name");
    assert!(ends(&register, |register| {
        register.admit(uid(3), ("ns", "other"), access(), POLICY);
    }));
    assert!(register.find("ns", "web", POLICY).accesses == [None], "it changed its name");
}

#[test]
fn the_gauge_tells_how_many_pods_are_held() {
    let metrics = crate::metrics::registry::Metrics::new();
    let register = PodAccess::new(metrics.kubelet_api_pods());
    let tells = |count: usize| {
        metrics.encode().contains(&format!("kubelet_proxy_kubelet_api_pods {count}\n"))
    };
    register.admit(uid(1), ("ns", "web"), access(), POLICY);
    register.admit(uid(2), ("ns", "db"), access(), POLICY);
    register.gone(uid(1));
    assert!(tells(2));
    register.stopped(uid(1));
    assert!(tells(1));
}
