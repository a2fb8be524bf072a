//! Lanes: three sets of connections to one API server that never wait for each other.
//!
//! A pooled client keeps one HTTP/2 connection and queues past its stream limit, so a few hundred
//! watches would starve the lease renewal and the node would be declared dead (hyper #3623, #2197;
//! the API server allows 100 streams). Invariant: a request takes a slot of its own lane or fails
//! within the lane's wait, whatever the other lanes do.

mod connection;
mod dial;
mod drive;
mod pool;

use std::time::Duration;

pub(super) use connection::{Connection, Wire};
pub(super) use dial::Dialer;
pub(super) use pool::{LanePool, Permit};

/// Which connections a request uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lane {
    /// Leases and node status: what keeps the node alive.
    Heartbeat,
    /// Everything that ends soon.
    Short,
    /// Watches, which hold their stream for minutes.
    Watch,
}

impl Lane {
    /// All lanes.
    pub const ALL: [Self; 3] = [Self::Heartbeat, Self::Short, Self::Watch];

    /// Name for logs, metrics and errors.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Heartbeat => "heartbeat",
            Self::Short => "short",
            Self::Watch => "watch",
        }
    }

    /// Bounds of this lane.
    pub(super) fn limits(self) -> LaneLimits {
        match self {
            // Lease, node GET and PATCH: a handful at a time even when the kubelet retries.
            Self::Heartbeat => LaneLimits { streams: 16, ..LaneLimits::SMALL },
            Self::Short => LaneLimits { streams: 640, ..LaneLimits::LARGE },
            // One watch for each Secret and ConfigMap that the node's pods mount.
            Self::Watch => LaneLimits { streams: 4096, ..LaneLimits::LARGE },
        }
    }
}

/// One look at a lane, for metrics.
#[derive(Clone, Copy, Debug)]
pub struct LaneSnapshot {
    /// The lane.
    pub lane: Lane,
    /// Connections that take requests.
    pub connections: usize,
    /// Requests whose answer is not read to its end.
    pub in_flight: usize,
    /// Requests without a slot.
    pub waiting: usize,
}

/// Of the 100 streams that the API server allows on a connection (secure_serving.go); the rest
/// absorbs streams that have ended for us but not yet for the server.
const STREAMS_PER_CONNECTION: usize = 80;

/// Bounds of one lane.
#[derive(Clone, Copy, Debug)]
pub(super) struct LaneLimits {
    /// Requests under way at once, over all connections.
    pub(super) streams: usize,
    /// Connections when each carries one request (HTTP/1.1).
    pub(super) connections: usize,
    /// Requests waiting for a slot.
    pub(super) waiters: usize,
    /// Longest wait for a slot, a new connection included: just below the kubelet's own 10 s, so
    /// that it hears from us why.
    pub(super) wait: Duration,
}

impl LaneLimits {
    const SMALL: Self =
        Self { streams: 16, connections: 8, waiters: 64, wait: Duration::from_secs(9) };
    const LARGE: Self =
        Self { streams: 640, connections: 512, waiters: 1024, wait: Duration::from_secs(9) };

    /// Most connections when each carries `capacity` requests.
    fn most_connections(&self, capacity: usize) -> usize {
        self.streams.div_ceil(capacity.max(1)).min(self.connections)
    }
}
