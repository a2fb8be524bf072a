use super::entries::PODS_OF_ONE_NAME;
use super::*;
use crate::kubelet_proxy::limits::LEDGER_CAPACITY;

mod running;

const POLICY: &str = "one";

fn uid(number: u32) -> Uid {
    Uid::parse(&super::super::sample_pods::uid(number)).unwrap()
}

fn access() -> Arc<Access> {
    Arc::new(Access::default())
}

/// How many pods are on record under a name, and how many of them permit anything.
fn found(register: &PodAccess, name: &str) -> (usize, usize) {
    let found = register.find("ns", name, POLICY);
    (found.accesses.len(), found.accesses.iter().flatten().count())
}

#[test]
fn a_pod_is_found_by_namespace_and_name_alone() {
    let register = PodAccess::default();
    register.admit(uid(1), ("ns", "web"), access(), POLICY);
    assert_eq!(found(&register, "web"), (1, 1));
    assert_eq!(register.find("ns", "web", POLICY).uid, Some(uid(1)));
    assert_eq!(found(&register, "db"), (0, 0));
    assert!(register.find("other", "web", POLICY).accesses.is_empty());
}

/// The kubelet finds containers by the pod's name: the one that goes still has them.
#[test]
fn a_pod_that_takes_a_name_does_not_speak_for_the_one_that_had_it() {
    let register = PodAccess::default();
    let strict = access();
    register.admit(uid(1), ("ns", "web"), Arc::clone(&strict), POLICY);
    register.gone(uid(1));
    assert_eq!(found(&register, "web"), (0, 0), "there is no such pod");
    let lax = access();
    register.admit(uid(2), ("ns", "web"), Arc::clone(&lax), POLICY);
    let both = register.find("ns", "web", POLICY);
    assert!(both.uid.is_none());
    let has = |one: &Arc<Access>| both.accesses.iter().flatten().any(|it| Arc::ptr_eq(it, one));
    assert!(has(&strict) && has(&lax) && both.accesses.len() == 2);
    register.stopped(uid(1));
    assert_eq!(register.find("ns", "web", POLICY).uid, Some(uid(2)), "the kubelet saw it end");
}

#[test]
fn two_pods_of_one_name_that_both_exist_both_count() {
    let register = PodAccess::default();
    register.admit(uid(1), ("ns", "web"), access(), POLICY);
    register.admit(uid(2), ("ns", "web"), access(), POLICY);
    assert_eq!(found(&register, "web"), (2, 2));
    register.withdraw(uid(1));
    assert_eq!(found(&register, "web"), (2, 1));
}

#[test]
fn a_pod_that_ended_and_exists_is_still_found() {
    let register = PodAccess::default();
    register.admit(uid(1), ("ns", "job"), access(), POLICY);
    register.stopped(uid(1));
    assert_eq!(found(&register, "job"), (1, 1), "logs of a finished job");
    register.gone(uid(1));
    assert_eq!(found(&register, "job"), (0, 0));
    assert!(register.lock().names.is_empty() && register.lock().by_name.is_empty());
}

#[test]
fn a_pod_of_the_same_rule_replaces_one_that_is_gone() {
    let register = PodAccess::default();
    let same = access();
    for number in 1..100 {
        register.admit(uid(number), ("ns", "web-0"), Arc::clone(&same), POLICY);
        assert_eq!(found(&register, "web-0"), (1, 1), "{number}");
        register.gone(uid(number));
    }
    assert!(register.lock().names.len() <= 1);
}

#[test]
fn a_denied_pod_permits_nothing_and_goes_on_counting() {
    let register = PodAccess::default();
    register.admit(uid(1), ("ns", "web"), access(), POLICY);
    register.withdraw(uid(1));
    assert_eq!(found(&register, "web"), (1, 0));
    register.admit(uid(1), ("ns", "web"), access(), POLICY);
    assert_eq!(found(&register, "web"), (1, 1));
}

#[test]
fn another_policy_permits_nothing_until_it_has_admitted() {
    let register = PodAccess::default();
    register.admit(uid(1), ("ns", "web"), access(), "another");
    assert_eq!(found(&register, "web"), (1, 0));
    register.admit(uid(1), ("ns", "web"), access(), POLICY);
    assert_eq!(found(&register, "web"), (1, 1));
}

#[test]
fn what_a_whole_list_leaves_out_is_gone() {
    let register = PodAccess::default();
    register.admit(uid(1), ("ns", "web"), access(), POLICY);
    register.admit(uid(2), ("ns", "db"), access(), POLICY);
    register.begin_list(1);
    register.admit(uid(2), ("ns", "db"), access(), POLICY);
    register.end_list(1);
    assert_eq!(found(&register, "web"), (0, 0));
    assert_eq!(found(&register, "db"), (1, 1));
}

#[test]
fn without_room_a_new_pod_has_no_access_and_old_ones_keep_theirs() {
    let register = PodAccess::default();
    for number in 0..u32::try_from(LEDGER_CAPACITY).unwrap() {
        register.admit(uid(number), ("ns", &format!("p{number}")), access(), POLICY);
    }
    register.admit(uid(u32::MAX), ("ns", "late"), access(), POLICY);
    assert_eq!(found(&register, "late"), (1, 0));
    assert_eq!(found(&register, "p0"), (1, 1));
    let register = PodAccess::default();
    for number in 0..u32::try_from(PODS_OF_ONE_NAME).unwrap() {
        register.admit(uid(number), ("ns", "same"), access(), POLICY);
    }
    register.admit(uid(u32::MAX), ("ns", "same"), access(), POLICY);
    assert_eq!(found(&register, "same"), (1, 0), "nobody is told apart");
    register.admit(uid(0), ("ns", "same"), access(), POLICY);
    assert_eq!(found(&register, "same"), (1, 0), "and nobody is later");
}

#[test]
fn a_pod_without_room_is_not_spoken_for_by_the_one_before_it() {
    let register = PodAccess::default();
    for number in 0..u32::try_from(LEDGER_CAPACITY).unwrap() {
        register.admit(uid(number), ("ns", &format!("p{number}")), access(), POLICY);
    }
    register.admit(uid(u32::MAX), ("ns", "p0"), access(), POLICY);
    assert_eq!(found(&register, "p0"), (1, 0));
}

/// A is deleted and runs on; B of the same rule takes its name and goes; C has a rule that permits more.
#[test]
fn a_pod_that_was_replaced_and_runs_on_still_counts() {
    let register = PodAccess::default();
    let (narrow, wide) = (access(), access());
    register.admit(uid(1), ("ns", "web"), Arc::clone(&narrow), POLICY);
    register.gone(uid(1));
    register.admit(uid(2), ("ns", "web"), Arc::clone(&narrow), POLICY);
    register.gone(uid(2));
    register.stopped(uid(2));
    register.admit(uid(3), ("ns", "web"), Arc::clone(&wide), POLICY);
    let found = register.find("ns", "web", POLICY);
    assert!(found.accesses.iter().flatten().any(|one| Arc::ptr_eq(one, &narrow)), "{found:?}");
    assert!(found.uid.is_none());
}

#[test]
fn a_deleted_pod_does_not_come_back_with_more() {
    let register = PodAccess::default();
    let narrow = access();
    register.admit(uid(1), ("ns", "web"), Arc::clone(&narrow), POLICY);
    register.gone(uid(1));
    register.admit(uid(1), ("ns", "web"), Arc::clone(&narrow), POLICY);
    assert_eq!(found(&register, "web"), (1, 1), "a list that was late");
    register.gone(uid(1));
    register.admit(uid(1), ("ns", "web"), access(), POLICY);
    assert_eq!(found(&register, "web"), (1, 0));
}

#[test]
fn a_uid_that_changes_its_name_blocks_the_old_one_and_fills_no_memory() {
    let register = PodAccess::default();
    for number in 0..100 {
        register.admit(uid(1), ("ns", &format!("p{number}")), access(), POLICY);
    }
    assert_eq!(found(&register, "p99"), (1, 1));
    assert_eq!(found(&register, "p0"), (1, 0));
    let kept: usize = register.lock().by_name.values().map(|one| one.pods.len()).sum();
    assert_eq!(kept, 1);
}

#[test]
fn a_list_judges_only_what_was_there_when_it_began() {
    let register = PodAccess::default();
    register.begin_list(1);
    register.admit(uid(1), ("ns", "web"), access(), POLICY);
    register.begin_list(2);
    register.end_list(1);
    assert_eq!(found(&register, "web"), (1, 1));
    register.end_list(2);
    assert_eq!(found(&register, "web"), (0, 0));
}
