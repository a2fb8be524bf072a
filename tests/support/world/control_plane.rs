//! etcd, API server, controller manager and scheduler, as a small cluster runs them.
//!
//! Node certificates come from an authority of their own, so that one can be taken from the API
//! server's trust without locking everybody out.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::kubectl::Kubectl;
use super::namespace::{Inside, NODE_ADDRESS, STATE};
use super::node::NODE;
use super::service::Service;
use crate::support::pki::{Authority, Identity, IdentityFiles, write_private};
use crate::support::wait::{Outcome, ensure, eventually};

/// Where the API server listens, inside.
pub(crate) const API_SERVER: &str = "https://127.0.0.1:6443";

/// The client authorities that the API server trusts. It reads the file again when that changes.
const TRUSTED: &str = "clients.crt";

/// Who shows it is the node, for proxies without a certificate.
pub(crate) const NODE_TOKEN: &str = "token-of-node-1";

/// Measured: 4 s on an idle machine. Under load on two cores much more.
const BOOT_LIMIT: Duration = Duration::from_secs(120);

/// The authorities of the cluster.
pub(crate) struct Authorities {
    /// Signs the servers: API server, kubelet, proxy.
    pub(crate) servers: Authority,
    /// Signs operators and control plane components.
    pub(crate) operators: Authority,
    /// Signs the node's own client certificate; replaced by a rotation.
    pub(crate) nodes: Authority,
    /// Signs those who may talk to the proxy. The API server refuses its certificates, though the
    /// controller manager signs with its key what kubelets ask for.
    pub(crate) kubelets: Authority,
}

impl Authorities {
    /// All four, with new keys.
    pub(crate) fn new() -> Self {
        Self {
            servers: Authority::new("servers"),
            operators: Authority::new("operators"),
            nodes: Authority::new("nodes"),
            kubelets: Authority::new("kubelets"),
        }
    }
}

/// The running control plane.
pub(crate) struct ControlPlane {
    etcd: Service,
    pub(crate) api_server: Service,
    controller_manager: Service,
    scheduler: Service,
    dir: PathBuf,
}

impl ControlPlane {
    /// Writes certificates and kubeconfigs below `dir` and describes the four programs.
    pub(crate) fn new(
        dir: &Path,
        logs: &Path,
        bundle: &Path,
        authorities: &Authorities,
    ) -> Outcome<Self> {
        let server = authorities.servers.server(&["127.0.0.1", "localhost", NODE_ADDRESS]);
        let server = server.write(dir, "kube-apiserver");
        write_private(dir, "servers.crt", &authorities.servers.pem());
        write_private(dir, TRUSTED, &trust(authorities, &[&authorities.nodes]));
        let own = |name: &str, group| -> Outcome<PathBuf> {
            let client = authorities.operators.client(name, group).write(dir, name);
            kubeconfig(dir, name, API_SERVER, &client)
        };
        own("admin", Some("system:masters"))?;
        let manager = own("system:kube-controller-manager", None)?;
        let scheduler = own("system:kube-scheduler", None)?;

        let signer = Identity {
            certificate: authorities.kubelets.pem(),
            key: authorities.kubelets.key_pem(),
        };
        let signer = signer.write(dir, "kubelets-signer");

        let component = |name: &'static str| Service::new(name, &bundle.join(name), logs);
        Ok(Self {
            etcd: etcd(component("etcd")),
            api_server: api_server(component("kube-apiserver"), dir, &server, authorities),
            controller_manager: component("kube-controller-manager").flags(&[
                ("kubeconfig", path(&manager)),
                ("root-ca-file", path(&dir.join("servers.crt"))),
                ("service-account-private-key-file", path(&server.key)),
                ("use-service-account-credentials", "true".into()),
                ("cluster-signing-cert-file", path(&signer.certificate)),
                ("cluster-signing-key-file", path(&signer.key)),
                ("leader-elect", "false".into()),
                ("bind-address", "127.0.0.1".into()),
            ]),
            scheduler: component("kube-scheduler").flags(&[
                ("kubeconfig", path(&scheduler)),
                ("leader-elect", "false".into()),
                ("bind-address", "127.0.0.1".into()),
            ]),
            dir: dir.to_owned(),
        })
    }

    /// Starts all four. Those that need the API server wait for it by themselves.
    pub(crate) fn start(&mut self, inside: Inside) -> Outcome {
        self.etcd.start(inside)?;
        self.api_server.start(inside)
    }

    /// Waits until the API server is ready, starts what needs it and waits until pods can be
    /// created: that needs the default service account, which the controller manager makes.
    pub(crate) fn finish(&mut self, inside: Inside, kubectl: &Kubectl) -> Outcome {
        self.wait_ready(kubectl)?;
        self.controller_manager.start(inside)?;
        self.scheduler.start(inside)?;
        // As every installer does: nodes may renew their own certificates.
        let renewal = "system:certificates.k8s.io:certificatesigningrequests:selfnodeclient";
        let binding = ["create", "clusterrolebinding", "renewal", "--clusterrole", renewal];
        kubectl.run(&[&binding[..], &["--group", "system:nodes"]].concat())?;
        eventually("default service account", BOOT_LIMIT, || {
            kubectl.run(&["get", "serviceaccount", "default"]).map(drop)
        })
    }

    /// Waits until the API server says it is ready.
    pub(crate) fn wait_ready(&mut self, kubectl: &Kubectl) -> Outcome {
        self.api_server.eventually("ready", BOOT_LIMIT, || {
            let answer = kubectl.run(&["get", "--raw", "/readyz"])?;
            ensure(answer.trim() == "ok", || answer)
        })
    }

    /// Makes `nodes` the only authorities from which the API server takes node certificates.
    pub(crate) fn trust_nodes(&self, authorities: &Authorities, nodes: &[&Authority]) {
        write_private(&self.dir, TRUSTED, &trust(authorities, nodes));
    }

    /// All services, for those who watch over or bury them.
    pub(crate) fn services(&mut self) -> [&mut Service; 4] {
        [&mut self.etcd, &mut self.api_server, &mut self.controller_manager, &mut self.scheduler]
    }
}

fn etcd(service: Service) -> Service {
    service.arg("--unsafe-no-fsync").flags(&[
        ("data-dir", format!("{STATE}/etcd")),
        ("listen-client-urls", "http://127.0.0.1:2379".into()),
        ("advertise-client-urls", "http://127.0.0.1:2379".into()),
        ("listen-peer-urls", "http://127.0.0.1:2380".into()),
    ])
}

fn api_server(
    service: Service,
    dir: &Path,
    server: &IdentityFiles,
    authorities: &Authorities,
) -> Service {
    let to_kubelet = authorities.operators.client("kube-apiserver", Some("system:masters"));
    let to_kubelet = to_kubelet.write(dir, "to-kubelet");
    let tokens = format!("{NODE_TOKEN},system:node:{NODE},1,system:nodes\n");
    let tokens = write_private(dir, "tokens.csv", &tokens);
    service.flags(&[
        ("etcd-servers", "http://127.0.0.1:2379".into()),
        ("token-auth-file", path(&tokens)),
        ("bind-address", "127.0.0.1".into()),
        ("advertise-address", NODE_ADDRESS.into()),
        ("secure-port", "6443".into()),
        ("endpoint-reconciler-type", "none".into()),
        ("service-cluster-ip-range", "10.96.0.0/16".into()),
        ("client-ca-file", path(&dir.join(TRUSTED))),
        ("tls-cert-file", path(&server.certificate)),
        ("tls-private-key-file", path(&server.key)),
        ("service-account-issuer", "https://nodeward.test".into()),
        ("service-account-key-file", path(&server.certificate)),
        ("service-account-signing-key-file", path(&server.key)),
        ("authorization-mode", "Node,RBAC".into()),
        ("enable-admission-plugins", "NodeRestriction".into()),
        ("allow-privileged", "true".into()),
        ("kubelet-client-certificate", path(&to_kubelet.certificate)),
        ("kubelet-client-key", path(&to_kubelet.key)),
        ("kubelet-certificate-authority", path(&dir.join("servers.crt"))),
        ("kubelet-preferred-address-types", "InternalIP".into()),
    ])
}

fn trust(authorities: &Authorities, nodes: &[&Authority]) -> String {
    let nodes = nodes.iter().map(|authority| authority.pem());
    authorities.operators.pem() + &nodes.collect::<String>()
}

/// Writes `NAME.kubeconfig`: `server`, its authority in `servers.crt` beside it, and a certificate.
pub(crate) fn kubeconfig(
    dir: &Path,
    name: &str,
    server: &str,
    client: &IdentityFiles,
) -> Outcome<PathBuf> {
    let config = serde_json::json!({
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "default",
        "contexts": [{ "name": "default", "context": { "cluster": "here", "user": name } }],
        "clusters": [{ "name": "here", "cluster": {
            "server": server,
            "certificate-authority": dir.join("servers.crt"),
        } }],
        "users": [{ "name": name, "user": {
            "client-certificate": client.certificate,
            "client-key": client.key,
        } }],
    });
    Ok(write_private(dir, &format!("{name}.kubeconfig"), &config.to_string()))
}

/// A path as an argument. Worlds live in temporary directories, whose paths are UTF-8.
pub(crate) fn path(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}
