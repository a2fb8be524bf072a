//! The real `kubelet-proxy` as a child process, with a kubeconfig and a policy in files of its own.
//!
//! It starts and stops the program and reads what it says; what it should say is for the cases.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

use crate::support::pki::Authority;

/// The name that kubelet and proxy bear in their certificates.
pub(crate) const NODE_USER: &str = "system:node:node-1";

/// A debug build on a busy machine.
const START_PATIENCE: Duration = Duration::from_secs(20);

/// The files that a proxy is started with.
pub(crate) struct Files {
    pub(crate) kubeconfig: PathBuf,
    pub(crate) policy: PathBuf,
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
    pub(crate) client_authority: PathBuf,
}

/// A running proxy. Dropping it ends the process.
pub(crate) struct Proxy {
    child: Child,
    pub(crate) address: SocketAddr,
    pub(crate) admin: SocketAddr,
    log: Arc<Mutex<Vec<String>>>,
}

impl Files {
    /// Writes everything into `dir`: the proxy trusts `authority` upstream and downstream.
    pub(crate) fn write(dir: &Path, upstream: &str, authority: &Authority, policy: &str) -> Self {
        let server = authority.server(&["127.0.0.1"]).write(dir, "proxy");
        // The kubeconfig names the files that this writes.
        authority.client(NODE_USER, Some("system:nodes")).write(dir, "node");
        let client_authority = dir.join("authority.crt");
        std::fs::write(&client_authority, authority.pem()).expect("write the authority");
        let kubeconfig = dir.join("kubeconfig");
        std::fs::write(&kubeconfig, kubeconfig_text(upstream)).expect("write the kubeconfig");
        let policy_file = dir.join("policy.json");
        std::fs::write(&policy_file, policy).expect("write the policy");
        set_mode(&policy_file, 0o644);
        Self {
            kubeconfig,
            policy: policy_file,
            certificate: server.certificate,
            key: server.key,
            client_authority,
        }
    }

    /// The command line of a proxy on `address`, with its metrics on `admin`.
    pub(crate) fn command(&self, address: SocketAddr, admin: SocketAddr) -> Command {
        // `setpriv` ends the proxy with the test that started it, however that ends.
        let mut command = Command::new("setpriv");
        command
            .args(["--pdeathsig", "KILL", "--", env!("CARGO_BIN_EXE_kubelet-proxy")])
            .arg("--kubeconfig")
            .arg(&self.kubeconfig)
            .arg("--listen-addr")
            .arg(address.to_string())
            .arg("--tls-cert")
            .arg(&self.certificate)
            .arg("--tls-key")
            .arg(&self.key)
            .arg("--client-ca")
            .arg(&self.client_authority)
            .args(["--client-name", NODE_USER])
            .arg("--admission-policy")
            .arg(&self.policy)
            .arg("--metrics-addr")
            .arg(admin.to_string())
            .args(["--log-format", "json", "--sandbox", "require"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        command
    }
}

impl Proxy {
    /// Starts the proxy and waits until it listens.
    pub(crate) fn start(files: &Files) -> Self {
        Self::start_at(files, free_address(), &[])
    }

    /// Starts it on a given address, with further flags.
    pub(crate) fn start_at(files: &Files, address: SocketAddr, flags: &[&str]) -> Self {
        let admin = free_address();
        let mut child =
            files.command(address, admin).args(flags).spawn().expect("the proxy starts");
        let log = Arc::new(Mutex::new(Vec::new()));
        let lines = BufReader::new(child.stderr.take().expect("piped")).lines();
        let writer = log.clone();
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                writer.lock().unwrap().push(line);
            }
        });
        let mut proxy = Self { child, address, admin, log };
        proxy.wait_until_listening();
        proxy
    }

    fn wait_until_listening(&mut self) {
        let deadline = Instant::now() + START_PATIENCE;
        while TcpStream::connect(self.address).is_err() {
            let ended = self.child.try_wait().expect("state of a child");
            let late = Instant::now() > deadline;
            assert!(
                ended.is_none() && !late,
                "the proxy does not listen on {} ({ended:?}):\n{}",
                self.address,
                self.log().join("\n")
            );
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("https://{}", self.address)
    }

    /// Every line on standard error so far.
    pub(crate) fn log(&self) -> Vec<String> {
        self.log.lock().unwrap().clone()
    }

    /// The lines on standard error, each of which must be JSON.
    pub(crate) fn records(&self) -> Vec<Value> {
        let parse = |line: &String| {
            serde_json::from_str(line).unwrap_or_else(|error| panic!("not JSON: {error}: {line}"))
        };
        self.log().iter().map(parse).collect()
    }

    /// The most memory that the process ever had resident, in bytes.
    pub(crate) fn peak_memory(&self) -> u64 {
        let path = format!("/proc/{}/status", self.child.id());
        let status = std::fs::read_to_string(path).expect("status of a living child");
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("VmHWM");
        let kibibytes = peak.trim().trim_end_matches(" kB").parse::<u64>().expect("a number");
        kibibytes * 1024
    }

    /// The text of a page of the admin endpoint.
    pub(crate) fn admin_page(&self, path: &str) -> String {
        let mut stream = TcpStream::connect(self.admin).expect("the admin endpoint listens");
        let request = format!("GET {path} HTTP/1.1\r\nHost: admin\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).expect("send");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        answer
    }

    /// Ends the proxy as an operator would, and waits.
    pub(crate) fn stop(&mut self) -> ExitStatus {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("a living child");
        self.child.wait().expect("the proxy ends")
    }

    /// Asks for a reload.
    pub(crate) fn hang_up(&self) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::HUP).expect("a living child");
    }

    /// Ends the proxy as a crash would.
    pub(crate) fn crash(&mut self) {
        self.child.kill().expect("a living child");
        self.child.wait().expect("the proxy ends");
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A loopback address that nothing listens on. Each is given out once, and from below the range that
/// the kernel takes ports of outgoing connections from: it stays free until it is used.
pub(crate) fn free_address() -> SocketAddr {
    const FIRST: u32 = 10_000;
    const COUNT: u32 = 20_000;
    static GIVEN: AtomicU32 = AtomicU32::new(0);
    loop {
        let offset = std::process::id().wrapping_mul(97).wrapping_add(GIVEN.fetch_add(1, Relaxed));
        let port = u16::try_from(FIRST + offset % COUNT).expect("below the range of the kernel");
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        if TcpListener::bind(address).is_ok() {
            return address;
        }
    }
}

pub(crate) fn set_mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("chmod");
}

fn kubeconfig_text(upstream: &str) -> String {
    format!(
        "apiVersion: v1
kind: Config
current-context: node
contexts:
- name: node
  context: {{cluster: hostile, user: node}}
clusters:
- name: hostile
  cluster: {{server: '{upstream}', certificate-authority: authority.crt}}
users:
- name: node
  user: {{client-certificate: node.crt, client-key: node.key}}
"
    )
}
