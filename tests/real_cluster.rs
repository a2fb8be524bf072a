//! The promise itself, on the real thing: between an unmodified kubelet and an unmodified API
//! server, no pod that the node's policy denies ever gets a container, and every other pod runs.
//!
//! One cluster for all cases, one after the other in this order, so that restarts happen to a node
//! that is in use. `cargo test --test real_cluster -- NAME` boots it for the named cases alone.

#![expect(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    reason = "test code, which clippy recognises only in unit tests; JSON gives null for no field"
)]

#[path = "real_cluster/admission.rs"]
mod admission;
#[path = "real_cluster/expect.rs"]
mod expect;
#[path = "real_cluster/hooks.rs"]
mod hooks;
#[path = "real_cluster/objects.rs"]
mod objects;
#[path = "real_cluster/promises.rs"]
mod promises;
#[path = "real_cluster/recovery.rs"]
mod recovery;
#[path = "real_cluster/signed.rs"]
mod signed;
#[path = "real_cluster/storm.rs"]
mod storm;
mod support;
#[path = "real_cluster/trust.rs"]
mod trust;

use std::path::Path;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};

use libtest_mimic::{Arguments, Failed, Trial, run};

use support::wait::Outcome;
use support::world::World;
use support::world::proxy::{Place, policy};

type Case = fn(&mut World) -> Outcome;

const CASES: [(&str, Case); 36] = [
    ("the_node_is_ready_through_the_proxy", admission::node_is_ready),
    // Counted two minutes later, before the first restart: a new proxy begins a new count.
    ("a_replacement_storm_begins", storm::begins),
    ("an_allowed_pod_runs", admission::allowed_pod_runs),
    ("a_privileged_pod_is_rejected", admission::privileged_pod_is_rejected),
    ("a_privileged_init_container_is_rejected", admission::privileged_init_is_rejected),
    ("a_pod_on_the_host_network_is_rejected", admission::host_network_is_rejected),
    ("a_pod_with_a_host_path_is_rejected", admission::host_path_is_rejected),
    ("a_privileged_ephemeral_container_stops_its_pod", admission::ephemeral_is_rejected),
    ("a_rejected_pod_can_be_deleted_within_5_s", admission::rejected_pod_is_deleted),
    ("of_a_burst_of_60_pods_half_run", admission::burst_is_sorted),
    ("the_node_keeps_its_promises", promises::kept),
    ("a_replacement_storm_stays_under_20_failed_pods_in_2_minutes", storm::stays_small),
    ("a_proxy_crash_touches_no_running_pod", recovery::proxy_crashes),
    ("an_api_server_restart_is_survived", recovery::api_server_restarts),
    ("a_stricter_policy_stops_the_pod_it_denies", recovery::policy_gets_stricter),
    ("names_in_a_pod_keep_their_meaning", objects::names_keep_their_meaning),
    ("an_update_is_tolerated_or_stops_its_pod", objects::updates_are_tolerated_or_stop_the_pod),
    ("a_signed_pod_runs_beside_the_nodes_own", signed::signed_pod_runs),
    ("an_unsigned_pod_is_rejected", signed::unsigned_pod_is_rejected),
    ("a_badly_signed_pod_is_rejected", signed::bad_signature_is_rejected),
    ("a_signed_pod_with_another_image_is_rejected", signed::other_image_is_rejected),
    (
        "a_fully_signed_pod_runs_where_the_document_permits_the_rest",
        signed::full_policy_needs_the_document,
    ),
    ("a_signed_pod_with_another_command_is_rejected", signed::other_command_is_rejected),
    ("a_signed_pod_with_another_environment_is_rejected", signed::other_environment_is_rejected),
    ("a_signed_pod_with_another_mount_is_rejected", signed::other_mount_is_rejected),
    ("after_signed_pods_rules_alone_decide_again", signed::rules_come_back),
    ("a_pod_denied_while_the_kubelet_was_down_never_starts", recovery::kubelet_restarts),
    // Right after that: a kubelet waits longer after every failure, and a new one has none behind it.
    ("interruptions_break_no_promise", promises::kept_through_interruptions),
    ("uninvited_local_clients_are_refused", trust::uninvited_are_refused),
    ("a_rotated_server_certificate_is_served", trust::server_certificate_rotates),
    ("a_rotated_client_certificate_is_used", trust::client_certificate_rotates),
    ("a_kubelet_renews_its_certificate_through_the_proxy", trust::kubelet_renews_its_certificate),
    ("a_running_kubelet_was_refused_nothing", promises::nothing_was_refused),
    ("no_denied_pod_ever_had_a_container", admission::nothing_denied_was_created),
    ("without_the_proxy_the_denied_pod_would_run", admission::control_without_proxy),
    ("broken_promises_are_seen", promises::seen_broken),
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
        let place = Place::Process(Path::new(env!("CARGO_BIN_EXE_kubelet-proxy")));
        let mut step = |what: &str| eprintln!("  … {what}");
        *cluster = Cluster::Up(Box::new(World::boot(place, &policy(), &mut step)?));
    }
    let Cluster::Up(world) = &mut *cluster else {
        return Err("the cluster did not boot".into());
    };
    let outcome = case(world).and_then(|()| world.check_running());
    outcome.map_err(|error| format!("{error}\n{}", world.tails()).into())
}
