//! The proxy as an operator has it: installed from the Debian package, activated by its sockets,
//! sandboxed as shipped. Only files below /etc/kubelet-proxy and `systemctl` are used to steer it.

use std::fs::create_dir_all;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::machine::Machine;
use crate::support::pki::{Identity, write_private};
use crate::support::wait::{Outcome, ensure, eventually};
use crate::support::world::caller::Answer;
use crate::support::world::janitor::Notice;
use crate::support::world::namespace::Inside;

/// The unit.
pub(crate) const SERVICE: &str = "kubelet-proxy.service";

/// What restarts it for new credentials.
const RESTARTER: &str = "kubelet-proxy-credentials.service";

/// Those that start it.
pub(crate) const SOCKETS: [&str; 2] = ["kubelet-proxy.socket", "kubelet-proxy-admin.socket"];

/// Where an operator puts things.
pub(crate) const ETC: &str = "/etc/kubelet-proxy";

/// Where health and metrics are.
pub(crate) const ADMIN_SOCKET: &str = "/run/kubelet-proxy/admin.sock";

/// Longest pause between two tries of the unit to start, and then some.
pub(crate) const RECOVERY_LIMIT: Duration = Duration::from_secs(40);

/// The script that makes the package.
const BUILD_DEB: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/packaging/build-deb");

/// The machine, once it is booted, and what is put into it.
pub(crate) struct PackagedProxy {
    machine: Option<Machine>,
    notice: Notice,
    logs: PathBuf,
    /// What belongs into /etc/kubelet-proxy, for a boot that is still to come.
    staged: PathBuf,
    package: PathBuf,
}

impl PackagedProxy {
    /// Packs `program`; nothing is booted yet.
    pub(crate) fn new(program: &Path, dir: &Path, logs: &Path, notice: Notice) -> Outcome<Self> {
        let (staged, package) = (dir.join("etc"), dir.join("kubelet-proxy.deb"));
        create_dir_all(&staged)?;
        let mut build = Command::new(BUILD_DEB);
        let built = build.args([program, &package]).arg("--fast").stdin(Stdio::null()).output()?;
        let complaint = String::from_utf8_lossy(&built.stderr);
        ensure(built.status.success(), || format!("{BUILD_DEB}: {complaint}"))?;
        Ok(Self { machine: None, notice, logs: logs.to_owned(), staged, package })
    }

    /// The machine it runs on.
    pub(crate) fn machine(&self) -> Outcome<&Machine> {
        self.machine.as_ref().ok_or_else(|| "the machine is not booted".into())
    }

    /// A path in the machine, for programs of the world outside it.
    pub(crate) fn path_inside(&self, inner: &str) -> Outcome<PathBuf> {
        self.machine()?.path_inside(inner)
    }

    /// Puts a file into /etc/kubelet-proxy, in place of one that is there.
    pub(crate) fn put(&self, name: &str, content: &str) {
        write_private(&self.staged, name, content);
        if let Some(machine) = &self.machine {
            write_private(&machine.path(ETC), name, content);
        }
    }

    /// Takes files away from there, if they are there.
    pub(crate) fn take_away(&self, names: &[&str]) -> Outcome {
        for directory in [self.staged.clone(), self.machine()?.path(ETC)] {
            for file in names.iter().map(|name| directory.join(name)).filter(|file| file.exists()) {
                std::fs::remove_file(file)?;
            }
        }
        Ok(())
    }

    /// Puts `NAME.crt` and `NAME.key` there.
    pub(crate) fn put_identity(&self, name: &str, identity: &Identity) {
        self.put(&format!("{name}.crt"), &identity.certificate);
        self.put(&format!("{name}.key"), &identity.key);
    }

    /// Replaces the policy: root's to write, everybody's to read.
    pub(crate) fn put_policy(&self, text: &str) -> Outcome {
        self.put("policy.json", text);
        let Some(machine) = &self.machine else { return Ok(()) };
        machine.run("chmod", &["644", &format!("{ETC}/policy.json")]).map(drop)
    }

    /// Starts the sockets and has a first connection start the service. The first time the machine
    /// is booted and the package installed.
    pub(crate) fn start(&mut self, inside: Inside) -> Outcome {
        if self.machine.is_none() {
            let machine = Machine::boot("node-1", inside, &self.notice, &self.logs)?;
            self.machine = Some(machine);
            self.install()?;
            self.provision()?;
        }
        self.machine()?.run("systemctl", &["start", "kubelet-proxy.socket"])?;
        self.wait_live()
    }

    /// Installs the package, over one that is there as well.
    pub(crate) fn install(&self) -> Outcome {
        let machine = self.machine()?;
        std::fs::copy(&self.package, machine.path("/root/kubelet-proxy.deb"))?;
        machine.run("dpkg", &["--install", "/root/kubelet-proxy.deb"]).map(drop)
    }

    /// Puts there what an operator would, and enables the sockets. Every credential is new by that: a
    /// service that runs is restarted some seconds later.
    pub(crate) fn provision(&self) -> Outcome {
        let machine = self.machine()?;
        for file in std::fs::read_dir(&self.staged)? {
            let file = file?;
            std::fs::copy(file.path(), machine.path(ETC).join(file.file_name()))?;
        }
        machine.run("chmod", &["644", &format!("{ETC}/policy.json")])?;
        machine.run("systemctl", &["enable", "--now", "kubelet-proxy.socket"]).map(drop)
    }

    /// Waits until it answers for itself on the administrative socket.
    pub(crate) fn wait_live(&self) -> Outcome {
        eventually("kubelet-proxy.service live", RECOVERY_LIMIT, || {
            let health = self.admin("/livez")?;
            ensure(health.status == 200, || format!("/livez: {health:?}"))
        })
        .map_err(|error| format!("{error}\n{}", self.tail()).into())
    }

    /// Waits until no restart is under way, nor asked for: whatever comes next deals with one process.
    pub(crate) fn wait_settled(&self) -> Outcome {
        let machine = self.machine()?;
        eventually("no restart pending", RECOVERY_LIMIT, || {
            let restarter = ["show", "--property=ActiveState", "--value", RESTARTER];
            let restarter = machine.run("systemctl", &restarter)?;
            let jobs = machine.run("systemctl", &["list-jobs", "--no-legend", SERVICE])?;
            ensure(restarter.trim() == "inactive" && jobs.is_empty(), || {
                format!("{RESTARTER} is {restarter}, jobs: {jobs}")
            })
        })
    }

    /// `systemctl VERB kubelet-proxy.service`, waited for.
    pub(crate) fn systemctl(&self, verb: &str) -> Outcome {
        self.machine()?.run("systemctl", &[verb, SERVICE]).map(drop)
    }

    /// Stops the service and what would start it again.
    pub(crate) fn stop(&self) -> Outcome {
        self.machine()?.run("systemctl", &[&["stop"], &SOCKETS[..], &[SERVICE]].concat()).map(drop)
    }

    /// A property of the service, as `systemctl show` has it.
    pub(crate) fn property(&self, name: &str) -> Outcome<String> {
        let shown =
            self.machine()?.run("systemctl", &["show", "--property", name, "--value", SERVICE]);
        Ok(shown?.trim().to_owned())
    }

    /// Kills the process as a crash would, and waits until systemd has started another.
    pub(crate) fn crash(&self) -> Outcome {
        let before = self.property("MainPID")?;
        self.machine()?
            .run("systemctl", &["kill", "--kill-whom=main", "--signal=KILL", SERVICE])?;
        self.wait_replaced(&before, RECOVERY_LIMIT)?;
        self.wait_live()
    }

    /// Waits until another process than this one is the service, and tells which. State and process are
    /// asked for at once: between two questions an old process ends, and none is not yet another.
    pub(crate) fn wait_replaced(&self, before: &str, limit: Duration) -> Outcome<String> {
        eventually("another process", limit, || {
            let asked = ["show", "--property=ActiveState,MainPID", SERVICE];
            let shown = self.machine()?.run("systemctl", &asked)?;
            let value = |name: &str| {
                let of = |line: &str| Some(line.strip_prefix(name)?.strip_prefix('=')?.to_owned());
                shown.lines().find_map(of).ok_or_else(|| format!("no {name} in {shown}"))
            };
            let (state, now) = (value("ActiveState")?, value("MainPID")?);
            let is_replaced = state == "active" && now != before && now != "0";
            ensure(is_replaced, || format!("{state}, process {now}"))?;
            Ok(now)
        })
    }

    /// Asks the administrative socket.
    pub(crate) fn admin(&self, target: &str) -> Outcome<Answer> {
        let url = format!("http://proxy{target}");
        let asked =
            ["--silent", "--show-error", "--max-time", "20", "--write-out", "\n%{http_code}"];
        let machine = self.machine()?;
        let said =
            machine.run("curl", &[&asked[..], &["--unix-socket", ADMIN_SOCKET, &url]].concat())?;
        let (body, status) = said.rsplit_once('\n').ok_or("curl said nothing")?;
        Ok(Answer { status: status.parse()?, body: body.to_owned(), certificate: Vec::new() })
    }

    /// What the journal has of one kind of record, each with the names of the reference page.
    pub(crate) fn records(&self, message_id: &str) -> Outcome<Vec<Value>> {
        let filter = format!("MESSAGE_ID={message_id}");
        let journal =
            self.machine()?.run("journalctl", &["--output=json", "--no-pager", &filter])?;
        let records = journal.lines().map(|line| {
            let fields = serde_json::from_str::<Map<String, Value>>(line)?;
            let own = fields.into_iter().filter_map(|(name, value)| {
                Some((name.strip_prefix("KP_")?.to_lowercase(), value))
            });
            Ok(Value::Object(own.collect()))
        });
        records.collect()
    }

    /// The last that systemd and the service have said of it, without times.
    pub(crate) fn journal(&self) -> Outcome<String> {
        let lines = ["--unit", SERVICE, "--lines=300", "--no-pager", "--output=cat"];
        self.machine()?.run("journalctl", &lines)
    }

    /// The end of its log.
    pub(crate) fn tail(&self) -> String {
        let Ok(machine) = self.machine() else { return "the machine is not booted".to_owned() };
        let lines = ["--unit", SERVICE, "--lines=25", "--no-pager", "--output=short-precise"];
        let journal = machine.run("journalctl", &lines).unwrap_or_else(|error| error.to_string());
        format!("--- {SERVICE} ---\n{journal}\n{}", machine.tail())
    }

    /// An error if the machine, or a socket of the proxy, is gone. Waits for a restart that a case leaves
    /// behind: the next one may count what a process does.
    pub(crate) fn check_running(&mut self) -> Outcome {
        let machine = self.machine.as_mut().ok_or("the machine is not booted")?;
        machine.nspawn().check_running()?;
        machine.run("systemctl", &["is-active", "kubelet-proxy.socket"])?;
        self.wait_settled()
    }

    /// Collects nspawn after the namespace has ended.
    pub(crate) fn reap(&mut self) {
        if let Some(machine) = &mut self.machine {
            machine.nspawn().reap();
        }
    }
}

/// The kubeconfig that the service is given: its files lie beside it, as credentials.
pub(crate) fn upstream_kubeconfig(server: &str) -> String {
    json!({
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "node",
        "contexts": [{ "name": "node", "context": { "cluster": "here", "user": "node" } }],
        "clusters": [{ "name": "here", "cluster": {
            "server": server,
            "certificate-authority": "upstream-ca.crt",
        } }],
        "users": [{ "name": "node", "user": {
            "client-certificate": "node.crt",
            "client-key": "node.key",
        } }],
    })
    .to_string()
}
