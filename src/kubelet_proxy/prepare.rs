//! What has to happen outside the sandbox: the kubeconfig is read for the API server's port, and
//! sockets are bound. Afterwards nothing can be bound, and no other port connected to.
//!
//! The policy is read first: a proxy with a bad one never listens.
//!
//! There is no runtime yet, so nothing here is asynchronous and no thread escapes the sandbox.

use std::net::{IpAddr, SocketAddr, TcpListener};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::sync::Arc;

use super::config::{PolicySource, RunError, RunOptions, UpstreamOptions};
use super::policy_file;
use crate::http::{listen, local_socket};
use crate::policy::Policy;
use crate::sandbox::Needs;
use crate::systemd::listen_fds::InheritedSockets;
use crate::systemd::measurement::Sha256;
use crate::systemd::notify;
use crate::upstream::{PluginTiming, TokenSource, Upstream, UpstreamConfig, UpstreamRisks};

/// A watchdog that is never fed would have a healthy proxy killed, period after period.
const WATCHDOG_WITHOUT_ADMIN: &str = "WatchdogSec= needs the admin socket, which the watchdog asks: \
     add kubelet-proxy-admin.socket to the service's Sockets=, or give --admin-socket";

/// A run that has all it needs from outside.
#[derive(Debug)]
pub struct Prepared {
    pub(super) options: RunOptions,
    pub(super) policy: Policy,
    /// Of the running program.
    pub(super) binary: Sha256,
    pub(super) upstream: Arc<Upstream>,
    /// Where kubelets connect.
    pub(super) kubelets: TcpListener,
    /// `--metrics-addr`.
    pub(super) metrics: Option<TcpListener>,
    /// Where `/status` is answered as well.
    pub(super) admin: Option<UnixListener>,
}

/// Reads policy, kubeconfig and what it names, and binds what systemd did not pass.
///
/// # Errors
/// [`RunError::BadConfiguration`] for what is read, [`RunError::Failed`] for an address in use.
pub fn prepare(
    options: RunOptions,
    sockets: InheritedSockets,
) -> Result<(Prepared, Needs), RunError> {
    let policy = load_policy(&options.policy)?;
    let binary = Sha256::of_running_binary().map_err(|error| {
        RunError::Failed(format!("the running program cannot be read: {error}; mount /proc"))
    })?;
    let config = load_kubeconfig(&options.upstream)?;
    let needs = needs(&config);
    let upstream = Upstream::new(config, PluginTiming::default())
        .map_err(|error| RunError::BadConfiguration(error.to_string()))?;
    let kubelets = match sockets.kubelet {
        Some(socket) => socket,
        None => bind(options.listen_address)?,
    };
    let metrics = options.metrics_address.map(bind).transpose()?;
    let admin = match sockets.admin {
        Some(socket) => Some(socket),
        None => options.admin_socket.as_deref().map(bind_admin).transpose()?,
    };
    if notify::watchdog_period().is_some() && !admin.as_ref().is_some_and(has_path) {
        return Err(RunError::BadConfiguration(WATCHDOG_WITHOUT_ADMIN.to_owned()));
    }
    let upstream = Arc::new(upstream);
    Ok((Prepared { options, policy, binary, upstream, kubelets, metrics, admin }, needs))
}

/// A socket without one cannot be connected to by the watchdog.
fn has_path(socket: &UnixListener) -> bool {
    socket.local_addr().is_ok_and(|address| address.as_pathname().is_some())
}

fn load_policy(source: &PolicySource) -> Result<Policy, RunError> {
    match source {
        PolicySource::AllowAll => {
            tracing::warn!("--allow-all-pods: no pod is denied by policy");
            Ok(Policy::allow_all())
        }
        PolicySource::File { path, is_immutable: _ } => {
            policy_file::load(path).map_err(|error| RunError::BadConfiguration(error.to_string()))
        }
    }
}

fn load_kubeconfig(wanted: &UpstreamOptions) -> Result<UpstreamConfig, RunError> {
    let risks = UpstreamRisks {
        insecure_tls: wanted.allow_insecure_tls,
        plain_http: wanted.allow_http,
        system_roots: wanted.allow_system_roots,
    };
    UpstreamConfig::load(&wanted.kubeconfig, wanted.context.as_deref(), risks)
        .map_err(|error| RunError::BadConfiguration(error.to_string()))
}

fn needs(config: &UpstreamConfig) -> Needs {
    let plugin = match &config.login.token {
        TokenSource::Plugin(command) => Some(command.origin.clone()),
        TokenSource::Absent | TokenSource::Fixed(_) | TokenSource::File(_) => None,
    };
    Needs {
        upstream_port: config.endpoint.port(),
        resolves_names: config.endpoint.host().parse::<IpAddr>().is_err(),
        plugin,
    }
}

fn bind(address: SocketAddr) -> Result<TcpListener, RunError> {
    listen::bind(address)
        .map_err(|error| RunError::Failed(format!("cannot listen on {address}: {error}")))
}

fn bind_admin(path: &Path) -> Result<UnixListener, RunError> {
    local_socket::bind(path)
        .map_err(|error| RunError::Failed(format!("--admin-socket: {}: {error}", path.display())))
}
