//! From options to a proxy that serves, and from SIGTERM to its orderly end.
//!
//! Everything that can be wrong with the configuration is found before the first connection is taken;
//! an API server that is down is not among these, for the kubelet just tries again.

use std::path::PathBuf;
use std::sync::Arc;

use tokio::net::{TcpListener, UnixListener};
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::authenticate::Caller;
use super::config::{ClientAuthentication, Front, RunError, RunOptions};
use super::decide::{Judge, JudgeSettings};
use super::limits::{CREDENTIALS_AT_START, DRAIN_GRACE, UPSTREAM_LOOK};
use super::meters::Meters;
use super::policy_in_force::PolicyInForce;
use super::prepare::Prepared;
use super::reload::{self, LastReload, Reloader};
use super::report_rejection::{self, Reporting};
use super::status_page::StatusPage;
use super::{Proxy, watchdog};
use crate::http::budget::BodyBudget;
use crate::http::listen::{self, Listener, Transport};
use crate::metrics::admin_server::{self, Admin, StatusSource};
use crate::metrics::connection_counts::ConnectionCounts;
use crate::metrics::readiness::{Condition, Readiness};
use crate::metrics::registry::Metrics;
use crate::net::drain::{self, Drain};
use crate::policy::Policy;
use crate::sandbox::{SandboxReport, Sandboxed};
use crate::systemd::notify;
use crate::tls::{ClientRule, FileFollower, KeyPair, Material, Reload, ServerTls};
use crate::upstream::Upstream;

/// Serves until SIGTERM or SIGINT.
///
/// # Errors
/// [`RunError::BadConfiguration`] before anything is served, [`RunError::Failed`] for what may pass.
pub async fn serve(prepared: Prepared, sandboxed: Sandboxed) -> Result<(), RunError> {
    let Prepared { options, policy, upstream, kubelets, metrics: scrapers, admin } = prepared;
    let asked_to_end = asked_to_end()?;
    let asked_to_reload = listen_for(SignalKind::hangup())?;
    let metrics = Metrics::new();
    metrics.state_policy(policy.name(), policy.digest());
    state_sandbox(&metrics, sandboxed.report());
    wait_for_credentials(&upstream).await;
    let (trigger, drain) = drain::channel();
    let server = server_tls(&options.front, &upstream)?;
    let credentials: Vec<Arc<dyn Reload>> =
        upstream.reloads().into_iter().chain(server.clone().map(|tls| tls as _)).collect();
    let mut follower = follow_files(&metrics);
    credentials.iter().for_each(|source| follower.follow(Arc::clone(source)));
    let socket = TcpListener::from_std(kubelets).map_err(unusable)?;
    let metrics_socket = scrapers.map(TcpListener::from_std).transpose().map_err(unusable)?;
    let admin_socket = admin.map(UnixListener::from_std).transpose().map_err(unusable)?;
    let readiness = Readiness::default();
    announce(&policy, &upstream, &socket);
    let policy = PolicyInForce::new(policy, &metrics);
    let proxy = proxy(&options, policy, &upstream, metrics.clone(), &drain);
    tokio::spawn(follower.run());
    let reached = readiness.condition("upstream");
    tokio::spawn(watch_upstream(Arc::clone(&upstream), server.clone(), metrics.clone(), reached));
    let last_reload = Arc::new(LastReload::default());
    let mut admin =
        Admin { metrics: metrics.clone(), readiness, drain: drain.clone(), status: None };
    if let Some(socket) = metrics_socket {
        tokio::spawn(admin_server::serve(socket, admin.clone()));
    }
    if let Some(socket) = admin_socket {
        let path = socket.local_addr().ok().and_then(|at| at.as_pathname().map(PathBuf::from));
        let watchdog = path.and_then(|path| Some((notify::watchdog_period()?, path)));
        let page = StatusPage {
            policy: options.policy.clone(),
            sandbox: sandboxed.report().clone(),
            judge: Arc::clone(&proxy.judge),
            upstream: Arc::clone(&upstream),
            last_reload: Arc::clone(&last_reload),
            is_watched: watchdog.is_some(),
        };
        admin.status = Some(StatusSource::new(move || page.write()));
        tokio::spawn(admin_server::serve_local(socket, admin));
        if let Some((period, path)) = watchdog {
            tokio::spawn(watchdog::run(period, path, Arc::clone(&proxy.judge)));
        }
    }
    let judge = Arc::clone(&proxy.judge);
    notify::ready(&reload::in_force(&judge));
    let reloader = Reloader {
        policy: options.policy,
        credentials,
        judge,
        metrics: metrics.clone(),
        last: last_reload,
    };
    tokio::spawn(reloader.run(asked_to_reload));
    let events = Arc::new(ConnectionCounts::new(&metrics));
    let listener = Listener { socket, transport: transport(server), drain: drain.clone(), events };
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

/// What kubelets are shown and asked for; `None` with `--allow-plaintext`.
fn server_tls(front: &Front, upstream: &Upstream) -> Result<Option<Arc<ServerTls>>, RunError> {
    let Front::Tls { certificate, key, clients } = front else {
        tracing::warn!("--allow-plaintext: whoever can connect gets the node's rights");
        return Ok(None);
    };
    let clients = match clients {
        ClientAuthentication::AnyClient => {
            tracing::warn!("--allow-any-client: whoever can connect gets the node's rights");
            None
        }
        ClientAuthentication::Required { ca, name } => {
            let name = name.clone().or_else(|| upstream.client_certificate()?.common_name);
            let common_name = name.ok_or_else(|| {
                RunError::BadConfiguration(
                    "--client-name is required: the kubeconfig has no client certificate to take \
                     the node's name from"
                        .to_owned(),
                )
            })?;
            Some(ClientRule { ca: Material::File(ca.clone()), common_name })
        }
    };
    let pair = KeyPair {
        certificate: Material::File(certificate.clone()),
        key: Material::File(key.clone()),
    };
    let tls = ServerTls::load(pair, clients)
        .map_err(|error| RunError::BadConfiguration(error.to_string()))?;
    Ok(Some(Arc::new(tls)))
}

fn transport(server: Option<Arc<ServerTls>>) -> Transport {
    match server {
        Some(tls) => Transport::Tls(Arc::new(move || tls.current())),
        None => Transport::Plaintext,
    }
}

fn unusable(error: std::io::Error) -> RunError {
    RunError::Failed(format!("a listening socket: {error}"))
}

fn follow_files(metrics: &Metrics) -> FileFollower {
    let metrics = metrics.clone();
    FileFollower::new(move |report| {
        let outcome = if report.outcome.is_ok() { "ok" } else { "failed" };
        metrics.credential_reloads(report.subject, outcome).increment();
        match &report.outcome {
            Ok(()) => tracing::info!(subject = report.subject, "reloaded"),
            Err(error) => tracing::warn!(
                subject = report.subject, %error, "not reloaded; the old one stays in use"
            ),
        }
    })
}

fn proxy(
    options: &RunOptions,
    policy: PolicyInForce,
    upstream: &Arc<Upstream>,
    metrics: Metrics,
    drain: &Drain,
) -> Arc<Proxy> {
    let budget = BodyBudget::new(options.max_body_memory_bytes);
    metrics.state_body_budget(budget.clone());
    let meters = Arc::new(Meters::new(metrics));
    let (reporter, queue) = report_rejection::channel(Arc::clone(&meters));
    let node = node_name(upstream);
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
        logs_requests: options.request_log.requests,
    })
}

/// The node's name as its certificate tells it; empty when it authenticates otherwise.
fn node_name(upstream: &Upstream) -> String {
    let name = upstream.client_certificate().and_then(|certificate| certificate.common_name);
    let name = name.unwrap_or_default();
    name.strip_prefix("system:node:").unwrap_or_default().to_owned()
}

/// One line that tells what runs here.
fn announce(policy: &Policy, upstream: &Upstream, socket: &TcpListener) {
    let listener =
        socket.local_addr().map_or_else(|_| String::new(), |address| address.to_string());
    tracing::info!(
        version = env!("CARGO_PKG_VERSION"),
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

/// Shows whether the API server can be reached and how long certificates last, and keeps a
/// credential plugin's answer fresh.
async fn watch_upstream(
    upstream: Arc<Upstream>,
    server: Option<Arc<ServerTls>>,
    metrics: Metrics,
    reached: Condition,
) {
    let fresh = Arc::clone(&upstream);
    tokio::spawn(async move {
        fresh.keep_fresh(|reason| tracing::warn!(reason, "credential plugin")).await;
    });
    let mut up = upstream.up();
    loop {
        if !upstream.is_up() {
            // Readiness must not wait for a kubelet that waits for readiness.
            let _ = upstream.probe().await;
        }
        let is_up = *up.borrow_and_update();
        reached.set(is_up);
        metrics.upstream_up().set(i64::from(is_up));
        if let Some(certificate) = upstream.client_certificate() {
            metrics.certificate_expiry("client").set(certificate.not_after_seconds);
        }
        if let Some(server) = &server {
            metrics.certificate_expiry("server").set(server.not_after_seconds());
        }
        // Now and then for expiries, and to see an API server that came up meanwhile.
        match tokio::time::timeout(UPSTREAM_LOOK, up.changed()).await {
            Ok(Ok(())) | Err(_) => {}
            Ok(Err(_closed)) => return,
        }
    }
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
