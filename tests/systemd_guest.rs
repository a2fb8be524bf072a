//! The same promise with the proxy as an operator has it: installed from the Debian package on a
//! machine with systemd 257, activated by its sockets, sandboxed as shipped.
//!
//! `tests/real_cluster.rs` tells the scenario; it runs here unchanged, between the cases that only a
//! service manager has. One machine and one cluster for all, in this order.
//! `cargo test --test systemd_guest -- NAME` boots them for the named cases alone.

#![expect(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    reason = "test code, which clippy recognises only in unit tests; JSON gives null for no field"
)]

#[path = "real_cluster/admission.rs"]
mod admission;
#[path = "systemd_guest/bad_policy.rs"]
mod bad_policy;
#[path = "systemd_guest/credentials.rs"]
mod credentials;
#[path = "real_cluster/expect.rs"]
mod expect;
#[path = "real_cluster/hooks.rs"]
mod hooks;
#[path = "systemd_guest/kubelet_api.rs"]
mod kubelet_api;
#[path = "systemd_guest/kubelet_wiring.rs"]
mod kubelet_wiring;
#[path = "systemd_guest/listener.rs"]
mod listener;
#[path = "systemd_guest/network.rs"]
mod network;
#[path = "systemd_guest/operator.rs"]
mod operator;
#[path = "systemd_guest/package.rs"]
mod package;
#[path = "real_cluster/promises.rs"]
#[expect(dead_code, reason = "the control of the promises needs no machine")]
mod promises;
#[path = "real_cluster/recovery.rs"]
mod recovery;
#[path = "systemd_guest/reload.rs"]
mod reload;
#[path = "systemd_guest/sandbox.rs"]
mod sandbox;
#[path = "systemd_guest/supervision.rs"]
mod supervision;
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

const CASES: [(&str, Case); 39] = [
    ("the_node_is_ready_through_the_proxy", admission::node_is_ready),
    ("the_service_has_no_capability_and_two_filters", sandbox::threads_are_confined),
    ("an_allowed_pod_runs", admission::allowed_pod_runs),
    ("a_privileged_pod_is_rejected", admission::privileged_pod_is_rejected),
    ("a_privileged_init_container_is_rejected", admission::privileged_init_is_rejected),
    ("a_pod_on_the_host_network_is_rejected", admission::host_network_is_rejected),
    ("a_pod_with_a_host_path_is_rejected", admission::host_path_is_rejected),
    ("a_privileged_ephemeral_container_stops_its_pod", admission::ephemeral_is_rejected),
    ("a_rejected_pod_can_be_deleted_within_5_s", admission::rejected_pod_is_deleted),
    ("of_a_burst_of_60_pods_half_run", admission::burst_is_sorted),
    ("the_node_keeps_its_promises", promises::kept),
    ("a_proxy_crash_touches_no_running_pod", recovery::proxy_crashes),
    ("an_api_server_restart_is_survived", recovery::api_server_restarts),
    ("a_stricter_policy_stops_the_pod_it_denies", recovery::policy_gets_stricter),
    ("a_pod_denied_while_the_kubelet_was_down_never_starts", recovery::kubelet_restarts),
    ("interruptions_break_no_promise", promises::kept_through_interruptions),
    ("uninvited_local_clients_are_refused", trust::uninvited_are_refused),
    ("a_rotated_server_certificate_is_served", trust::server_certificate_rotates),
    ("a_rotated_client_certificate_is_used", trust::client_certificate_rotates),
    ("a_kubelet_renews_its_certificate_through_the_proxy", trust::kubelet_renews_its_certificate),
    ("200_connections_outlive_a_bad_policy", bad_policy::pending_connections_are_answered),
    ("a_policy_that_everybody_can_write_is_refused", reload::policy_of_everybody_is_refused),
    ("a_process_that_hangs_is_replaced", supervision::hanging_process_is_replaced),
    ("a_burst_of_credentials_is_one_restart", supervision::burst_of_credentials_is_one_restart),
    ("a_socket_of_an_unknown_name_is_not_served", supervision::strange_socket_is_not_served),
    ("only_this_machine_can_be_reached", network::only_this_machine_is_reached),
    ("no_port_can_be_bound", network::no_port_is_bound),
    ("the_journal_tells_of_a_denial", operator::journal_tells_of_a_denial),
    ("the_status_is_told_to_administrators", operator::status_is_for_administrators),
    ("a_token_of_a_plugin_is_used", credentials::token_of_a_plugin_is_used),
    ("without_a_tpm_nothing_is_measured", credentials::without_a_tpm_nothing_is_measured),
    ("the_examples_guard_the_kubelets_api", kubelet_api::examples_guard_the_kubelet),
    ("an_upgrade_restarts_no_socket", package::upgrade_restarts_no_socket),
    ("a_running_kubelet_was_refused_nothing", promises::nothing_was_refused),
    ("no_denied_pod_ever_had_a_container", admission::nothing_denied_was_created),
    ("without_the_proxy_the_denied_pod_would_run", admission::control_without_proxy),
    ("a_kubelet_of_kubeadm_is_wired_and_undone", kubelet_wiring::kubeadm_kubelet_is_wired),
    ("a_kubelet_of_aks_flex_is_wired_and_undone", kubelet_wiring::aks_flex_kubelet_is_wired),
    ("a_purge_leaves_nothing", package::purge_leaves_nothing),
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
        let mut step = |what: &str| eprintln!("  … {what}");
        let place = Place::Package(Path::new(env!("CARGO_BIN_EXE_kubelet-proxy")));
        *cluster = Cluster::Up(Box::new(World::boot(place, &policy(), &mut step)?));
    }
    let Cluster::Up(world) = &mut *cluster else {
        return Err("the cluster did not boot".into());
    };
    let outcome = case(world).and_then(|()| world.check_running());
    outcome.map_err(|error| format!("{error}\n{}", world.tails()).into())
}
