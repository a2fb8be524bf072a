//! The proxy under a journal: the native protocol, received by the test in journald's place.
//!
//! A mount namespace of its own puts the test's socket where journald's is; the machine's own
//! journal sees nothing of it.

use std::os::unix::net::UnixDatagram;
use std::process::Command;
use std::sync::mpsc;
use std::thread;

use tempfile::TempDir;

use super::{BINARY, PATIENCE, Proxy, api_server, get, kubeconfig, policy};

#[test]
fn under_the_journal_records_are_fields_with_a_message_identifier() {
    let directory = TempDir::new().unwrap();
    let journal = UnixDatagram::bind(directory.path().join("socket")).unwrap();
    let script = "mount -t tmpfs tmpfs /run && mkdir -p /run/systemd/journal && \
                  mount --bind \"$1\" /run/systemd/journal && shift && exec \"$@\"";
    let mut command = Command::new("unshare");
    if !rustix::process::geteuid().is_root() {
        command.args(["--user", "--map-root-user"]);
    }
    command.args(["--mount", "sh", "-c", script, "sh"]).arg(directory.path()).arg(BINARY);
    command.args(["--log-format", "journal", "--listen-addr", "127.0.0.1:0"]);
    command.arg("--sandbox=require");
    command.args(["--allow-plaintext", "--allow-any-client", "--allow-http-upstream"]);
    command.arg("--admission-policy").arg(policy(directory.path()));
    let server = format!("http://{}", api_server());
    command.arg("--kubeconfig").arg(kubeconfig(directory.path(), &server));
    let mut proxy = Proxy::spawn(command);

    let lines = journal_lines(journal);
    let start = find(&lines, "kubelet-proxy serves");
    assert_eq!(start.field("PRIORITY"), Some("6"));
    assert_eq!(start.field("SYSLOG_IDENTIFIER"), Some("kubelet-proxy"));
    assert_eq!(start.field("MESSAGE_ID"), None);
    let address = start.field("KP_LISTENER").unwrap().parse().unwrap();
    get(address, "/api/v1/pods?fieldSelector=spec.nodeName%3Dn&limit=500");
    let denial = find(&lines, "pod denied");
    assert_eq!(denial.field("MESSAGE_ID"), Some("7f2a54a1d3be4c0c9f0b6de8c1a7e615"));
    assert_eq!(denial.field("KP_DECISION"), Some("deny"));
    assert_eq!(denial.field("KP_POD"), Some("evil"));
    assert_eq!(denial.field("PRIORITY"), Some("6"));
    assert_eq!(proxy.terminate(), Some(0));
}

/// One entry of the journal's native protocol.
struct Entry {
    fields: Vec<(String, String)>,
}

impl Entry {
    fn read(datagram: &[u8]) -> Option<Self> {
        let mut fields = Vec::new();
        let mut rest = datagram;
        while !rest.is_empty() {
            let end = rest.iter().position(|byte| *byte == b'\n')?;
            let (line, after) = rest.split_at(end);
            let line = String::from_utf8_lossy(line);
            rest = after.get(1..)?;
            if let Some((name, value)) = line.split_once('=') {
                fields.push((name.to_owned(), value.to_owned()));
                continue;
            }
            // A name alone: eight bytes of length, little endian, the value, a line break.
            let (length, after) = rest.split_first_chunk::<8>()?;
            let (value, after) = after.split_at_checked(u64::from_le_bytes(*length) as usize)?;
            fields.push((line.into_owned(), String::from_utf8_lossy(value).into_owned()));
            rest = after.get(1..)?;
        }
        Some(Self { fields })
    }

    fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// Entries as they arrive; ends with the test's process.
fn journal_lines(socket: UnixDatagram) -> mpsc::Receiver<Entry> {
    let (sender, lines) = mpsc::channel();
    thread::spawn(move || {
        let mut datagram = vec![0; 256 * 1024];
        while let Ok(length) = socket.recv(&mut datagram) {
            let entry = datagram.get(..length).and_then(Entry::read);
            if entry.is_some_and(|entry| sender.send(entry).is_err()) {
                return;
            }
        }
    });
    lines
}

/// The next entry with this message.
fn find(lines: &mpsc::Receiver<Entry>, message: &str) -> Entry {
    loop {
        let entry = lines.recv_timeout(PATIENCE).unwrap_or_else(|_| panic!("no '{message}'"));
        if entry.field("MESSAGE") == Some(message) {
            return entry;
        }
    }
}
