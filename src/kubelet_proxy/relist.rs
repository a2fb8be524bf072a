//! Makes a kubelet list anew when it might believe in pods that this process never decided on.
//!
//! A reflector that survives our restart resumes its watch at the last version it saw, and pods that
//! were admitted then, by another policy perhaps, would never come past again. So until a whole list
//! went through, a resumed watch gets `410 Expired`, which makes every reflector list.

use std::sync::atomic::{AtomicBool, Ordering};

/// Has a whole list gone through since the beginning?
#[derive(Debug, Default)]
pub(super) struct RelistGate {
    listed: AtomicBool,
}

impl RelistGate {
    /// A whole list, or all initial events of a WatchList, went to the kubelet.
    pub(super) fn listed(&self) {
        self.listed.store(true, Ordering::Release);
    }

    /// Must a resumed watch be sent back to list?
    pub(super) fn sends_back(&self) -> bool {
        !self.listed.load(Ordering::Acquire)
    }
}
