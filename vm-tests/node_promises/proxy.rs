//! The running proxy: its administrative endpoint and its process.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use serde_json::Value;

use crate::node::Node;
use crate::wait::{Outcome, ensure};

/// On the same machine: what takes longer hangs.
const LIMIT: Duration = Duration::from_secs(10);

/// What the proxy says of itself: `GET /status`.
pub(crate) fn status(node: &Node<'_>) -> Outcome<Value> {
    Ok(serde_json::from_str(&ask_socket(node, "/status")?)?)
}

/// Its metrics, from the administrative socket or, without one, from --metrics-url.
pub(crate) fn metrics(node: &Node<'_>) -> Outcome<String> {
    let Some(url) = &node.options.metrics_url else {
        return ask_socket(node, "/metrics");
    };
    let address = url.strip_prefix("http://").and_then(|rest| rest.split_once('/'));
    let (address, target) =
        address.ok_or_else(|| format!("--metrics-url {url} is not http://ADDRESS:PORT/PATH"))?;
    let stream = TcpStream::connect(address).map_err(|error| format!("{url}: {error}"))?;
    stream.set_read_timeout(Some(LIMIT))?;
    get(stream, &format!("/{target}")).map_err(|error| format!("{url}: {error}").into())
}

/// The number of its main process.
pub(crate) fn main_pid(node: &Node<'_>) -> Outcome<u32> {
    let command = node.options.main_pid()?;
    let printed = command.run()?;
    let pid = printed.trim().parse().map_err(|_| format!("{command} printed {printed:?}"))?;
    // What systemd prints of a service that does not run.
    ensure(pid != 0, || format!("{command}: the proxy does not run"))?;
    Ok(pid)
}

fn ask_socket(node: &Node<'_>, target: &str) -> Outcome<String> {
    let path = node.options.admin_socket()?;
    let place = |error: &dyn std::fmt::Display| format!("{} {target}: {error}", path.display());
    let stream = UnixStream::connect(path).map_err(|error| place(&error))?;
    stream.set_read_timeout(Some(LIMIT))?;
    get(stream, target).map_err(|error| place(&error).into())
}

fn get(mut stream: impl Read + Write, target: &str) -> Outcome<String> {
    write!(stream, "GET {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
    let mut said = String::new();
    stream.read_to_string(&mut said)?;
    let (head, body) = said.split_once("\r\n\r\n").ok_or("no whole answer")?;
    let status = head.lines().next().unwrap_or_default();
    ensure(status.starts_with("HTTP/1.1 200 "), || format!("{status}: {body}"))?;
    Ok(body.to_owned())
}
