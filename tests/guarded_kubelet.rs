//! The kubelet's own API behind its guard, on the real thing: an unmodified kubectl, API server and
//! kubelet, and nothing reaches into a container that the node's policy does not permit.
//!
//! A cluster of its own: the kubelet listens on loopback, the policy is one of version 2.

#![expect(
    clippy::indexing_slicing,
    reason = "test code, which clippy recognises only in unit tests; JSON gives null for no field"
)]

#[path = "guarded_kubelet/calls.rs"]
mod calls;
#[path = "guarded_kubelet/forwards.rs"]
mod forwards;
#[path = "guarded_kubelet/policies.rs"]
mod policies;
mod support;
#[path = "guarded_kubelet/ways_around.rs"]
mod ways_around;
#[path = "guarded_kubelet/who_runs.rs"]
mod who_runs;

use std::path::Path;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};

use libtest_mimic::{Arguments, Failed, Trial, run};

use support::wait::Outcome;
use support::world::World;

type Case = fn(&mut World) -> Outcome;

const CASES: [(&str, Case); 13] = [
    ("logs_of_every_admitted_pod_can_be_read", calls::logs_work),
    ("metrics_can_be_read_and_what_is_not_listed_cannot", calls::metrics_work),
    ("a_permitted_command_runs_over_websocket_and_spdy", calls::permitted_command_runs),
    ("another_command_is_refused", calls::other_command_is_refused),
    ("a_pod_whose_policy_forbids_exec_is_left_alone", calls::closed_pod_is_left_alone),
    ("a_permitted_port_is_forwarded", forwards::permitted_port_is_forwarded),
    ("another_port_is_refused", forwards::other_port_is_refused),
    ("a_pod_whose_policy_forbids_it_forwards_no_port", forwards::closed_pod_forwards_nothing),
    ("the_tunnels_way_to_the_kubelet_is_closed", ways_around::loopback_is_closed),
    ("every_decision_is_recorded", calls::decisions_are_recorded),
    ("streams_into_a_pod_end_when_it_is_denied", who_runs::denied_pod_cuts_streams),
    ("who_takes_a_pods_name_does_not_speak_for_it", who_runs::successor_does_not_speak_for_it),
    ("a_stricter_policy_takes_the_permit_away", policies::stricter_policy_takes_away),
];

/// The cluster, booted by the first case that needs it. If that fails, so do all others at once.
#[derive(Default)]
enum Cluster {
    #[default]
    Unbooted,
    Up(Box<World>),
    Broken,
}

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    // On this thread, which the world's processes are tied to, and in order.
    arguments.test_threads = Some(1);
    let cluster = Arc::new(Mutex::new(Cluster::default()));
    let trials = CASES.map(|(name, case)| {
        let cluster = Arc::clone(&cluster);
        Trial::test(name, move || attempt(&cluster, case))
    });
    let conclusion = run(&arguments, Vec::from(trials));
    drop(cluster);
    conclusion.exit_code()
}

fn attempt(cluster: &Mutex<Cluster>, case: Case) -> Result<(), Failed> {
    let mut cluster = cluster.lock().unwrap_or_else(PoisonError::into_inner);
    if matches!(*cluster, Cluster::Unbooted) {
        *cluster = Cluster::Broken;
        let program = Path::new(env!("CARGO_BIN_EXE_kubelet-proxy"));
        let mut step = |what: &str| eprintln!("  … {what}");
        let mut world = World::boot_guarded(program, &policies::policy(), &mut step)?;
        policies::start_pods(&mut world)?;
        *cluster = Cluster::Up(Box::new(world));
    }
    let Cluster::Up(world) = &mut *cluster else {
        return Err("the cluster did not boot".into());
    };
    let outcome = case(world).and_then(|()| world.check_running());
    outcome.map_err(|error| format!("{error}\n{}", world.tails()).into())
}
