//! What a run of the role is told: checked, complete, and with every risk accepted by name.
//!
//! Only shapes; `cli` fills them in. What cannot be meant cannot be written: there is no plain-text
//! listener that checks client certificates, and no run without a policy that did not ask for it.

use std::net::SocketAddr;
use std::path::PathBuf;

use crate::sandbox::SandboxMode;

/// Why a policy that is bound to its node is not put in force where nobody says which node that is.
pub(super) const NODE_NAME_NEEDED: &str = "this policy admits pods of its own node only, and no \
     certificate tells its name: give the kubeconfig a client certificate of system:node:NAME, or \
     --client-name system:node:NAME";

/// Everything a run is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunOptions {
    /// The API server and how to reach it.
    pub upstream: UpstreamOptions,
    /// Where kubelets connect, unless systemd passed a socket. Port 0 lets the kernel choose.
    pub listen_address: SocketAddr,
    /// What protects connections of kubelets.
    pub front: Front,
    /// What is enforced.
    pub policy: PolicySource,
    /// Where `/metrics` and the health checks are served over TCP; nowhere if absent.
    pub metrics_address: Option<SocketAddr>,
    /// Unix socket for these and `/status`, unless systemd passed one; nowhere if absent.
    pub admin_socket: Option<PathBuf>,
    /// What is logged about requests.
    pub request_log: RequestLog,
    /// Budget for all bodies in flight, in bytes; at least 1 MiB.
    pub max_body_memory_bytes: u64,
    /// What becomes of a start without a whole sandbox.
    pub sandbox: SandboxMode,
    /// Whom the kubelet's own API serves.
    pub kubelet_api: KubeletApiOptions,
}

/// Whom the kubelet's own API serves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KubeletApiOptions {
    /// Whom the API server says.
    AsUpstreamSays,
    /// `--deny-kubelet-api`: nobody.
    DenyAll,
    /// `--kubelet-api-listen`: a guard, which asks the policy.
    Guarded(Box<GuardOptions>),
}

/// The guard in front of the kubelet's own API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GuardOptions {
    /// Where callers connect, unless systemd passed a socket.
    pub listen_address: SocketAddr,
    /// PEM file of the chain shown to callers.
    pub certificate: PathBuf,
    /// PEM file of its key.
    pub key: PathBuf,
    /// PEM file of the CA that signs callers.
    pub client_ca: PathBuf,
    /// Common names of the callers that are served.
    pub client_names: Vec<String>,
    /// The kubelet, on loopback.
    pub upstream: SocketAddr,
    /// The name in the kubelet's serving certificate; the node's name if absent.
    pub upstream_name: Option<String>,
    /// PEM file of the CA that signed that certificate.
    pub upstream_ca: PathBuf,
    /// PEM file of the guard's own certificate, shown to the kubelet.
    pub guard_certificate: PathBuf,
    /// PEM file of its key.
    pub guard_key: PathBuf,
}

/// The API server and how to reach it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpstreamOptions {
    /// The kubeconfig file.
    pub kubeconfig: PathBuf,
    /// The context in it; its current one if absent.
    pub context: Option<String>,
    /// `--allow-http-upstream`: a server without TLS.
    pub allow_http: bool,
    /// `--allow-insecure-upstream-tls`: a kubeconfig with `insecure-skip-tls-verify`.
    pub allow_insecure_tls: bool,
    /// `--allow-system-roots`: a kubeconfig without a CA.
    pub allow_system_roots: bool,
}

/// What protects connections of kubelets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Front {
    /// `--allow-plaintext`, which implies any client.
    Plaintext,
    /// TLS.
    Tls {
        /// PEM file of our chain, leaf first.
        certificate: PathBuf,
        /// PEM file of its key.
        key: PathBuf,
        /// Who may connect.
        clients: ClientAuthentication,
    },
}

/// Who may connect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientAuthentication {
    /// `--allow-any-client`: whoever can reach the address gets the node's rights.
    AnyClient,
    /// Whoever presents a certificate of this CA with this name.
    Required {
        /// PEM file of the CA.
        ca: PathBuf,
        /// The subject's common name; that of the proxy's own node certificate if absent.
        name: Option<String>,
    },
}

/// What is enforced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PolicySource {
    /// `--allow-all-pods`: nothing.
    AllowAll,
    /// What these files say; there is at least one.
    Files {
        /// `--admission-policy`.
        document: Option<PathBuf>,
        /// `--policy-verification-cert`: whose signatures count.
        keys: Vec<PathBuf>,
        /// `--immutable-policy`: what they said at the start stays in force.
        is_immutable: bool,
    },
}

impl PolicySource {
    /// Does a reload leave the policy alone, whatever its file says?
    pub fn is_immutable(&self) -> bool {
        match self {
            Self::AllowAll => true,
            Self::Files { document: _, keys: _, is_immutable } => *is_immutable,
        }
    }
}

/// What is logged about requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestLog {
    /// A line per request.
    pub requests: bool,
    /// The pods decided on, environment values and annotations redacted.
    pub pod_payloads: bool,
}

/// Why a run could not begin, or ended otherwise than by being asked to.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The operator must change something: a line that names file, field and remedy. Exit code 78.
    #[error("{0}")]
    BadConfiguration(String),
    /// Something that may go away by itself, such as an address in use. Exit code 1.
    #[error("{0}")]
    Failed(String),
}
