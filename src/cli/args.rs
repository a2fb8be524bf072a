//! The flags of `run`, and what they must say together before anything is served.
//!
//! Flags of the seed keep their names and meanings; the stricter defaults are listed in
//! `docs/reference/differences.md`. A run that would be unsafe needs a flag that says so, and a flag
//! that says so beside the safe one is a contradiction: both are refused here, exit code 78.

use std::collections::HashSet;
use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Arg, ArgAction, Command, CommandFactory, FromArgMatches, Parser};

use super::defaults;
use super::flag_values;
use super::go_flags;
use super::kubelet_api_flags::KubeletApiFlags;
use super::refusals::{
    ALL_PODS_WITH_POLICY, ANY_CLIENT_WITH_CA, CLIENT_CA_WITHOUT_TLS, EMPTY_KUBECONFIG,
    IMMUTABLE_WITHOUT_POLICY, MISSING_CERTIFICATE, MISSING_CLIENT_CA, MISSING_KEY, MISSING_POLICY,
    MISSING_TLS, NAME_WITHOUT_CA, PLAINTEXT_WITH_TLS, TOO_LITTLE_MEMORY,
};
use crate::kubelet_proxy::config::{
    ClientAuthentication, Front, PolicySource, RequestLog, RunOptions, UpstreamOptions,
};
use crate::sandbox::SandboxMode;
use crate::systemd::journal::{LogFormat, LogLevel, LogOptions};

/// What a command line asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// For the role.
    pub options: RunOptions,
    /// For the process.
    pub log: LogOptions,
}

/// Why there is nothing to run.
#[derive(Debug, thiserror::Error)]
pub enum NotRun {
    /// clap has an answer of its own: help, version, or a usage error.
    #[error(transparent)]
    Answered(#[from] clap::Error),
    /// The flags are understood but unsafe or contradictory; one line each.
    #[error("{}", .0.join("\n"))]
    Refused(Vec<String>),
}

/// Decides which pods may run on this node, whatever the API server sends.
///
/// Stands between a kubelet and its API server, forwards what a kubelet needs and nothing else, and
/// hides the pods that the node's own policy denies.
#[derive(Debug, Parser)]
#[command(
    name = "kubelet-proxy",
    version,
    args_override_self = true,
    override_usage = "kubelet-proxy [run] --kubeconfig FILE [FLAGS]",
    max_term_width = 100,
    after_help = "Other verbs: kubelet-proxy help. More flags (--allow-...) and examples: --help",
    after_long_help = EXAMPLES
)]
struct Flags {
    /// Kubeconfig for the API server \[required\]
    #[arg(long, help = "Kubeconfig for the API server [required]", value_name = "FILE")]
    kubeconfig: OsString,
    /// Context in the kubeconfig [default: its current one]
    #[arg(long, value_name = "NAME")]
    context: Option<String>,
    /// Where kubelets connect
    ///
    /// An IP address and a port. :PORT means all interfaces. Not used where systemd passes a socket.
    #[arg(long, value_name = "ADDR", default_value = defaults::LISTEN_ADDRESS,
          value_parser = flag_values::listen_address)]
    listen_addr: SocketAddr,
    /// Certificate shown to kubelets, PEM
    #[arg(long, value_name = "FILE")]
    tls_cert: Option<OsString>,
    /// Key of that certificate, PEM
    #[arg(long, value_name = "FILE")]
    tls_key: Option<OsString>,
    /// CA that signs the kubelet's certificate, PEM
    #[arg(long, value_name = "FILE")]
    client_ca: Option<OsString>,
    /// Common name the kubelet must have [default: that of this node]
    ///
    /// The default is the common name of the certificate that the kubeconfig holds for this node.
    /// Without such a certificate the flag is required.
    #[arg(long, value_name = "CN")]
    client_name: Option<String>,
    /// Policy that pods must satisfy, JSON
    #[arg(long, value_name = "FILE")]
    admission_policy: Option<OsString>,
    /// Certificate or public key that signs pod policies, PEM; may be repeated
    ///
    /// Pods that no rule decides on run if their own policy is signed by one of these keys and fits.
    /// Without --admission-policy only such pods run.
    #[arg(
        long,
        value_name = "FILE",
        alias = "signature-verification-cert",
        hide_short_help = true
    )]
    policy_verification_cert: Vec<OsString>,
    /// Keep the policy read at start; a reload that finds another one is refused
    #[arg(long, default_value_t = defaults::IMMUTABLE_POLICY, hide_short_help = true)]
    immutable_policy: bool,
    /// Where /metrics, /livez, /readyz are served [default: nowhere]
    #[arg(long, value_name = "ADDR", value_parser = flag_values::listen_address)]
    metrics_addr: Option<SocketAddr>,
    /// Unix socket for these and /status [default: none]
    ///
    /// Its owner's alone. Not used where systemd passes a socket named admin.
    #[arg(long, value_name = "PATH", hide_short_help = true)]
    admin_socket: Option<OsString>,
    /// require or best-effort
    ///
    /// require refuses to serve if a part of the sandbox (capabilities, Landlock, seccomp) is missing;
    /// best-effort serves with a warning.
    #[arg(long, value_name = "MODE", default_value = defaults::SANDBOX)]
    sandbox: SandboxMode,
    /// Memory for all bodies in flight
    ///
    /// An answer that finds it used up ends. Keep it well below the unit's MemoryMax.
    #[arg(long, value_name = "SIZE", default_value = defaults::MAX_BODY_MEMORY,
          value_parser = flag_values::byte_size)]
    max_body_memory: u64,
    /// auto, journal, json or text
    ///
    /// auto is the journal if standard error is connected to it, else json.
    #[arg(long, value_name = "FORMAT", default_value = defaults::LOG_FORMAT)]
    log_format: LogFormat,
    /// error, warn, info or debug
    #[arg(long, value_name = "LEVEL", default_value = defaults::LOG_LEVEL)]
    log_level: LogLevel,
    /// Log a line per request
    #[arg(long, default_value_t = defaults::LOG_REQUESTS)]
    log_requests: bool,
    /// Log pods, secrets redacted
    ///
    /// Environment values, HTTP header values of probes, and annotations are replaced.
    #[arg(long, default_value_t = defaults::LOG_POD_PAYLOADS)]
    log_pod_payloads: bool,
    #[command(flatten)]
    kubelet_api: KubeletApiFlags,
    #[command(flatten)]
    risks: Risks,
}

/// Flags that each accept one risk. None has a short form, none comes from the environment.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Flags that accept a risk")]
struct Risks {
    /// Serve callers without a certificate: any local process gets this node's rights
    #[arg(long, hide_short_help = true)]
    allow_any_client: bool,
    /// Serve without TLS: whoever reads along sees tokens and Secrets
    #[arg(long, hide_short_help = true)]
    allow_plaintext: bool,
    /// Run without a policy: every well-formed pod is admitted
    #[arg(long, hide_short_help = true)]
    allow_all_pods: bool,
    /// Accept insecure-skip-tls-verify in the kubeconfig: anybody can pose as the API server
    #[arg(long, hide_short_help = true)]
    allow_insecure_upstream_tls: bool,
    /// Accept an http:// server in the kubeconfig: anybody on the way can pose as it
    #[arg(long, hide_short_help = true)]
    allow_http_upstream: bool,
    /// Accept a kubeconfig without a CA: any public authority can vouch for the API server
    #[arg(long, hide_short_help = true)]
    allow_system_roots: bool,
}

impl Run {
    /// Reads arguments, the program's name left out.
    ///
    /// # Errors
    /// [`NotRun`]: what to print instead of running.
    pub fn from_arguments(arguments: Vec<OsString>) -> Result<Self, NotRun> {
        let mut command = command();
        let value_flags = value_flags(&command);
        let name = OsString::from(command.get_name());
        let normal = go_flags::normalise(without_verb(arguments), &value_flags);
        let matches = command.try_get_matches_from_mut(std::iter::once(name).chain(normal))?;
        let flags =
            Flags::from_arg_matches(&matches).map_err(|error| error.format(&mut command))?;
        flags.checked().map_err(NotRun::Refused)
    }
}

/// The command line of `run`, for parsing and for the reference page.
pub(super) fn command() -> Command {
    Flags::command().mut_args(|flag| match flag.get_action().takes_values() {
        // A path or a name may begin with a dash, as in Go.
        true => flag.allow_hyphen_values(true),
        false if matches!(flag.get_action(), ArgAction::SetTrue) => go_boolean(flag),
        false => flag,
    })
}

/// Go takes `-flag`, `-flag=true` and `-flag=false`, but no value after a space.
fn go_boolean(flag: Arg) -> Arg {
    let is_on = flag.get_default_values().first().is_some_and(|value| value == "true");
    flag.action(ArgAction::Set)
        .value_parser(flag_values::boolean)
        .value_name("BOOL")
        .num_args(0..=1)
        .require_equals(true)
        .default_missing_value("true")
        .default_value(if is_on { "true" } else { "false" })
        .hide_default_value(!is_on)
}

impl Flags {
    /// All that is wrong, not only the first: each costs a restart otherwise.
    fn checked(self) -> Result<Run, Vec<String>> {
        let mut wrong = Vec::new();
        let front = self.front().map_err(|line| wrong.extend(line)).ok();
        let policy = self.policy().map_err(|line| wrong.push(line)).ok();
        let kubelet_api = self.kubelet_api.checked().map_err(|line| wrong.push(line)).ok();
        if self.kubeconfig.is_empty() {
            wrong.push(EMPTY_KUBECONFIG.to_owned());
        }
        if self.max_body_memory < defaults::LEAST_BODY_MEMORY_BYTES {
            wrong.push(TOO_LITTLE_MEMORY.to_owned());
        }
        let (Some(front), Some(policy), Some(kubelet_api), true) =
            (front, policy, kubelet_api, wrong.is_empty())
        else {
            return Err(wrong);
        };
        let log = LogOptions { format: self.log_format, level: self.log_level };
        let options = RunOptions {
            upstream: UpstreamOptions {
                kubeconfig: self.kubeconfig.into(),
                context: self.context.filter(|name| !name.is_empty()),
                allow_http: self.risks.allow_http_upstream,
                allow_insecure_tls: self.risks.allow_insecure_upstream_tls,
                allow_system_roots: self.risks.allow_system_roots,
            },
            listen_address: self.listen_addr,
            front,
            policy,
            metrics_address: self.metrics_addr,
            admin_socket: path(&self.admin_socket),
            request_log: RequestLog {
                requests: self.log_requests,
                pod_payloads: self.log_pod_payloads,
            },
            max_body_memory_bytes: self.max_body_memory,
            sandbox: self.sandbox,
            kubelet_api,
        };
        Ok(Run { options, log })
    }

    fn front(&self) -> Result<Front, Vec<String>> {
        let transport = match (path(&self.tls_cert), path(&self.tls_key)) {
            (Some(certificate), Some(key)) if !self.risks.allow_plaintext => {
                Ok(Some((certificate, key)))
            }
            (None, None) if self.risks.allow_plaintext => Ok(None),
            (None, None) => Err(MISSING_TLS),
            (Some(_), None) => Err(MISSING_KEY),
            (None, Some(_)) => Err(MISSING_CERTIFICATE),
            (Some(_), Some(_)) => Err(PLAINTEXT_WITH_TLS),
        };
        match (transport, self.clients()) {
            (Ok(Some((certificate, key))), Ok(clients)) => {
                Ok(Front::Tls { certificate, key, clients })
            }
            (Ok(None), Ok(ClientAuthentication::AnyClient)) => Ok(Front::Plaintext),
            (Ok(None), Ok(ClientAuthentication::Required { .. })) => {
                Err(vec![CLIENT_CA_WITHOUT_TLS.to_owned()])
            }
            (transport, clients) => Err([transport.err(), clients.err()]
                .into_iter()
                .flatten()
                .map(str::to_owned)
                .collect()),
        }
    }

    fn clients(&self) -> Result<ClientAuthentication, &'static str> {
        let name = self.client_name.clone().filter(|name| !name.is_empty());
        match (path(&self.client_ca), self.risks.allow_any_client) {
            (Some(ca), false) => Ok(ClientAuthentication::Required { ca, name }),
            (None, true) if name.is_some() => Err(NAME_WITHOUT_CA),
            (None, true) => Ok(ClientAuthentication::AnyClient),
            (Some(_), true) => Err(ANY_CLIENT_WITH_CA),
            (None, false) => Err(MISSING_CLIENT_CA),
        }
    }

    fn policy(&self) -> Result<PolicySource, String> {
        let document = path(&self.admission_policy);
        let keys: Vec<PathBuf> = self.policy_verification_cert.iter().filter_map(named).collect();
        let is_given = document.is_some() || !keys.is_empty();
        match (is_given, self.risks.allow_all_pods) {
            (true, false) => {
                let is_immutable = self.immutable_policy;
                Ok(PolicySource::Files { document, keys, is_immutable })
            }
            (false, true) if self.immutable_policy => Err(IMMUTABLE_WITHOUT_POLICY.to_owned()),
            (false, true) => Ok(PolicySource::AllowAll),
            (true, true) => Err(ALL_PODS_WITH_POLICY.to_owned()),
            (false, false) => Err(MISSING_POLICY.to_owned()),
        }
    }
}

/// `run` may be written or left out; any other word stays, for clap to refuse.
fn without_verb(mut arguments: Vec<OsString>) -> Vec<OsString> {
    if arguments.first().is_some_and(|word| word == "run") {
        arguments.remove(0);
    }
    arguments
}

fn value_flags(command: &Command) -> HashSet<String> {
    let needs_value = |flag: &&Arg| {
        flag.get_action().takes_values()
            && flag.get_num_args().is_none_or(|count| count.min_values() > 0)
    };
    command
        .get_arguments()
        .filter(needs_value)
        .flat_map(|flag| {
            flag.get_long().into_iter().chain(flag.get_all_aliases().into_iter().flatten())
        })
        .map(str::to_owned)
        .collect()
}

/// A path that was given; Go programs take an empty value for an absent one.
pub(super) fn path(value: &Option<OsString>) -> Option<PathBuf> {
    value.as_ref().and_then(named)
}

fn named(value: &OsString) -> Option<PathBuf> {
    (!value.is_empty()).then(|| PathBuf::from(value))
}

const EXAMPLES: &str = "\
Examples:
  A kubelet with its own certificate, signed by the cluster's CA:
    kubelet-proxy --kubeconfig /etc/kubernetes/kubelet.conf \\
      --tls-cert /etc/kubelet-proxy/tls.crt --tls-key /etc/kubelet-proxy/tls.key \\
      --client-ca /etc/kubernetes/pki/ca.crt --admission-policy /etc/kubelet-proxy/policy.json

  The same, with metrics on loopback:
    kubelet-proxy ... --metrics-addr 127.0.0.1:9448

Exit codes: 0 asked to end, 1 failure, 64 usage, 78 bad configuration.";

#[cfg(test)]
mod tests;
