//! The Go program in `tests/go/reflector` as a child process, one binary for each client-go minor.
//!
//! Its lines are kept in the order printed; waiting means waiting for a line.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

use crate::support::pki::IdentityFiles;

/// The client-go minors under test, oldest first.
pub(crate) const MINORS: [u8; 5] = [33, 34, 35, 36, 37];

/// From this minor on, a reflector begins with a WatchList.
pub(crate) const FIRST_WITH_WATCH_LIST: u8 = 35;

/// A kubelet's first retry comes after at most 1.6 s, its third after at most 6.4 s.
const PATIENCE: Duration = Duration::from_secs(25);

/// Where and as whom the program connects.
#[derive(Clone)]
pub(crate) struct Target {
    pub(crate) url: String,
    pub(crate) authority: PathBuf,
    pub(crate) identity: IdentityFiles,
}

/// A running program. Dropping it ends the process.
pub(crate) struct Reflector {
    child: Child,
    journal: Arc<Journal>,
}

#[derive(Default)]
struct Journal {
    lines: Mutex<Vec<Value>>,
    grown: Condvar,
}

impl Reflector {
    pub(crate) fn start(minor: u8, target: &Target, arguments: &[&str]) -> Self {
        let mut child = Command::new(binary(minor))
            .arg("-server")
            .arg(&target.url)
            .arg("-ca")
            .arg(&target.authority)
            .arg("-cert")
            .arg(&target.identity.certificate)
            .arg("-key")
            .arg(&target.identity.key)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the reflector program starts");
        let output = BufReader::new(child.stdout.take().expect("piped"));
        let journal = Arc::new(Journal::default());
        let reader = journal.clone();
        std::thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                let line = serde_json::from_str(&line).expect("the program prints JSON");
                reader.lines.lock().unwrap().push(line);
                reader.grown.notify_all();
            }
        });
        Self { child, journal }
    }

    /// Everything printed so far.
    pub(crate) fn lines(&self) -> Vec<Value> {
        self.journal.lines.lock().unwrap().clone()
    }

    /// Waits for the lines to satisfy `done`; `Err` holds them when patience ends.
    pub(crate) fn wait_until(&self, done: impl Fn(&[Value]) -> bool) -> Result<(), Vec<Value>> {
        self.wait_until_within(PATIENCE, done)
    }

    /// [`Reflector::wait_until`] with another patience.
    pub(crate) fn wait_until_within(
        &self,
        patience: Duration,
        done: impl Fn(&[Value]) -> bool,
    ) -> Result<(), Vec<Value>> {
        let deadline = Instant::now() + patience;
        let mut lines = self.journal.lines.lock().unwrap();
        while !done(&lines) {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(lines.clone());
            }
            lines = self.journal.grown.wait_timeout(lines, left).unwrap().0;
        }
        Ok(())
    }

    /// Waits for the newest set to be exactly the pods `names` of the namespace `default`.
    pub(crate) fn wait_for_set(&self, names: &[&str]) {
        self.wait_for_set_within(names, PATIENCE);
    }

    /// [`Reflector::wait_for_set`] with another patience.
    pub(crate) fn wait_for_set_within(&self, names: &[&str], patience: Duration) {
        let wanted = |lines: &[Value]| sets(lines).next_back().is_some_and(|set| holds(set, names));
        if let Err(lines) = self.wait_until_within(patience, wanted) {
            panic!("the kubelet never had exactly {names:?}; it saw:\n{}", brief(&lines));
        }
    }

    /// Fails when any line so far shows something that a kubelet must never get.
    pub(crate) fn assert_no_evil(&self) {
        let lines = self.lines();
        let leaks = lines.iter().any(is_evil);
        assert!(!leaks, "something denied arrived:\n{}", brief(&lines));
    }
}

impl Drop for Reflector {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The sets of pods that the kubelet was sent.
pub(crate) fn sets(lines: &[Value]) -> impl DoubleEndedIterator<Item = &Value> {
    lines.iter().filter(|line| line["event"] == "set")
}

/// The set is exactly the pods `names` of the namespace `default`.
pub(crate) fn holds(set: &Value, names: &[&str]) -> bool {
    let pods = set["pods"].as_array().map(Vec::as_slice).unwrap_or_default();
    let present = |name: &&str| {
        pods.iter().any(|pod| {
            pod["metadata"]["name"] == **name && pod["metadata"]["namespace"] == "default"
        })
    };
    set["count"] == names.len() && names.iter().all(present)
}

/// The line shows an object in which the decoder found the marker.
pub(crate) fn is_evil(line: &Value) -> bool {
    line["evil"].as_array().is_some_and(|marked| !marked.is_empty())
}

/// The lines as a person wants them in a failure: without whole pods.
pub(crate) fn brief(lines: &[Value]) -> String {
    const LONGEST: usize = 400;
    let short = lines.iter().rev().take(40).rev().map(|line| {
        let mut line = line.clone();
        if let Some(pods) = line["pods"].as_array() {
            let names: Vec<_> = pods.iter().map(|pod| pod["metadata"]["name"].clone()).collect();
            line["pods"] = Value::Array(names);
        }
        line.to_string().chars().take(LONGEST).collect::<String>()
    });
    short.collect::<Vec<_>>().join("\n")
}

/// Builds what is missing or older than its source, one after the other.
pub(crate) fn build_all() {
    for minor in MINORS {
        let built = modified(&binary(minor));
        let sources = ["main.go", "reflect.go", "journal.go", &modfile(minor)];
        let is_stale = sources.iter().any(|name| modified(&source().join(name)) > built);
        if built.is_some() && !is_stale {
            continue;
        }
        eprintln!("building the reflector with client-go v0.{minor} (a minute, the first time)");
        let status = Command::new("go")
            .current_dir(source())
            .env("CGO_ENABLED", "0")
            .args(["build", "-trimpath", &format!("-modfile={}", modfile(minor)), "-o"])
            .arg(binary(minor))
            .arg(".")
            .status()
            .expect("go is installed");
        assert!(status.success(), "go build of the reflector with client-go v0.{minor}: {status}");
    }
}

fn modfile(minor: u8) -> String {
    format!("go.v0.{minor}.mod")
}

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/go/reflector")
}

fn binary(minor: u8) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("target/go/reflector-v0.{minor}"))
}

fn modified(path: &Path) -> Option<std::time::SystemTime> {
    path.metadata().and_then(|metadata| metadata.modified()).ok()
}
