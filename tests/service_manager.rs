//! The real binary as a service manager sees it: readiness, reloads, the watchdog, the admin socket.
//!
//! The notification socket and the environment are those of systemd; systemd itself comes in
//! `tests/systemd_guest.rs`. Every child is killed when its test ends, however it ends.

#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "test code, which clippy recognises only in unit tests"
)]

use std::fs::{self, Permissions};
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tempfile::TempDir;

const BINARY: &str = env!("CARGO_BIN_EXE_kubelet-proxy");

/// What any step may take on a loaded machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// Long enough for something that should not happen to happen.
const IMPATIENCE: Duration = Duration::from_millis(1500);

/// A running proxy, and the manager's end of its notification socket.
struct Service {
    child: Child,
    directory: TempDir,
    notifications: UnixDatagram,
}

impl Service {
    /// Starts it under the policy `strict`, which only root can write, and waits until it is ready.
    fn start(flags: &[&str], environment: &[(&str, &str)]) -> Self {
        let directory = TempDir::new().unwrap();
        let notifications = UnixDatagram::bind(directory.path().join("notify")).unwrap();
        notifications.set_read_timeout(Some(PATIENCE)).unwrap();
        let path = |name: &str| directory.path().join(name);
        fs::write(path("kubeconfig"), kubeconfig()).unwrap();
        write_policy(&path("policy.json"), "strict");
        // The loosest of umasks: what is private must be so by itself.
        let child = Command::new("sh")
            .args(["-c", "umask 0; exec \"$0\" \"$@\"", BINARY])
            .args(["--allow-plaintext", "--allow-any-client", "--allow-http-upstream"])
            .args(["--listen-addr", "127.0.0.1:0", "--log-format", "json", "--sandbox=require"])
            .arg("--kubeconfig")
            .arg(path("kubeconfig"))
            .arg("--admission-policy")
            .arg(path("policy.json"))
            .arg("--admin-socket")
            .arg(path("admin.sock"))
            .args(flags)
            .env("NOTIFY_SOCKET", path("notify"))
            .envs(environment.iter().copied())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut service = Self { child, directory, notifications };
        let ready = service.notification();
        assert!(ready.starts_with("READY=1\nSTATUS=policy sha256:"), "{ready}");
        assert!(ready.ends_with(" in force"), "{ready}");
        service
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// The next datagram.
    fn notification(&mut self) -> String {
        let mut buffer = [0; 4096];
        let length = self.notifications.recv(&mut buffer).unwrap();
        String::from_utf8(buffer[..length].to_vec()).unwrap().trim_end().to_owned()
    }

    /// Asks for a reload and returns the status line that it ends with.
    fn reload(&mut self) -> String {
        kill_process(Pid::from_child(&self.child), Signal::HUP).unwrap();
        let begun = self.notification();
        let stamp = begun.strip_prefix("RELOADING=1\nMONOTONIC_USEC=").unwrap();
        assert!(stamp.parse::<u64>().unwrap() > 0, "{begun}");
        let ended = self.notification();
        ended.strip_prefix("READY=1\nSTATUS=").unwrap().to_owned()
    }

    fn status(&self) -> Value {
        let answer = ask(&self.path("admin.sock"), "/status");
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.contains("content-type: application/json"), "{head}");
        serde_json::from_str(body).unwrap()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // Ignored: it may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn kubeconfig() -> String {
    json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "x",
        "clusters": [{"name": "c", "cluster": {"server": "http://127.0.0.1:1"}}],
        "users": [{"name": "u", "user": {"token": "t"}}],
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}]
    })
    .to_string()
}

fn write_policy(path: &PathBuf, name: &str) {
    let content = json!({"name": name, "defaultAction": "deny", "rules": []});
    fs::write(path, content.to_string()).unwrap();
    fs::set_permissions(path, Permissions::from_mode(0o644)).unwrap();
}

fn ask(socket: &PathBuf, target: &str) -> String {
    let mut stream = UnixStream::connect(socket).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    write!(stream, "GET {target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn what_runs_is_told_by_the_digests_that_are_measured() {
    let service = Service::start(&[], &[]);
    let print = ["measure", "--print", "--admission-policy"];
    let printed =
        Command::new(BINARY).args(print).arg(service.path("policy.json")).output().unwrap();
    let status = service.status();
    let (policy, binary) = (&status["policy"]["sha256"], &status["binarySha256"]);
    let (policy, binary) = (policy.as_str().unwrap(), binary.as_str().unwrap());
    let word = format!("kubelet-proxy:v1:policy=sha256:{policy}:binary=sha256:{binary}\n");
    let printed = String::from_utf8(printed.stdout).unwrap();
    assert!(printed.contains(&word), "{printed}");
    let metrics = ask(&service.path("admin.sock"), "/metrics");
    assert!(metrics.contains(&format!("sha256=\"{binary}\"}} 1")), "{metrics}");
}

#[test]
fn the_admin_socket_is_its_owners_alone() {
    let service = Service::start(&[], &[]);
    let mode = fs::metadata(service.path("admin.sock")).unwrap().permissions().mode();
    assert_eq!(mode & 0o077, 0, "{mode:o}");
}

#[test]
fn a_watchdog_that_nobody_would_feed_refuses_the_start() {
    let directory = TempDir::new().unwrap();
    let kubeconfig_file = directory.path().join("kubeconfig");
    fs::write(&kubeconfig_file, kubeconfig()).unwrap();
    let output = Command::new(BINARY)
        .args(["--allow-plaintext", "--allow-any-client", "--allow-http-upstream"])
        .args(["--allow-all-pods", "--listen-addr", "127.0.0.1:0", "--kubeconfig"])
        .arg(kubeconfig_file)
        .env("WATCHDOG_USEC", "1000000")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(78));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("kubelet-proxy-admin.socket"), "{said}");
}

#[test]
fn a_reload_puts_the_new_policy_in_force_and_says_so() {
    let mut service = Service::start(&[], &[]);
    let before = service.status();
    assert_eq!(before["policy"]["name"], "strict");
    assert_eq!(before["lastReload"]["outcome"], "none");
    assert_eq!(before["watchdog"]["enabled"], false);
    let sandbox = &before["sandbox"];
    assert_eq!(sandbox["mode"], "require");
    assert_eq!(sandbox["noNewPrivileges"], true);
    assert_eq!(sandbox["capabilitiesLeft"]["bounding"], json!([]));
    assert_eq!(sandbox["landlock"]["state"], "enforced");
    assert_eq!(sandbox["seccomp"], json!({"state": "enforced"}));

    write_policy(&service.path("policy.json"), "stricter");
    let said = service.reload();
    let after = service.status();
    assert_eq!(after["policy"]["name"], "stricter");
    assert_eq!(after["lastReload"]["outcome"], "ok");
    let digest = after["policy"]["sha256"].as_str().unwrap();
    assert_eq!(said, format!("policy sha256:{} in force", &digest[..12]));
    let metrics = ask(&service.path("admin.sock"), "/metrics");
    assert!(metrics.contains(&format!("name=\"stricter\",sha256=\"{digest}\"}} 1")), "{metrics}");
    assert_eq!(metrics.matches("kubelet_proxy_policy_info{").count(), 1, "{metrics}");
    assert!(metrics.contains("kubelet_proxy_reloads_total{outcome=\"ok\"} 1\n"), "{metrics}");
}

#[test]
fn a_reload_that_is_refused_changes_nothing_and_says_why() {
    let mut service = Service::start(&[], &[]);
    let policy = service.path("policy.json");
    let kept = service.status()["policy"].clone();
    let refused = |service: &mut Service, reason: &str| {
        let said = service.reload();
        assert!(said.starts_with("reload refused, policy sha256:"), "{said}");
        assert!(said.contains("stays in force: "), "{said}");
        let status = service.status();
        assert_eq!(status["policy"], kept);
        assert_eq!(status["lastReload"]["outcome"], "refused");
        let told = status["lastReload"]["reason"].as_str().unwrap();
        assert!(told.contains(reason), "{told}");
    };
    fs::write(&policy, "{").unwrap();
    refused(&mut service, "policy.json: ");
    write_policy(&policy, "other");
    fs::set_permissions(&policy, Permissions::from_mode(0o666)).unwrap();
    refused(&mut service, "others than root can write it");
    fs::remove_file(&policy).unwrap();
    refused(&mut service, "must exist");
    write_policy(&policy, "other");
    assert!(service.reload().ends_with(" in force"));
    assert_eq!(service.status()["policy"]["name"], "other");
}

#[test]
fn an_immutable_policy_stays_whatever_its_file_says() {
    let mut service = Service::start(&["--immutable-policy"], &[]);
    assert_eq!(service.status()["policy"]["immutable"], true);
    assert!(service.reload().ends_with(" in force"), "the same policy is no change");
    write_policy(&service.path("policy.json"), "other");
    let said = service.reload();
    assert!(said.starts_with("reload refused, "), "{said}");
    let status = service.status();
    assert_eq!(status["policy"]["name"], "strict");
    let reason = status["lastReload"]["reason"].as_str().unwrap();
    assert!(reason.contains("--immutable-policy") && reason.contains("restart"), "{reason}");
}

#[test]
fn the_watchdog_is_fed_while_the_admin_socket_answers_and_starves_when_it_does_not() {
    let mut service = Service::start(&[], &[("WATCHDOG_USEC", "1000000")]);
    assert_eq!(service.status()["watchdog"]["enabled"], true);
    for _ in 0..3 {
        assert_eq!(service.notification(), "WATCHDOG=1");
    }
    // Somebody else answers there now: nobody, to be precise.
    fs::remove_file(service.path("admin.sock")).unwrap();
    let deaf = UnixListener::bind(service.path("admin.sock")).unwrap();
    service.notifications.set_read_timeout(Some(IMPATIENCE)).unwrap();
    let mut buffer = [0; 64];
    // Beats that were under way may still arrive; after that nothing more does.
    let late = (0..3).take_while(|_| service.notifications.recv(&mut buffer).is_ok()).count();
    assert!(late < 3, "the watchdog is fed although nobody answers");
    drop(deaf);
}

#[test]
fn who_holds_every_place_on_the_admin_socket_does_not_starve_the_watchdog() {
    let mut service = Service::start(&[], &[("WATCHDOG_USEC", "1000000")]);
    let path = service.path("admin.sock");
    let silent: Vec<_> = (0..100).map(|_| UnixStream::connect(&path).unwrap()).collect();
    let mut turned_away = UnixStream::connect(&path).unwrap();
    turned_away.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut answer = Vec::new();
    assert_eq!(turned_away.read_to_end(&mut answer).unwrap(), 0, "there was a place");
    for _ in 0..5 {
        assert_eq!(service.notification(), "WATCHDOG=1");
    }
    drop(silent);
}
