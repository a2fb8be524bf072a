//! Tidies up what is not in the world's namespaces: its directory and its control groups.
//!
//! A process of its own, because the test may be killed or interrupted: it waits until nobody holds
//! the pipe to it any more, then removes exactly what it was told of, then ends.

use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

use tempfile::TempDir;

use crate::support::wait::Outcome;

/// Reads identifiers of containers and paths of control groups until the pipe closes. Control groups take a moment to empty
/// after their processes were killed, and dying processes still write files: hence the attempts.
const TIDY: &str = r#"
ids= groups=
while read -r word; do
    case $word in /*) groups="$groups $word" ;; *) ids="$ids $word" ;; esac
done
for attempt in $(seq 100); do
    rm -rf "$DIRECTORY" 2>/dev/null
    for id in $ids; do
        for group in /sys/fs/cgroup/*/k8s.io/"$id" /sys/fs/cgroup/k8s.io/"$id"; do
            [ ! -d "$group" ] || find "$group" -depth -type d -exec rmdir {} + 2>/dev/null
        done
    done
    for group in $groups; do
        [ ! -d "$group" ] || find "$group" -depth -type d -exec rmdir {} + 2>/dev/null
    done
    rmdir /sys/fs/cgroup/*/k8s.io /sys/fs/cgroup/k8s.io 2>/dev/null
    left=$(ls -d $groups "$DIRECTORY" 2>/dev/null; for id in $ids; do ls -d /sys/fs/cgroup/*/k8s.io/"$id" 2>/dev/null; done)
    [ -n "$left" ] || exit 0
    sleep 0.1
done
echo "left behind: $left" >&2
"#;

/// The process, and the directory that it will remove.
pub(crate) struct Janitor {
    process: Child,
    pipe: Option<Notice>,
    dir: PathBuf,
}

/// Tells the janitor of what will have to be removed.
#[derive(Clone)]
pub(crate) struct Notice(Arc<Mutex<ChildStdin>>);

impl Janitor {
    /// Makes the world's directory and hires somebody to remove it.
    pub(crate) fn hire() -> Outcome<Self> {
        let dir = TempDir::with_prefix("nodeward-world-")?;
        let mut process = Command::new("sh")
            .args(["-c", TIDY])
            .env("DIRECTORY", dir.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            // An interrupt from the keyboard goes to the whole group of the test.
            .process_group(0)
            .spawn()?;
        let pipe = process.stdin.take().ok_or("the janitor cannot be told anything")?;
        Ok(Self { process, pipe: Some(Notice(Arc::new(Mutex::new(pipe)))), dir: dir.keep() })
    }

    /// The world's directory.
    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    /// The way to tell it of things. While a copy of it lives the janitor waits.
    pub(crate) fn notice(&self) -> Option<Notice> {
        self.pipe.clone()
    }
}

impl Notice {
    /// Tells of a container whose control groups are to be removed.
    pub(crate) fn container(&self, id: &str) {
        self.tell(id);
    }

    /// Tells of a control group that is to be removed with all below it.
    pub(crate) fn control_group(&self, path: &Path) {
        self.tell(&path.display().to_string());
    }

    fn tell(&self, word: &str) {
        let mut pipe = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // A janitor that has gone away leaves something behind; no reason to fail a test.
        let _told = writeln!(pipe, "{word}");
    }
}

impl Drop for Janitor {
    fn drop(&mut self) {
        drop(self.pipe.take());
        let _done = self.process.wait();
    }
}
