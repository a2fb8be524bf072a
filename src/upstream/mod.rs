//! The API server as its client sees it: kubeconfig, credentials, connection lanes.
//!
//! Start with [`UpstreamConfig::load`], make an [`Upstream`] of it, spawn [`Upstream::keep_fresh`]
//! and hand [`Upstream::reloads`] to a [`FileFollower`](crate::tls::FileFollower). Then
//! [`Upstream::send`] is all there is. It never looks into a body and never retries what the server
//! may have acted on. Next: `send.rs`, then `lanes.rs`.

mod body;
mod credentials;
mod endpoint;
mod error;
mod exec_plugin;
mod h1_exchange;
mod h2_exchange;
mod h2_upload;
mod identity;
mod kubeconfig;
mod lanes;
mod send;

pub use body::{RequestBody, UpstreamBody};
pub use endpoint::Endpoint;
pub use error::{Fault, UpstreamError};
pub use exec_plugin::{ApiVersion, ClusterForPlugin, ExecCommand, PluginTiming};
pub(crate) use exec_plugin::{PluginCredential, PluginCredentials, PluginError, PluginListener};
pub use kubeconfig::{
    ALLOW_HTTP_UPSTREAM, ALLOW_INSECURE_UPSTREAM_TLS, ALLOW_SYSTEM_ROOTS, KubeconfigError, Login,
    TokenSource, UpstreamConfig, UpstreamRisks,
};
pub use lanes::{Lane, LaneSnapshot};

use std::sync::Arc;
use std::time::Duration;

use http::HeaderValue;
use tokio::sync::watch;

use self::credentials::Credentials;
use self::identity::UpstreamIdentity;
use self::lanes::{Dialer, LanePool};
use crate::tls::{CertificateSummary, Reload, TlsError};

/// One API server, reached over three lanes with the node's credentials.
pub struct Upstream {
    dialer: Arc<Dialer>,
    identity: Option<Arc<UpstreamIdentity>>,
    credentials: Credentials,
    host_header: HeaderValue,
    heartbeat: Arc<LanePool>,
    short: Arc<LanePool>,
    watch: Arc<LanePool>,
}

/// One look at the whole, for metrics.
#[derive(Clone, Copy, Debug)]
pub struct UpstreamSnapshot {
    /// Heartbeat, short, watch.
    pub lanes: [LaneSnapshot; 3],
    /// Connections made since start.
    pub connected: u64,
    /// Attempts to connect that failed since start.
    pub connect_failures: u64,
    /// Changes of CA, certificate or key since start.
    pub generation: u64,
}

impl Upstream {
    /// Loads certificates and tokens; connects only when a request needs it.
    ///
    /// # Errors
    /// [`TlsError`] naming the file or field that cannot be used.
    pub fn new(config: UpstreamConfig, timing: PluginTiming) -> Result<Self, TlsError> {
        let UpstreamConfig { context: _, endpoint, trust, login } = config;
        let identity = match trust {
            Some(trust) => Some(Arc::new(UpstreamIdentity::load(trust, login.pair)?)),
            None => None,
        };
        let credentials = Credentials::load(login.token, timing)?;
        let host_header = HeaderValue::from_str(endpoint.authority().as_str())
            .map_err(|_| TlsError::malformed(endpoint.host(), "the host does not fit a header"))?;
        let dialer = Dialer::new(endpoint, identity.clone());
        let pool = |lane| LanePool::new(lane, Arc::clone(&dialer));
        let (heartbeat, short, watch) =
            (pool(Lane::Heartbeat), pool(Lane::Short), pool(Lane::Watch));
        Ok(Self { dialer, identity, credentials, host_header, heartbeat, short, watch })
    }

    /// Runs the credential plugin when it is due; returns only when there is none. `failed` hears
    /// why a run gave nothing, in a text that is safe to log.
    pub async fn keep_fresh(&self, failed: impl Fn(&str) + Send + Sync) {
        if let Credentials::Plugin(plugin) = &self.credentials {
            plugin.keep_fresh(&PluginPair { upstream: self, failed }).await;
        }
    }

    /// Waits at most `limit` until there is a credential to send, so that
    /// [`Self::client_certificate`] is known when a plugin brings it. Runs the plugin if nobody does.
    ///
    /// # Errors
    /// [`UpstreamError::Credentials`] with the plugin's reason.
    pub async fn wait_for_credentials(&self, limit: Duration) -> Result<(), UpstreamError> {
        let obtained = async {
            tokio::select! {
                header = self.credentials.header() => header.map(drop),
                // Returns at once, with nothing to wait for, unless there is a plugin.
                () = self.keep_fresh(|_reason| {}) => Ok(()),
            }
        };
        let late = || Err(Arc::from("the credential plugin has not answered yet"));
        let waited = tokio::time::timeout(limit, obtained).await;
        waited.unwrap_or_else(|_| late()).map_err(UpstreamError::Credentials)
    }

    /// Connects on the heartbeat lane unless a connection is there; asks nothing of the server.
    ///
    /// # Errors
    /// [`UpstreamError::Connect`] with the reason.
    pub async fn probe(&self) -> Result<(), UpstreamError> {
        self.heartbeat.take().await.map(drop)
    }

    /// What to follow on disk.
    pub fn reloads(&self) -> Vec<Arc<dyn Reload>> {
        let mut reloads: Vec<Arc<dyn Reload>> = Vec::new();
        if let Some(identity) = &self.identity {
            reloads.push(Arc::clone(identity) as Arc<dyn Reload>);
        }
        if let Credentials::File(file) = &self.credentials {
            reloads.push(Arc::clone(file) as Arc<dyn Reload>);
        }
        reloads
    }

    /// Where requests go.
    pub fn endpoint(&self) -> &Endpoint {
        self.dialer.endpoint()
    }

    /// Common name and expiry of the certificate shown to the API server now, if there is one.
    pub fn client_certificate(&self) -> Option<CertificateSummary> {
        self.identity.as_ref().and_then(|identity| identity.summary())
    }

    /// True while the newest attempt to connect succeeded; false before the first.
    pub fn is_up(&self) -> bool {
        *self.dialer.subscribe().borrow()
    }

    /// Follows [`Self::is_up`].
    pub fn up(&self) -> watch::Receiver<bool> {
        self.dialer.subscribe()
    }

    /// One look, for metrics.
    pub fn snapshot(&self) -> UpstreamSnapshot {
        let (connected, connect_failures) = self.dialer.counts();
        UpstreamSnapshot {
            lanes: Lane::ALL.map(|lane| self.pool(lane).snapshot()),
            connected,
            connect_failures,
            generation: self.identity.as_ref().map_or(0, |identity| identity.number()),
        }
    }

    fn pool(&self, lane: Lane) -> &Arc<LanePool> {
        match lane {
            Lane::Heartbeat => &self.heartbeat,
            Lane::Short => &self.short,
            Lane::Watch => &self.watch,
        }
    }

    fn host_header(&self) -> HeaderValue {
        self.host_header.clone()
    }
}

impl std::fmt::Debug for Upstream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Upstream").field("endpoint", self.endpoint()).finish_non_exhaustive()
    }
}

/// Puts a plugin's certificate to use.
struct PluginPair<'a, F> {
    upstream: &'a Upstream,
    failed: F,
}

impl<F: Fn(&str) + Send + Sync> PluginListener for PluginPair<'_, F> {
    fn accept(&self, credential: &PluginCredential) -> Result<(), PluginError> {
        // Over plain HTTP there is nobody to show a certificate to.
        if let Some(identity) = &self.upstream.identity {
            identity.use_plugin_pair(credential.pair.as_ref())?;
        }
        Ok(())
    }

    fn failed(&self, reason: &str) {
        (self.failed)(reason);
    }
}
