//! One connection of a lane: how many requests it carries, and whether it takes more.
//!
//! It does not read or write; its driver task (`dial.rs`) does. Invariant: `in_use` never exceeds
//! `capacity`, and a connection that is not `open` never gets another request.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use h2::client::SendRequest as H2Sender;
use hyper::client::conn::http1::SendRequest as H1Sender;
use tokio::sync::Notify;

use crate::upstream::body::RequestBody;

/// The sending half. Each lock is held for one hand-over of a request head, never across an await.
pub(crate) enum Wire {
    H2(Mutex<H2Sender<Bytes>>),
    H1(Mutex<H1Sender<RequestBody>>),
}

/// Dropping the last reference ends the driver once no stream is left.
pub(crate) struct Connection {
    pub(crate) wire: Wire,
    /// Of the TLS it was made with.
    pub(super) generation: u64,
    pub(super) load: Arc<Load>,
}

impl Connection {
    /// No more requests; those under way go on.
    pub(crate) fn take_no_more(&self) {
        self.load.close();
    }
}

/// What pool and driver both look at.
pub(super) struct Load {
    capacity: AtomicUsize,
    in_use: AtomicUsize,
    open: AtomicBool,
    /// A slot was taken since [`Self::rested`] last asked.
    used: AtomicBool,
    grown: Notify,
}

impl Load {
    pub(super) fn new(capacity: usize) -> Arc<Self> {
        Arc::new(Self {
            capacity: AtomicUsize::new(capacity),
            in_use: AtomicUsize::new(0),
            open: AtomicBool::new(true),
            used: AtomicBool::new(true),
            grown: Notify::new(),
        })
    }

    /// Takes one slot if the connection is open and not full.
    pub(super) fn take(&self) -> bool {
        let capacity = self.capacity.load(Ordering::Relaxed);
        let one_more = |used: usize| (used < capacity).then(|| used.saturating_add(1));
        let taken = self.open.load(Ordering::Acquire)
            && self.in_use.fetch_update(Ordering::SeqCst, Ordering::Relaxed, one_more).is_ok();
        if taken {
            self.used.store(true, Ordering::Relaxed);
        }
        taken
    }

    /// True when nothing has used the connection since the last call.
    pub(super) fn rested(&self) -> bool {
        !self.used.swap(false, Ordering::Relaxed) && self.in_use() == 0
    }

    pub(super) fn give_back(&self) {
        // Every `give_back` follows a `take`, so this cannot wrap.
        self.in_use.fetch_sub(1, Ordering::SeqCst);
    }

    pub(super) fn in_use(&self) -> usize {
        self.in_use.load(Ordering::SeqCst)
    }

    pub(super) fn capacity(&self) -> usize {
        self.capacity.load(Ordering::Relaxed)
    }

    /// The peer's SETTINGS changed; tells [`Self::grown`] when somebody waiting may go on.
    pub(super) fn set_capacity(&self, capacity: usize) {
        let same = self.capacity.load(Ordering::Relaxed) == capacity;
        if !same && self.capacity.swap(capacity, Ordering::SeqCst) < capacity {
            self.grown.notify_one();
        }
    }

    /// Resolves after the capacity has grown.
    pub(super) async fn grown(&self) {
        self.grown.notified().await;
    }

    pub(super) fn is_open(&self) -> bool {
        self.open.load(Ordering::Acquire)
    }

    /// No more requests; those under way go on.
    pub(super) fn close(&self) {
        self.open.store(false, Ordering::Release);
    }
}
