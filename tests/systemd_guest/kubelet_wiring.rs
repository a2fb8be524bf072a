//! An ordinary kubelet put behind the proxy and taken away again, by the commands of the page that
//! tells operators how (`docs/how-to/wire-a-kubelet.md`), in both layouts that it knows.
//!
//! The kubelet is the world's, run by the machine's systemd. Its pods' volumes would be out of
//! containerd's sight, so what is looked at is the node: who renews its lease, and by which way.

use std::fs::{copy, create_dir_all, read_to_string, write};
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::guest::packaged_proxy::ETC;
use crate::support::pki::{Identity, write_private};
use crate::support::wait::{Outcome, ensure, eventually, throughout};
use crate::support::world::control_plane::API_SERVER;
use crate::support::world::node::{NODE, node_identity};
use crate::support::world::{Route, World};
use crate::trust::lease;

const PAGE: &str = include_str!("../../docs/how-to/wire-a-kubelet.md");

/// The ports of the two ways.
const DIRECT: &str = "6443";
const PROXY: &str = "6448";

/// Leases last 20 s here and are renewed every 5 s.
const RENEWAL_LIMIT: Duration = Duration::from_secs(60);
const SILENCE: Duration = Duration::from_secs(12);

/// What `gen-certificates` writes.
const MADE: [&str; 6] =
    ["serving.crt", "serving.key", "serving-ca.crt", "client-ca.crt", "kubelet.crt", "kubelet.key"];

/// A kind of node: what is there before the proxy is.
struct Layout {
    section: &'static str,
    /// The kubeconfig that goes straight to the API server.
    kubeconfig: &'static str,
    /// The variable of its unit that says so.
    variable: &'static str,
    /// What the page has the proxy's package write for the kubelet.
    via_proxy: &'static str,
}

const KUBEADM: Layout = Layout {
    section: "## A node made by kubeadm",
    kubeconfig: "/etc/kubernetes/kubelet.conf",
    variable: "KUBELET_KUBECONFIG_ARGS=--kubeconfig=",
    via_proxy: "/etc/kubernetes/kubelet-via-proxy.conf",
};

const AKS_FLEX: Layout = Layout {
    section: "## An AKS flex node",
    kubeconfig: "/var/lib/kubelet/kubeconfig",
    variable: "KUBELET_TLS_BOOTSTRAP_FLAGS=--kubeconfig ",
    via_proxy: "/var/lib/kubelet/kubelet-via-proxy.conf",
};

const SETTINGS: [&str; 6] = [
    "vm/overcommit_memory",
    "vm/panic_on_oom",
    "kernel/panic",
    "kernel/panic_on_oops",
    "kernel/keys/root_maxkeys",
    "kernel/keys/root_maxbytes",
];

const CURRENT: &str = "/var/lib/kubelet/pki/kubelet-client-current.pem";

pub(crate) fn kubeadm_kubelet_is_wired(world: &mut World) -> Outcome {
    wired_and_undone(world, &KUBEADM)
}

pub(crate) fn aks_flex_kubelet_is_wired(world: &mut World) -> Outcome {
    wired_and_undone(world, &AKS_FLEX)
}

fn wired_and_undone(world: &mut World, layout: &Layout) -> Outcome {
    world.node.kubelet.stop()?;
    lay_out(world, layout)?;
    let (wire, undo) = commands(layout)?;
    let outcome = wire_and_undo(world, layout, &wire, &undo);
    let machine = world.proxy.packaged()?.machine()?;
    let tail = machine.run("journalctl", &["--unit=kubelet.service", "--lines=8", "--output=cat"]);
    machine.run("systemctl", &["stop", "kubelet.service"])?;
    // What the other cases count on.
    for name in MADE {
        machine.run("rm", &["-f", &format!("{ETC}/{name}")])?;
    }
    world.proxy.packaged()?.provision()?;
    world.proxy.start(world.inside)?;
    world.start_kubelet(Route::Proxy)?;
    world.wait_node_ready()?;
    outcome.map_err(|error| format!("{error}\n{}", tail.unwrap_or_default()).into())
}

fn wire_and_undo(world: &mut World, layout: &Layout, wire: &[&str], undo: &[&str]) -> Outcome {
    shell(world, "systemctl daemon-reload && systemctl restart kubelet.service")?;
    renewed(world, DIRECT)?;

    wire.iter().try_for_each(|command| shell(world, command))?;
    let machine = world.proxy.packaged()?.machine()?;
    ensure(machine.path(layout.via_proxy).exists(), || format!("no {}", layout.via_proxy))?;
    renewed(world, PROXY)?;
    let sockets = "kubelet-proxy.socket kubelet-proxy-admin.socket kubelet-proxy.service";
    shell(world, &format!("systemctl stop {sockets}"))?;
    silent(world)?;

    shell(world, "systemctl start kubelet-proxy.socket kubelet.service")?;
    renewed(world, PROXY)?;
    undo.iter().try_for_each(|command| shell(world, command))?;
    let machine = world.proxy.packaged()?.machine()?;
    let left = [layout.via_proxy, "/etc/systemd/system/kubelet.service.d/20-kubelet-proxy.conf"];
    let left = left.into_iter().filter(|file| machine.path(file).exists()).collect::<Vec<_>>();
    ensure(left.is_empty(), || format!("left: {left:?}"))?;
    ensure(machine.run("pidof", &["kubelet-proxy"]).is_err(), || "the proxy runs on".to_owned())?;
    renewed(world, DIRECT)
}

/// What such a node has before: a kubelet as a service, its certificate and its way to the API server.
fn lay_out(world: &mut World, layout: &Layout) -> Outcome {
    let settings = read_to_string(world.dir().join("kubelet.json"))?;
    let mut settings = serde_json::from_str::<Value>(&settings)?;
    let identity = node_identity(&world.authorities.nodes);
    let (nodes, servers) = (world.authorities.nodes.pem(), world.authorities.servers.pem());
    let kubelet = world.node.kubelet.program().to_owned();
    let proxy = world.proxy.packaged()?;
    proxy.stop()?;
    let machine = proxy.machine()?;
    for directory in
        ["/etc/kubernetes/pki", "/var/lib/kubelet/pki", "/run/kubelet-logs", "/run/sysctl"]
    {
        create_dir_all(machine.path(directory))?;
    }
    for setting in SETTINGS {
        let value = machine.run("cat", &[&format!("/proc/sys/{setting}")])?;
        write(machine.path(&copied(setting)), value)?;
    }
    copy(kubelet, machine.path("/usr/bin/kubelet"))?;
    write(machine.path("/etc/kubernetes/pki/ca.crt"), format!("{nodes}{servers}"))?;
    let both = format!("{}{}", identity.certificate, identity.key);
    write_private(&machine.path("/var/lib/kubelet/pki"), "kubelet-client-current.pem", &both);
    write(machine.path(layout.kubeconfig), kubeconfig(&servers))?;
    for own in ["tlsCertFile", "tlsPrivateKeyFile", "rotateCertificates"] {
        settings[own] = Value::Null;
    }
    settings["authentication"] = json!({ "webhook": { "enabled": false } });
    settings["authorization"] = json!({ "mode": "AlwaysAllow" });
    settings["podLogsDir"] = "/run/kubelet-logs".into();
    write(machine.path("/var/lib/kubelet/config.json"), settings.to_string())?;
    write(machine.path("/etc/systemd/system/kubelet.service"), unit(layout))?;
    machine.run("hostname", &[NODE])?;
    // What the operator has instead of what the page makes.
    for name in MADE {
        machine.run("rm", &["-f", &format!("{ETC}/{name}")])?;
    }
    let Identity { certificate, key } = &identity;
    proxy.put("node.crt", certificate);
    proxy.put("node.key", key);
    Ok(())
}

fn kubeconfig(servers: &str) -> String {
    use base64::prelude::{BASE64_STANDARD, Engine};
    json!({
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "node",
        "contexts": [{ "name": "node", "context": { "cluster": "here", "user": "node" } }],
        "clusters": [{ "name": "here", "cluster": {
            "server": API_SERVER,
            "certificate-authority-data": BASE64_STANDARD.encode(servers),
        } }],
        "users": [{ "name": "node", "user": {
            "client-certificate": CURRENT,
            "client-key": CURRENT,
        } }],
    })
    .to_string()
}

/// The kernel's settings and messages belong to the host: a kubelet in a container gets copies of those
/// that it sets, and does without the messages.
fn unit(layout: &Layout) -> String {
    let (variable, kubeconfig) = (layout.variable, layout.kubeconfig);
    let name = variable.split('=').next().unwrap_or_default();
    format!(
        "[Service]
Environment=\"{variable}{kubeconfig}\"
ExecStartPre=ln -sf /dev/null /dev/kmsg
ExecStart=kubelet ${name} --config=/var/lib/kubelet/config.json --hostname-override={NODE} \
--feature-gates=KubeletInUserNamespace=true
Restart=always
RestartSec=2
{}",
        SETTINGS
            .map(|setting| format!("BindPaths={}:/proc/sys/{setting}\n", copied(setting)))
            .concat()
    )
}

fn copied(setting: &str) -> String {
    format!("/run/sysctl/{}", setting.replace('/', "-"))
}

/// The commands of a section: those that wire, and those that undo it.
fn commands(layout: &Layout) -> Outcome<(Vec<&'static str>, Vec<&'static str>)> {
    let section = PAGE.split(layout.section).nth(1).ok_or("no such section")?;
    let section = section.split("\n## ").next().unwrap_or(section);
    let (wire, undo) = section.split_once("Undo:").ok_or("no way back")?;
    let of = |text: &'static str| {
        text.lines().filter_map(|line| line.strip_prefix("# ")).collect::<Vec<_>>()
    };
    let (wire, undo) = (of(wire), of(undo));
    ensure(wire.len() > 4 && undo.len() > 3, || format!("{wire:?} {undo:?}"))?;
    Ok((wire, undo))
}

fn shell(world: &mut World, command: &str) -> Outcome {
    world.proxy.packaged()?.machine()?.run("sh", &["-euc", command]).map(drop)
}

/// Waits until the kubelet has renewed the node's lease; an error if it has connections to any other
/// port than `way`, or died meanwhile.
fn renewed(world: &mut World, way: &str) -> Outcome {
    let before = lease(world).unwrap_or_default();
    eventually(&format!("lease renewed by port {way}"), RENEWAL_LIMIT, || {
        let now = lease(world)?;
        ensure(now != before, || format!("last at {now}"))
    })?;
    let machine = world.proxy.packaged()?.machine()?;
    let connections = machine.run("ss", &["-Htnp", "state", "established"])?;
    let kubelets = connections.lines().filter(|line| line.contains("\"kubelet\""));
    // Received, to be sent, here, there, process.
    let theirs = kubelets.filter_map(|line| line.split_whitespace().nth(3)?.rsplit_once(':'));
    let ports = theirs.map(|(_, port)| port).collect::<Vec<_>>();
    ensure(!ports.is_empty() && ports.iter().all(|port| *port == way), || {
        format!("the kubelet is connected to ports {ports:?}, not {way}")
    })?;
    let died = ["show", "--property=NRestarts", "--value", "kubelet.service"];
    let died = machine.run("systemctl", &died)?;
    ensure(died.trim() == "0", || format!("the kubelet was restarted {died} times"))
}

/// After the socket's end nothing of the kubelet reaches the API server.
fn silent(world: &mut World) -> Outcome {
    let before = lease(world)?;
    throughout(SILENCE, || {
        let now = lease(world)?;
        ensure(now == before, || format!("renewed at {now} without the proxy"))
    })
}
