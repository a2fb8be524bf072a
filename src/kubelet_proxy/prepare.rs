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

use super::config::{KubeletApiOptions, PolicySource, RunError, RunOptions, UpstreamOptions};
use super::kubelet_guard::NO_KUBELET_API;
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

/// A socket that callers wait at is not left unanswered.
const SOCKET_WITHOUT_GUARD: &str = "systemd passed a socket named kubelet-api, and there is no guard to \
     serve on it: give --kubelet-api-listen and its companions, or remove the socket unit";

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
    /// Where callers of the kubelet's own API connect.
    pub(super) kubelet_api: Option<TcpListener>,
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
    if matches!(options.kubelet_api, KubeletApiOptions::Guarded(_))
        && policy.kubelet_api().is_none()
    {
        return Err(RunError::BadConfiguration(NO_KUBELET_API.to_owned()));
    }
    let binary = Sha256::of_running_binary().map_err(|error| {
        RunError::Failed(format!("the running program cannot be read: {error}; mount /proc"))
    })?;
    let config = load_kubeconfig(&options.upstream)?;
    let needs = needs(&config, &options.kubelet_api);
    let upstream = Upstream::new(config, PluginTiming::default())
        .map_err(|error| RunError::BadConfiguration(error.to_string()))?;
    let kubelets = match sockets.kubelet {
        Some(socket) => socket,
        None => bind(options.listen_address)?,
    };
    let kubelet_api = bind_kubelet_api(&options.kubelet_api, sockets.kubelet_api)?;
    let metrics = options.metrics_address.map(bind).transpose()?;
    let admin = match sockets.admin {
        Some(socket) => Some(socket),
        None => options.admin_socket.as_deref().map(bind_admin).transpose()?,
    };
    if notify::watchdog_period().is_some() && !admin.as_ref().is_some_and(has_path) {
        return Err(RunError::BadConfiguration(WATCHDOG_WITHOUT_ADMIN.to_owned()));
    }
    let upstream = Arc::new(upstream);
    let prepared =
        Prepared { options, policy, binary, upstream, kubelets, kubelet_api, metrics, admin };
    Ok((prepared, needs))
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
        PolicySource::Files { document, keys, is_immutable: _ } => {
            policy_file::load(document.as_deref(), keys)
                .map_err(|error| RunError::BadConfiguration(error.to_string()))
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

fn bind_kubelet_api(
    options: &KubeletApiOptions,
    passed: Option<TcpListener>,
) -> Result<Option<TcpListener>, RunError> {
    match (options, passed) {
        (KubeletApiOptions::Guarded(_), Some(socket)) => Ok(Some(socket)),
        (KubeletApiOptions::Guarded(guard), None) => bind(guard.listen_address).map(Some),
        (KubeletApiOptions::AsUpstreamSays | KubeletApiOptions::DenyAll, Some(_)) => {
            Err(RunError::BadConfiguration(SOCKET_WITHOUT_GUARD.to_owned()))
        }
        (KubeletApiOptions::AsUpstreamSays | KubeletApiOptions::DenyAll, None) => Ok(None),
    }
}

fn needs(config: &UpstreamConfig, kubelet_api: &KubeletApiOptions) -> Needs {
    let plugin = match &config.login.token {
        TokenSource::Plugin(command) => Some(command.origin.clone()),
        TokenSource::Absent | TokenSource::Fixed(_) | TokenSource::File(_) => None,
    };
    Needs {
        upstream_port: config.endpoint.port(),
        kubelet_port: match kubelet_api {
            KubeletApiOptions::Guarded(guard) => Some(guard.upstream.port()),
            KubeletApiOptions::AsUpstreamSays | KubeletApiOptions::DenyAll => None,
        },
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
