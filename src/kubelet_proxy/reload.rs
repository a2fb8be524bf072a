//! SIGHUP: policy and certificates are read and verified, then put in force as one, or none of them.
//!
//! A reload that is refused changes nothing and ends nothing; the status line says why. Apart from that,
//! certificates that change on disk are followed (`upstream_watch`), since nobody reloads for these. Whoever can
//! send the signal cannot choose what is read: the files are the ones that the start was told, and
//! only root can have written the policy.

use std::path::Path;
use std::sync::Arc;

use arc_swap::ArcSwap;
use tokio::signal::unix::Signal;

use super::config::{NODE_NAME_NEEDED, PolicySource};
use super::decide::Judge;
use super::kubelet_guard::NO_KUBELET_API;
use super::policy_file::{self, PolicyFileError};
use super::policy_in_force::PolicyInForce;
use crate::metrics::registry::Metrics;
use crate::policy::Policy;
use crate::systemd::notify;
use crate::tls::{Prepared, Reload, TlsError};

/// Digits of a digest in the status line: enough to tell policies apart by eye.
const SHORT_DIGEST: usize = 12;

/// Everything that a reload reads and swaps.
pub(super) struct Reloader {
    pub(super) policy: PolicySource,
    /// There is a guard, which needs a policy that speaks of the kubelet's API.
    pub(super) asks_about_kubelet_api: bool,
    pub(super) credentials: Vec<Arc<dyn Reload>>,
    pub(super) judge: Arc<Judge>,
    pub(super) metrics: Metrics,
    pub(super) last: Arc<LastReload>,
}

/// How the newest reload ended.
#[derive(Debug)]
pub(super) struct LastReload(ArcSwap<Outcome>);

/// How one reload ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// There was none.
    None,
    /// What was read is in force.
    Ok,
    /// The old policy and certificates stay, for this reason.
    Refused(String),
}

/// Why everything stays as it was.
#[derive(Debug, thiserror::Error)]
enum ReloadRefusal {
    #[error(transparent)]
    Policy(#[from] PolicyFileError),
    #[error(transparent)]
    Credentials(#[from] TlsError),
    #[error(
        "--immutable-policy: {0} has changed, and this process keeps the policy it began with; \
         restart it to load another"
    )]
    Immutable(String),
    #[error("{NODE_NAME_NEEDED}")]
    NodeName,
    #[error("{0}: {NO_KUBELET_API}")]
    NoKubeletApi(String),
    #[error("the reload ended early")]
    Cancelled,
}

impl Default for LastReload {
    fn default() -> Self {
        Self(ArcSwap::from_pointee(Outcome::None))
    }
}

impl LastReload {
    pub(super) fn outcome(&self) -> Arc<Outcome> {
        self.0.load_full()
    }
}

impl Reloader {
    /// Reloads at each signal, one after the other.
    pub(super) async fn run(self, mut asked: Signal) {
        let reloader = Arc::new(self);
        while asked.recv().await.is_some() {
            notify::reloading();
            let worker = Arc::clone(&reloader);
            // Files may be on a slow disk; the runtime's own threads have connections to serve.
            let reloaded = tokio::task::spawn_blocking(move || worker.reload()).await;
            let status = reloader.settle(reloaded.unwrap_or(Err(ReloadRefusal::Cancelled)));
            notify::ready(&status);
        }
    }

    /// Reads and verifies all of it before the first swap.
    fn reload(&self) -> Result<(), ReloadRefusal> {
        let credentials = self.credentials.iter().map(|source| source.prepare());
        let credentials = credentials.collect::<Result<Vec<Prepared<'_>>, _>>()?;
        let policy = self.changed_policy()?;
        for prepared in credentials {
            let _ = prepared.commit();
        }
        if let Some(policy) = policy {
            self.metrics.state_policy(policy.name(), policy.digest());
            self.judge.put_in_force(PolicyInForce::new(policy, &self.metrics));
        }
        Ok(())
    }

    /// The policy of the file unless it is the one in force.
    fn changed_policy(&self) -> Result<Option<Policy>, ReloadRefusal> {
        let (document, keys, is_immutable) = match &self.policy {
            PolicySource::AllowAll => return Ok(None),
            PolicySource::Files { document, keys, is_immutable } => (document, keys, *is_immutable),
        };
        let policy = policy_file::load(document.as_deref(), keys)?;
        if policy.is_same_as(self.judge.in_force().policy()) {
            return Ok(None);
        }
        let files: Vec<_> = document.iter().chain(keys).map(|path| display(path)).collect();
        let files = files.join(" or ");
        if self.asks_about_kubelet_api && policy.kubelet_api().is_none() {
            return Err(ReloadRefusal::NoKubeletApi(files));
        }
        if is_immutable {
            return Err(ReloadRefusal::Immutable(files));
        }
        if policy.needs_node_name() && self.judge.node().is_empty() {
            return Err(ReloadRefusal::NodeName);
        }
        Ok(Some(policy))
    }

    /// Logs, counts and remembers how it ended; returns the line for `systemctl status`.
    fn settle(&self, reloaded: Result<(), ReloadRefusal>) -> String {
        let in_force = in_force(&self.judge);
        let policy = self.judge.in_force();
        match reloaded {
            Ok(()) => {
                tracing::info!(policy_sha256 = policy.policy().digest(), "reloaded");
                self.metrics.reloads("ok").increment();
                self.last.0.store(Arc::new(Outcome::Ok));
                in_force
            }
            Err(refusal) => {
                let reason = refusal.to_string();
                tracing::error!(
                    reason,
                    policy_sha256 = policy.policy().digest(),
                    "reload refused, everything stays as it was"
                );
                self.metrics.reloads("refused").increment();
                let status = format!(
                    "reload refused, policy {} stays in force: {reason}",
                    short(policy.policy())
                );
                self.last.0.store(Arc::new(Outcome::Refused(reason)));
                status
            }
        }
    }
}

/// The status line of a proxy with nothing to complain of.
pub(super) fn in_force(judge: &Judge) -> String {
    format!("policy {} in force", short(judge.in_force().policy()))
}

fn short(policy: &Policy) -> String {
    let digits = policy.digest().get(..SHORT_DIGEST).unwrap_or_default();
    format!("sha256:{digits}")
}

fn display(path: &Path) -> String {
    path.display().to_string()
}
