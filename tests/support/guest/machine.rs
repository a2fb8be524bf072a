//! The trixie root booted: a machine of its own in all but the network, which is the world's.
//!
//! systemd-nspawn inside the world's namespaces, with a control group that the janitor removes. The
//! root is laid over by memory, so every boot is the first. Control groups are of version 2, so that
//! the filters for addresses and binding are the real ones; where the host keeps memory and process
//! counts in version 1, those limits are the only directives without effect.

use std::fs::{create_dir_all, read_to_string, write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use super::root;
use crate::support::wait::{Outcome, ensure, eventually};
use crate::support::world::janitor::Notice;
use crate::support::world::namespace::{Inside, STATE};
use crate::support::world::service::Service;

/// Measured: 0.4 s on an idle machine.
const BOOT_LIMIT: Duration = Duration::from_secs(60);

/// What becomes process 1 of the machine's world: the last line is the machine. nspawn would deny it
/// Landlock and the filters of control groups, which no real machine does.
const BOOT: &str = r#"
echo 0 >"$GROUP/cgroup.procs"
mkdir -p "$PLACE/upper" "$PLACE/work" "$PLACE/root"
mount -t overlay overlay -o "lowerdir=$ROOT,upperdir=$PLACE/upper,workdir=$PLACE/work" "$PLACE/root"
exec systemd-nspawn --boot --quiet --register=no --keep-unit --console=pipe --machine="$NAME" \
    --capability=CAP_BPF,CAP_NET_ADMIN,CAP_PERFMON \
    --system-call-filter='bpf landlock_create_ruleset landlock_add_rule landlock_restrict_self' \
    --bind=/run/containerd --directory="$PLACE/root"
"#;

/// A booted machine.
pub(crate) struct Machine {
    nspawn: Service,
    /// Process 1 in it, by its number outside.
    init: i32,
}

impl Machine {
    /// Boots one called `name` and waits until systemd has started everything.
    pub(crate) fn boot(name: &str, inside: Inside, notice: &Notice, logs: &Path) -> Outcome<Self> {
        let group = control_group(name)?;
        notice.control_group(&group);
        create_dir_all(&group)?;
        let mut nspawn = Service::new("machine", Path::new("sh"), logs)
            .arg("-euc")
            .arg(BOOT)
            .env("NAME", name)
            .env("GROUP", group.to_string_lossy())
            .env("PLACE", format!("{STATE}/{name}"))
            .env("ROOT", root()?.to_string_lossy())
            .env("SYSTEMD_NSPAWN_UNIFIED_HIERARCHY", "1");
        nspawn.start(inside)?;
        let mut machine = Self { nspawn, init: 0 };
        eventually("machine booted", BOOT_LIMIT, || {
            machine.nspawn.check_running()?;
            machine.init = machine.nspawn.inner_child()?;
            let state = machine.command("systemctl").arg("is-system-running").output()?;
            let state = String::from_utf8_lossy(&state.stdout).trim().to_owned();
            ensure(state == "running", || format!("{state}: {}", machine.failures()))
        })?;
        Ok(machine)
    }

    /// A command that will run in the machine, as root.
    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = Command::new("nsenter");
        command.arg("--target").arg(self.init.to_string());
        command
            .args(["--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup", "--root", "--wd=/"]);
        command.arg("--").arg(program).stdin(Stdio::null()).env_clear();
        command.env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin");
        command
    }

    /// Runs a command to its end and gives what it printed, or what it complained about.
    pub(crate) fn run(&self, program: &str, arguments: &[&str]) -> Outcome<String> {
        let output = self.command(program).args(arguments).output()?;
        let complaint = String::from_utf8_lossy(&output.stderr);
        ensure(output.status.success(), || {
            format!("{program} {}: {}", arguments.join(" "), complaint.trim())
        })?;
        Ok(String::from_utf8(output.stdout)?)
    }

    /// A file in the machine, by a path of ours. The machine sees changes at once.
    pub(crate) fn path(&self, inner: &str) -> PathBuf {
        PathBuf::from(format!("/proc/{}/root{inner}", self.init))
    }

    /// Adds to a unit by a file, as `systemctl edit` would; an earlier one is replaced.
    pub(crate) fn drop_in(&self, unit: &str, text: &str) -> Outcome {
        let directory = self.path(&format!("/etc/systemd/system/{unit}.d"));
        create_dir_all(&directory)?;
        write(directory.join("50-operator.conf"), text)?;
        self.run("systemctl", &["daemon-reload"]).map(drop)
    }

    /// Takes that away again, as `systemctl revert` would.
    pub(crate) fn revert(&self, unit: &str) -> Outcome {
        self.run("systemctl", &["revert", unit]).map(drop)
    }

    /// [`Machine::path`] for programs of the world that the machine runs in: there process 1 has another number.
    pub(crate) fn path_inside(&self, inner: &str) -> Outcome<PathBuf> {
        let status = read_to_string(format!("/proc/{}/status", self.init))?;
        let numbers = status.lines().find_map(|line| line.strip_prefix("NSpid:"));
        let number = numbers.and_then(|numbers| numbers.split_whitespace().rev().nth(1));
        let number = number.ok_or("process 1 of the machine has one number only")?;
        Ok(PathBuf::from(format!("/proc/{number}/root{inner}")))
    }

    /// The end of what it said on its console, for a failure.
    pub(crate) fn tail(&self) -> String {
        self.nspawn.tail()
    }

    /// nspawn itself, for those who watch over or bury it.
    pub(crate) fn nspawn(&mut self) -> &mut Service {
        &mut self.nspawn
    }

    fn failures(&self) -> String {
        self.run("systemctl", &["list-units", "--failed", "--plain", "--no-legend"])
            .unwrap_or_default()
    }
}

/// A control group of version 2 for this test process alone.
fn control_group(name: &str) -> Outcome<PathBuf> {
    let trees = ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"].map(Path::new);
    let tree = trees.into_iter().find(|tree| tree.join("cgroup.controllers").exists());
    let tree = tree.ok_or("no control groups of version 2 below /sys/fs/cgroup")?;
    Ok(tree.join(format!("nodeward-{name}-{}", std::process::id())))
}
