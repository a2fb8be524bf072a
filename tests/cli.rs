//! The real binary: what it says, how it exits, what it gives up, and how systemd sees it.
//!
//! Nothing is mocked but the API server, where one is needed at all. Every child is killed when its
//! test ends, however it ends.

#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "test code, which clippy recognises only in unit tests"
)]

#[path = "cli/journal.rs"]
mod journal;

use std::fs::{self, File, Permissions};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Output, Stdio};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

const BINARY: &str = env!("CARGO_BIN_EXE_kubelet-proxy");

/// What any step may take on a loaded machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// Accepts every risk that the flags themselves are about.
const ALL_RISKS: [&str; 5] = [
    "--allow-plaintext",
    "--allow-any-client",
    "--allow-all-pods",
    "--allow-http-upstream",
    "--allow-system-roots",
];

/// A token that must never be seen anywhere.
const TOKEN: &str = "token-that-nobody-may-see";

fn run(arguments: &[&str]) -> Output {
    Command::new(BINARY).args(arguments).output().unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn kubeconfig(directory: &Path, server: &str) -> PathBuf {
    let path = directory.join("kubeconfig");
    let content = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "x",
        "clusters": [{"name": "c", "cluster": {"server": server}}],
        "users": [{"name": "u", "user": {"token": TOKEN}}],
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}]
    });
    fs::write(&path, content.to_string()).unwrap();
    path
}

#[test]
fn questions_are_answered_on_standard_output() {
    let version = format!("kubelet-proxy {}\n", env!("CARGO_PKG_VERSION"));
    for (words, expected) in [
        (&["--version"] as &[&str], version.as_str()),
        (&["-version"], version.as_str()),
        (&["run", "--version"], version.as_str()),
        (&["-V"], version.as_str()),
        (&["-h"], "Usage: kubelet-proxy [run] --kubeconfig FILE [FLAGS]"),
        (&["--help"], "Examples:"),
        (&["-help"], "--allow-any-client"),
    ] {
        let output = run(words);
        assert_eq!(output.status.code(), Some(0), "{words:?}");
        assert!(String::from_utf8_lossy(&output.stdout).contains(expected), "{words:?}");
        assert_eq!(stderr(&output), "", "{words:?}");
    }
}

#[test]
fn a_command_line_that_cannot_be_understood_exits_64() {
    for (words, expected) in [
        (&[] as &[&str], "--kubeconfig <FILE>"),
        (&["--kubeconfg=x"], "'--kubeconfig'"),
        (&["-kubeconfig=x", "word"], "'word'"),
        (&["serve"], "'serve'"),
        (&["-kubeconfig=x", "-log-requests=maybe"], "expected true or false"),
    ] {
        let output = run(words);
        assert_eq!(output.status.code(), Some(64), "{words:?}");
        assert!(stderr(&output).contains(expected), "{words:?}: {}", stderr(&output));
        assert!(output.stdout.is_empty(), "{words:?}");
    }
}

#[test]
fn an_unsafe_run_exits_78_and_names_the_flags_that_would_accept_the_risks() {
    let output = run(&["-kubeconfig", "x"]);
    assert_eq!(output.status.code(), Some(78));
    let said = stderr(&output);
    assert_eq!(said.lines().count(), 3, "{said}");
    for flag in ["--allow-plaintext", "--allow-any-client", "--allow-all-pods"] {
        assert!(said.contains(flag), "{said}");
    }
}

/// The line that the program itself complained with, log lines left out.
fn complaint(output: &Output) -> String {
    let said = stderr(output);
    let mut lines = said.lines().filter(|line| line.starts_with("kubelet-proxy: "));
    let line = lines.next().unwrap_or_else(|| panic!("no complaint in:\n{said}")).to_owned();
    assert_eq!(lines.next(), None, "{said}");
    line
}

#[test]
fn a_bad_kubeconfig_exits_78_with_one_line_that_names_it() {
    let directory = TempDir::new().unwrap();
    let file = directory.path().join("kubeconfig");
    let cases = [None, Some("{"), Some(""), Some("clusters: []")];
    for content in cases {
        match content {
            Some(content) => fs::write(&file, content).unwrap(),
            None => assert!(!file.exists()),
        }
        let flags = [&ALL_RISKS, ["--kubeconfig", file.to_str().unwrap()].as_slice()].concat();
        let output = run(&flags);
        assert_eq!(output.status.code(), Some(78), "{content:?}: {}", stderr(&output));
        assert!(complaint(&output).contains("/kubeconfig: "), "{content:?}: {}", stderr(&output));
    }
}

#[test]
fn upstream_risks_are_refused_one_by_one() {
    let directory = TempDir::new().unwrap();
    for (server, flag) in [
        ("http://127.0.0.1:1", "--allow-http-upstream"),
        ("https://127.0.0.1:1", "--allow-system-roots"),
    ] {
        let file = kubeconfig(directory.path(), server);
        let mut flags: Vec<_> = ALL_RISKS.into_iter().filter(|risk| *risk != flag).collect();
        flags.extend(["--kubeconfig", file.to_str().unwrap()]);
        let output = run(&flags);
        assert_eq!(output.status.code(), Some(78), "{server}: {}", stderr(&output));
        assert!(complaint(&output).contains(flag), "{}", complaint(&output));
        assert!(!stderr(&output).contains(TOKEN));
    }
}

#[test]
fn a_bad_policy_exits_78_with_one_line_that_names_it() {
    let directory = TempDir::new().unwrap();
    let upstream = kubeconfig(directory.path(), "http://127.0.0.1:1");
    let policy = directory.path().join("policy.json");
    let good = json!({"name": "n", "defaultAction": "allow", "rules": []}).to_string();
    let cases = [
        (None, 0o600),
        (Some(String::new()), 0o600),
        (Some("[]".to_owned()), 0o600),
        (Some(good.replace("rules", "rulez")), 0o600),
        (Some(good.replace("\"allow\"", "\"perhaps\"")), 0o600),
        (Some(good), 0o666),
    ];
    for (content, mode) in cases {
        if let Some(content) = &content {
            fs::write(&policy, content).unwrap();
            fs::set_permissions(&policy, Permissions::from_mode(mode)).unwrap();
        }
        let output = run(&[
            "--kubeconfig",
            upstream.to_str().unwrap(),
            "--admission-policy",
            policy.to_str().unwrap(),
            "--allow-plaintext",
            "--allow-any-client",
            "--allow-http-upstream",
        ]);
        assert_eq!(output.status.code(), Some(78), "{content:?} {mode:o}: {}", stderr(&output));
        assert!(complaint(&output).contains("policy.json"), "{}", complaint(&output));
    }
}

#[test]
fn what_is_missing_for_tls_exits_78_with_one_line_that_names_it() {
    let directory = TempDir::new().unwrap();
    let file = kubeconfig(directory.path(), "http://127.0.0.1:1");
    let tls = [
        "--tls-cert=/nonexistent/tls.crt",
        "--tls-key=/nonexistent/tls.key",
        "--client-ca=/nonexistent/ca.crt",
        "--allow-all-pods",
        "--allow-http-upstream",
    ];
    for (name, expected) in [
        // The kubeconfig holds a token: there is no node certificate to take the name from.
        (None, "--client-name"),
        (Some("--client-name=system:node:n"), "/nonexistent/"),
    ] {
        let mut command = Command::new(BINARY);
        let output = command.args(tls).args(name).arg("--kubeconfig").arg(&file).output().unwrap();
        assert_eq!(output.status.code(), Some(78), "{name:?}: {}", stderr(&output));
        assert!(complaint(&output).contains(expected), "{}", complaint(&output));
    }
}

#[test]
fn an_address_in_use_exits_1() {
    let directory = TempDir::new().unwrap();
    let taken = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let file = kubeconfig(directory.path(), "http://127.0.0.1:1");
    let flags = ["--kubeconfig", file.to_str().unwrap(), "--listen-addr", &address];
    let output = run(&[&ALL_RISKS, flags.as_slice()].concat());
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    assert!(complaint(&output).contains(&address));
}

/// A running proxy. Dropping it kills it.
struct Proxy {
    child: Child,
    log: BufReader<ChildStderr>,
    /// Log lines read so far.
    seen: Vec<Value>,
}

impl Proxy {
    /// Starts a proxy with JSON logs and waits for its first line of service.
    fn start(mut command: Command, directory: &Path, server: &str, flags: &[&str]) -> Self {
        let file = kubeconfig(directory, server);
        command.args(flags).arg("--kubeconfig").arg(file).args(["--listen-addr", "127.0.0.1:0"]);
        let mut proxy = Self::spawn(command);
        proxy.line("kubelet-proxy serves");
        proxy
    }

    /// Starts a proxy and waits for nothing.
    fn spawn(mut command: Command) -> Self {
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let log = BufReader::new(child.stderr.take().unwrap());
        Self { child, log, seen: Vec::new() }
    }

    /// The first log line with this message, waiting for it if need be.
    fn line(&mut self, message: &str) -> Value {
        loop {
            if let Some(found) = self.seen.iter().find(|line| line["message"] == message) {
                return found.clone();
            }
            let mut line = String::new();
            let length = self.log.read_line(&mut line).unwrap();
            assert!(length > 0, "ended without '{message}': {:?}", self.seen);
            self.seen.push(serde_json::from_str(&line).unwrap_or_else(|_| panic!("{line}")));
        }
    }

    fn address(&mut self) -> SocketAddr {
        self.line("kubelet-proxy serves")["listener"].as_str().unwrap().parse().unwrap()
    }

    fn terminate(&mut self) -> Option<i32> {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        self.child.wait().unwrap().code()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        // Ignored: it has usually ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn get(address: SocketAddr, target: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    write!(stream, "GET {target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn a_proxy_gives_up_its_rights_reports_to_systemd_and_ends_when_asked() {
    let directory = TempDir::new().unwrap();
    let notify_path = directory.path().join("notify");
    let notify = UnixDatagram::bind(&notify_path).unwrap();
    notify.set_read_timeout(Some(PATIENCE)).unwrap();
    let admin = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap();
    let mut command = Command::new(BINARY);
    command.env("NOTIFY_SOCKET", &notify_path).args(["--metrics-addr", &admin.to_string()]);
    let server = "http://127.0.0.1:1";
    let mut proxy = Proxy::start(command, directory.path(), server, &ALL_RISKS);

    assert!(received(&notify).starts_with("READY=1\nSTATUS="));
    let status = fs::read_to_string(format!("/proc/{}/status", proxy.child.id())).unwrap();
    for set in ["CapInh", "CapPrm", "CapEff", "CapAmb"] {
        assert!(status.contains(&format!("{set}:\t0000000000000000\n")), "{set}: {status}");
    }
    assert!(status.contains("NoNewPrivs:\t1\n"), "{status}");

    let line = proxy.line("kubelet-proxy serves");
    for field in ["version", "binary_sha256", "listener", "upstream", "policy", "policy_sha256"] {
        assert!(!line[field].is_null(), "{field} is missing in {line}");
    }
    assert!(get(admin, "/livez").ends_with("\r\n\r\nok"));
    let metrics = get(admin, "/metrics");
    assert!(
        metrics.contains("kubelet_proxy_capabilities_left{set=\"effective\"} 0\n"),
        "{metrics}"
    );
    assert!(metrics.ends_with("# EOF\n"));

    assert_eq!(proxy.terminate(), Some(0));
    assert!(received(&notify).starts_with("STOPPING=1\n"));
    let all = format!("{:?}", proxy.seen);
    assert!(!all.contains(TOKEN), "{all}");
}

fn received(socket: &UnixDatagram) -> String {
    let mut buffer = [0; 4096];
    let length = socket.recv(&mut buffer).unwrap();
    String::from_utf8(buffer[..length].to_vec()).unwrap()
}

/// Starts the binary as systemd would: a socket as descriptor 3 and the variables that say so.
fn activated(socket: OwnedFd, name: &str) -> Command {
    let mut command = Command::new("sh");
    let script = "exec 3<&0 </dev/null; LISTEN_PID=$$ LISTEN_FDS=1 exec \"$0\" \"$@\"";
    command.args(["-c", script, BINARY]).env("LISTEN_FDNAMES", name).stdin(socket);
    command
}

#[test]
fn a_socket_passed_by_systemd_is_served_on() {
    let directory = TempDir::new().unwrap();
    let socket = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = socket.local_addr().unwrap();
    let command = activated(socket.into(), "kubelet");
    let mut proxy = Proxy::start(command, directory.path(), "http://127.0.0.1:1", &ALL_RISKS);
    assert_eq!(proxy.address(), address);
    // Nothing listens upstream: an answer of any kind comes from the proxy.
    assert!(get(address, "/api/v1/nodes/n").starts_with("HTTP/1.1 502 "));
    assert_eq!(proxy.terminate(), Some(0));
}

#[test]
fn a_socket_that_means_nothing_refuses_the_start() {
    let directory = TempDir::new().unwrap();
    let file = kubeconfig(directory.path(), "http://127.0.0.1:1");
    let tcp = || OwnedFd::from(TcpListener::bind(("127.0.0.1", 0)).unwrap());
    let no_socket = OwnedFd::from(File::open("/dev/null").unwrap());
    for (socket, name, expected) in [
        (tcp(), "web", "FileDescriptorName=kubelet"),
        (no_socket, "kubelet", "not a listening TCP socket"),
    ] {
        let mut command = activated(socket, name);
        let output = command.args(ALL_RISKS).arg("--kubeconfig").arg(&file).output().unwrap();
        assert_eq!(output.status.code(), Some(78), "{name}: {}", stderr(&output));
        assert!(complaint(&output).contains(expected), "{}", complaint(&output));
    }
}

/// An API server that gives every request the same list with one privileged pod.
fn api_server() -> SocketAddr {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        // Ends with the test's process; connections that break are the tests' own doing.
        for stream in listener.incoming().flatten() {
            // The proxy also connects ahead of any request, and says nothing there.
            thread::spawn(move || answer_with_a_pod(stream));
        }
    });
    address
}

fn answer_with_a_pod(mut stream: TcpStream) -> std::io::Result<()> {
    let mut head = BufReader::new(stream.try_clone()?).lines();
    while head.next().transpose()?.is_some_and(|line| !line.is_empty()) {}
    let list = json!({
        "kind": "PodList", "apiVersion": "v1", "metadata": {"resourceVersion": "7"},
        "items": [{
            "metadata": {
                "name": "evil", "namespace": "default", "resourceVersion": "6",
                "uid": "6f5d2a0e-5b1c-4d2e-9a55-0d4f9f1b7c11"
            },
            "spec": {"nodeName": "n", "containers": [{
                "name": "main", "image": "busybox:1",
                "env": [{"name": "PASSWORD", "value": TOKEN}],
                "securityContext": {"privileged": true}
            }]}
        }]
    })
    .to_string();
    write!(
        stream,
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{list}",
        list.len()
    )?;
    stream.shutdown(Shutdown::Write)
}

fn policy(directory: &Path) -> PathBuf {
    let path = directory.join("policy.json");
    let content = json!({"name": "strict", "defaultAction": "allow", "rules": [{
        "name": "no-privilege", "action": "deny", "match": {"security": {"denyPrivileged": true}}
    }]});
    fs::write(&path, content.to_string()).unwrap();
    path
}

#[test]
fn a_denied_pod_leaves_a_decision_record_without_its_secrets() {
    let directory = TempDir::new().unwrap();
    let mut command = Command::new(BINARY);
    command.arg("--admission-policy").arg(policy(directory.path())).arg("--log-pod-payloads");
    let server = format!("http://{}", api_server());
    let risks = ["--allow-plaintext", "--allow-any-client", "--allow-http-upstream"];
    let mut proxy = Proxy::start(command, directory.path(), &server, &risks);
    let list = get(proxy.address(), "/api/v1/pods?fieldSelector=spec.nodeName%3Dn&limit=500");
    assert!(list.starts_with("HTTP/1.1 200 ") && !list.contains("evil"), "{list}");
    let record = proxy.line("pod denied");
    for (field, expected) in [
        ("decision", "deny"),
        ("namespace", "default"),
        ("pod", "evil"),
        ("uid", "6f5d2a0e-5b1c-4d2e-9a55-0d4f9f1b7c11"),
        ("rule", "no-privilege"),
        ("policy", "strict"),
        ("images", "busybox:1"),
        ("source", "list"),
        ("level", "INFO"),
    ] {
        assert_eq!(record[field], expected, "{field}: {record}");
    }
    assert_eq!(proxy.terminate(), Some(0));
    let mut rest = String::new();
    proxy.log.read_to_string(&mut rest).unwrap();
    let all = format!("{:?}{rest}", proxy.seen);
    assert!(!all.contains(TOKEN), "{all}");
}
