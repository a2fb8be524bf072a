//! What a request to the kubelet's API asks for, or why it is refused before anybody is asked.
//!
//! Default deny, on the canonical spelling of path and query only. Next in the story: `judge`.

use std::time::Duration;

use http::Method;
use http::request::Parts;

use super::limits::{HEAD_LIMIT, RUNNING_PODS_AGE_FOR_LOGS, SLOW_HEAD_LIMIT};
use super::path::{self, PathFault, Route};
use super::upgrade::{self, Protocol};
use crate::kube_wire::request_path::{Query, append_parameter};

/// A pod, by the words of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PodAddress {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its UID, where the path has it. The kubelet finds containers by name all the same.
    pub uid: Option<String>,
}

/// A container of a pod, by the words of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContainerAddress {
    /// The pod.
    pub pod: PodAddress,
    /// The container's name.
    pub name: String,
}

/// Something that the kubelet tells about itself and its node, read only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Endpoint {
    /// `/metrics` and what is below it.
    Metrics,
    /// `/healthz`.
    Healthz,
    /// `/stats/summary`.
    Stats,
    /// `/pods` and `/runningpods/`: whole specs, environment values included.
    Pods,
    /// `/configz`.
    Configz,
    /// `/statusz`.
    Statusz,
    /// `/flagz`.
    Flagz,
    /// `/logs/`: files below `/var/log`, and the journal.
    NodeLogs,
    /// `/debug/pprof/`.
    Profiling,
}

impl Endpoint {
    /// Every endpoint.
    pub const ALL: [Self; 9] = [
        Self::Metrics,
        Self::Healthz,
        Self::Stats,
        Self::Pods,
        Self::Configz,
        Self::Statusz,
        Self::Flagz,
        Self::NodeLogs,
        Self::Profiling,
    ];

    /// Its name in policies and records.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Metrics => "metrics",
            Self::Healthz => "healthz",
            Self::Stats => "stats",
            Self::Pods => "pods",
            Self::Configz => "configz",
            Self::Statusz => "statusz",
            Self::Flagz => "flagz",
            Self::NodeLogs => "nodeLogs",
            Self::Profiling => "profiling",
        }
    }
}

/// One call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Call {
    /// Run a command in a container, with streams.
    Exec {
        /// Where.
        container: ContainerAddress,
        /// The command and its arguments, one at least.
        command: Vec<String>,
    },
    /// Run a command in a container and return what it printed; no API server asks for it.
    Run {
        /// Where.
        container: ContainerAddress,
        /// The command as the kubelet splits it: at every space.
        command: Vec<String>,
    },
    /// Join the streams of a container's own process.
    Attach(ContainerAddress),
    /// Reach ports of a pod.
    PortForward {
        /// The pod.
        pod: PodAddress,
        /// Ports that the query names. Only a WebSocket request of the old kind has to.
        ports: Vec<u16>,
    },
    /// What a container printed.
    Logs(ContainerAddress),
    /// A checkpoint of a container, its memory included, on the node's disk.
    Checkpoint(ContainerAddress),
    /// Something about the node.
    Read(Endpoint),
}

impl Call {
    /// A fixed word for records and metrics.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Exec { .. } => "exec",
            Self::Run { .. } => "run",
            Self::Attach(_) => "attach",
            Self::PortForward { .. } => "portForward",
            Self::Logs(_) => "logs",
            Self::Checkpoint(_) => "checkpoint",
            Self::Read(endpoint) => endpoint.as_str(),
        }
    }

    /// The pod it is about.
    pub fn pod(&self) -> Option<&PodAddress> {
        match self {
            Self::PortForward { pod, ports: _ } => Some(pod),
            Self::Read(_) => None,
            Self::Exec { .. }
            | Self::Run { .. }
            | Self::Attach(_)
            | Self::Logs(_)
            | Self::Checkpoint(_) => self.container().map(|container| &container.pod),
        }
    }

    /// The container it is about.
    pub fn container(&self) -> Option<&ContainerAddress> {
        match self {
            Self::Exec { container, command: _ } | Self::Run { container, command: _ } => {
                Some(container)
            }
            Self::Attach(container) | Self::Logs(container) | Self::Checkpoint(container) => {
                Some(container)
            }
            Self::PortForward { .. } | Self::Read(_) => None,
        }
    }

    /// How old the kubelet's word on what runs may be. What is run must be known as of now; a log is
    /// found by what the kubelet was told to run.
    pub(super) fn tolerated_age(&self) -> Duration {
        match self {
            Self::Logs(_) => RUNNING_PODS_AGE_FOR_LOGS,
            Self::Exec { .. }
            | Self::Run { .. }
            | Self::Attach(_)
            | Self::PortForward { .. }
            | Self::Checkpoint(_)
            | Self::Read(_) => Duration::ZERO,
        }
    }

    /// The command that it would run.
    pub fn command(&self) -> &[String] {
        match self {
            Self::Exec { container: _, command } | Self::Run { container: _, command } => command,
            Self::Attach(_)
            | Self::PortForward { .. }
            | Self::Logs(_)
            | Self::Checkpoint(_)
            | Self::Read(_) => &[],
        }
    }
}

/// A request that can be judged and, if granted, asked of the kubelet.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) call: Call,
    pub(super) method: Method,
    /// Path and query, written anew.
    pub(super) target: String,
    /// The protocol that takes the connection over; exec, attach and port-forward have one.
    pub(super) protocol: Option<Protocol>,
}

impl Asked {
    /// How long the head of the kubelet's answer may take.
    pub(super) fn patience(&self) -> Duration {
        match &self.call {
            Call::Read(Endpoint::Profiling | Endpoint::NodeLogs)
            | Call::Logs(_)
            | Call::Run { .. }
            | Call::Checkpoint(_) => SLOW_HEAD_LIMIT,
            Call::Read(_) | Call::Exec { .. } | Call::Attach(_) | Call::PortForward { .. } => {
                HEAD_LIMIT
            }
        }
    }
}

/// Why a request was refused unjudged: the rule's name (a metric label) and words for the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// 400 or 403.
    pub code: u16,
    /// Name of the rule, fixed text.
    pub rule: &'static str,
    /// What the rule says.
    pub message: &'static str,
}

const fn bad(rule: &'static str, message: &'static str) -> Refusal {
    Refusal { code: 400, rule, message }
}

const NOT_CANONICAL: Refusal =
    bad("canonical-target", "path or query is not in the one form that rules are matched on");
const UNKNOWN: Refusal = Refusal {
    code: 403,
    rule: "unknown-path",
    message: "this path and method are none of the kubelet's API",
};
const LOGS_OF_PODS: Refusal = Refusal {
    code: 403,
    rule: "logs-of-pods",
    message: "logs of pods are read pod by pod, through /containerLogs",
};
const PARAMETERS: Refusal = bad("parameters", "a parameter is unknown or has an unexpected value");
const NO_COMMAND: Refusal = bad("command", "a command is needed, and none of its words is empty");
const BODY: Refusal = bad("no-body", "no call of the kubelet's API has a body");
const NOT_UPGRADED: Refusal =
    bad("upgrade", "this call needs one upgrade of the connection, to SPDY/3.1 or websocket");
const UPGRADED: Refusal = bad("no-upgrade", "this call upgrades no connection");

/// Decides what a request is.
pub(super) fn classify(request: &Parts) -> Result<Asked, Refusal> {
    let uri = &request.uri;
    // `GET http://other/exec HTTP/1.1`: a target with a host is another host's.
    if uri.authority().is_some() || uri.scheme().is_some() {
        return Err(NOT_CANONICAL);
    }
    let route = path::route(&request.method, uri.path()).map_err(|fault| match fault {
        PathFault::NotCanonical => NOT_CANONICAL,
        PathFault::Unknown => UNKNOWN,
        PathFault::LogsOfPods => LOGS_OF_PODS,
    })?;
    if upgrade::has_body(&request.headers) {
        return Err(BODY);
    }
    let query = Query::parse_with(uri.query().unwrap_or_default(), |name| may_repeat(&route, name))
        .map_err(|_| NOT_CANONICAL)?;
    let protocol = protocol(&route, request)?;
    let call = call(route, &query)?;
    let mut text = String::new();
    query.iter().for_each(|(name, value)| append_parameter(&mut text, name, value));
    let separator = if text.is_empty() { "" } else { "?" };
    let target = format!("{}{separator}{text}", uri.path());
    Ok(Asked { call, method: request.method.clone(), target, protocol })
}

/// Lists: words of a command, ports, units of the journal, checks to leave out.
fn may_repeat(route: &Route, name: &str) -> bool {
    match route {
        Route::Exec(_) => name == "command",
        Route::PortForward(_) => name == "port",
        Route::Read(Endpoint::NodeLogs) => name == "query",
        Route::Read(Endpoint::Healthz) => name == "exclude",
        Route::Read(_)
        | Route::Run(_)
        | Route::Attach(_)
        | Route::Logs(_)
        | Route::Checkpoint(_) => false,
    }
}

fn protocol(route: &Route, request: &Parts) -> Result<Option<Protocol>, Refusal> {
    match route {
        Route::Exec(_) | Route::Attach(_) | Route::PortForward(_) => {
            Protocol::asked_for(&request.method, &request.headers).map(Some).ok_or(NOT_UPGRADED)
        }
        Route::Run(_) | Route::Logs(_) | Route::Checkpoint(_) | Route::Read(_) => {
            if crate::http::hop_headers::asks_for_upgrade(&request.headers) {
                return Err(UPGRADED);
            }
            Ok(None)
        }
    }
}

fn call(route: Route, query: &Query) -> Result<Call, Refusal> {
    match route {
        Route::Exec(container) => {
            only_stream_parameters(query, "command")?;
            let command = query.iter().filter(|(name, _)| *name == "command");
            let command = command.map(|(_, value)| value.to_owned());
            let command: Vec<String> = command.collect();
            // An empty word is legal as an argument, never as the program.
            match command.first() {
                Some(program) if !program.is_empty() => Ok(Call::Exec { container, command }),
                Some(_) | None => Err(NO_COMMAND),
            }
        }
        Route::Run(container) => {
            let mut parameters = query.iter();
            let (Some(("cmd", line)), None) = (parameters.next(), parameters.next()) else {
                return Err(PARAMETERS);
            };
            let command: Vec<String> = line.split(' ').map(str::to_owned).collect();
            if command.iter().any(String::is_empty) {
                return Err(NO_COMMAND);
            }
            Ok(Call::Run { container, command })
        }
        Route::Attach(container) => {
            only_stream_parameters(query, "")?;
            Ok(Call::Attach(container))
        }
        Route::PortForward(pod) => {
            let ports = query.iter().map(|(name, value)| match name {
                "port" => listed_ports(value),
                _ => Err(PARAMETERS),
            });
            let ports: Vec<Vec<u16>> = ports.collect::<Result<_, _>>()?;
            Ok(Call::PortForward { pod, ports: ports.concat() })
        }
        Route::Logs(container) => Ok(Call::Logs(container)),
        Route::Checkpoint(container) => Ok(Call::Checkpoint(container)),
        Route::Read(Endpoint::NodeLogs) if names_files(query) => Err(LOGS_OF_PODS),
        Route::Read(endpoint) => Ok(Call::Read(endpoint)),
    }
}

/// A word with a separator is to the kubelet no unit but a file below `/var/log`, those of pods included.
fn names_files(query: &Query) -> bool {
    query.iter().any(|(name, value)| name == "query" && value.contains(['/', '\\']))
}

/// Switches for streams, which the kubelet compares with `1`; and the one list that is named.
fn only_stream_parameters(query: &Query, list: &str) -> Result<(), Refusal> {
    let known = |(name, value): (&str, &str)| match name {
        "input" | "output" | "error" | "tty" => matches!(value, "1" | "0" | "true" | "false"),
        _ => name == list,
    };
    if query.iter().all(known) { Ok(()) } else { Err(PARAMETERS) }
}

/// One port or several between commas, as the kubelet splits them.
fn listed_ports(text: &str) -> Result<Vec<u16>, Refusal> {
    text.split(',').map(|word| port(word).ok_or(PARAMETERS)).collect()
}

/// A port in the only spelling that every reader of numbers agrees on.
pub(super) fn port(text: &str) -> Option<u16> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0');
    text.parse().ok().filter(|_| is_plain)
}

#[cfg(test)]
mod tests;
