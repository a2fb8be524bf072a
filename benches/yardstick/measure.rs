//! One measurement: the Go client is run once against one target and prints its figures.
//!
//! A client process measures one thing and ends, so no measurement inherits another's heap,
//! connections or garbage collection.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use crate::Failure;
use crate::arguments::Target;
use crate::running::bound;
use crate::stage::{NODE, Route, Stage};

/// Pods on the node, of about 4 KB each, one in ten denied.
pub(crate) const PODS: u32 = 500;
/// Events in one burst, which is repeated while time is left.
const BURST_EVENTS: &str = "10000";

/// The client's figures by the names it prints them under.
pub(crate) type Figures = BTreeMap<String, f64>;

/// What the client can time.
#[derive(Clone, Copy)]
pub(crate) enum Timed {
    /// Whole lists, one after another.
    List,
    /// Small reads, eight clients.
    Get,
    /// Watch events as fast as they go.
    Burst,
    /// Watch events at a steady pace.
    Lag,
}

/// What one run of the client is to do.
pub(crate) struct Load {
    pub(crate) timed: Timed,
    /// How long; `0` takes one sample.
    pub(crate) seconds: f64,
    pub(crate) pods: u32,
}

impl Load {
    /// The load of the table, for so long.
    pub(crate) fn usual(timed: Timed, seconds: Option<f64>) -> Self {
        // A list takes some 10 ms and an event of the trickle comes every 5 ms: enough samples for
        // a median in one round, and the whole table in two minutes.
        let usual = match timed {
            Timed::List | Timed::Burst => 1.0,
            Timed::Get | Timed::Lag => 1.5,
        };
        Self { timed, seconds: seconds.unwrap_or(usual), pods: PODS }
    }

    /// Runs the client over `route`. Events are ordered from `server` itself.
    pub(crate) fn run(
        &self,
        stage: &Stage,
        route: &Route,
        server: SocketAddr,
    ) -> Result<Figures, Failure> {
        let verb = match self.timed {
            Timed::List => "list",
            Timed::Get => "get",
            Timed::Burst => "burst",
            Timed::Lag => "lag",
        };
        let mut command = bound(&stage.yardstick);
        command.arg(verb).arg("-pki").arg(&stage.dir).args(["-node", NODE]);
        command.arg("-target").arg(route.address.to_string());
        command.arg("-control").arg(server.to_string());
        command.arg("-pods").arg(self.pods.to_string());
        command.arg("-seconds").arg(self.seconds.to_string());
        command.args(["-events", BURST_EVENTS]);
        let decides = matches!(route.target, Target::Ours | Target::OursV2);
        command.arg(format!("-denied={decides}"));
        let output = command.output()?;
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).trim().into());
        }
        Ok(serde_json::from_slice(&output.stdout)?)
    }
}
