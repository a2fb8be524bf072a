//! What is left to the service, as the kernel says.

use crate::support::wait::{Outcome, ensure};
use crate::support::world::World;

/// Lines of /proc/PID/status that must be just so, of every thread.
const CONFINED: [(&str, &str); 7] = [
    ("CapInh", "0000000000000000"),
    ("CapPrm", "0000000000000000"),
    ("CapEff", "0000000000000000"),
    ("CapBnd", "0000000000000000"),
    ("CapAmb", "0000000000000000"),
    ("NoNewPrivs", "1"),
    ("Seccomp", "2"),
];

pub(crate) fn threads_are_confined(world: &mut World) -> Outcome {
    let proxy = world.proxy.packaged()?;
    let pid = proxy.property("MainPID")?;
    let threads = proxy.machine()?.run("sh", &["-c", &format!("cat /proc/{pid}/task/*/status")])?;
    let count = threads.lines().filter(|line| line.starts_with("Pid:")).count();
    ensure(count > 1, || format!("{count} threads"))?;
    for (name, expected) in CONFINED {
        let values = threads.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        let values: Vec<&str> = values.map(str::trim).collect();
        let right = values.len() == count && values.iter().all(|value| *value == expected);
        ensure(right, || format!("{name}: {values:?}"))?;
    }
    let user = threads.lines().find(|line| line.starts_with("Uid:")).ok_or("no Uid")?;
    ensure(!user.split_whitespace().any(|number| number == "0"), || user.to_owned())
}
