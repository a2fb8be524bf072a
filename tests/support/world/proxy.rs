//! The program under test between kubelet and API server: its files, its start, what it says.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};

use nodeward::audit::record::DENIAL_MESSAGE_ID;

use super::caller::{Answer, Caller};
use super::control_plane::{API_SERVER, Authorities, kubeconfig, path};
use super::janitor::Notice;
use super::namespace::Inside;
use super::node::{NODE, node_identity};
use super::service::Service;
use crate::support::guest::packaged_proxy::{self, ETC, PackagedProxy, upstream_kubeconfig};
use crate::support::pki::{Authority, Identity, IdentityFiles, write_private};
use crate::support::wait::{Outcome, ensure};

/// Where the proxy listens, inside: its documented default.
pub(crate) const LISTEN: &str = "127.0.0.1:6448";

/// Where it answers health checks and metrics, inside.
pub(crate) const ADMIN: &str = "127.0.0.1:6449";

/// The same and `/status`, inside.
pub(crate) const ADMIN_SOCKET: &str = "/run/nodeward/admin.sock";

/// A proxy is up within a fraction of a second.
const START_LIMIT: Duration = Duration::from_secs(30);

/// Where the proxy runs.
pub(crate) enum Place<'a> {
    /// As a process of the world: the program at this path.
    Process(&'a Path),
    /// On a machine of its own with systemd 257, installed from the Debian package of that program.
    Package(&'a Path),
}

/// The proxy and the directory its files are in.
pub(crate) struct Proxy {
    runs: Runs,
    dir: PathBuf,
}

enum Runs {
    Process(Service),
    Unit(PackagedProxy),
}

impl Proxy {
    /// Writes credentials and the policy `policy` below `dir`.
    pub(crate) fn new(
        dir: &Path,
        logs: &Path,
        place: Place<'_>,
        notice: Notice,
        authorities: &Authorities,
        policy: &Value,
    ) -> Outcome<Self> {
        let runs = match place {
            Place::Process(program) => Runs::Process(process(dir, logs, program, authorities)?),
            Place::Package(program) => {
                let proxy = PackagedProxy::new(program, dir, logs, notice)?;
                proxy.put("upstream.kubeconfig", &upstream_kubeconfig(API_SERVER));
                proxy.put("upstream-ca.crt", &authorities.servers.pem());
                proxy.put("client-ca.crt", &authorities.kubelets.pem());
                Runs::Unit(proxy)
            }
        };
        let proxy = Self { runs, dir: dir.to_owned() };
        proxy.rotate_client(&authorities.nodes);
        proxy.rotate_server(&authorities.servers);
        proxy.write_policy(policy)?;
        Ok(proxy)
    }

    /// Starts it and waits until it serves.
    pub(crate) fn start(&mut self, inside: Inside) -> Outcome {
        match &mut self.runs {
            Runs::Process(service) => {
                service.start(inside)?;
                service.eventually("up", START_LIMIT, || {
                    let health = admin(inside, "/livez")?;
                    ensure(health.status == 200, || format!("/livez: {health:?}"))
                })
            }
            Runs::Unit(proxy) => proxy.start(inside),
        }
    }

    /// Adds flags to those that it starts with.
    pub(crate) fn add_flags(&mut self, flags: &[(&str, String)]) -> Outcome {
        match &mut self.runs {
            Runs::Process(service) => {
                service.add_flags(flags);
                Ok(())
            }
            Runs::Unit(_) => Err("flags of a unit are the package's".into()),
        }
    }

    /// Stops it as a service manager would, and starts it again.
    pub(crate) fn restart(&mut self, inside: Inside) -> Outcome {
        match &mut self.runs {
            Runs::Process(service) => {
                service.stop()?;
                self.start(inside)
            }
            Runs::Unit(proxy) => proxy.systemctl("restart"),
        }
    }

    /// Kills it as a crash would, and has it started again: by systemd, where there is one.
    pub(crate) fn crash(&mut self, inside: Inside) -> Outcome {
        match &mut self.runs {
            Runs::Process(service) => {
                service.kill()?;
                self.start(inside)
            }
            Runs::Unit(proxy) => proxy.crash(),
        }
    }

    /// Stops it as a service manager would: a unit with its sockets, which would start it again.
    pub(crate) fn stop(&mut self) -> Outcome {
        match &mut self.runs {
            Runs::Process(service) => service.stop(),
            Runs::Unit(proxy) => proxy.stop(),
        }
    }

    /// Has it read its files again, and waits until it has, as a service manager would.
    pub(crate) fn reload(&mut self, inside: Inside) -> Outcome {
        match &mut self.runs {
            Runs::Process(service) => {
                let before = reloads(inside)?;
                service.hang_up()?;
                service.eventually("reloaded", START_LIMIT, || {
                    let now = reloads(inside)?;
                    ensure(now != before, || format!("reloads are still {now:?}"))
                })
            }
            Runs::Unit(proxy) => proxy.systemctl("reload"),
        }
    }

    /// Replaces the policy file. The proxy reads it when it starts, and when told to.
    pub(crate) fn write_policy(&self, policy: &Value) -> Outcome {
        match &self.runs {
            Runs::Process(_) => {
                write_private(&self.dir, "policy.json", &policy.to_string());
                Ok(())
            }
            Runs::Unit(proxy) => proxy.put_policy(&policy.to_string()),
        }
    }

    /// Makes a process trust the signatures of this key from its next start on, or of nobody.
    pub(crate) fn trust_signer(&mut self, pem: Option<&str>) -> Outcome {
        const FLAG: &str = "policy-verification-cert";
        let Runs::Process(service) = &mut self.runs else {
            return Err("only a mere process is told whom to trust".into());
        };
        service.drop_flag(FLAG);
        if let Some(pem) = pem {
            let file = write_private(&self.dir, "signer.crt", pem);
            service.add_flag(FLAG, &path(&file));
        }
        Ok(())
    }

    /// The policy file, by a path for programs inside.
    pub(crate) fn policy_file(&self) -> Outcome<PathBuf> {
        match &self.runs {
            Runs::Process(_) => Ok(self.dir.join("policy.json")),
            Runs::Unit(proxy) => proxy.path_inside(&format!("{ETC}/policy.json")),
        }
    }

    /// The administrative socket, by a path for programs inside.
    pub(crate) fn admin_socket(&self) -> Outcome<PathBuf> {
        match &self.runs {
            Runs::Process(_) => Ok(PathBuf::from(ADMIN_SOCKET)),
            Runs::Unit(proxy) => proxy.path_inside(packaged_proxy::ADMIN_SOCKET),
        }
    }

    /// Replaces the node's client certificate by one that `nodes` signed.
    pub(crate) fn rotate_client(&self, nodes: &Authority) {
        self.put_identity("node", &node_identity(nodes));
    }

    /// Replaces the certificate the proxy serves with.
    pub(crate) fn rotate_server(&self, servers: &Authority) {
        self.put_identity("serving", &servers.server(&["127.0.0.1"]));
    }

    fn put_identity(&self, name: &str, identity: &Identity) {
        match &self.runs {
            Runs::Process(_) => drop(identity.write(&self.dir, name)),
            Runs::Unit(proxy) => proxy.put_identity(name, identity),
        }
    }

    /// The proxy's records of denials, by the names of the reference page. Of a process: its whole
    /// log, one JSON object per line; other lines are passed over.
    pub(crate) fn records(&self) -> Vec<Value> {
        match &self.runs {
            Runs::Process(service) => {
                let output = service.output();
                output.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
            }
            Runs::Unit(proxy) => proxy.records(DENIAL_MESSAGE_ID).unwrap_or_default(),
        }
    }

    /// Asks its administrative endpoint.
    pub(crate) fn admin(&self, inside: Inside, target: &str) -> Outcome<Answer> {
        match &self.runs {
            Runs::Process(_) => admin(inside, target),
            Runs::Unit(proxy) => proxy.admin(target),
        }
    }

    /// The installed package, for those who test what only that has.
    pub(crate) fn packaged(&mut self) -> Outcome<&mut PackagedProxy> {
        match &mut self.runs {
            Runs::Process(_) => Err("the proxy runs as a mere process".into()),
            Runs::Unit(proxy) => Ok(proxy),
        }
    }

    /// An error if it has died.
    pub(crate) fn check_running(&mut self) -> Outcome {
        match &mut self.runs {
            Runs::Process(service) => service.check_running(),
            Runs::Unit(proxy) => proxy.check_running(),
        }
    }

    /// The end of its log.
    pub(crate) fn tail(&self) -> String {
        match &self.runs {
            Runs::Process(service) => service.tail(),
            Runs::Unit(proxy) => proxy.tail(),
        }
    }

    /// Collects processes after the namespace has ended.
    pub(crate) fn reap(&mut self) {
        match &mut self.runs {
            Runs::Process(service) => service.reap(),
            Runs::Unit(proxy) => proxy.reap(),
        }
    }
}

fn process(dir: &Path, logs: &Path, program: &Path, authorities: &Authorities) -> Outcome<Service> {
    let files = |name: &str| IdentityFiles {
        certificate: dir.join(format!("{name}.crt")),
        key: dir.join(format!("{name}.key")),
    };
    let upstream = kubeconfig(dir, "node", API_SERVER, &files("node"))?;
    let kubelets = write_private(dir, "kubelets.crt", &authorities.kubelets.pem());
    Ok(Service::new("kubelet-proxy", program, logs).flags(&[
        ("kubeconfig", path(&upstream)),
        ("listen-addr", LISTEN.into()),
        ("metrics-addr", ADMIN.into()),
        ("admin-socket", ADMIN_SOCKET.into()),
        ("tls-cert", path(&files("serving").certificate)),
        ("tls-key", path(&files("serving").key)),
        ("client-ca", path(&kubelets)),
        ("client-name", format!("system:node:{NODE}")),
        ("admission-policy", path(&dir.join("policy.json"))),
        ("log-format", "json".into()),
        ("sandbox", "require".into()),
    ]))
}

/// Asks the administrative endpoint of a process.
fn admin(inside: Inside, target: &str) -> Outcome<Answer> {
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
