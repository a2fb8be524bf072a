//! Whom the service can reach and what it can bind, tried from within its control group: that is where
//! the kernel asks the unit's filters. A root shell there is refused no less.

use crate::support::guest::machine::Machine;
use crate::support::wait::{Outcome, ensure};
use crate::support::world::World;
use crate::support::world::namespace::NODE_ADDRESS;

/// Joins the group named first and becomes curl with what follows.
const CURL: &str = r#"
[ -z "$1" ] || echo $$ >"/sys/fs/cgroup$1/cgroup.procs"
shift
exec curl --silent --insecure --max-time 3 --output /dev/null "$@"
"#;

/// The kubelet's own API: on this machine, but not on loopback.
pub(crate) fn only_this_machine_is_reached(world: &mut World) -> Outcome {
    let proxy = world.proxy.packaged()?;
    let (machine, group) = (proxy.machine()?, proxy.property("ControlGroup")?);
    let elsewhere = format!("https://{NODE_ADDRESS}:10250/");
    let refused = curl(machine, "", &[&elsewhere]);
    refused.map_err(|error| format!("without the filter: {error}"))?;
    let reached = curl(machine, &group, &[&elsewhere]);
    ensure(reached.is_err(), || format!("{elsewhere} can be reached"))?;
    curl(machine, &group, &["https://127.0.0.1:6443/livez"])
}

pub(crate) fn no_port_is_bound(world: &mut World) -> Outcome {
    let proxy = world.proxy.packaged()?;
    let (machine, group) = (proxy.machine()?, proxy.property("ControlGroup")?);
    let from_port = ["--local-port", "45678", "https://127.0.0.1:6443/livez"];
    curl(machine, "", &from_port).map_err(|error| format!("without the filter: {error}"))?;
    let bound = curl(machine, &group, &from_port);
    ensure(bound.is_err(), || "a port can be bound".to_owned())
}

fn curl(machine: &Machine, group: &str, arguments: &[&str]) -> Outcome {
    machine.run("sh", &[&["-euc", CURL, "sh", group], arguments].concat()).map(drop)
}
