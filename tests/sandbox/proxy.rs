//! A proxy as a child process, and the directory that its files are in.

use std::fs::{self, Permissions};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

pub(crate) const BINARY: &str = env!("CARGO_BIN_EXE_kubelet-proxy");

/// What any step may take on a loaded machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// Serves without certificates and policy: the sandbox is what is looked at.
const RISKS: [&str; 6] = [
    "--allow-plaintext",
    "--allow-any-client",
    "--allow-all-pods",
    "--allow-http-upstream",
    "--listen-addr=127.0.0.1:0",
    "--log-format=json",
];

/// A kubeconfig in a directory of its own.
pub(crate) struct Site {
    directory: TempDir,
}

impl Site {
    pub(crate) fn new(server: &str) -> Self {
        Self::with_user(server, &json!({"token": "t"}))
    }

    pub(crate) fn with_user(server: &str, user: &Value) -> Self {
        let site = Self { directory: TempDir::new().unwrap() };
        let content = json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "x",
            "clusters": [{"name": "c", "cluster": {"server": server}}],
            "users": [{"name": "u", "user": user}],
            "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}]
        });
        fs::write(site.kubeconfig(), content.to_string()).unwrap();
        site
    }

    pub(crate) fn directory(&self) -> &Path {
        self.directory.path()
    }

    pub(crate) fn kubeconfig(&self) -> PathBuf {
        self.directory().join("kubeconfig")
    }

    /// For a proxy of another user.
    pub(crate) fn open_to_everybody(&self) {
        for path in [self.directory(), &self.kubeconfig()] {
            fs::set_permissions(path, Permissions::from_mode(0o755)).unwrap();
        }
    }

    /// A program where every user may run it.
    pub(crate) fn copy(&self, program: &Path) -> PathBuf {
        let copy = self.directory().join(program.file_name().unwrap());
        fs::copy(program, &copy).unwrap();
        copy
    }

    /// The one line with which `--sandbox=require` refuses to start.
    pub(crate) fn refusal(&self, mut command: Command) -> String {
        command.args(RISKS).arg("--sandbox=require").arg("--kubeconfig").arg(self.kubeconfig());
        let output = command.output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(78), "{said}");
        let complaints: Vec<_> =
            said.lines().filter(|line| line.starts_with("kubelet-proxy: ")).collect();
        assert_eq!(complaints.len(), 1, "{said}");
        complaints[0].to_owned()
    }
}

/// A running proxy. Dropping it kills it.
pub(crate) struct Proxy {
    child: Child,
    log: BufReader<ChildStderr>,
    /// Log lines read so far.
    seen: Vec<Value>,
}

impl Proxy {
    /// Starts it in front of the site's API server and waits until it serves.
    pub(crate) fn start(mut command: Command, site: &Site, flags: &[&str]) -> Self {
        command.args(RISKS).arg("--kubeconfig").arg(site.kubeconfig()).args(flags);
        Self::start_as_is(command)
    }

    /// Starts it with no flag of ours, and waits until it serves.
    pub(crate) fn start_as_is(mut command: Command) -> Self {
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let log = BufReader::new(child.stderr.take().unwrap());
        let mut proxy = Self { child, log, seen: Vec::new() };
        proxy.line("kubelet-proxy serves");
        proxy
    }

    /// The first log line with this message, waiting for it if need be.
    pub(crate) fn line(&mut self, message: &str) -> Value {
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

    /// Forgets the lines read so far, so that [`Self::line`] waits for a new one.
    pub(crate) fn forget(&mut self) {
        self.seen.clear();
    }

    /// Warnings read so far.
    pub(crate) fn warnings(&self) -> impl Iterator<Item = &str> {
        let warnings = self.seen.iter().filter(|line| line["level"] == "WARN");
        warnings.filter_map(|line| line["message"].as_str())
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn address(&mut self) -> SocketAddr {
        self.line("kubelet-proxy serves")["listener"].as_str().unwrap().parse().unwrap()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        // Ignored: it has usually ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Asks over plain HTTP.
pub(crate) fn get(address: SocketAddr, target: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    write!(stream, "GET {target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

/// An API server that answers every request with its own head, as the data of a node.
pub(crate) fn echo_server() -> SocketAddr {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        // Ends with the test's process; the proxy also connects ahead and says nothing there.
        for stream in listener.incoming().flatten() {
            thread::spawn(move || echo(stream));
        }
    });
    address
}

fn echo(mut stream: TcpStream) -> std::io::Result<()> {
    let lines = BufReader::new(stream.try_clone()?).lines();
    let head: Vec<_> = lines.map_while(Result::ok).take_while(|line| !line.is_empty()).collect();
    if head.is_empty() {
        return Ok(());
    }
    let body = json!({"kind": "Node", "apiVersion": "v1", "head": head}).to_string();
    write!(
        stream,
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
         Connection: close\r\n\r\n{body}",
        body.len()
    )
}
