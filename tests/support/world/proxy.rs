//! The program under test between kubelet and API server: its files, its start, what it says.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};

use super::caller::{Answer, Caller};
use super::control_plane::{API_SERVER, Authorities, kubeconfig, path};
use super::namespace::Inside;
use super::node::{NODE, node_identity};
use super::service::Service;
use crate::support::pki::{Authority, write_private};
use crate::support::wait::{Outcome, ensure};

/// Where the proxy listens, inside: its documented default.
pub(crate) const LISTEN: &str = "127.0.0.1:6448";

/// Where it answers health checks and metrics, inside.
pub(crate) const ADMIN: &str = "127.0.0.1:6449";

/// The same and `/status`, inside.
pub(crate) const ADMIN_SOCKET: &str = "/run/nodeward/admin.sock";

/// A proxy is up within a fraction of a second.
const START_LIMIT: Duration = Duration::from_secs(30);

/// The proxy and the directory its files are in.
pub(crate) struct Proxy {
    pub(crate) service: Service,
    dir: PathBuf,
}

impl Proxy {
    /// Writes credentials and the policy `policy` below `dir`; `program` is the proxy's binary.
    pub(crate) fn new(
        dir: &Path,
        logs: &Path,
        program: &Path,
        authorities: &Authorities,
        policy: &Value,
    ) -> Outcome<Self> {
        let node = node_identity(&authorities.nodes).write(dir, "node");
        let upstream = kubeconfig(dir, "node", API_SERVER, &node)?;
        let serving = authorities.servers.server(&["127.0.0.1"]).write(dir, "proxy");
        let kubelets = write_private(dir, "kubelets.crt", &authorities.kubelets.pem());
        let service = Service::new("kubelet-proxy", program, logs).flags(&[
            ("kubeconfig", path(&upstream)),
            ("listen-addr", LISTEN.into()),
            ("metrics-addr", ADMIN.into()),
            ("admin-socket", ADMIN_SOCKET.into()),
            ("tls-cert", path(&serving.certificate)),
            ("tls-key", path(&serving.key)),
            ("client-ca", path(&kubelets)),
            ("client-name", format!("system:node:{NODE}")),
            ("admission-policy", path(&dir.join("policy.json"))),
            ("log-format", "json".into()),
            ("sandbox", "require".into()),
        ]);
        let proxy = Self { service, dir: dir.to_owned() };
        proxy.write_policy(policy);
        Ok(proxy)
    }

    /// Starts it and waits until it serves.
    pub(crate) fn start(&mut self, inside: Inside) -> Outcome {
        self.service.start(inside)?;
        self.service.eventually("up", START_LIMIT, || {
            let health = admin(inside, "/livez")?;
            ensure(health.status == 200, || format!("/livez: {health:?}"))
        })
    }

    /// Stops it as a service manager would, and starts it again.
    pub(crate) fn restart(&mut self, inside: Inside) -> Outcome {
        self.service.stop()?;
        self.start(inside)
    }

    /// Has it read its files again, and waits until it has, as a service manager would.
    pub(crate) fn reload(&mut self, inside: Inside) -> Outcome {
        let before = reloads(inside)?;
        self.service.hang_up()?;
        self.service.eventually("reloaded", START_LIMIT, || {
            let now = reloads(inside)?;
            ensure(now != before, || format!("reloads are still {now:?}"))
        })
    }

    /// Replaces the policy file. The proxy reads it when it starts, and when told to.
    pub(crate) fn write_policy(&self, policy: &Value) {
        write_private(&self.dir, "policy.json", &policy.to_string());
    }

    /// The policy file.
    pub(crate) fn policy_file(&self) -> PathBuf {
        self.dir.join("policy.json")
    }

    /// Replaces the node's client certificate by one that `nodes` signed.
    pub(crate) fn rotate_client(&self, nodes: &Authority) {
        node_identity(nodes).write(&self.dir, "node");
    }

    /// Replaces the certificate the proxy serves with.
    pub(crate) fn rotate_server(&self, servers: &Authority) {
        servers.server(&["127.0.0.1"]).write(&self.dir, "proxy");
    }

    /// The proxy's structured log, one JSON object per line; other lines are passed over.
    pub(crate) fn records(&self) -> Vec<Value> {
        let output = self.service.output();
        output.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }
}

/// Asks the proxy's administrative endpoint.
pub(crate) fn admin(inside: Inside, target: &str) -> Outcome<Answer> {
    inside.on_network(|| Caller::plaintext().get(ADMIN, target))?
}

/// How often it was told to read its files again, by outcome.
fn reloads(inside: Inside) -> Outcome<Vec<String>> {
    let metrics = admin(inside, "/metrics")?.body;
    let counted = metrics.lines().filter(|line| line.starts_with("kubelet_proxy_reloads_total{"));
    Ok(counted.map(str::to_owned).collect())
}

/// The rules that the tests and the demonstration run under: the seed's own first three.
pub(crate) fn policy() -> Value {
    json!({
        "name": "node-policy",
        "defaultAction": "allow",
        "rules": [
            rule("deny-privileged", json!({ "denyPrivileged": true }),
                "Privileged containers are not allowed"),
            rule("deny-host-network", json!({ "denyHostNetwork": true }),
                "The host's network is not for pods"),
            rule("deny-host-path", json!({ "denyHostPath": true }),
                "HostPath volumes are not allowed"),
        ],
    })
}

fn rule(name: &str, security: Value, message: &str) -> Value {
    json!({
        "name": name,
        "action": "deny",
        "match": { "security": security },
        "message": message,
    })
}
