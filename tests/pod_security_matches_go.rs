//! The Pod Security Standards against Kubernetes' own module: the same pods are forbidden, by the
//! same checks, for every level and version.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "test code, which clippy recognises only in unit tests"
)]

#[path = "support/go.rs"]
mod go;
#[path = "pod_security/go_module.rs"]
mod go_module;
#[path = "pod_security/spoiled_pods.rs"]
mod spoiled_pods;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use nodeward::kube_wire::json::{Cursor, Limits, Tape};
use nodeward::kube_wire::pod_view::PodView;
use nodeward::kube_wire::received_pod::ReceivedPod;
use nodeward::policy::pod_security::{Check, Level, PodSecurityStandard, Version};
use proptest::collection::vec;
use proptest::prelude::any;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner};

use self::go_module::{Answer, GoModule};

/// Some ten seconds, unoptimised.
const PODS: u32 = 8_000;

/// Most changes to one pod: with more, next to none would be allowed.
const MOST_CHANGES: usize = 6;

/// Of the pods, how many each of two answers must have had for the comparison to say something.
const FEWEST_EACH_WAY: u32 = PODS / 20;

/// How often each check must have forbidden a pod.
const FEWEST_BY_CHECK: u32 = PODS / 200;

const LIMITS: Limits = Limits { depth: 64, nodes: 100_000 };

/// What we say about a pod, in the form of Go's answer.
fn ask_ourselves(document: &[u8]) -> Result<Answer, String> {
    let mut tape = Tape::default();
    let flaw = Cursor::new(document).value(&mut tape, LIMITS).map_err(|halt| halt.to_string())?;
    let sound = match ReceivedPod::read(tape.root(document), flaw) {
        ReceivedPod::Sound(sound) => sound,
        ReceivedPod::Faulty(faulty) => return Err(faulty.fault.to_string()),
    };
    let view = PodView::of(&sound);
    let mut answer = Answer::new();
    for level in Level::ALL {
        for name in Version::ALL.map(Version::name).into_iter().chain(["latest"]) {
            let version = Version::named(name).expect("its own name");
            let standard = PodSecurityStandard { level, version };
            let violations = standard.violations(&view);
            if standard.first_violation(&view) != violations.first().copied() {
                return Err(format!("{name}: the first violation is not the first of all"));
            }
            let checks: BTreeSet<_> =
                violations.iter().map(|it| it.check.id().to_owned()).collect();
            answer.insert(format!("{}:{name}", level.name()), checks.into_iter().collect());
        }
    }
    Ok(answer)
}

#[derive(Default)]
struct Tally {
    /// By standard: pods allowed, and pods forbidden.
    by_standard: BTreeMap<String, [u32; 2]>,
    /// By id: pods forbidden.
    by_check: BTreeMap<String, u32>,
}

impl Tally {
    fn count(&mut self, answer: &Answer) {
        for (standard, checks) in answer {
            let counts = self.by_standard.entry(standard.clone()).or_default();
            counts[usize::from(!checks.is_empty())] += 1;
        }
        let checks: BTreeSet<_> = answer.values().flatten().collect();
        for check in checks {
            *self.by_check.entry(check.clone()).or_default() += 1;
        }
    }

    fn require_variety(&self) {
        for (standard, [allowed, forbidden]) in &self.by_standard {
            println!("{standard}: {allowed} pods allowed, {forbidden} forbidden");
            if standard.starts_with("privileged:") {
                assert_eq!((*allowed, *forbidden), (PODS, 0), "{standard}");
            } else {
                assert!(*allowed >= FEWEST_EACH_WAY, "{standard} allowed {allowed}");
                assert!(*forbidden >= FEWEST_EACH_WAY, "{standard} forbade {forbidden}");
            }
        }
        assert_eq!(self.by_standard.len(), Level::ALL.len() * (Version::ALL.len() + 1));
        for check in Check::ALL {
            let count = self.by_check.get(check.id()).copied().unwrap_or_default();
            println!("{}: {count} pods forbidden", check.id());
            assert!(count >= FEWEST_BY_CHECK, "{} forbade {count}", check.id());
        }
    }
}

#[test]
fn every_standard_forbids_what_the_go_module_forbids_by_the_same_checks() {
    let go = RefCell::new(GoModule::start());
    let tally = RefCell::new(Tally::default());
    let config = Config { cases: PODS, failure_persistence: None, ..Config::default() };
    // The same pods in every run: a failure can be looked at, and CI does not flicker.
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[33; 32]);
    let changes = vec(any::<spoiled_pods::Change>(), 0..=MOST_CHANGES);
    let outcome = TestRunner::new_with_rng(config, rng).run(&changes, |changes| {
        let pod = spoiled_pods::spoiled(&changes);
        let ours = ask_ourselves(pod.to_string().as_bytes())
            .map_err(|problem| TestCaseError::fail(format!("{problem}: {pod}")))?;
        let theirs = go.borrow_mut().ask(&pod);
        if ours != theirs {
            return Err(TestCaseError::fail(format!("{pod}\nours {ours:#?}\nGo's {theirs:#?}")));
        }
        tally.borrow_mut().count(&theirs);
        Ok(())
    });
    outcome.unwrap_or_else(|error| panic!("{error}"));
    tally.borrow().require_variety();
}
