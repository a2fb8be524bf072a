//! What an operator asks: the journal and the proxy itself.

use serde_json::Value;

use nodeward::audit::record::DENIAL_MESSAGE_ID;

use crate::support::wait::{Outcome, ensure};
use crate::support::world::World;

/// The page that names every field of a record.
const FIELDS: &str = include_str!("../../docs/reference/decision-record.md");

/// Becomes `nobody`, in the groups that are given, and runs what follows.
const AS_NOBODY: [&str; 2] = ["--reuid=nobody", "--regid=nogroup"];

/// Counts on a pod that an earlier case had denied; denies one if there is none.
pub(crate) fn journal_tells_of_a_denial(world: &mut World) -> Outcome {
    if world.proxy.records().is_empty() {
        crate::admission::host_path_is_rejected(world)?;
    }
    let machine = world.proxy.packaged()?.machine()?;
    let filter = format!("MESSAGE_ID={DENIAL_MESSAGE_ID}");
    let lines = ["--no-pager", "--lines=1", &filter];
    let record = machine.run("journalctl", &[&["--output=json"], &lines[..]].concat())?;
    let record = serde_json::from_str::<Value>(&record)?;
    let fields = FIELDS.lines().filter_map(|line| line.strip_prefix("| `")?.split_once('`'));
    for (field, _) in fields {
        let value = &record[format!("KP_{}", field.to_uppercase())];
        ensure(value.is_string(), || format!("no field {field} in {record}"))?;
    }
    ensure(record["KP_DECISION"] == "deny", || record.to_string())?;
    ensure(record["_SYSTEMD_UNIT"] == "kubelet-proxy.service", || record.to_string())?;
    ensure(record["SYSLOG_IDENTIFIER"] == "kubelet-proxy", || record.to_string())?;
    let explained = machine.run("journalctl", &[&["--catalog"], &lines[..]].concat())?;
    let pod = |field: &str| record[field].as_str().unwrap_or("?").to_owned();
    let subject = format!("Pod {}/{} is not admitted", pod("KP_NAMESPACE"), pod("KP_POD"));
    ensure(explained.contains(&subject), || format!("no {subject:?} in {explained}"))
}

pub(crate) fn status_is_for_administrators(world: &mut World) -> Outcome {
    let machine = world.proxy.packaged()?.machine()?;
    let said = machine.run("kubelet-proxy", &["status", "--output", "json"])?;
    let said = serde_json::from_str::<Value>(&said)?;
    for (part, state) in [("landlock", "enforced"), ("seccomp", "enforced")] {
        ensure(said["sandbox"][part]["state"] == state, || format!("{part}: {said}"))?;
    }
    ensure(said["sandbox"]["mode"] == "require", || said.to_string())?;
    ensure(said["watchdog"]["enabled"] == true, || said.to_string())?;
    let as_nobody = |groups: &str| {
        machine.run("setpriv", &[&AS_NOBODY[..], &[groups, "kubelet-proxy", "status"]].concat())
    };
    let stranger = as_nobody("--clear-groups");
    ensure(stranger.is_err(), || format!("a stranger was told {stranger:?}"))?;
    as_nobody("--groups=kubelet-proxy-admin").map(drop)
}
