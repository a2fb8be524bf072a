//! The guard of the kubelet's own API in this role: the policy and the pods on record decide on calls.

use std::borrow::Cow;
use std::sync::Arc;

use rustls::pki_types::ServerName;
use tokio::net::TcpListener;

use super::config::{GuardOptions, RunError};
use super::decide::Judge;
use super::pod_access::Found;
use crate::http::listen::Listener;
use crate::kubelet_api::call::{Call, PodAddress};
use crate::kubelet_api::guard::{self, Guard};
use crate::kubelet_api::judge::{self, Grant, Ruling, Verdict};
use crate::kubelet_api::kubelet::{Kubelet, KubeletOptions};
use crate::kubelet_api::ports::Ports;
use crate::metrics::connection_counts::ConnectionCounts;
use crate::metrics::registry::Metrics;
use crate::net::drain::Drain;
use crate::policy::{Access, KubeletApi, PortRule};
use crate::tls::{ClientRule, KeyPair, Material, Reload, ServerTls, TlsError};

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
    let guard = Guard::new(asked, tls.kubelet, metrics.clone(), drain.clone(), node);
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
    fn judge(&self, call: &Call) -> Ruling {
        let by = self.0.in_force();
        let found = match call.pod() {
            Some(pod) => {
                let policy = by.policy().digest();
                self.0.ledger().access().find(&pod.namespace, &pod.name, policy)
            }
            None => Found::default(),
        };
        let decided = match by.policy().kubelet_api() {
            Some(api) => decide(call, api, &found),
            None => Err(Cow::Borrowed("the policy says nothing about the kubelet's API")),
        };
        let verdict = match decided {
            Ok(ports) => Verdict::Allow(Grant { ports, until: by.supersession() }),
            Err(reason) => Verdict::Deny(reason),
        };
        Ruling {
            verdict,
            policy: by.policy().name().into(),
            policy_digest: by.policy().digest().into(),
            uid: found.uid.map(|uid| uid.to_string()).unwrap_or_default(),
        }
    }
}

/// The ports that a granted call may reach, or why it is not granted.
fn decide(call: &Call, api: &KubeletApi, found: &Found) -> Result<Ports, Cow<'static, str>> {
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
    // By its own rule, or by what holds for every admitted pod.
    let is_permitted = |access: &Option<Arc<Access>>| {
        access.as_deref().is_some_and(|own| permits(own, call) || permits(api.defaults(), call))
    };
    if !found.accesses.iter().all(is_permitted) {
        return Err(match found.accesses.as_slice() {
            [_] => format!("the pod's rule does not permit {}", call.kind()).into(),
            _ => format!(
                "{} pods of this name may be running, and not all their rules permit {}",
                found.accesses.len(),
                call.kind()
            )
            .into(),
        });
    }
    Ok(common_ports(api, found))
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
fn common_ports(api: &KubeletApi, found: &Found) -> Ports {
    let defaults = api.defaults().ports();
    let mut common = Ports::Any;
    for access in &found.accesses {
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
