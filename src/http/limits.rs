//! Numbers of the http room, each with its reason.
//!
//! The caller behind a connection may be any local process, so each number bounds memory or time
//! that somebody who has not proved anything can take.

use std::time::Duration;

/// Connections past the handshake. A kubelet holds one to three; the rest is room for its restarts
/// and for tools.
pub const MAX_CONNECTIONS: usize = 128;

/// Connections in the handshake. Apart from the number above, so that strangers who never finish a
/// handshake cannot use up the places of those who did.
pub const MAX_HANDSHAKES: usize = 128;

/// Connections to a unix socket: the watchdog's one, a monitoring agent, and people.
pub const MAX_LOCAL_CONNECTIONS: usize = 32;

/// A handshake on a loaded node takes well under a second; Go clients give up after ten.
pub const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// Time for the head of an HTTP/1.1 request, and for an idle connection to begin one. Longer than
/// the 10 s between a kubelet's lease renewals, so that its connection is not closed between two.
pub const HEADER_READ_TIMEOUT: Duration = Duration::from_secs(90);

/// Head of a request. The longest a kubelet sends (a list with selectors and a token) is near 2 KiB.
pub const MAX_HEADER_BYTES: u32 = 32 * 1024;

/// Read and write buffer of an HTTP/1.1 connection; must hold a whole head.
pub const HTTP1_BUFFER_BYTES: usize = 64 * 1024;

/// Streams of one connection. A kubelet watches every Secret and `ConfigMap` its pods refer to, all
/// on one connection: with 110 pods a few hundred streams are normal.
pub const MAX_CONCURRENT_STREAMS: u32 = 1000;

/// Unread upload of one stream. Uploads are status patches and leases of a few KiB.
pub const STREAM_WINDOW_BYTES: u32 = 64 * 1024;

/// Unread upload of one connection, all streams together.
pub const CONNECTION_WINDOW_BYTES: u32 = 256 * 1024;

/// What one stream may have queued towards a slow reader before its body is asked for no more.
pub const STREAM_SEND_BUFFER_BYTES: usize = 64 * 1024;

/// Streams the peer opened and reset before they were looked at (CVE-2023-44487, rapid reset).
pub const MAX_PENDING_RESETS: usize = 64;

/// Streams reset by us because of the peer's errors before the connection ends (RUSTSEC-2024-0003).
pub const MAX_ERROR_RESETS: usize = 128;

/// A ping after this much silence finds a peer that is gone; Go clients use the same 30 s.
pub const PING_INTERVAL: Duration = Duration::from_secs(30);

/// Time for the answer to a ping; Go clients use the same 15 s.
pub const PING_TIMEOUT: Duration = Duration::from_secs(15);

/// First pause after the kernel refused to accept for lack of descriptors or memory.
pub const ACCEPT_PAUSE: Duration = Duration::from_millis(20);

/// Longest such pause: a kubelet retries once a second, so the next attempt finds us awake.
pub const MAX_ACCEPT_PAUSE: Duration = Duration::from_secs(1);

/// Time a body waits for its share of the budget. Kubelets give a request up after 10 s at the
/// earliest, and an early refusal frees what the waiting request itself holds.
pub const BUDGET_WAIT: Duration = Duration::from_secs(5);
