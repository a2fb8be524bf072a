//! `fetch-token`: a real plugin, whose tokens end soon.

use std::fs::{self, Permissions};
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, SystemTime};

use serde_json::json;
use tempfile::TempDir;

use crate::{BINARY, PATIENCE, ask, ended, refused, text};

/// Part of every token; must never be seen outside of the file.
const SECRET: &str = "token-that-nobody-may-see";

/// Longer than the shortest pause between two runs of a plugin, with a fifth to spare.
const LIFETIME_SECONDS: u32 = 8;

struct Site {
    directory: TempDir,
}

impl Site {
    /// A kubeconfig whose plugin is this shell script.
    fn new(script: &str) -> Self {
        let directory = TempDir::new().unwrap();
        let plugin = directory.path().join("plugin");
        fs::write(&plugin, format!("#!/bin/sh\ncd \"$(dirname \"$0\")\"\n{script}")).unwrap();
        fs::set_permissions(&plugin, Permissions::from_mode(0o755)).unwrap();
        let site = Self { directory };
        let exec = json!({
            "apiVersion": "client.authentication.k8s.io/v1", "command": "./plugin",
            "interactiveMode": "Never"
        });
        site.write_kubeconfig(&json!({"exec": exec}));
        site
    }

    fn write_kubeconfig(&self, user: &serde_json::Value) {
        let content = json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "x",
            "clusters": [{"name": "c", "cluster": {"server": "https://127.0.0.1:1"}}],
            "users": [{"name": "u", "user": user}],
            "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}]
        });
        fs::write(self.path("kubeconfig"), content.to_string()).unwrap();
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn command(&self) -> Command {
        let mut command = Command::new(BINARY);
        command.arg("fetch-token").arg("--kubeconfig").arg(self.path("kubeconfig"));
        command.arg("--token-file").arg(self.path("token"));
        command
    }

    fn once(&self) -> crate::Ended {
        ended(&self.command().arg("--once").output().unwrap())
    }

    fn token(&self) -> String {
        fs::read_to_string(self.path("token")).unwrap()
    }
}

/// Prints a token that counts the runs, and ends soon.
fn counting() -> String {
    format!(
        "echo >> runs
        until=$(date -u -d '+{LIFETIME_SECONDS} seconds' +%Y-%m-%dT%H:%M:%SZ)
        echo \"{{\\\"apiVersion\\\": \\\"client.authentication.k8s.io/v1\\\",
            \\\"kind\\\": \\\"ExecCredential\\\", \\\"status\\\": {{
            \\\"token\\\": \\\"{SECRET}-$(wc -l < runs)\\\", \\\"expirationTimestamp\\\": \\\"$until\\\"}}}}\""
    )
}

/// A process that is killed when its test ends.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // Ignored: it has usually ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn received(socket: &UnixDatagram) -> String {
    let mut buffer = [0; 4096];
    let length = socket.recv(&mut buffer).unwrap();
    String::from_utf8(buffer[..length].to_vec()).unwrap()
}

fn wait_for(file: &Path, content: &str) {
    let began = SystemTime::now();
    while fs::read_to_string(file).unwrap() != content {
        assert!(began.elapsed().unwrap() < PATIENCE, "{content} does not come");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_token_is_there_when_the_unit_is_ready_and_is_renewed_before_it_ends() {
    let site = Site::new(&counting());
    let notify = UnixDatagram::bind(site.path("notify")).unwrap();
    notify.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut command = site.command();
    command.env("NOTIFY_SOCKET", site.path("notify")).stderr(Stdio::piped());
    let mut running = Running(command.spawn().unwrap());
    let ready = received(&notify);
    let began = SystemTime::now();
    assert!(ready.starts_with("READY=1\nSTATUS="), "{ready}");
    assert_eq!(site.token(), format!("{SECRET}-1"));
    let mode = fs::metadata(site.path("token")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o640);

    wait_for(&site.path("token"), &format!("{SECRET}-2"));
    let renewed_after = began.elapsed().unwrap();
    assert!(renewed_after < Duration::from_secs(LIFETIME_SECONDS.into()), "{renewed_after:?}");

    let pid = rustix::process::Pid::from_child(&running.0);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    assert_eq!(running.0.wait().unwrap().code(), Some(0));
    let mut log = String::new();
    running.0.stderr.take().unwrap().read_to_string(&mut log).unwrap();
    assert!(log.contains("token written") && !log.contains(SECRET), "{log}");
    let names = fs::read_dir(site.directory.path()).unwrap().count();
    assert_eq!(names, 5, "kubeconfig, plugin, runs, notify and token: nothing is left behind");
}

#[test]
fn once_writes_one_token_and_ends() {
    let site = Site::new(&counting());
    let (code, stdout, stderr) = site.once();
    assert_eq!((code, stdout.as_str(), stderr.as_str()), (0, "", ""));
    assert_eq!(site.token(), format!("{SECRET}-1"));
    assert_eq!(site.once().0, 0);
    assert_eq!(site.token(), format!("{SECRET}-2"), "a token that is there is replaced");
}

#[test]
fn a_plugin_that_gives_nothing_leaves_the_token_that_is_there() {
    for (script, expected) in [
        ("exit 3", "the plugin ended with exit status: 3"),
        (&format!("echo {SECRET}"), "not one ExecCredential object"),
    ] {
        let site = Site::new(script);
        fs::write(site.path("token"), "old").unwrap();
        refused(&site.once(), 1, expected);
        assert_eq!(site.token(), "old");
    }
}

#[test]
fn a_token_that_cannot_be_kept_is_a_failure_without_the_token() {
    let site = Site::new(&counting());
    let kubeconfig = site.path("kubeconfig");
    let words = ["fetch-token", "--once", "--kubeconfig", text(&kubeconfig)];
    let ended = ask(&[words.as_slice(), &["--token-file", "/nonexistent/token"]].concat());
    refused(&ended, 1, "the token is not kept: /nonexistent/token: No such file");
    assert!(!ended.2.contains(SECRET), "{}", ended.2);
}

#[test]
fn a_plugin_that_gives_certificates_is_refused() {
    let directory = TempDir::new().unwrap();
    let into = text(directory.path());
    assert_eq!(ask(&["gen-certificates", "--node-name", "a", "--directory", into]).0, 0);
    let read = |name: &str| fs::read_to_string(directory.path().join(name)).unwrap();
    let status = json!({
        "clientCertificateData": read("kubelet.crt"), "clientKeyData": read("kubelet.key"),
    });
    let credential = json!({
        "apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": status
    });
    let site = Site::new(&format!("cat <<'END'\n{credential}\nEND\n"));
    refused(&site.once(), 78, "gives a client certificate, which a token file cannot hold");
    // Without --once it would be no better a second time.
    refused(&ended(&site.command().output().unwrap()), 78, "a token file cannot hold");
    assert!(!site.path("token").exists());
}

#[test]
fn a_kubeconfig_without_a_plugin_is_refused() {
    let site = Site::new("");
    site.write_kubeconfig(&json!({"token": SECRET}));
    let ended = site.once();
    refused(&ended, 78, "the user of context x has no exec plugin");
    assert!(!ended.2.contains(SECRET));
}
