//! The command line: where the node is, how its parts are spoken to, and which promises to check.
//!
//! What only some promises need is optional here; a promise asks for it by name and fails without it.

use std::path::PathBuf;

use clap::Parser;

use crate::program::Words;
use crate::wait::Outcome;

/// Check what a node behind kubelet-proxy promises: on this node, as root, against the real thing.
///
/// Prints `ok PROMISE` or `FAIL PROMISE: why` for each, then `N passed, N failed`. Commands are
/// split at spaces; there is no shell.
#[derive(Parser, Debug)]
#[command(name = "node-promises", version)]
pub(crate) struct Options {
    /// An administrator's kubeconfig, to the API server and not to the proxy.
    #[arg(long, required_unless_present = "list")]
    kubeconfig: Option<PathBuf>,
    /// The node's name in the cluster.
    #[arg(long, required_unless_present = "list")]
    node: Option<String>,
    /// An image that the node has; it needs sh, sleep, cat and echo.
    #[arg(long, required_unless_present = "list")]
    image: Option<String>,
    /// How to run kubectl.
    #[arg(long, value_name = "COMMAND", default_value = "kubectl")]
    pub(crate) kubectl: Words,
    /// How to run containerd's own client.
    #[arg(long, value_name = "COMMAND", default_value = "ctr")]
    pub(crate) ctr: Words,
    /// Where the kubelet finds the proxy.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:6448")]
    pub(crate) proxy_address: String,
    /// The proxy's administrative unix socket.
    #[arg(long, value_name = "PATH")]
    admin_socket: Option<PathBuf>,
    /// Where to read metrics if there is no --admin-socket, such as http://127.0.0.1:6449/metrics.
    #[arg(long, value_name = "URL")]
    pub(crate) metrics_url: Option<String>,
    /// Where a kubelet would look for static pods.
    #[arg(long, value_name = "DIR")]
    static_pod_directory: Option<PathBuf>,
    /// The policy in force. It is replaced for a while, and then put back.
    #[arg(long, value_name = "FILE")]
    policy_file: Option<PathBuf>,
    /// The proxy's systemd service. The five commands below follow from it unless given.
    #[arg(long, value_name = "UNIT")]
    proxy_unit: Option<String>,
    /// Restarts the proxy.
    #[arg(long, value_name = "COMMAND")]
    restart_proxy: Option<Words>,
    /// Stops the proxy and whatever would start it again.
    #[arg(long, value_name = "COMMAND")]
    stop_proxy: Option<Words>,
    /// Undoes --stop-proxy.
    #[arg(long, value_name = "COMMAND")]
    start_proxy: Option<Words>,
    /// Makes the proxy read its policy again.
    #[arg(long, value_name = "COMMAND")]
    reload_proxy: Option<Words>,
    /// Prints the number of the proxy's main process, as it is seen from here.
    #[arg(long, value_name = "COMMAND")]
    main_pid: Option<Words>,
    /// List the promises and what each needs.
    #[arg(long)]
    pub(crate) list: bool,
    /// The promises to check.
    #[arg(value_name = "PROMISE", required_unless_present = "list")]
    pub(crate) promises: Vec<String>,
}

impl Options {
    pub(crate) fn kubeconfig(&self) -> Outcome<&PathBuf> {
        needed(self.kubeconfig.as_ref(), "--kubeconfig")
    }

    pub(crate) fn node(&self) -> Outcome<&String> {
        needed(self.node.as_ref(), "--node")
    }

    pub(crate) fn image(&self) -> Outcome<&String> {
        needed(self.image.as_ref(), "--image")
    }

    pub(crate) fn admin_socket(&self) -> Outcome<&PathBuf> {
        needed(self.admin_socket.as_ref(), "--admin-socket")
    }

    pub(crate) fn static_pod_directory(&self) -> Outcome<&PathBuf> {
        needed(self.static_pod_directory.as_ref(), "--static-pod-directory")
    }

    pub(crate) fn policy_file(&self) -> Outcome<&PathBuf> {
        needed(self.policy_file.as_ref(), "--policy-file")
    }

    pub(crate) fn restart_proxy(&self) -> Outcome<Words> {
        let derived = |unit: &str| format!("systemctl restart {unit}");
        self.command(self.restart_proxy.as_ref(), "--restart-proxy", derived)
    }

    pub(crate) fn stop_proxy(&self) -> Outcome<Words> {
        let derived = |unit: &str| format!("systemctl stop {} {unit}", sockets(unit));
        self.command(self.stop_proxy.as_ref(), "--stop-proxy", derived)
    }

    pub(crate) fn start_proxy(&self) -> Outcome<Words> {
        let derived = |unit: &str| format!("systemctl start {}", sockets(unit));
        self.command(self.start_proxy.as_ref(), "--start-proxy", derived)
    }

    pub(crate) fn reload_proxy(&self) -> Outcome<Words> {
        let derived = |unit: &str| format!("systemctl reload {unit}");
        self.command(self.reload_proxy.as_ref(), "--reload-proxy", derived)
    }

    pub(crate) fn main_pid(&self) -> Outcome<Words> {
        let derived = |unit: &str| format!("systemctl show --property=MainPID --value {unit}");
        self.command(self.main_pid.as_ref(), "--main-pid", derived)
    }

    fn command(
        &self,
        given: Option<&Words>,
        option: &str,
        derived: impl Fn(&str) -> String,
    ) -> Outcome<Words> {
        let derived = || self.proxy_unit.as_deref().map(derived)?.parse().ok();
        needed(given.cloned().or_else(derived), &format!("{option} or --proxy-unit"))
    }
}

/// The sockets of a service: either would start it again.
fn sockets(unit: &str) -> String {
    let stem = unit.strip_suffix(".service").unwrap_or(unit);
    format!("{stem}.socket {stem}-admin.socket")
}

fn needed<T>(given: Option<T>, option: &str) -> Outcome<T> {
    Ok(given.ok_or_else(|| format!("this promise cannot be checked without {option}"))?)
}
