//! A machine's worth of namespaces: network, processes, mounts, host name and IPC of their own.
//!
//! Everything a world starts lives in here and dies with it, also when the test is killed: the
//! leader gets SIGKILL when its parent goes, and the kernel kills what is left behind process 1.
//! Not separate are the disk (files are passed in and out by path) and the cgroups.

use std::ffi::OsStr;
use std::fs::{File, read_to_string};
use std::io::{BufRead, BufReader};
use std::os::fd::AsFd;
use std::process::{Child, Command, Stdio};
use std::thread;

use rustix::process::{Pid, Signal, kill_process};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use crate::support::wait::{Outcome, ensure};

/// The address of the node: the bridge that the pods hang on. Kubelets refuse loopback addresses.
pub(crate) const NODE_ADDRESS: &str = "10.88.0.1";

/// Where state is kept that ends with the world: a file system in memory, which overlays can use.
pub(crate) const STATE: &str = "/run/nodeward";

/// Turns bare namespaces into something a node can live in, then waits for ever as process 1.
///
/// The kernel parameters that a kubelet sets belong to the whole machine: it gets copies to write.
const FURNISH: &str = r#"
set -eu
mount -t tmpfs -o mode=755 tmpfs /run
mount -t tmpfs -o mode=755 tmpfs /var/log
mkdir -p "$STATE/var/upper" "$STATE/var/work" "$STATE/sysctl"
mount -t overlay overlay -o "lowerdir=/var/lib,upperdir=$STATE/var/upper,workdir=$STATE/var/work" /var/lib
for parameter in vm/overcommit_memory vm/panic_on_oom kernel/panic kernel/panic_on_oops \
    kernel/keys/root_maxkeys kernel/keys/root_maxbytes; do
    copy="$STATE/sysctl/$(basename "$parameter")"
    cat "/proc/sys/$parameter" > "$copy"
    mount --bind "$copy" "/proc/sys/$parameter"
done
ip link set lo up
ip link add cni0 type bridge
ip address add "$ADDRESS/16" dev cni0
ip link set cni0 up
echo furnished
sleep infinity &
wait
"#;

/// The namespaces, for as long as this lives.
pub(crate) struct Namespace {
    leader: Child,
    inside: Inside,
}

/// The way in, for as long as the [`Namespace`] lives: process 1 inside, by its number outside.
#[derive(Clone, Copy)]
pub(crate) struct Inside(i32);

impl Namespace {
    /// Must be called on a thread that outlives the world: the leader dies with its parent thread.
    pub(crate) fn create() -> Outcome<Self> {
        ensure(rustix::process::geteuid().is_root(), || {
            "a real cluster needs root (namespaces, containerd): run as root".to_owned()
        })?;
        let mut leader = Command::new("setpriv")
            .args(["--pdeathsig", "KILL", "unshare", "--net", "--pid", "--mount", "--uts", "--ipc"])
            .args(["--fork", "--kill-child", "--mount-proc", "sh", "-c", FURNISH])
            .env("STATE", STATE)
            .env("ADDRESS", NODE_ADDRESS)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut said = String::new();
        if let Some(output) = leader.stdout.take() {
            BufReader::new(output).read_line(&mut said)?;
        }
        let mut namespace = Self { leader, inside: Inside(0) };
        ensure(said.trim() == "furnished", || "the namespaces could not be furnished".to_owned())?;
        namespace.inside = Inside(only_child(&namespace.leader)?);
        Ok(namespace)
    }

    /// The way in.
    pub(crate) fn inside(&self) -> Inside {
        self.inside
    }
}

impl Inside {
    /// A command that will run inside.
    pub(crate) fn command(self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new("nsenter");
        command.arg("--target").arg(self.0.to_string());
        command.args(["--net", "--pid", "--mount", "--uts", "--ipc", "--"]).arg(program);
        command.stdin(Stdio::null());
        command
    }

    /// Runs `work` on a thread of its own inside the network namespace (and only that).
    pub(crate) fn on_network<T: Send>(self, work: impl FnOnce() -> T + Send) -> Outcome<T> {
        let network = File::open(format!("/proc/{}/ns/net", self.0))?;
        thread::scope(|scope| {
            let inside = scope.spawn(move || {
                move_into_link_name_space(network.as_fd(), Some(LinkNameSpaceType::Network))?;
                Ok(work())
            });
            inside.join().unwrap_or_else(|_| Err("a caller on the inner network panicked".into()))
        })
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        // Failing here means that the leader is gone already, and everything with it.
        let _gone = self.leader.kill();
        let _reaped = self.leader.wait();
    }
}

/// Sends `signal` to the program that `nsenter` started as its only child.
pub(crate) fn signal_inner(nsenter: &Child, signal: Signal) -> Outcome {
    let pid = Pid::from_raw(only_child(nsenter)?).ok_or("process 0 was asked for")?;
    Ok(kill_process(pid, signal)?)
}

/// The only child of the program that `nsenter` started, by its number outside.
pub(crate) fn inner_child(nsenter: &Child) -> Outcome<i32> {
    child_of(only_child(nsenter)?)
}

fn only_child(parent: &Child) -> Outcome<i32> {
    child_of(i32::try_from(parent.id())?)
}

fn child_of(parent: i32) -> Outcome<i32> {
    let listed = read_to_string(format!("/proc/{parent}/task/{parent}/children"))?;
    let first = listed.split_whitespace().next();
    Ok(first.ok_or_else(|| format!("process {parent} has no child"))?.parse()?)
}
