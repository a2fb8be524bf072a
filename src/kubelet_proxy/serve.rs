//! From options to a proxy that serves, and from SIGTERM to its orderly end.
//!
//! Everything that can be wrong with the configuration is found before the first connection is taken;
//! an API server that is down is not among these, for the kubelet just tries again.

use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::access_review::Reviews;
use super::authenticate::Caller;
use super::config::{
    ClientAuthentication, Front, KubeletApiOptions, NODE_NAME_NEEDED, RunError, RunOptions,
};
use super::decide::{Judge, JudgeSettings};
use super::kubelet_guard::{self, GuardTls};
use super::limits::{CREDENTIALS_AT_START, DRAIN_GRACE};
use super::meters::Meters;
use super::policy_in_force::PolicyInForce;
use super::prepare::Prepared;
use super::questions::Questions;
use super::reload::{self, LastReload, Reloader};
use super::report_rejection::{self, Reporting};
use super::status_page::StatusPage;
use super::{Proxy, front, upstream_watch};
use crate::http::budget::BodyBudget;
use crate::http::listen::{self, Listener};
use crate::metrics::admin_server::Admin;
use crate::metrics::connection_counts::ConnectionCounts;
use crate::metrics::readiness::Readiness;
use crate::metrics::registry::Metrics;
use crate::net::drain::{self, Drain};
use crate::policy::Policy;
use crate::sandbox::{SandboxReport, Sandboxed};
use crate::systemd::measurement::Sha256;
use crate::systemd::notify;
use crate::tls::Reload;
use crate::upstream::Upstream;

/// Serves until SIGTERM or SIGINT.
///
/// # Errors
/// [`RunError::BadConfiguration`] before anything is served, [`RunError::Failed`] for what may pass.
pub async fn serve(prepared: Prepared, sandboxed: Sandboxed) -> Result<(), RunError> {
    let Prepared {
        options,
        policy,
        binary,
        upstream,
        kubelets,
        kubelet_api,
        metrics: scrapers,
        admin,
    } = prepared;
    let asked_to_end = asked_to_end()?;
    let asked_to_reload = listen_for(SignalKind::hangup())?;
    let metrics = Metrics::new();
    metrics.state_build(&binary.to_string());
    metrics.state_policy(policy.name(), policy.digest());
    state_sandbox(&metrics, sandboxed.report());
    wait_for_credentials(&upstream).await;
    let (trigger, drain) = drain::channel();
    let server = front::load(&options.front, &upstream)?;
    let node = node_name(&options.front, &upstream);
    let guard = match &options.kubelet_api {
        KubeletApiOptions::Guarded(guard) => Some(kubelet_guard::load(guard, &node)?),
        KubeletApiOptions::AsUpstreamSays | KubeletApiOptions::DenyAll => None,
    };
    let mut credentials = upstream.reloads();
    credentials.extend(server.clone().map(|tls| tls as Arc<dyn Reload>));
    credentials.extend(guard.iter().flat_map(GuardTls::reloads));
    let mut follower = upstream_watch::follow_files(&metrics);
    credentials.iter().for_each(|source| follower.follow(Arc::clone(source)));
    let socket = TcpListener::from_std(kubelets).map_err(unusable)?;
    let readiness = Readiness::default();
    announce(&policy, binary, &upstream, &socket);
    if node.is_empty() && policy.needs_node_name() {
        return Err(RunError::BadConfiguration(NODE_NAME_NEEDED.to_owned()));
    }
    let policy = PolicyInForce::new(policy, &metrics);
    let reviews = match (&options.kubelet_api, &guard) {
        (KubeletApiOptions::AsUpstreamSays, _) => None,
        (KubeletApiOptions::Guarded(_), Some(guard)) => {
            Some(Reviews::Guarded(Arc::clone(&guard.kubelet)))
        }
        (KubeletApiOptions::DenyAll, _) | (KubeletApiOptions::Guarded(_), None) => {
            Some(Reviews::DenyAll)
        }
    };
    let proxy = proxy(&options, node, policy, &upstream, reviews, metrics.clone(), &drain);
    tokio::spawn(follower.run());
    let reached = readiness.condition("upstream");
    tokio::spawn(upstream_watch::run(
        Arc::clone(&upstream),
        server.clone(),
        metrics.clone(),
        reached,
    ));
    let last_reload = Arc::new(LastReload::default());
    let questions = Questions {
        admin: Admin { metrics: metrics.clone(), readiness, drain: drain.clone(), status: None },
        status: StatusPage {
            policy: options.policy.clone(),
            binary,
            sandbox: sandboxed.report().clone(),
            judge: Arc::clone(&proxy.judge),
            upstream: Arc::clone(&upstream),
            last_reload: Arc::clone(&last_reload),
        },
    };
    questions.answer(scrapers, admin).map_err(unusable)?;
    let judge = Arc::clone(&proxy.judge);
    notify::ready(&reload::in_force(&judge));
    let reloader = Reloader {
        policy: options.policy,
        asks_about_kubelet_api: guard.is_some(),
        credentials,
        judge,
        metrics: metrics.clone(),
        last: last_reload,
    };
    tokio::spawn(reloader.run(asked_to_reload));
    let events: Arc<ConnectionCounts> = Arc::new(ConnectionCounts::new(&metrics));
    if let (Some(guard), Some(socket)) = (guard, kubelet_api) {
        let socket = TcpListener::from_std(socket).map_err(unusable)?;
        let serving = kubelet_guard::serve(guard, socket, &proxy.judge, &metrics, &drain);
        tokio::spawn(serving);
    }
    let listener =
        Listener { socket, transport: front::transport(server), drain: drain.clone(), events };
    let serving = listen::serve(listener, move |peer| {
        let caller = Arc::new(Caller::of(peer)?);
        let proxy = Arc::clone(&proxy);
        Some(move |request| Arc::clone(&proxy).serve_request(Arc::clone(&caller), request))
    });
    tokio::select! {
        () = serving => {}
        () = asked_to_end => {}
    }
    notify::stopping("draining");
    let outcome = trigger.drain(DRAIN_GRACE).await;
    tracing::info!(?outcome, "stopped");
    Ok(())
}

async fn wait_for_credentials(upstream: &Upstream) {
    if let Err(error) = upstream.wait_for_credentials(CREDENTIALS_AT_START).await {
        tracing::warn!(%error, "no credentials for the API server yet");
    }
}

fn unusable(error: std::io::Error) -> RunError {
    RunError::Failed(format!("a listening socket: {error}"))
}

fn proxy(
    options: &RunOptions,
    node: String,
    policy: PolicyInForce,
    upstream: &Arc<Upstream>,
    reviews: Option<Reviews>,
    metrics: Metrics,
    drain: &Drain,
) -> Arc<Proxy> {
    let budget = BodyBudget::new(options.max_body_memory_bytes);
    metrics.state_body_budget(budget.clone());
    let meters = Arc::new(Meters::new(metrics));
    let (reporter, queue) = report_rejection::channel(Arc::clone(&meters));
    let reporting = Reporting {
        upstream: Arc::clone(upstream),
        node: node.clone(),
        meters: Arc::clone(&meters),
    };
    tokio::spawn(report_rejection::run(queue, Arc::new(reporting)));
    let settings = JudgeSettings { node, logs_payloads: options.request_log.pod_payloads };
    Arc::new(Proxy {
        upstream: Arc::clone(upstream),
        judge: Arc::new(Judge::new(policy, reporter, Arc::clone(&meters), settings)),
        meters,
        budget,
        drain: drain.clone(),
        reviews,
        logs_requests: options.request_log.requests,
    })
}

/// The node's name as its certificate tells it, else as its kubelet's certificate does; empty if both
/// authenticate otherwise.
fn node_name(front: &Front, upstream: &Upstream) -> String {
    let node = |name: &str| name.strip_prefix("system:node:").map(str::to_owned);
    let ours = upstream.client_certificate().and_then(|certificate| certificate.common_name);
    let kubelets = match front {
        Front::Tls { clients: ClientAuthentication::Required { name, .. }, .. } => name.as_deref(),
        Front::Tls { clients: ClientAuthentication::AnyClient, .. } | Front::Plaintext => None,
    };
    ours.as_deref().and_then(node).or_else(|| kubelets.and_then(node)).unwrap_or_default()
}

/// One line that tells what runs here.
fn announce(policy: &Policy, binary: Sha256, upstream: &Upstream, socket: &TcpListener) {
    let listener =
        socket.local_addr().map_or_else(|_| String::new(), |address| address.to_string());
    tracing::info!(
        version = env!("CARGO_PKG_VERSION"),
        binary_sha256 = %binary,
        %listener,
        upstream = %upstream.endpoint().authority(),
        policy = policy.name(),
        policy_sha256 = policy.digest(),
        rules = policy.rule_count(),
        "kubelet-proxy serves"
    );
}

fn state_sandbox(metrics: &Metrics, report: &SandboxReport) {
    for (set, left) in &report.capabilities_left {
        metrics.state_capabilities_left(set, left.len());
    }
    metrics.state_sandbox([
        report.mode.as_str().to_owned(),
        report.landlock.state.as_str().to_owned(),
        report.landlock.abi.to_string(),
        report.seccomp.state.as_str().to_owned(),
        report.no_new_privileges.to_string(),
    ]);
}

/// Resolves at SIGTERM or SIGINT.
fn asked_to_end() -> Result<impl Future<Output = ()>, RunError> {
    let (mut terminate, mut interrupt) =
        (listen_for(SignalKind::terminate())?, listen_for(SignalKind::interrupt())?);
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

/// From here on the signal no longer ends the process.
fn listen_for(kind: SignalKind) -> Result<Signal, RunError> {
    signal(kind).map_err(|error| RunError::Failed(error.to_string()))
}
