//! What to run, and what the plugin is told about the cluster through `KUBERNETES_EXEC_INFO`.
//!
//! It starts nothing. Values of the environment list may be secrets, so `Debug` shows names only.

use std::fmt;
use std::path::PathBuf;

use base64::Engine;
use kube::config::Cluster;
use serde_json::{Value, json};

use crate::tls::{Material, ServerTrust, TlsError};

/// Name of the cluster extension that is handed to plugins as `config` (client-go).
const CLUSTER_EXTENSION: &str = "client.authentication.k8s.io/exec";

/// The protocol spoken with the plugin; both versions have the same fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ApiVersion {
    /// `client.authentication.k8s.io/v1`
    V1,
    /// `client.authentication.k8s.io/v1beta1`
    V1Beta1,
}

impl ApiVersion {
    /// The version with this name, if it is one of the two.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::V1, Self::V1Beta1].into_iter().find(|version| version.as_str() == name)
    }

    /// The name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::V1 => "client.authentication.k8s.io/v1",
            Self::V1Beta1 => "client.authentication.k8s.io/v1beta1",
        }
    }
}

/// One plugin, ready to run.
#[derive(Clone)]
pub struct ExecCommand {
    /// Kubeconfig and field, for messages.
    pub origin: String,
    /// Version asked for, and required of the answer.
    pub api_version: ApiVersion,
    /// Absolute path, or a name to look up in `PATH`.
    pub program: PathBuf,
    /// Arguments.
    pub arguments: Vec<String>,
    /// Added to the inherited environment.
    pub environment: Vec<(String, String)>,
    /// The operator's advice when the program is missing.
    pub install_hint: Option<String>,
    /// Told to the plugin when `provideClusterInfo` is set.
    pub cluster: Option<ClusterForPlugin>,
}

impl fmt::Debug for ExecCommand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExecCommand")
            .field("origin", &self.origin)
            .field("program", &self.program)
            .finish_non_exhaustive()
    }
}

impl ExecCommand {
    /// The JSON for `KUBERNETES_EXEC_INFO`, with the CA as it is now.
    pub(super) fn exec_info(&self) -> Result<String, TlsError> {
        let mut spec = json!({ "interactive": false });
        if let (Some(cluster), Some(spec)) = (&self.cluster, spec.as_object_mut()) {
            spec.insert("cluster".to_owned(), cluster.as_json()?);
        }
        let (version, kind) = (self.api_version.as_str(), "ExecCredential");
        Ok(json!({ "apiVersion": version, "kind": kind, "spec": spec }).to_string())
    }
}

/// `spec.cluster` of an ExecCredential.
#[derive(Clone, Debug)]
pub struct ClusterForPlugin {
    server: Option<String>,
    tls_server_name: Option<String>,
    skips_verification: bool,
    authority: Option<Material>,
    config: Option<Value>,
}

impl ClusterForPlugin {
    /// Takes over what client-go's `ExecClusterInfo` would.
    pub fn new(cluster: &Cluster, trust: Option<&ServerTrust>) -> Self {
        let authority = match trust {
            Some(ServerTrust::Roots(authority)) => Some(authority.clone()),
            Some(ServerTrust::SystemRoots | ServerTrust::Unverified) | None => None,
        };
        let mut extensions = cluster.extensions.iter().flatten();
        let config = extensions.rfind(|named| named.name == CLUSTER_EXTENSION);
        Self {
            server: cluster.server.clone(),
            tls_server_name: cluster.tls_server_name.clone(),
            skips_verification: matches!(trust, Some(ServerTrust::Unverified)),
            authority,
            config: config.map(|named| named.extension.clone()),
        }
    }

    fn as_json(&self) -> Result<Value, TlsError> {
        let mut fields = serde_json::Map::new();
        let mut set = |name: &str, value: Option<Value>| {
            if let Some(value) = value {
                fields.insert(name.to_owned(), value);
            }
        };
        let authority = self.authority.as_ref().map(Material::read).transpose()?;
        let encode = |pem: Vec<u8>| base64::engine::general_purpose::STANDARD.encode(pem);
        set("server", self.server.clone().map(Value::from));
        set("tls-server-name", self.tls_server_name.clone().map(Value::from));
        set("insecure-skip-tls-verify", self.skips_verification.then_some(Value::Bool(true)));
        set("certificate-authority-data", authority.map(encode).map(Value::from));
        set("config", self.config.clone());
        Ok(Value::Object(fields))
    }
}
