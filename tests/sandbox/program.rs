//! The real binary, confined: it serves, reloads and tells; with a credential plugin it does not.

use std::fs;
use std::io::Write;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixDatagram;
use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::proxy::{BINARY, PATIENCE, Proxy, Site, echo_server, get};
use crate::support::pki::Authority;

const REQUIRE: &str = "--sandbox=require";
const NODE: &str = "/api/v1/nodes/n";

pub(crate) fn every_thread_is_confined() {
    let site = Site::new(&format!("http://{}", echo_server()));
    let mut proxy = Proxy::start(Command::new(BINARY), &site, &[REQUIRE]);
    // Work for the workers and the blocking threads.
    assert!(get(proxy.address(), NODE).starts_with("HTTP/1.1 200 "));
    let tasks = fs::read_dir(format!("/proc/{}/task", proxy.id())).unwrap();
    let tasks: Vec<_> = tasks.map(|task| task.unwrap().path()).collect();
    assert!(tasks.len() > 1, "{tasks:?}");
    for task in tasks {
        let status = fs::read_to_string(task.join("status")).unwrap();
        for set in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"] {
            assert!(status.contains(&format!("{set}:\t0000000000000000\n")), "{set}: {status}");
        }
        assert!(status.contains("NoNewPrivs:\t1\n"), "{status}");
        assert!(status.contains("Seccomp:\t2\n"), "{status}");
    }
}

pub(crate) fn serves_and_reloads() {
    let site = Site::new(&format!("http://{}", echo_server()));
    let servers = Authority::new("servers");
    let kubelets = Authority::new("kubelets").pem();
    servers.server(&["127.0.0.1"]).write(site.directory(), "serving");
    let client_ca = crate::support::pki::write_private(site.directory(), "ca.crt", &kubelets);
    let notify_path = site.directory().join("notify");
    let notify = UnixDatagram::bind(&notify_path).unwrap();
    notify.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut command = Command::new(BINARY);
    command
        .env("NOTIFY_SOCKET", &notify_path)
        .args([REQUIRE, "--allow-all-pods", "--allow-http-upstream", "--listen-addr=127.0.0.1:0"])
        .args(["--client-name=system:node:n", "--log-format=json"])
        .arg("--kubeconfig")
        .arg(site.kubeconfig())
        .arg("--tls-cert")
        .arg(site.directory().join("serving.crt"))
        .arg("--tls-key")
        .arg(site.directory().join("serving.key"))
        .arg("--client-ca")
        .arg(client_ca);
    let mut proxy = Proxy::start_as_is(command);
    let mut told = [0; 512];
    let length = notify.recv(&mut told).unwrap();
    assert!(told[..length].starts_with(b"READY=1\n"), "systemd was not told");
    proxy.forget();
    servers.server(&["127.0.0.1"]).write(site.directory(), "serving");
    assert_eq!(proxy.line("reloaded")["level"], "INFO");
}

/// The name is in no file that a test may write, so it is the one that every machine has.
pub(crate) fn resolves_names() {
    let port = echo_server().port();
    let site = Site::new(&format!("http://localhost:{port}"));
    let mut proxy = Proxy::start(Command::new(BINARY), &site, &[REQUIRE]);
    let answer = get(proxy.address(), NODE);
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
}

pub(crate) fn tells() {
    let admin = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap();
    let site = Site::new("http://127.0.0.1:1");
    let address = format!("--metrics-addr={admin}");
    let mut proxy = Proxy::start(Command::new(BINARY), &site, &[REQUIRE, &address]);
    let line = proxy.line("sandboxed");
    for (field, expected) in [
        ("mode", json!("require")),
        ("landlock", json!("enforced")),
        ("seccomp", json!("enforced")),
        ("no_new_privileges", json!(true)),
        ("capabilities_in_bounding_set", json!(0)),
    ] {
        assert_eq!(line[field], expected, "{field}: {line}");
    }
    assert_eq!(proxy.warnings().filter(|warning| warning.contains("sandbox")).count(), 0);
    let metrics = get(admin, "/metrics");
    let abi = line["landlock_abi"].as_i64().unwrap();
    let sample = format!(
        "kubelet_proxy_sandbox_info{{mode=\"require\",landlock=\"enforced\",landlock_abi=\"{abi}\",\
         seccomp=\"enforced\",no_new_privileges=\"true\"}} 1\n"
    );
    assert!(abi >= 4 && metrics.contains(&sample), "{metrics}");
    assert!(metrics.contains("kubelet_proxy_capabilities_left{set=\"bounding\"} 0\n"), "{metrics}");
}

/// A site whose credentials come from a program, and the directory with that program.
fn site_with_plugin(server: &str) -> (Site, TempDir) {
    let directory = TempDir::new().unwrap();
    let program = directory.path().join("plugin");
    let credential = json!({
        "apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential",
        "status": {"token": "from-the-plugin"}
    });
    let mut file = fs::File::create(&program).unwrap();
    write!(file, "#!/bin/sh\ncat <<'EOF'\n{credential}\nEOF\n").unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let user: Value = json!({"exec": {
        "apiVersion": "client.authentication.k8s.io/v1", "interactiveMode": "Never",
        "command": program, "provideClusterInfo": false
    }});
    (Site::with_user(server, &user), directory)
}

pub(crate) fn plugin_is_refused() {
    let (site, _program) = site_with_plugin("http://127.0.0.1:1");
    let said = site.refusal(Command::new(BINARY));
    for part in ["users[u].exec", "kubelet-proxy-token.service", "tokenFile"] {
        assert!(said.contains(part), "{said}");
    }
}

pub(crate) fn plugin_runs_under_best_effort() {
    let (site, _program) = site_with_plugin(&format!("http://{}", echo_server()));
    let mut proxy = Proxy::start(Command::new(BINARY), &site, &["--sandbox=best-effort"]);
    let line = proxy.line("sandboxed");
    for part in ["landlock", "seccomp"] {
        assert_eq!(line[part], "off", "{line}");
        let reason = line[format!("{part}_reason")].as_str().unwrap();
        assert!(reason.contains("credential plugin"), "{line}");
    }
    assert_eq!(line["no_new_privileges"], true, "{line}");
    assert!(proxy.warnings().any(|warning| warning.contains("kubelet-proxy-token.service")));
    let answer = get(proxy.address(), NODE);
    assert!(answer.contains("Bearer from-the-plugin"), "{answer}");
}
