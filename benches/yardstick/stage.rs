//! What stands on loopback during a measurement: certificates, the fake API server, haproxy and
//! kubelet-proxy, each with the same rights towards the next.
//!
//! haproxy and kubelet-proxy get the same certificates, verify the same ones, and use as many
//! threads as the machine has cores (two).

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Failure;
use crate::arguments::{Arguments, Target};
use crate::pki::{Authority, write_private};
use crate::running::{Running, bound};

/// The node whose pods are served.
pub(crate) const NODE: &str = "bench";
/// What the node calls itself to the API server, and the kubelet to the proxy.
const NODE_USER: &str = "system:node:bench";
/// What kubelet-proxy decides by: the same verdicts in either language.
const POLICY_V1: &str = "policy.json";
const POLICY_V2: &str = "policy-v2.json";
const GO_SOURCE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/go/yardstick");
const PROXY: &str = env!("CARGO_BIN_EXE_kubelet-proxy");

/// Certificates and programs, made once.
pub(crate) struct Stage {
    pub(crate) dir: PathBuf,
    /// Both ends of the measurement, built from `benches/go/yardstick`.
    pub(crate) yardstick: PathBuf,
    proxy: PathBuf,
    under: Option<String>,
    haproxy_window: u32,
}

/// A running fake API server.
pub(crate) struct ApiServer {
    _program: Running,
    pub(crate) address: SocketAddr,
    /// Size of its list of pods.
    pub(crate) body: f64,
}

/// One of the three ways from the client to the API server.
pub(crate) struct Route {
    pub(crate) target: Target,
    pub(crate) address: SocketAddr,
    /// The program between, if there is one.
    pub(crate) program: Option<Running>,
}

impl Stage {
    /// Builds the Go program and issues the certificates.
    pub(crate) fn new(dir: &Path, arguments: &Arguments) -> Result<Self, Failure> {
        let authority = Authority::new("yardstick");
        write_private(dir, "ca.crt", &authority.pem());
        let server = authority.server(&["127.0.0.1"]);
        let client = authority.client(NODE_USER, Some("system:nodes"));
        for (identity, name) in [(server, "server"), (client, "client")] {
            identity.write(dir, name);
            identity.write_bundle(dir, name);
        }
        write_private(dir, POLICY_V1, include_str!("policy.json"));
        write_private(dir, POLICY_V2, include_str!("policy-v2.json"));
        Ok(Self {
            dir: dir.to_owned(),
            yardstick: build_go()?,
            proxy: arguments.binary.clone().unwrap_or_else(|| PROXY.into()),
            under: arguments.under.clone(),
            haproxy_window: arguments.haproxy_window,
        })
    }

    /// Starts an API server with so many pods, each so many bytes larger than usual.
    pub(crate) fn api_server(&self, pods: u32, padding: u32) -> Result<ApiServer, Failure> {
        let mut command = bound(&self.yardstick);
        command.arg("serve").arg("-pki").arg(&self.dir);
        command.args(["-node", NODE, "-pods", &pods.to_string()]);
        command.args(["-padding", &padding.to_string()]);
        let mut program = Running::start(command, &self.dir, "api-server")?;
        let line = program.wait_line()?;
        let (address, body) = line.split_once(' ').ok_or_else(|| line.clone())?;
        Ok(ApiServer {
            address: address.parse().map_err(|_| line.clone())?,
            body: body.parse().map_err(|_| line.clone())?,
            _program: program,
        })
    }

    /// Opens the way to `server` through `target`.
    pub(crate) fn open(&self, target: Target, server: SocketAddr) -> Result<Route, Failure> {
        let (address, program) = match target {
            Target::Direct => (server, None),
            Target::Haproxy => {
                let address = free_address()?;
                (address, Some(self.haproxy(address, server)?))
            }
            Target::Ours => {
                let address = free_address()?;
                (address, Some(self.kubelet_proxy(address, server, POLICY_V1)?))
            }
            Target::OursV2 => {
                let address = free_address()?;
                (address, Some(self.kubelet_proxy(address, server, POLICY_V2)?))
            }
        };
        let mut opened = Route { target, address, program };
        if let Some(program) = &mut opened.program {
            program.wait_listening(address)?;
        }
        Ok(opened)
    }

    fn haproxy(&self, address: SocketAddr, server: SocketAddr) -> Result<Running, Failure> {
        let configuration = include_str!("haproxy.cfg")
            .replace("@PORT@", &address.port().to_string())
            .replace("@WINDOW@", &self.haproxy_window.to_string())
            .replace("@UPSTREAM@", &server.to_string())
            .replace("@DIR@", &self.dir.to_string_lossy());
        let file = write_private(&self.dir, "haproxy.cfg", &configuration);
        let mut command = bound(Path::new("haproxy"));
        command.arg("-db").arg("-f").arg(file);
        Running::start(command, &self.dir, "haproxy")
    }

    /// Starts kubelet-proxy with one of the policies in the directory.
    pub(crate) fn kubelet_proxy(
        &self,
        address: SocketAddr,
        server: SocketAddr,
        policy: &str,
    ) -> Result<Running, Failure> {
        let kubeconfig = write_private(&self.dir, "kubeconfig", &kubeconfig(server));
        let mut words = self.under.iter().flat_map(|under| under.split_whitespace());
        let mut command = match words.next() {
            Some(tool) => bound(Path::new(tool)),
            None => bound(&self.proxy),
        };
        if self.under.is_some() {
            command.args(words).arg(&self.proxy);
        }
        command.arg("--kubeconfig").arg(kubeconfig);
        command.arg("--listen-addr").arg(address.to_string());
        command.arg("--metrics-addr").arg(free_address()?.to_string());
        command.args(["--log-requests=false", "--client-name", NODE_USER]);
        for (flag, file) in [
            ("--tls-cert", "server.crt"),
            ("--tls-key", "server.key"),
            ("--client-ca", "ca.crt"),
            ("--admission-policy", policy),
        ] {
            command.arg(flag).arg(self.dir.join(file));
        }
        Running::start(command, &self.dir, "kubelet-proxy")
    }
}

/// The proxy's kubeconfig; relative names are resolved beside it.
fn kubeconfig(server: SocketAddr) -> String {
    format!(
        r"apiVersion: v1
kind: Config
clusters: [{{ name: bench, cluster: {{ server: 'https://{server}', certificate-authority: ca.crt }} }}]
users: [{{ name: node, user: {{ client-certificate: client.crt, client-key: client.key }} }}]
contexts: [{{ name: bench, context: {{ cluster: bench, user: node }} }}]
current-context: bench
"
    )
}

fn build_go() -> Result<PathBuf, Failure> {
    let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join("yardstick");
    let status = Command::new("go")
        .current_dir(GO_SOURCE)
        .env("CGO_ENABLED", "0")
        .arg("build")
        .arg("-trimpath")
        .arg("-o")
        .arg(&program)
        .arg(".")
        .status()
        .map_err(|error| format!("go: {error} (install Go 1.25 or later)"))?;
    if !status.success() {
        return Err(format!("go build in {GO_SOURCE} ended with {status}").into());
    }
    fs::metadata(&program)?;
    Ok(program)
}

/// A loopback port that was free a moment ago. Should another program take it first, the one
/// started on it says so and the run ends.
pub(crate) fn free_address() -> Result<SocketAddr, Failure> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?)
}
