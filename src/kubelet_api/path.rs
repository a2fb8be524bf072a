//! The paths of the kubelet's API (`pkg/kubelet/server/server.go`, 1.33 to 1.36), and no others.
//!
//! Matched on the one canonical spelling, case included. Two paths end in a slash where the kubelet
//! itself has it so.

use http::Method;

use super::call::{ContainerAddress, Endpoint, PodAddress};
use crate::kube_wire::grammar::Grammar;
use crate::kube_wire::request_path::CanonicalPath;

/// What a path stands for, before the query is looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Route {
    Exec(ContainerAddress),
    Run(ContainerAddress),
    Attach(ContainerAddress),
    PortForward(PodAddress),
    Logs(ContainerAddress),
    Checkpoint(ContainerAddress),
    Read(Endpoint),
}

/// Why a path leads nowhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PathFault {
    /// Another spelling than the canonical one.
    NotCanonical,
    /// A path or a method that is not known.
    Unknown,
    /// The log files of every pod on the node.
    LogsOfPods,
}

/// Reads a path.
pub(super) fn route(method: &Method, path: &str) -> Result<Route, PathFault> {
    if method == Method::GET
        && let Some(endpoint) = with_final_slash(path)?
    {
        return Ok(Route::Read(endpoint));
    }
    let path = CanonicalPath::parse(path).map_err(|_| PathFault::NotCanonical)?;
    let segments: Vec<&str> = path.segments().collect();
    let (first, rest) = segments.split_first().ok_or(PathFault::Unknown)?;
    let streams = method == Method::GET || method == Method::POST;
    let reads = method == Method::GET;
    let writes = method == Method::POST;
    if let ["logs", directory, ..] = segments.as_slice()
        && holds_logs_of_pods(directory)
    {
        return Err(PathFault::LogsOfPods);
    }
    let route = match *first {
        "exec" if streams => container(rest, true).map(Route::Exec),
        "attach" if streams => container(rest, true).map(Route::Attach),
        "run" if writes => container(rest, true).map(Route::Run),
        "portForward" if streams => pod(rest).map(Route::PortForward),
        "containerLogs" if reads => container(rest, false).map(Route::Logs),
        "checkpoint" if writes => container(rest, false).map(Route::Checkpoint),
        name if reads => endpoint(name, rest).map(Route::Read),
        _ => None,
    };
    route.ok_or(PathFault::Unknown)
}

/// Directories of the node's logs are asked for with a final slash; without one the kubelet redirects.
fn with_final_slash(path: &str) -> Result<Option<Endpoint>, PathFault> {
    Ok(match path {
        "/runningpods/" => Some(Endpoint::Pods),
        "/debug/pprof/" => Some(Endpoint::Profiling),
        "/logs/" => Some(Endpoint::NodeLogs),
        _ => {
            let directory = path.strip_suffix('/').map(CanonicalPath::parse);
            let Some(Ok(directory)) = directory else { return Ok(None) };
            match directory.segments().collect::<Vec<_>>().as_slice() {
                ["logs", first, ..] if holds_logs_of_pods(first) => {
                    return Err(PathFault::LogsOfPods);
                }
                ["logs", ..] => Some(Endpoint::NodeLogs),
                _ => None,
            }
        }
    })
}

/// `/var/log/pods` and the links to it: whoever may read the node's own logs may not read these, which
/// `logs` grants pod by pod.
fn holds_logs_of_pods(directory: &str) -> bool {
    matches!(directory, "pods" | "containers")
}

fn endpoint(first: &str, rest: &[&str]) -> Option<Endpoint> {
    match (first, rest) {
        ("metrics", [] | ["cadvisor" | "probes" | "resource" | "slis"]) => Some(Endpoint::Metrics),
        ("healthz", [] | [_]) => Some(Endpoint::Healthz),
        ("stats", ["summary"]) => Some(Endpoint::Stats),
        ("pods", []) => Some(Endpoint::Pods),
        ("configz", []) => Some(Endpoint::Configz),
        ("statusz", []) => Some(Endpoint::Statusz),
        ("flagz", []) => Some(Endpoint::Flagz),
        ("logs", [_, ..]) => Some(Endpoint::NodeLogs),
        ("debug", ["pprof", _]) => Some(Endpoint::Profiling),
        _ => None,
    }
}

/// `NAMESPACE/POD/CONTAINER`, or with the UID before the container where the kubelet takes one.
fn container(segments: &[&str], takes_uid: bool) -> Option<ContainerAddress> {
    let (name, segments) = segments.split_last()?;
    let pod = match segments {
        [_, _] => pod(segments)?,
        [_, _, _] if takes_uid => pod(segments)?,
        _ => return None,
    };
    let name = Grammar::DnsLabel.matches(name).then(|| (*name).to_owned())?;
    Some(ContainerAddress { pod, name })
}

/// `NAMESPACE/POD` or `NAMESPACE/POD/UID`.
fn pod(segments: &[&str]) -> Option<PodAddress> {
    let (namespace, name, uid) = match segments {
        [namespace, name] => (namespace, name, None),
        [namespace, name, uid] => (namespace, name, Some(uid)),
        _ => return None,
    };
    let is_sound = Grammar::DnsLabel.matches(namespace)
        && Grammar::DnsSubdomain.matches(name)
        && uid.is_none_or(|uid| Grammar::DnsLabel.matches(uid));
    is_sound.then(|| PodAddress {
        namespace: (*namespace).to_owned(),
        name: (*name).to_owned(),
        uid: uid.map(|uid| (*uid).to_owned()),
    })
}
