//! The package's own promises: an upgrade restarts the service and no socket, and a purge leaves only
//! what the operator put there.

use crate::listener::{inode, listeners};
use crate::support::guest::machine::Machine;
use crate::support::guest::packaged_proxy::{ETC, RECOVERY_LIMIT};
use crate::support::wait::{Outcome, ensure};
use crate::support::world::World;

/// Where links to units, and the book on them, would be left.
const TRACES: [&str; 5] = [
    "/etc/systemd/system",
    "/var/lib/systemd",
    "/run/systemd",
    "/var/lib/private",
    "/run/kubelet-proxy",
];

pub(crate) fn upgrade_restarts_no_socket(world: &mut World) -> Outcome {
    let proxy = world.proxy.packaged()?;
    let (process, socket) = (proxy.property("MainPID")?, inode(proxy)?);
    proxy.install()?;
    let upgraded = proxy.wait_replaced(&process, RECOVERY_LIMIT)?;
    proxy.wait_settled()?;
    let now = proxy.property("MainPID")?;
    ensure(now == upgraded, || format!("process {upgraded} was restarted once more: {now}"))?;
    let now = inode(proxy)?;
    ensure(now == socket, || format!("socket {socket} became socket {now}"))?;
    let pages = proxy.machine()?.run("dpkg", &["--listfiles", "kubelet-proxy"])?;
    for page in ["/usr/share/man/man1/kubelet-proxy-run.1.gz", "/completions/kubelet-proxy"] {
        ensure(pages.contains(page), || format!("no {page} in {pages}"))?;
    }
    Ok(())
}

pub(crate) fn purge_leaves_nothing(world: &mut World) -> Outcome {
    let proxy = world.proxy.packaged()?;
    let machine = proxy.machine()?;
    let listed = machine.run("dpkg", &["--listfiles", "kubelet-proxy"])?;
    let files = listed.lines().filter(|file| machine.path(file).is_file()).collect::<Vec<_>>();
    ensure(files.len() > 20, || format!("the package has only {files:?}"))?;
    let operators = names(machine, ETC)?;
    machine.run("dpkg", &["--purge", "kubelet-proxy"])?;

    let left = files.into_iter().filter(|file| machine.path(file).exists());
    let left = left.collect::<Vec<_>>();
    ensure(left.is_empty(), || format!("files left: {left:?}"))?;
    for trace in TRACES {
        let found = machine.command("find").args([trace, "-name", "*kubelet-proxy*"]).output()?;
        let found = String::from_utf8_lossy(&found.stdout).into_owned();
        ensure(found.is_empty(), || format!("traces: {found}"))?;
    }
    let units = ["list-units", "--all", "--plain", "--no-legend", "kubelet-proxy*"];
    let units = machine.run("systemctl", &units)?;
    ensure(units.is_empty(), || format!("units: {units}"))?;
    for group in ["kubelet-proxy-admin", "kubelet-proxy-token"] {
        let found = machine.run("getent", &["group", group]);
        ensure(found.is_err(), || format!("group: {found:?}"))?;
    }
    let running = machine.run("pidof", &["kubelet-proxy"]);
    ensure(running.is_err(), || format!("process: {running:?}"))?;
    let listening = listeners(proxy)?;
    ensure(listening.is_empty(), || format!("socket: {listening}"))?;
    let kept = names(machine, ETC)?;
    ensure(kept == operators, || format!("of {operators:?} there are {kept:?}"))?;
    // The cases that follow, and those who look after the world, count on it.
    proxy.install()?;
    proxy.provision()?;
    world.proxy.start(world.inside)
}

fn names(machine: &Machine, directory: &str) -> Outcome<Vec<String>> {
    let listed = machine.run("ls", &["-A", directory])?;
    Ok(listed.lines().map(str::to_owned).collect())
}
