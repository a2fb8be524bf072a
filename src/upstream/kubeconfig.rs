//! The kubeconfig, read once, resolved to one server, one trust and one identity.
//!
//! Parsing is kube's; this file resolves the context and refuses what would weaken the connection
//! or what it does not implement. It reads no certificate (`tls` does). Invariant: a risk is in the
//! result only when its flag in [`UpstreamRisks`] was given.

mod refusal;
mod user;

use std::path::{Path, PathBuf};

use base64::Engine;
use kube::config::{Cluster, Context, Kubeconfig};

pub use refusal::KubeconfigError;
pub use user::{Login, TokenSource};

use super::endpoint::Endpoint;
use super::exec_plugin::ClusterForPlugin;
use crate::tls::{Material, ServerTrust};

/// Flag that accepts `insecure-skip-tls-verify`.
pub const ALLOW_INSECURE_UPSTREAM_TLS: &str = "--allow-insecure-upstream-tls";
/// Flag that accepts an `http://` server.
pub const ALLOW_HTTP_UPSTREAM: &str = "--allow-http-upstream";
/// Flag that accepts the machine's own trust store in place of a certificate-authority.
pub const ALLOW_SYSTEM_ROOTS: &str = "--allow-system-roots";

/// Risks the operator accepts by name; all false unless their flag is given.
#[derive(Clone, Copy, Debug, Default)]
pub struct UpstreamRisks {
    /// [`ALLOW_INSECURE_UPSTREAM_TLS`]
    pub insecure_tls: bool,
    /// [`ALLOW_HTTP_UPSTREAM`]
    pub plain_http: bool,
    /// [`ALLOW_SYSTEM_ROOTS`]
    pub system_roots: bool,
}

/// What a kubeconfig says, resolved for one context.
#[derive(Debug)]
pub struct UpstreamConfig {
    /// Name of the context used, for the line at start.
    pub context: String,
    /// The API server.
    pub endpoint: Endpoint,
    /// How its certificate is judged; `None` over plain HTTP, where there is none.
    pub trust: Option<ServerTrust>,
    /// As whom we appear.
    pub login: Login,
}

impl UpstreamConfig {
    /// Reads and resolves the file; `context` of `None` or `""` means its current-context.
    ///
    /// # Errors
    /// [`KubeconfigError`] naming file, field and remedy. No secret is in any message.
    pub fn load(
        path: &Path,
        context: Option<&str>,
        risks: UpstreamRisks,
    ) -> Result<Self, KubeconfigError> {
        let source = Source::new(path);
        let bytes = Material::File(path.to_owned()).read()?;
        let text = std::str::from_utf8(&bytes).map_err(|_| source.malformed(None))?;
        let parsed = parse(text, &source)?;
        resolve(&parsed, context, risks, &source)
    }
}

/// The file a message is about, and against which relative paths resolve.
struct Source {
    path: PathBuf,
    directory: PathBuf,
}

impl Source {
    fn new(path: &Path) -> Self {
        let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let directory = absolute.parent().map(Path::to_owned).unwrap_or_default();
        Self { path: path.to_owned(), directory }
    }

    fn malformed(&self, position: Option<(u64, u64)>) -> KubeconfigError {
        KubeconfigError::Malformed { path: self.path.clone(), position: position.into() }
    }

    fn refuse(&self, field: impl Into<String>, remedy: impl Into<String>) -> KubeconfigError {
        KubeconfigError::Refused {
            path: self.path.clone(),
            field: field.into(),
            remedy: remedy.into(),
        }
    }

    fn needs_flag(&self, field: &str, risk: &str, flag: &'static str) -> KubeconfigError {
        let (path, field) = (self.path.clone(), field.to_owned());
        KubeconfigError::NeedsFlag { path, field, risk: risk.to_owned(), flag }
    }

    /// Inline base64 wins over a file, as in client-go; a relative file lies beside the kubeconfig.
    fn material(
        &self,
        field: &str,
        data: Option<&str>,
        file: Option<&str>,
    ) -> Result<Option<Material>, KubeconfigError> {
        let data = data.filter(|data| !data.is_empty());
        let file = file.filter(|file| !file.is_empty());
        match (data, file) {
            (Some(data), _) => {
                let field = format!("{field}-data");
                let bytes = base64::engine::general_purpose::STANDARD
                    .decode(data.trim())
                    .map_err(|_| self.refuse(&field, "give the PEM text encoded as base64"))?;
                let origin = format!("{}: {field}", self.path.display());
                Ok(Some(Material::inline(origin, bytes)))
            }
            (None, Some(file)) => Ok(Some(Material::File(self.directory.join(file)))),
            (None, None) => Ok(None),
        }
    }
}

fn parse(text: &str, source: &Source) -> Result<Kubeconfig, KubeconfigError> {
    Kubeconfig::from_yaml(text).map_err(|error| {
        // The parser's own text quotes the line at fault, which may be the one with the token.
        if let kube::config::KubeconfigError::Parse(inner) = &error {
            let position = inner.location().map(|found| (found.line(), found.column()));
            return source.malformed(position);
        }
        source.malformed(None)
    })
}

fn resolve(
    parsed: &Kubeconfig,
    context: Option<&str>,
    risks: UpstreamRisks,
    source: &Source,
) -> Result<UpstreamConfig, KubeconfigError> {
    let asked = context.filter(|name| !name.is_empty());
    let name = asked.or(parsed.current_context.as_deref().filter(|name| !name.is_empty()));
    let name = name.ok_or_else(|| {
        source.refuse("current-context", "set it, or name a context with --context")
    })?;
    let context = sole(parsed.contexts.iter().filter(|named| named.name == name))
        .and_then(|named| named.context.as_ref())
        .ok_or_else(|| source.refuse(format!("contexts[{name}]"), "must exist exactly once"))?;
    let cluster_field = format!("clusters[{}]", context.cluster);
    let cluster = sole(parsed.clusters.iter().filter(|named| named.name == context.cluster))
        .and_then(|named| named.cluster.as_ref())
        .ok_or_else(|| source.refuse(&cluster_field, "must exist exactly once"))?;
    let (endpoint, trust) = resolve_cluster(cluster, &cluster_field, risks, source)?;
    let for_plugin = ClusterForPlugin::new(cluster, trust.as_ref());
    let login = resolve_user(parsed, context, for_plugin, source)?;
    Ok(UpstreamConfig { context: name.to_owned(), endpoint, trust, login })
}

fn resolve_user(
    parsed: &Kubeconfig,
    context: &Context,
    cluster: ClusterForPlugin,
    source: &Source,
) -> Result<Login, KubeconfigError> {
    let name = context.user.as_deref().filter(|name| !name.is_empty());
    let name = name
        .ok_or_else(|| source.refuse("context.user", "name the entry of users[] to appear as"))?;
    let field = format!("users[{name}]");
    let user = sole(parsed.auth_infos.iter().filter(|named| named.name == name))
        .and_then(|named| named.auth_info.as_ref())
        .ok_or_else(|| source.refuse(&field, "must exist exactly once"))?;
    user::resolve(user, &field, cluster, source)
}

fn resolve_cluster(
    cluster: &Cluster,
    field: &str,
    risks: UpstreamRisks,
    source: &Source,
) -> Result<(Endpoint, Option<ServerTrust>), KubeconfigError> {
    refuse_unknown(cluster.other.keys(), field, source)?;
    if cluster.proxy_url.as_ref().is_some_and(|url| !url.is_empty()) {
        let remedy = "remove it: a connection through another proxy is not supported";
        return Err(source.refuse(format!("{field}.proxy-url"), remedy));
    }
    let server_field = format!("{field}.server");
    let server = cluster.server.as_deref().unwrap_or_default();
    let endpoint = Endpoint::parse(server, cluster.tls_server_name.as_deref())
        .map_err(|reason| source.refuse(&server_field, reason))?;
    if !endpoint.is_tls() && !risks.plain_http {
        let risk = "http:// sends the node's credentials unencrypted";
        return Err(source.needs_flag(&server_field, risk, ALLOW_HTTP_UPSTREAM));
    }
    let trust = match endpoint.is_tls() {
        true => Some(resolve_trust(cluster, field, risks, source)?),
        false => None,
    };
    Ok((endpoint, trust))
}

fn resolve_trust(
    cluster: &Cluster,
    field: &str,
    risks: UpstreamRisks,
    source: &Source,
) -> Result<ServerTrust, KubeconfigError> {
    let authority = source.material(
        &format!("{field}.certificate-authority"),
        cluster.certificate_authority_data.as_deref(),
        cluster.certificate_authority.as_deref(),
    )?;
    let skip_field = format!("{field}.insecure-skip-tls-verify");
    match (cluster.insecure_skip_tls_verify.unwrap_or(false), authority) {
        (false, Some(authority)) => Ok(ServerTrust::Roots(authority)),
        (true, Some(_)) => {
            Err(source.refuse(&skip_field, "remove it: it contradicts the authority"))
        }
        (true, None) if risks.insecure_tls => Ok(ServerTrust::Unverified),
        (true, None) => {
            let risk = "anyone on the network could pose as the API server";
            Err(source.needs_flag(&skip_field, risk, ALLOW_INSECURE_UPSTREAM_TLS))
        }
        (false, None) if risks.system_roots => Ok(ServerTrust::SystemRoots),
        (false, None) => {
            let field = format!("{field}.certificate-authority");
            let risk = "missing, so any authority in the system trust store would be believed";
            Err(source.needs_flag(&field, risk, ALLOW_SYSTEM_ROOTS))
        }
    }
}

fn refuse_unknown<'a>(
    mut keys: impl Iterator<Item = &'a String>,
    field: &str,
    source: &Source,
) -> Result<(), KubeconfigError> {
    match keys.next() {
        None => Ok(()),
        Some(key) => Err(source.refuse(format!("{field}.{key}"), "not a known field; remove it")),
    }
}

fn sole<T>(mut found: impl Iterator<Item = T>) -> Option<T> {
    match (found.next(), found.next()) {
        (Some(one), None) => Some(one),
        (Some(_), Some(_)) | (None, _) => None,
    }
}

#[cfg(test)]
mod tests;
