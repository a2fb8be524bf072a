//! What systemd sees to: a process that hangs is killed and another started, new credentials are
//! loaded, and sockets that nobody knows are not served. The kubelet's socket stays throughout.

use std::time::Duration;

use crate::listener::inode;
use crate::support::guest::packaged_proxy::{PackagedProxy, RECOVERY_LIMIT, SERVICE};
use crate::support::wait::{Outcome, ensure, eventually, throughout};
use crate::support::world::World;
use crate::trust::still_works;

/// WatchdogSec= of the unit, and time to start.
const HANG_LIMIT: Duration = Duration::from_secs(60);

/// The pause before a restart for new credentials, and then some.
const BURST_LIMIT: Duration = Duration::from_secs(30);

/// Longer than that pause: a second restart would be seen.
const CALM: Duration = Duration::from_secs(6);

const STRANGER: &str = "[Socket]
ListenStream=/run/stranger.sock
FileDescriptorName=stranger
Service=kubelet-proxy.service
";

pub(crate) fn hanging_process_is_replaced(world: &mut World) -> Outcome {
    let proxy = world.proxy.packaged()?;
    let (process, socket) = (proxy.property("MainPID")?, inode(proxy)?);
    proxy.machine()?.run("kill", &["-STOP", &process])?;
    proxy.wait_replaced(&process, HANG_LIMIT)?;
    let journal = proxy.journal()?;
    ensure(journal.contains("Watchdog timeout"), || format!("no watchdog: {journal}"))?;
    same(socket, inode(proxy)?)?;
    still_works(world, "after-hang")
}

/// Seven files, one after the other, and all of them twice: as a tool that renews them might do.
pub(crate) fn burst_of_credentials_is_one_restart(world: &mut World) -> Outcome {
    let proxy = world.proxy.packaged()?;
    let (process, socket) = (proxy.property("MainPID")?, inode(proxy)?);
    for _ in 0..2 {
        world.proxy.rotate_client(&world.authorities.nodes);
        world.proxy.rotate_server(&world.authorities.servers);
    }
    let proxy = world.proxy.packaged()?;
    let restarted = proxy.wait_replaced(&process, BURST_LIMIT)?;
    throughout(CALM, || same(restarted.parse()?, proxy.property("MainPID")?.parse()?))?;
    same(socket, inode(proxy)?)
}

pub(crate) fn strange_socket_is_not_served(world: &mut World) -> Outcome {
    let proxy = world.proxy.packaged()?;
    let machine = proxy.machine()?;
    proxy.stop()?;
    std::fs::write(machine.path("/run/systemd/system/stranger.socket"), STRANGER)?;
    machine.run("systemctl", &["daemon-reload"])?;
    machine.run("systemctl", &["start", "stranger.socket", "kubelet-proxy.socket"])?;
    let refused = refusal(proxy);
    machine.run("systemctl", &["stop", "stranger.socket", "kubelet-proxy.socket", SERVICE])?;
    std::fs::remove_file(machine.path("/run/systemd/system/stranger.socket"))?;
    machine.run("systemctl", &["daemon-reload"])?;
    world.proxy.start(world.inside)?;
    refused
}

fn refusal(proxy: &PackagedProxy) -> Outcome {
    eventually("refusal of a strange socket", RECOVERY_LIMIT, || {
        // The kubelet's next connection starts the service.
        let code = proxy.property("ExecMainStatus")?;
        ensure(code == "78", || format!("exit code {code}"))?;
        let journal = proxy.journal()?;
        ensure(journal.contains("stranger"), || format!("no word of it: {journal}"))
    })
}

fn same(before: u64, now: u64) -> Outcome {
    ensure(now == before, || format!("{before} became {now}"))
}
