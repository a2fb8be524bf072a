//! One `users[]` entry: certificate, token, token file or exec plugin.
//!
//! Basic auth, auth providers and impersonation are refused: the first two ended years ago, the
//! last would let the proxy act as somebody else than the node. Precedence is client-go's.

use http::HeaderValue;
use kube::config::{AuthInfo, ExecConfig, ExecInteractiveMode};
use secrecy::ExposeSecret;

use super::{KubeconfigError, Source, refuse_unknown};
use crate::tls::{KeyPair, Material};
use crate::upstream::credentials::bearer;
use crate::upstream::exec_plugin::{ApiVersion, ClusterForPlugin, ExecCommand};

/// As whom we appear to the API server.
#[derive(Debug)]
pub struct Login {
    /// Client certificate with key; an exec plugin's certificate takes its place.
    pub pair: Option<KeyPair>,
    /// Bearer token.
    pub token: TokenSource,
}

/// Where the bearer token comes from.
#[derive(Debug)]
pub enum TokenSource {
    /// The certificate alone says who we are.
    Absent,
    /// A token written into the kubeconfig; the value is the whole `Authorization` header.
    Fixed(HeaderValue),
    /// A file that is read anew when it changes.
    File(Material),
    /// A plugin of the operator's, which may bring a certificate too.
    Plugin(Box<ExecCommand>),
}

pub(super) fn resolve(
    user: &AuthInfo,
    field: &str,
    cluster: ClusterForPlugin,
    source: &Source,
) -> Result<Login, KubeconfigError> {
    refuse_unsupported(user, field, source)?;
    refuse_unknown(user.other.keys(), field, source)?;
    let pair = resolve_pair(user, field, source)?;
    let token = resolve_token(user, field, cluster, source)?;
    if pair.is_none() && matches!(token, TokenSource::Absent) {
        let remedy = "needs client-certificate with client-key, token, tokenFile or exec";
        return Err(source.refuse(field, remedy));
    }
    Ok(Login { pair, token })
}

fn refuse_unsupported(
    user: &AuthInfo,
    field: &str,
    source: &Source,
) -> Result<(), KubeconfigError> {
    const BASIC: &str = "basic auth ended with Kubernetes 1.19; use a certificate, token or exec";
    const PROVIDER: &str = "auth providers ended with Kubernetes 1.26; use exec";
    const ACT_AS: &str = "remove it: the proxy acts as its own node only";
    let unsupported = [
        (user.username.is_some(), "username", BASIC),
        (user.password.is_some(), "password", BASIC),
        (user.auth_provider.is_some(), "auth-provider", PROVIDER),
        (user.impersonate.is_some(), "as", ACT_AS),
        (user.impersonate_uid.is_some(), "as-uid", ACT_AS),
        (user.impersonate_groups.is_some(), "as-groups", ACT_AS),
        (user.impersonate_user_extra.is_some(), "as-user-extra", ACT_AS),
    ];
    match unsupported.iter().find(|(present, _, _)| *present) {
        None => Ok(()),
        Some((_, key, remedy)) => Err(source.refuse(format!("{field}.{key}"), *remedy)),
    }
}

fn resolve_pair(
    user: &AuthInfo,
    field: &str,
    source: &Source,
) -> Result<Option<KeyPair>, KubeconfigError> {
    let certificate = source.material(
        &format!("{field}.client-certificate"),
        user.client_certificate_data.as_deref(),
        user.client_certificate.as_deref(),
    )?;
    let key_data = user.client_key_data.as_ref().map(ExposeSecret::expose_secret);
    let key =
        source.material(&format!("{field}.client-key"), key_data, user.client_key.as_deref())?;
    match (certificate, key) {
        (Some(certificate), Some(key)) => Ok(Some(KeyPair { certificate, key })),
        (None, None) => Ok(None),
        (Some(_), None) => {
            Err(source.refuse(format!("{field}.client-key"), "missing beside client-certificate"))
        }
        (None, Some(_)) => {
            let field = format!("{field}.client-certificate");
            Err(source.refuse(field, "missing beside client-key"))
        }
    }
}

fn resolve_token(
    user: &AuthInfo,
    field: &str,
    cluster: ClusterForPlugin,
    source: &Source,
) -> Result<TokenSource, KubeconfigError> {
    let token = user.token.as_ref().map(ExposeSecret::expose_secret).filter(|it| !it.is_empty());
    if let Some(token) = token {
        let header = bearer(token.as_bytes())
            .map_err(|reason| source.refuse(format!("{field}.token"), reason))?;
        return Ok(TokenSource::Fixed(header));
    }
    if let Some(file) = user.token_file.as_deref().filter(|file| !file.is_empty()) {
        return Ok(TokenSource::File(Material::File(source.directory.join(file))));
    }
    match &user.exec {
        None => Ok(TokenSource::Absent),
        Some(exec) => {
            let command = resolve_exec(exec, &format!("{field}.exec"), cluster, source)?;
            Ok(TokenSource::Plugin(Box::new(command)))
        }
    }
}

fn resolve_exec(
    exec: &ExecConfig,
    field: &str,
    cluster: ClusterForPlugin,
    source: &Source,
) -> Result<ExecCommand, KubeconfigError> {
    refuse_unknown(exec.other.keys(), field, source)?;
    let refuse = |key: &str, remedy: &str| source.refuse(format!("{field}.{key}"), remedy);
    if exec.interactive_mode == Some(ExecInteractiveMode::Always) {
        return Err(refuse(
            "interactiveMode",
            "a daemon has no terminal; use Never or IfAvailable",
        ));
    }
    let api_version = exec.api_version.as_deref().and_then(ApiVersion::parse).ok_or_else(|| {
        refuse("apiVersion", "must be client.authentication.k8s.io/v1 or /v1beta1")
    })?;
    let command = exec.command.as_deref().filter(|command| !command.is_empty());
    let command = command.ok_or_else(|| refuse("command", "name the plugin to run"))?;
    let program = match command.contains('/') {
        true => source.directory.join(command),
        false => command.into(),
    };
    let mut environment = Vec::new();
    for entry in exec.env.iter().flatten() {
        let (Some(name), Some(value)) = (entry.get("name"), entry.get("value")) else {
            return Err(refuse("env", "every entry needs name and value"));
        };
        environment.push((name.clone(), value.clone()));
    }
    Ok(ExecCommand {
        origin: format!("{}: {field}", source.path.display()),
        api_version,
        program,
        arguments: exec.args.clone().unwrap_or_default(),
        environment,
        install_hint: exec.install_hint.clone(),
        cluster: exec.provide_cluster_info.then_some(cluster),
    })
}
