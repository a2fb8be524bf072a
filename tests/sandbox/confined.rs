//! Attempts, each made by a free process and by a confined one: the first shows that the second's
//! failure is the sandbox's doing.

use std::collections::BTreeMap;
use std::fs;
use std::net::TcpListener;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram, UnixListener};
use std::process::Command;

use tempfile::TempDir;

use crate::attempts::ATTEMPTS;

const THREADS: [&str; 3] = ["main", "worker", "blocking"];

/// Landlock's no for files and ports, seccomp's and Landlock's scopes' no for the rest.
const EACCES: i32 = 13;
const EPERM: i32 = 1;

/// What a confined process may do, and what Landlock rather than seccomp refuses.
const ALLOWED: [&str; 6] = [
    "read a file",
    "write the state directory",
    "connect to the API server",
    "send a datagram to a path",
    "write to a file in memory",
    "start a thread",
];
const REFUSED_BY_LANDLOCK: [&str; 8] = [
    "create a file",
    "write a file",
    "empty a file",
    "make a directory",
    "make a link",
    "rename a file",
    "write to a device",
    "connect to another port",
];

type Outcomes = BTreeMap<(String, String), i32>;

pub(crate) fn forbidden_fails_everywhere() {
    let (free, confined) = (attempt("free"), attempt("confined"));
    for thread in THREADS {
        for (name, _) in ATTEMPTS {
            let at = (thread.to_owned(), name.to_owned());
            let (free, confined) = (free[&at], confined[&at]);
            if ALLOWED.contains(&name) {
                assert_eq!((free, confined), (0, 0), "{at:?}");
                continue;
            }
            let expected = if REFUSED_BY_LANDLOCK.contains(&name) { EACCES } else { EPERM };
            assert_eq!(confined, expected, "{at:?}");
            assert_ne!(free, expected, "{at:?} fails without the sandbox as well");
        }
    }
}

pub(crate) fn udp_is_for_names() {
    let (unnamed, named) = (attempt("confined"), attempt("named"));
    for thread in THREADS {
        let at = (thread.to_owned(), "a UDP socket".to_owned());
        assert_eq!((unnamed[&at], named[&at]), (EPERM, 0), "{at:?}");
        let at = (thread.to_owned(), "a netlink socket".to_owned());
        assert_eq!((unnamed[&at], named[&at]), (EPERM, EPERM), "{at:?}");
    }
}

/// Runs this program as `attempt HOW` and reads what it tells.
fn attempt(how: &str) -> Outcomes {
    let directory = TempDir::new().unwrap();
    let state = directory.path().join("state");
    fs::create_dir(&state).unwrap();
    fs::write(directory.path().join("file"), "x").unwrap();
    let _notified = UnixDatagram::bind(directory.path().join("notify")).unwrap();
    let (upstream, elsewhere) = (listener(), listener());
    // The directory's name is nobody else's.
    let abstract_name = directory.path().to_str().unwrap().to_owned();
    let address = SocketAddr::from_abstract_name(&abstract_name).unwrap();
    let _abstract = UnixListener::bind_addr(&address).unwrap();
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["attempt", how])
        .arg(directory.path())
        .args([port(&upstream), port(&elsewhere), abstract_name])
        .env("STATE_DIRECTORY", &state)
        .output()
        .unwrap();
    assert!(output.status.success(), "{how}: {}", String::from_utf8_lossy(&output.stderr));
    let told = String::from_utf8(output.stdout).unwrap();
    let outcomes: Outcomes = told.lines().map(outcome).collect();
    assert_eq!(outcomes.len(), ATTEMPTS.len().saturating_mul(THREADS.len()), "{told}");
    outcomes
}

fn outcome(line: &str) -> ((String, String), i32) {
    let mut fields = line.split('\t').map(str::to_owned);
    let (thread, name) = (fields.next().unwrap(), fields.next().unwrap());
    ((thread, name), fields.next().unwrap().parse().unwrap())
}

fn listener() -> TcpListener {
    TcpListener::bind(("127.0.0.1", 0)).unwrap()
}

fn port(listener: &TcpListener) -> String {
    listener.local_addr().unwrap().port().to_string()
}
