//! What is remembered of pods, and for how long.

use super::*;
use crate::kube_wire::received_pod::ReceivedPod;
use crate::kube_wire::spec_pin::PodEncoding;
use crate::kubelet_proxy::sample_pods::{self, pod, receive};

fn uid(number: u32) -> Uid {
    Uid::parse(&sample_pods::uid(number)).unwrap()
}

fn pin(number: u32, spec: &str) -> Admission {
    admission(&pod(number, "", spec, ""), Updates::ALL)
}

fn admission(pod: &str, updates: Updates) -> Admission {
    let pin = receive(pod, |received| {
        let ReceivedPod::Sound(sound) = received else { panic!("{received:?}") };
        let (mut bytes, mut mutable) = (Vec::new(), Vec::new());
        sound.checked.write(&mut bytes, &mut mutable);
        let span = 0..bytes.len();
        SpecPin::new(
            &sound.checked,
            &sound.pod,
            &PodEncoding { bytes: &bytes, span, mutable: &mutable },
        )
    });
    Admission { pin, updates, counter: None, remembered: None }
}

#[test]
fn uids_are_uuids_and_nothing_else() {
    assert_eq!(Uid::parse("00000000-0000-0000-0000-0000000000ff"), Some(Uid(255)));
    for text in
        ["", "x", "0fcb5d1e-4ad9-4a06-8f7e-00000000000", "0fcb5d1e-4ad9-4a06-8f7e-00000000000g"]
    {
        assert_eq!(Uid::parse(text), None, "{text}");
    }
}

#[test]
fn another_spec_under_an_admitted_uid_is_refused_even_after_its_deletion() {
    let ledger = PodLedger::default();
    ledger.admit(uid(1), pin(1, "")).unwrap();
    ledger.admit(uid(1), pin(1, "")).unwrap();
    ledger.admit(uid(1), pin(1, r#","activeDeadlineSeconds":60"#)).unwrap();
    let other = || pin(1, r#","hostname":"other""#);
    assert!(matches!(ledger.admit(uid(1), other()), Err(LedgerRefusal::Pinned(_))));
    ledger.forget_later(uid(1), ("ns", "p1"));
    assert!(matches!(ledger.admit(uid(1), other()), Err(LedgerRefusal::Pinned(_))));
    // The refusal left the pin as it was.
    assert!(ledger.admit(uid(1), pin(1, r#","activeDeadlineSeconds":60"#)).is_ok());
    assert!(ledger.admit(uid(2), pin(2, r#","hostname":"other""#)).is_ok());
}

#[test]
fn a_version_from_before_passes_and_does_not_loosen_the_pin() {
    let ledger = PodLedger::default();
    let deadline = |seconds| pin(1, &format!(r#","activeDeadlineSeconds":{seconds}"#));
    ledger.admit(uid(1), pin(1, "")).unwrap();
    ledger.admit(uid(1), deadline(60)).unwrap();
    // A lagging cache: the version without a deadline again, and then the present once more.
    ledger.admit(uid(1), pin(1, "")).unwrap();
    ledger.admit(uid(1), deadline(60)).unwrap();
    let other = pin(1, r#","activeDeadlineSeconds":60,"hostname":"other""#);
    assert!(matches!(ledger.admit(uid(1), other), Err(LedgerRefusal::Pinned(_))));
}

#[test]
fn comparing_records_nothing() {
    let ledger = PodLedger::default();
    let other = pin(1, r#","hostname":"other""#);
    assert!(ledger.compare(uid(1), &other).is_ok());
    assert!(!ledger.is_pinned(uid(1)));
    ledger.admit(uid(1), pin(1, "")).unwrap();
    assert!(ledger.compare(uid(1), &pin(1, r#","activeDeadlineSeconds":60"#)).is_ok());
    assert!(matches!(ledger.compare(uid(1), &other), Err(LedgerRefusal::Pinned(_))));
    assert!(ledger.admit(uid(1), pin(1, "")).is_ok());
}

#[test]
fn a_denial_is_news_once_per_reason() {
    let ledger = PodLedger::default();
    let first = ledger.deny(uid(1), 10);
    assert_eq!(
        first,
        DenialStanding { is_news: true, was_admitted: false, reported_stopped: false }
    );
    assert!(!ledger.deny(uid(1), 10).is_news);
    assert!(ledger.deny(uid(1), 11).is_news);
}

#[test]
fn what_the_kubelet_was_given_and_what_it_reported_is_known() {
    let ledger = PodLedger::default();
    ledger.kubelet_reported_stop(uid(1));
    ledger.admit(uid(1), pin(1, "")).unwrap();
    assert!(ledger.is_pinned(uid(1)) && !ledger.is_pinned(uid(2)));
    let running = ledger.deny(uid(1), 10);
    assert!(running.was_admitted && !running.reported_stopped);
    ledger.kubelet_reported_stop(uid(1));
    assert!(ledger.deny(uid(1), 10).reported_stopped);
}

/// Fills the ledger with pods from `first` on; the pins are all alike to save time.
fn fill(ledger: &PodLedger, first: u32, count: usize) {
    let template = pin(0, "");
    for number in (first..).take(count) {
        ledger.admit(uid(number), template.clone()).unwrap();
    }
}

#[test]
fn a_full_ledger_denies_new_pods_rather_than_forget_old_pins() {
    let ledger = PodLedger::default();
    fill(&ledger, 0, LEDGER_CAPACITY);
    assert_eq!(ledger.admit(uid(9_000_000), pin(1, "")), Err(LedgerRefusal::Full));
    ledger.forget_later(uid(5), ("ns", "p0"));
    assert!(ledger.admit(uid(9_000_000), pin(1, "")).is_ok());
    assert!(!ledger.is_pinned(uid(5)) && ledger.is_pinned(uid(4)));
    assert_eq!(ledger.admit(uid(9_000_001), pin(1, "")), Err(LedgerRefusal::Full));
}

#[test]
fn a_deletion_under_another_name_forgets_nothing() {
    for (gone, is_forgotten) in
        [(("ns", "p9"), false), (("other", "p1"), false), (("ns", "p1"), true)]
    {
        let ledger = PodLedger::default();
        ledger.admit(uid(1), pin(1, "")).unwrap();
        ledger.forget_later(uid(1), gone);
        for number in 0..LEDGER_CAPACITY as u32 {
            ledger.deny(uid(1_000_000 + number), 10);
        }
        assert_eq!(!ledger.is_pinned(uid(1)), is_forgotten, "{gone:?}");
    }
}

#[test]
fn denied_pods_never_crowd_out_admitted_ones() {
    let ledger = PodLedger::default();
    fill(&ledger, 0, 100);
    for number in 0..3 * LEDGER_CAPACITY as u32 {
        ledger.deny(uid(1_000_000 + number), 10);
    }
    assert!((0..100).all(|number| ledger.is_pinned(uid(number))));
    let entries = ledger.lock();
    assert!(
        entries.by_uid.len() <= LEDGER_CAPACITY && entries.dispensable.len() <= LEDGER_CAPACITY
    );
}

#[test]
fn a_pod_that_comes_and_goes_takes_one_place() {
    let ledger = PodLedger::default();
    for _ in 0..1000 {
        ledger.admit(uid(1), pin(0, "")).unwrap();
        ledger.forget_later(uid(1), ("ns", "p0"));
    }
    assert_eq!(ledger.lock().dispensable.len(), 1);
}

#[test]
fn a_whole_list_tells_which_pods_are_gone() {
    let ledger = PodLedger::default();
    fill(&ledger, 0, LEDGER_CAPACITY);
    let mark = ledger.begin_list();
    for number in 0..LEDGER_CAPACITY as u32 - 1 {
        ledger.admit(uid(number), pin_of(&ledger, number)).unwrap();
    }
    ledger.end_list(mark);
    assert!(ledger.admit(uid(9_000_000), pin(1, "")).is_ok());
    assert_eq!(ledger.admit(uid(9_000_001), pin(1, "")), Err(LedgerRefusal::Full));
}

fn pin_of(ledger: &PodLedger, number: u32) -> Admission {
    ledger.lock().by_uid[&uid(number)].admission.clone().unwrap()
}

#[test]
fn a_change_has_to_be_tolerated_before_and_after() {
    const STRICT: Updates = Updates { image: false, ..Updates::ALL };
    let image = |image: &str, updates| {
        admission(&pod(1, "", "", "").replace("\"i\"", &format!("\"{image}\"")), updates)
    };
    for (then, now, tolerated) in [
        (Updates::ALL, Updates::ALL, true),
        (STRICT, Updates::ALL, false),
        (Updates::ALL, STRICT, false),
    ] {
        let ledger = PodLedger::default();
        ledger.admit(uid(1), image("i", then)).unwrap();
        let expected = if tolerated {
            Ok(())
        } else {
            Err(LedgerRefusal::Untolerated("the image of a container"))
        };
        assert_eq!(ledger.compare(uid(1), &image("j", now)), expected);
        assert_eq!(ledger.admit(uid(1), image("j", now)), expected);
        // What was admitted goes on.
        assert!(ledger.admit(uid(1), image("i", now)).is_ok());
    }
}

#[test]
fn each_kind_of_change_is_tolerated_by_itself() {
    let frozen = Updates {
        image: false,
        resources: false,
        active_deadline_seconds: false,
        tolerations: false,
    };
    let limits = |cpu: &str| {
        let limits = format!(r#""image":"i","resources":{{"limits":{{"cpu":"{cpu}"}}}}"#);
        pod(1, "", "", "").replace(r#""image":"i""#, &limits)
    };
    for (before, after, updates, field) in [
        (limits("1"), limits("2"), Updates { resources: true, ..frozen }, "resources"),
        (
            pod(1, "", "", ""),
            pod(1, "", r#","activeDeadlineSeconds":9"#, ""),
            Updates { active_deadline_seconds: true, ..frozen },
            "spec.activeDeadlineSeconds",
        ),
        (
            pod(1, "", "", ""),
            pod(1, "", r#","tolerations":[{"key":"a"}]"#, ""),
            Updates { tolerations: true, ..frozen },
            "spec.tolerations",
        ),
    ] {
        let ledger = PodLedger::default();
        ledger.admit(uid(1), admission(&before, frozen)).unwrap();
        let refusal = Err(LedgerRefusal::Untolerated(field));
        assert_eq!(ledger.admit(uid(1), admission(&after, frozen)), refusal);
        let ledger = PodLedger::default();
        ledger.admit(uid(1), admission(&before, updates)).unwrap();
        assert_eq!(ledger.admit(uid(1), admission(&after, updates)), Ok(()));
    }
}

#[test]
fn a_remark_is_news_until_it_was_made() {
    let ledger = PodLedger::default();
    ledger.admit(uid(1), pin(1, "")).unwrap();
    let said =
        [Some(1), Some(1), Some(2), None, Some(2)].map(|remark| ledger.remark(uid(1), remark));
    assert_eq!(said, [true, false, true, false, true]);
}
