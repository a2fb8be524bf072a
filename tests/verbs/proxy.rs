//! A real proxy in front of nothing: an answer of any kind comes from the proxy itself.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use crate::BINARY;

/// A running proxy. Dropping it kills it.
pub(crate) struct Proxy {
    child: Child,
    pub(crate) address: SocketAddr,
}

impl Proxy {
    /// Serves with what `gen-certificates` wrote to `certificates`, to the kubelet of `node`.
    pub(crate) fn start(certificates: &Path, node: &str) -> Self {
        let upstream = certificates.join("upstream.kubeconfig");
        let content = json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "x",
            "clusters": [{"name": "c", "cluster": {"server": "http://127.0.0.1:1"}}],
            "users": [{"name": "u", "user": {"token": "t"}}],
            "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}]
        });
        fs::write(&upstream, content.to_string()).unwrap();
        let file = |name: &str| certificates.join(name);
        let mut child = Command::new(BINARY)
            .arg("--kubeconfig")
            .arg(&upstream)
            .args(["--allow-http-upstream", "--allow-all-pods", "--listen-addr", "127.0.0.1:0"])
            .arg("--tls-cert")
            .arg(file("serving.crt"))
            .arg("--tls-key")
            .arg(file("serving.key"))
            .arg("--client-ca")
            .arg(file("client-ca.crt"))
            .args(["--client-name", &format!("system:node:{node}"), "--log-format", "json"])
            .arg("--admin-socket")
            .arg(file("admin.sock"))
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap()).lines();
        let address = loop {
            let line: Value = serde_json::from_str(&log.next().unwrap().unwrap()).unwrap();
            if let Some(address) = line["listener"].as_str() {
                break address.parse().unwrap();
            }
        };
        // Read on, or the proxy would block on a full pipe.
        std::thread::spawn(move || log.for_each(drop));
        Self { child, address }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        // Ignored: it has usually ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
