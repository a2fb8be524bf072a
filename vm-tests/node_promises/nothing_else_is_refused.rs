//! The proxy is in a kubelet's way with denied pods only: since it started it has refused no request
//! and no answer. A pod that makes the kubelet ask for more than the pod itself is part of it.

use serde_json::json;

use crate::node::Node;
use crate::pods::{allowed, running};
use crate::proxy::metrics;
use crate::wait::{Outcome, ensure};

/// The counter of what was refused because safety could not be established.
const REFUSED: &str = "kubelet_proxy_refused_total{reason=\"";

/// The counter of requests that were answered.
const REQUESTS: &str = "kubelet_proxy_requests_total{";

/// Connections that broke: an API server that restarts refuses, not the proxy.
const WEATHER: [&str; 3] = ["connection-lost", "draining", "unreachable"];

pub(crate) fn check(node: &Node<'_>) -> Outcome {
    let before = metrics(node)?;
    refused_nothing(&before)?;
    let name = node.named("curious");
    let own = json!({ "name": name, "labels": node.labels() });
    let mut pod = allowed(node, &name);
    pod["spec"]["volumes"] = json!([
        { "name": "settings", "configMap": { "name": name } },
        { "name": "secrets", "secret": { "secretName": name } },
    ]);
    pod["spec"]["containers"][0]["volumeMounts"] = json!([
        { "name": "settings", "mountPath": "/tmp/settings" },
        { "name": "secrets", "mountPath": "/tmp/secrets" },
    ]);
    node.create(&[
        json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": own, "data": { "a": "1" } }),
        json!({ "apiVersion": "v1", "kind": "Secret", "metadata": own, "stringData": { "b": "2" } }),
        pod,
    ])?;
    running(node, &name)?;
    let files = ["/tmp/settings/a", "/tmp/secrets/b"];
    let read = node.kubectl(&[&["exec", &name, "--", "cat"], &files[..]].concat())?;
    ensure(read == "12", || format!("the pod's files hold {read:?}"))?;
    node.clean_up()?;

    let after = metrics(node)?;
    refused_nothing(&after)?;
    ensure(requests(&after) > requests(&before), || "the proxy saw nothing of all this".to_owned())
}

fn refused_nothing(metrics: &str) -> Outcome {
    let refused = metrics.lines().filter(|line| is_refusal(line)).collect::<Vec<_>>();
    ensure(refused.is_empty(), || format!("the proxy has refused: {}", refused.join(", ")))
}

/// A line that counts something refused, more than never.
fn is_refusal(line: &str) -> bool {
    let counted = line.strip_prefix(REFUSED).and_then(|rest| rest.split_once("\"} "));
    counted.is_some_and(|(reason, times)| times != "0" && !WEATHER.contains(&reason))
}

/// All requests that were answered so far.
fn requests(metrics: &str) -> u64 {
    let lines = metrics.lines().filter(|line| line.starts_with(REQUESTS));
    lines.filter_map(|line| line.rsplit_once(' ')?.1.parse::<u64>().ok()).sum()
}
