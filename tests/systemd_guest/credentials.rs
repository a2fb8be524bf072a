//! Credentials that are not files of the operator: a token from a plugin, which the proxy's sandbox
//! could not run, and a measurement where there is a TPM.

use std::fs::{Permissions, set_permissions, write};
use std::os::unix::fs::PermissionsExt;

use serde_json::json;

use crate::support::guest::packaged_proxy::{PackagedProxy, RECOVERY_LIMIT, upstream_kubeconfig};
use crate::support::wait::{Outcome, ensure};
use crate::support::world::World;
use crate::support::world::control_plane::{API_SERVER, NODE_TOKEN};
use crate::support::world::node::NODE;
use crate::trust::still_works;

const PLUGIN: &str = "/usr/local/bin/node-token";
const TOKEN_UNIT: &str = "kubelet-proxy-token.service";
const MEASURE_UNIT: &str = "kubelet-proxy-measure.service";

/// What the plugin may look into, one process id a line; itself at least.
const SEEN: &str = "/run/kubelet-proxy-token/seen";

pub(crate) fn token_of_a_plugin_is_used(world: &mut World) -> Outcome {
    let proxy = world.proxy.packaged()?;
    let process = proxy.property("MainPID")?;
    let machine = proxy.machine()?;
    write(machine.path(PLUGIN), plugin())?;
    set_permissions(machine.path(PLUGIN), Permissions::from_mode(0o755))?;
    proxy.put(
        "exec.kubeconfig",
        &kubeconfig(&json!({ "exec": {
        "apiVersion": "client.authentication.k8s.io/v1",
        "command": PLUGIN,
        "interactiveMode": "Never",
    } })),
    );
    machine.run("systemctl", &["start", TOKEN_UNIT])?;
    // A certificate names the node, a token does not.
    machine.drop_in(
        "kubelet-proxy.service",
        &format!(
            "[Service]\nEnvironment=\"KUBELET_PROXY_FLAGS=--client-name=system:node:{NODE}\"\n"
        ),
    )?;
    proxy.put(
        "upstream.kubeconfig",
        &kubeconfig(&json!({
            "tokenFile": "/run/kubelet-proxy-token/token",
        })),
    );
    let renewed = proxy.wait_replaced(&process, RECOVERY_LIMIT);
    let outcome =
        renewed.and_then(|_| looks_away(proxy)).and_then(|()| still_works(world, "by-token"));
    // Back to what the other cases count on.
    let proxy = world.proxy.packaged()?;
    let process = proxy.property("MainPID")?;
    proxy.machine()?.revert("kubelet-proxy.service")?;
    proxy.put("upstream.kubeconfig", &upstream_kubeconfig(API_SERVER));
    proxy.wait_replaced(&process, RECOVERY_LIMIT)?;
    proxy.machine()?.run("systemctl", &["stop", TOKEN_UNIT])?;
    outcome
}

/// The plugin has its own user, and what it tried to read of the proxy it did not get.
fn looks_away(proxy: &PackagedProxy) -> Outcome {
    let machine = proxy.machine()?;
    let plugin =
        machine.run("systemctl", &["show", "--property=MainPID", "--value", TOKEN_UNIT])?;
    let user = |process: &str| machine.run("stat", &["--format=%u", &format!("/proc/{process}")]);
    let (proxys, plugins) = (user(&proxy.property("MainPID")?)?, user(plugin.trim())?);
    ensure(proxys != plugins && plugins.trim() != "0", || format!("{proxys} and {plugins}"))?;
    machine.run("systemctl", &["restart", TOKEN_UNIT])?;
    let seen = machine.run("cat", &[SEEN])?;
    let process = proxy.property("MainPID")?;
    ensure(seen.lines().count() > 0, || "the plugin sees not even itself".to_owned())?;
    ensure(seen.lines().all(|line| line != process), || format!("it sees the proxy: {seen}"))
}

pub(crate) fn without_a_tpm_nothing_is_measured(world: &mut World) -> Outcome {
    let machine = world.proxy.packaged()?.machine()?;
    let shown = |property: &str| {
        machine.run("systemctl", &["show", "--property", property, "--value", MEASURE_UNIT])
    };
    let (asked, result) = (shown("ConditionTimestamp")?, shown("ConditionResult")?);
    ensure(!asked.trim().is_empty(), || "nobody wanted it".to_owned())?;
    let state = shown("ActiveState")?;
    ensure(result.trim() == "no" && state.trim() == "inactive", || format!("{result}, {state}"))
}

fn kubeconfig(user: &serde_json::Value) -> String {
    json!({
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "node",
        "contexts": [{ "name": "node", "context": { "cluster": "here", "user": "node" } }],
        "clusters": [{ "name": "here", "cluster": {
            "server": API_SERVER,
            "certificate-authority": "upstream-ca.crt",
        } }],
        "users": [{ "name": "node", "user": user }],
    })
    .to_string()
}

fn plugin() -> String {
    let answer = json!({
        "apiVersion": "client.authentication.k8s.io/v1",
        "kind": "ExecCredential",
        "status": { "token": NODE_TOKEN },
    });
    format!(
        "#!/bin/sh
for process in /proc/[0-9]*; do
    ! cat $process/environ >/dev/null 2>&1 || echo ${{process#/proc/}}
done >{SEEN}
echo '{answer}'
"
    )
}
