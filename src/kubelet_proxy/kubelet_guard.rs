//! The guard of the kubelet's own API in this role: the policy and the pods on record decide on calls.

use std::borrow::Cow;
use std::sync::Arc;

use rustls::pki_types::ServerName;
use tokio::net::TcpListener;
use tokio::time::{Instant, sleep};

use super::config::{GuardOptions, RunError};
use super::decide::Judge;
use super::limits::GONE_LOOK;
use super::pod_access::{Found, Others};
use super::policy_in_force::PolicyInForce;
use crate::http::listen::Listener;
use crate::kubelet_api::call::{Call, PodAddress};
use crate::kubelet_api::guard::{self, Guard};
use crate::kubelet_api::judge::{self, Grant, Opinion, Ruling, Verdict};
use crate::kubelet_api::kubelet::{Kubelet, KubeletOptions};
use crate::kubelet_api::ports::Ports;
use crate::kubelet_api::running::{RunningPods, RunningQuestion};
use crate::metrics::connection_counts::ConnectionCounts;
use crate::metrics::registry::Metrics;
use crate::net::drain::Drain;
use crate::policy::{Access, KubeletApi, PortRule};
use crate::tls::{ClientRule, KeyPair, Material, Reload, ServerTls, TlsError};

/// Until the kubelet has listed, pods from before the start are known to it alone.
const NOT_LISTED: &str =
    "the kubelet has not listed its pods since kubelet-proxy started; try again in a moment";

/// What is said when a policy has no word about the kubelet's API.
pub(super) const NO_KUBELET_API: &str = "the guard of --kubelet-api-listen asks the policy, and this \
     one says nothing about the kubelet's API: write it in version 2 (\"apiVersion\": \
     \"nodeward.dev/v2\") with \"kubeletApi\"";

/// Certificates for both sides of the guard.
pub(super) struct GuardTls {
    pub(super) callers: Arc<ServerTls>,
    pub(super) kubelet: Arc<Kubelet>,
}

/// Loads them. `node`: the name that the kubelet's certificate has if nothing else is said.
pub(super) fn load(options: &GuardOptions, node: &str) -> Result<GuardTls, RunError> {
    let bad = |error: TlsError| RunError::BadConfiguration(error.to_string());
    let file = |path: &std::path::Path| Material::File(path.to_owned());
    let pair = KeyPair { certificate: file(&options.certificate), key: file(&options.key) };
    let rule =
        ClientRule { ca: file(&options.client_ca), common_names: options.client_names.clone() };
    let callers = ServerTls::load(pair, Some(rule)).map_err(bad)?;
    let name = options.upstream_name.clone().unwrap_or_else(|| node.to_owned());
    let name = ServerName::try_from(name).map_err(|_| {
        RunError::BadConfiguration(
            "--kubelet-api-upstream-name is no name or address, and the kubeconfig has no client \
             certificate to take the node's name from: give the name in the kubelet's certificate"
                .to_owned(),
        )
    })?;
    let kubelet = Kubelet::load(KubeletOptions {
        address: options.upstream,
        name,
        ca: file(&options.upstream_ca),
        pair: KeyPair {
            certificate: file(&options.guard_certificate),
            key: file(&options.guard_key),
        },
    })
    .map_err(bad)?;
    Ok(GuardTls { callers: Arc::new(callers), kubelet: Arc::new(kubelet) })
}

impl GuardTls {
    /// What is read again when its files change.
    pub(super) fn reloads(&self) -> [Arc<dyn Reload>; 2] {
        [Arc::clone(&self.callers) as _, Arc::clone(&self.kubelet) as _]
    }
}

/// Serves callers of the kubelet's API until the drain begins.
pub(super) fn serve(
    tls: GuardTls,
    socket: TcpListener,
    judge: &Arc<Judge>,
    metrics: &Metrics,
    drain: &Drain,
) -> impl Future<Output = ()> + Send + use<> {
    let asked = Arc::new(PolicyJudge(Arc::clone(judge)));
    let node = judge.node().to_owned();
    let running = Arc::new(RunningQuestion::new(Arc::clone(&tls.kubelet), drain.clone()));
    tokio::spawn(free_what_ended(Arc::clone(&running), Arc::clone(judge)));
    let guard = Guard::new(asked, tls.kubelet, running, metrics.clone(), drain.clone(), node);
    let listener = Listener {
        socket,
        transport: guard::transport(tls.callers),
        drain: drain.clone(),
        events: Arc::new(ConnectionCounts::new(metrics)),
    };
    guard::serve(listener, guard)
}

/// Decides on calls by the policy in force.
#[derive(Debug)]
pub(super) struct PolicyJudge(pub(super) Arc<Judge>);

impl judge::Judge for PolicyJudge {
    fn judge(&self, call: &Call) -> Opinion {
        let by = self.0.in_force();
        let found = match call.pod() {
            Some(pod) => {
                let policy = by.policy().digest();
                self.0.ledger().access().find(&pod.namespace, &pod.name, policy)
            }
            None => Found::default(),
        };
        let decided = decide(call, by.policy().kubelet_api(), &found, &Others::default());
        let settled_at = self.0.ledger().access().settled_at();
        match (call.pod(), decided, settled_at) {
            (Some(_), Ok(_), Some(not_before)) => Opinion::Ask { not_before },
            (Some(_), Ok(_), None) => Opinion::Settled(rule(&by, &found, Err(NOT_LISTED.into()))),
            (_, decided, _) => Opinion::Settled(rule(&by, &found, decided)),
        }
    }

    fn judge_with(&self, call: &Call, running: &RunningPods) -> Ruling {
        let by = self.0.in_force();
        let Some(pod) = call.pod() else {
            return rule(&by, &Found::default(), Err("no call about a pod".into()));
        };
        let register = self.0.ledger().access();
        let name = (&*pod.namespace, &*pod.name);
        let (found, others) = register.find_with(name, by.policy().digest(), running);
        register.free(running);
        let decided = decide(call, by.policy().kubelet_api(), &found, &others);
        rule(&by, &found, decided)
    }

    fn judge_without(&self, _call: &Call, reason: String) -> Ruling {
        rule(&self.0.in_force(), &Found::default(), Err(reason.into()))
    }
}

fn rule(by: &PolicyInForce, found: &Found, decided: Result<Ports, Cow<'static, str>>) -> Ruling {
    let verdict = match decided {
        Ok(ports) => Verdict::Allow(Grant {
            ports,
            policy_ends: by.supersession(),
            access_ends: found.changed.clone(),
        }),
        Err(reason) => Verdict::Deny(reason),
    };
    Ruling {
        verdict,
        policy: by.policy().name().into(),
        policy_digest: by.policy().digest().into(),
        uid: found.uid.map(|uid| uid.to_string()).unwrap_or_default(),
    }
}

/// Asks the kubelet what runs while pods on record are gone and may still run: nobody may call for hours.
async fn free_what_ended(running: Arc<RunningQuestion>, judge: Arc<Judge>) {
    loop {
        sleep(GONE_LOOK).await;
        let register = judge.ledger().access();
        if register.has_gone_entries() {
            match running.ask(Instant::now()).await {
                Ok(running) => register.free(&running),
                Err(error) => tracing::debug!(%error, "pods that are gone stay on record"),
            }
        }
    }
}

/// The ports that a granted call may reach, or why it is not granted.
fn decide(
    call: &Call,
    api: Option<&KubeletApi>,
    found: &Found,
    others: &Others,
) -> Result<Ports, Cow<'static, str>> {
    let api = api.ok_or("the policy says nothing about the kubelet's API")?;
    if let Call::Read(endpoint) = call {
        let name = endpoint.as_str();
        return match api.permits_endpoint(name) {
            true => Ok(Ports::none()),
            false => Err(format!("kubeletApi.endpoints does not list {name}").into()),
        };
    }
    if found.accesses.is_empty() {
        return Err("no pod of this name was admitted".into());
    }
    if let Some(PodAddress { uid: Some(asked), .. }) = call.pod()
        && found.uid.is_none_or(|uid| uid.to_string() != *asked)
    {
        return Err("no pod of this name and UID was admitted".into());
    }
    if let Some(uid) = &others.stranger {
        let reason = "a pod of this name runs that is not on record, or was said to have ended";
        return Err(format!("{reason}, UID {uid}").into());
    }
    let accesses = with_static_pods(api, found, others);
    // By its own rule, or by what holds for every admitted pod.
    let is_permitted = |access: &Option<Arc<Access>>| {
        access.as_deref().is_some_and(|own| permits(own, call) || permits(api.defaults(), call))
    };
    if !accesses.iter().all(is_permitted) {
        return Err(match accesses.as_slice() {
            [_] => format!("the pod's rule does not permit {}", call.kind()).into(),
            several => format!(
                "{} pods of this name may be running, and not all their rules permit {}",
                several.len(),
                call.kind()
            )
            .into(),
        });
    }
    Ok(common_ports(api, &accesses))
}

/// What each pod that may run permits. The node's own pods are usually on record by their mirrors.
fn with_static_pods(api: &KubeletApi, found: &Found, others: &Others) -> Vec<Option<Arc<Access>>> {
    let mut accesses = found.accesses.clone();
    let own = api.mirror_pods();
    let is_own = |access: &Option<Arc<Access>>| {
        access.as_ref().is_some_and(|access| Arc::ptr_eq(access, own))
    };
    if others.is_static && !accesses.iter().any(is_own) {
        accesses.push(Some(Arc::clone(own)));
    }
    accesses
}

fn permits(access: &Access, call: &Call) -> bool {
    match call {
        Call::Exec { container, command } | Call::Run { container, command } => {
            access.permits_exec(&container.name, command)
        }
        Call::Attach(container) => access.permits_attach(&container.name),
        Call::Logs(container) => access.permits_logs(&container.name),
        Call::Checkpoint(container) => access.permits_checkpoint(&container.name),
        Call::PortForward { .. } => match access.ports() {
            PortRule::Any => true,
            PortRule::Only(ports) => !ports.is_empty(),
        },
        Call::Read(_) => false,
    }
}

/// Ports that every pod of the name permits.
fn common_ports(api: &KubeletApi, accesses: &[Option<Arc<Access>>]) -> Ports {
    let defaults = api.defaults().ports();
    let mut common = Ports::Any;
    for access in accesses {
        let own = access.as_deref().map(Access::ports);
        let ports = match (own, defaults) {
            (None, _) => return Ports::none(),
            (Some(PortRule::Any), _) | (_, PortRule::Any) => continue,
            (Some(PortRule::Only(own)), PortRule::Only(more)) => own.iter().chain(more),
        };
        let ports = ports.copied().filter(|port| common.permit(*port)).collect::<Vec<_>>();
        common = Ports::Only(ports.into());
    }
    common
}

#[cfg(test)]
mod tests;
