//! What a reload refuses. What it puts in force is a promise of its own (`vm-tests/node_promises`).

use crate::support::guest::packaged_proxy::ETC;
use crate::support::wait::{Outcome, ensure};
use crate::support::world::World;

/// Whoever can write the file could admit any pod: it does not count, and what was read before does.
pub(crate) fn policy_of_everybody_is_refused(world: &mut World) -> Outcome {
    let proxy = world.proxy.packaged()?;
    let machine = proxy.machine()?;
    let file = format!("{ETC}/policy.json");
    proxy.systemctl("reload")?;
    let (before, process) = (proxy.property("StatusText")?, proxy.property("MainPID")?);
    let digest = before.split(' ').find_map(|word| word.strip_prefix("sha256:"));
    let digest = digest.ok_or_else(|| format!("no digest in {before:?}"))?.to_owned();

    machine.run("chmod", &["666", &file])?;
    // What systemctl says of it is not what counts.
    let _told = proxy.systemctl("reload");
    let refused = proxy.property("StatusText")?;
    let seen =
        machine.command("systemctl").args(["status", "--no-pager", "kubelet-proxy"]).output();
    machine.run("chmod", &["644", &file])?;
    let expected = format!("reload refused, policy sha256:{digest} stays in force: ");
    ensure(refused.starts_with(&expected) && refused.contains("policy.json"), || refused.clone())?;
    let seen = String::from_utf8(seen?.stdout)?;
    ensure(seen.contains(&refused), || format!("systemctl status does not say why: {seen}"))?;

    proxy.systemctl("reload")?;
    let (after, now) = (proxy.property("StatusText")?, proxy.property("MainPID")?);
    let expected = format!("policy sha256:{digest} in force");
    ensure(after.starts_with(&expected) && now == process, || format!("{after}, process {now}"))
}
