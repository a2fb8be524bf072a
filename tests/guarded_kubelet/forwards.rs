//! `kubectl port-forward`, whose ports are named inside its stream.

use std::io::{BufRead, BufReader, Read};
use std::net::TcpStream;
use std::process::{Child, ChildStdout};
use std::time::Duration;

use crate::policies::{CLOSED, GREETING, OPEN, PORTS};
use crate::support::wait::{Outcome, ensure, eventually};
use crate::support::world::World;

/// kubectl's setting for the older protocol; the newer is its default.
const PROTOCOL: &str = "KUBECTL_PORT_FORWARD_WEBSOCKETS";

/// Where kubectl listens, inside.
const LOCAL: u16 = 9090;

/// On loopback: what takes longer hangs.
const LIMIT: Duration = Duration::from_secs(20);

pub(crate) fn permitted_port_is_forwarded(world: &mut World) -> Outcome {
    for websocket in ["true", "false"] {
        let mut forward = Forward::start(world, websocket, OPEN, PORTS[0])?;
        for _ in 0..3 {
            let said = forward.connect(world)?;
            ensure(said.trim() == GREETING, || format!("websocket {websocket}: {said:?}"))?;
        }
    }
    Ok(())
}

pub(crate) fn other_port_is_refused(world: &mut World) -> Outcome {
    for websocket in ["true", "false"] {
        let mut forward = Forward::start(world, websocket, OPEN, PORTS[1])?;
        // As often as above: what is silent by chance is not silent three times.
        for _ in 0..3 {
            let said = forward.connect(world).unwrap_or_default();
            ensure(said.is_empty(), || format!("websocket {websocket}: {said:?}"))?;
        }
    }
    Ok(())
}

pub(crate) fn closed_pod_forwards_nothing(world: &mut World) -> Outcome {
    for websocket in ["true", "false"] {
        let started = Forward::start(world, websocket, CLOSED, PORTS[0]);
        let complaint = started.err().ok_or("a port of the closed pod is forwarded")?.to_string();
        let reason = "the pod's rule does not permit portForward";
        ensure(complaint.contains(reason), || format!("refused otherwise: {complaint}"))?;
    }
    Ok(())
}

/// A running `kubectl port-forward`.
struct Forward {
    kubectl: Child,
    /// Kept open: kubectl tells of every connection, and ends when nobody listens.
    _output: Option<BufReader<ChildStdout>>,
}

impl Forward {
    /// Starts it and waits until it listens. What it complains about is the error.
    fn start(world: &World, websocket: &str, pod: &str, port: u16) -> Outcome<Self> {
        let ports = format!("{LOCAL}:{port}");
        // The limit that every command here has is for single requests.
        let arguments = ["port-forward", "--request-timeout=0", pod, &ports];
        let kubectl = world.kubectl.spawn_with((PROTOCOL, websocket), &arguments)?;
        let mut forward = Self { kubectl, _output: None };
        let stdout = forward.kubectl.stdout.take().ok_or("kubectl has no output")?;
        let mut line = String::new();
        let mut stdout = BufReader::new(stdout);
        stdout.read_line(&mut line)?;
        forward._output = Some(stdout);
        if line.starts_with("Forwarding from") {
            return Ok(forward);
        }
        let mut complaint = String::new();
        if let Some(stderr) = forward.kubectl.stderr.as_mut() {
            stderr.read_to_string(&mut complaint)?;
        }
        Err(format!("port-forward said {line:?} and {complaint:?}").into())
    }

    /// What the other end says to whoever connects.
    fn connect(&mut self, world: &World) -> Outcome<String> {
        eventually("connection to kubectl", LIMIT, || {
            let ended = self.kubectl.try_wait()?;
            if ended.is_some() {
                return Ok(String::new());
            }
            world.inside.on_network(|| {
                let mut stream = TcpStream::connect(("127.0.0.1", LOCAL))?;
                stream.set_read_timeout(Some(LIMIT))?;
                let mut said = String::new();
                stream.read_to_string(&mut said)?;
                Ok(said)
            })?
        })
    }
}

impl Drop for Forward {
    fn drop(&mut self) {
        // `nsenter` is the parent of kubectl, which dies with the world at the latest.
        let _signalled = crate::support::world::namespace::signal_inner(
            &self.kubectl,
            rustix::process::Signal::TERM,
        );
        let _reaped = self.kubectl.wait();
    }
}
