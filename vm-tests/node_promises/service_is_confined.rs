//! The proxy's process can do nothing but its work: no thread of it has a capability or could get
//! one, and each is under a seccomp filter. What it says of itself agrees with the kernel.

use std::fs::{read_dir, read_to_string};
use std::path::Path;

use serde_json::Value;

use crate::node::Node;
use crate::proxy::{main_pid, status};
use crate::wait::{Outcome, ensure};

/// What every thread's `/proc/PID/task/TID/status` has to say. 2 is a filter.
const KERNEL: [(&str, &str); 7] = [
    ("CapInh", "0000000000000000"),
    ("CapPrm", "0000000000000000"),
    ("CapEff", "0000000000000000"),
    ("CapBnd", "0000000000000000"),
    ("CapAmb", "0000000000000000"),
    ("NoNewPrivs", "1"),
    ("Seccomp", "2"),
];

pub(crate) fn check(node: &Node<'_>) -> Outcome {
    let said = status(node)?;
    let threads = format!("/proc/{}/task", main_pid(node)?);
    let threads = read_dir(&threads).map_err(|error| format!("{threads}: {error}"))?;
    for thread in threads {
        is_confined(&thread?.path().join("status"))?;
    }
    let sandbox = &said["sandbox"];
    agrees(sandbox).map_err(|error| format!("{error}: its /status says {sandbox}").into())
}

fn is_confined(path: &Path) -> Outcome {
    let status = read_to_string(path)?;
    KERNEL.into_iter().try_for_each(|(field, wanted)| {
        let value = status.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
        let value = value.map(str::trim);
        ensure(value == Some(wanted), || {
            format!("{} says {field} {value:?} instead of {wanted}", path.display())
        })
    })
}

fn agrees(sandbox: &Value) -> Outcome {
    let left = sandbox["capabilitiesLeft"].as_object().ok_or("no capabilitiesLeft")?;
    let empty = |set: &Value| set.as_array().is_some_and(Vec::is_empty);
    ensure(left.values().all(empty), || "capabilities left".to_owned())?;
    ensure(sandbox["noNewPrivileges"] == true, || "no noNewPrivileges".to_owned())?;
    ensure(sandbox["seccomp"]["state"] == "enforced", || "seccomp".to_owned())?;
    let landlock = &sandbox["landlock"]["state"];
    ensure(landlock == "enforced" || landlock == "partial", || "landlock".to_owned())
}
