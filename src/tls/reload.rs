//! Follows credential files by polling their metadata, and reloads what is behind them.
//!
//! Polling, not inotify: it also sees network file systems, `..data` symlink swaps and directories
//! that are replaced. It does not parse; each [`Reload`] does. Invariant: a failed reload keeps what
//! was there before and is tried again on every sweep until it works, so a half-written pair heals.

use std::fmt;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::digest::{Context, SHA256};

use super::TlsError;

/// One look a second: a kubelet rotates days ahead of expiry, an operator waits for a second.
pub const POLL_INTERVAL: Duration = Duration::from_secs(1);

/// What a successful reload did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reloaded {
    /// The bytes are the ones already in use.
    Unchanged,
    /// New material is in use from now on.
    Swapped,
}

/// New material, read and verified, not yet in use: several can be swapped together or not at all.
#[must_use = "nothing changes until it is committed"]
pub struct Prepared<'a> {
    swap: Option<Box<dyn FnOnce() + 'a>>,
}

impl<'a> Prepared<'a> {
    /// The bytes are the ones already in use.
    pub fn unchanged() -> Self {
        Self { swap: None }
    }

    /// `swap` puts the new material in use; it cannot fail.
    pub fn change(swap: impl FnOnce() + 'a) -> Self {
        Self { swap: Some(Box::new(swap)) }
    }

    /// Puts the new material in use.
    pub fn commit(self) -> Reloaded {
        match self.swap {
            None => Reloaded::Unchanged,
            Some(swap) => {
                swap();
                Reloaded::Swapped
            }
        }
    }
}

/// Something made from files.
pub trait Reload: Send + Sync {
    /// Short name for logs and metrics, such as `serving-tls`.
    fn subject(&self) -> &'static str;
    /// Every file whose change should lead to a reload; empty means never.
    fn files(&self) -> Vec<PathBuf>;
    /// Reads the files and verifies them. Nothing changes.
    ///
    /// # Errors
    /// What is wrong with them, for the operator.
    fn prepare(&self) -> Result<Prepared<'_>, TlsError>;

    /// Reads the files and swaps the result in, or leaves everything as it is.
    ///
    /// # Errors
    /// The reason why the old material stays, for the operator.
    fn reload(&self) -> Result<Reloaded, TlsError> {
        self.prepare().map(Prepared::commit)
    }
}

/// One reload worth telling: material swapped, or a failure that differs from the one before.
#[derive(Debug)]
pub struct ReloadReport<'a> {
    /// [`Reload::subject`].
    pub subject: &'static str,
    /// `Err` means that the old material stays in use.
    pub outcome: Result<(), &'a TlsError>,
}

type Listener = Box<dyn Fn(&ReloadReport<'_>) + Send>;

/// The one task that looks after all followed files.
pub struct FileFollower {
    followed: Vec<Followed>,
    listener: Listener,
}

struct Followed {
    source: Arc<dyn Reload>,
    /// Metadata seen at the last successful reload.
    seen: Option<Vec<Mark>>,
    last_failure: Option<String>,
}

impl fmt::Debug for Prepared<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.swap.is_some() { "Prepared(change)" } else { "Prepared(unchanged)" })
    }
}

impl FileFollower {
    /// `listener` hears of every report, on a blocking thread: log, count, return.
    pub fn new(listener: impl Fn(&ReloadReport<'_>) + Send + 'static) -> Self {
        Self { followed: Vec::new(), listener: Box::new(listener) }
    }

    /// Adds a source. The first sweep always reads it, so a change between load and here is seen.
    pub fn follow(&mut self, source: Arc<dyn Reload>) {
        if !source.files().is_empty() {
            self.followed.push(Followed { source, seen: None, last_failure: None });
        }
    }

    /// Sweeps every [`POLL_INTERVAL`] until dropped.
    pub async fn run(mut self) {
        let mut ticks = tokio::time::interval(POLL_INTERVAL);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            // A hung network file system must not stop the runtime's own threads.
            let swept = tokio::task::spawn_blocking(move || {
                self.sweep();
                self
            });
            match swept.await {
                Ok(follower) => self = follower,
                // Only at shutdown of the runtime: there is nothing left to follow for.
                Err(_cancelled) => return,
            }
        }
    }

    fn sweep(&mut self) {
        for followed in &mut self.followed {
            followed.look(&self.listener);
        }
    }
}

impl Followed {
    fn look(&mut self, listener: &Listener) {
        let files = self.source.files();
        let before = marks(&files);
        if self.last_failure.is_none() && self.seen.as_ref() == Some(&before) {
            return;
        }
        let subject = self.source.subject();
        match self.source.reload() {
            Ok(reloaded) => {
                // A write during the read makes the metadata differ, and the next sweep read again.
                self.seen = (marks(&files) == before).then_some(before);
                self.last_failure = None;
                if reloaded == Reloaded::Swapped {
                    listener(&ReloadReport { subject, outcome: Ok(()) });
                }
            }
            Err(error) => {
                let text = error.to_string();
                if self.last_failure.as_ref() != Some(&text) {
                    listener(&ReloadReport { subject, outcome: Err(&error) });
                }
                self.last_failure = Some(text);
            }
        }
    }
}

/// Enough of a file's metadata to notice a rewrite, a rename over it, or a moved symlink.
#[derive(Debug, PartialEq, Eq)]
struct Mark {
    target: Option<PathBuf>,
    /// Device, inode, size, then mtime and ctime in seconds and nanoseconds.
    numbers: Option<[i128; 7]>,
}

fn marks(files: &[PathBuf]) -> Vec<Mark> {
    files.iter().map(|path| Mark::of(path)).collect()
}

impl Mark {
    fn of(path: &Path) -> Self {
        let numbers = fs::metadata(path).ok().map(|found| {
            [
                found.dev().into(),
                found.ino().into(),
                found.size().into(),
                found.mtime().into(),
                found.mtime_nsec().into(),
                found.ctime().into(),
                found.ctime_nsec().into(),
            ]
        });
        Self { target: fs::canonicalize(path).ok(), numbers }
    }
}

/// SHA-256 over all material of one load: tells new material from files merely rewritten.
#[derive(Clone)]
pub(crate) struct MaterialDigest(Context);

impl Default for MaterialDigest {
    fn default() -> Self {
        Self(Context::new(&SHA256))
    }
}

impl MaterialDigest {
    /// Adds one piece, framed by its length so that pieces cannot shift into each other.
    pub(crate) fn add(&mut self, piece: &[u8]) {
        self.0.update(&piece.len().to_le_bytes());
        self.0.update(piece);
    }
}

impl PartialEq for MaterialDigest {
    fn eq(&self, other: &Self) -> bool {
        let finished = |digest: &Self| digest.0.clone().finish();
        finished(self).as_ref() == finished(other).as_ref()
    }
}

impl fmt::Debug for MaterialDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MaterialDigest")
    }
}

#[cfg(test)]
mod tests;
