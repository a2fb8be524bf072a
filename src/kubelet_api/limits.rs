//! The numbers of this room, each with its reason.

use std::time::Duration;

/// Streams (exec, attach, port-forward) at once. Their connections have left the listener's count.
pub const MAX_STREAMS: usize = 64;

/// The kubelet is on loopback: a connection takes a millisecond, or nobody listens.
pub const CONNECT_LIMIT: Duration = Duration::from_secs(5);

/// Time for the head of an answer that is made at once. Collecting metrics of a busy node takes seconds.
pub const HEAD_LIMIT: Duration = Duration::from_secs(65);

/// The same where the head waits for something to happen: a line of a log, the end of a command. The
/// kubelet itself gives up after four hours (`WriteTimeout`).
pub const SLOW_HEAD_LIMIT: Duration = Duration::from_secs(4 * 3600 + 60);

/// Head of an answer of the kubelet: a few hundred bytes.
pub const KUBELET_BUFFER_BYTES: usize = 64 * 1024;

/// Memory for each direction of a stream.
pub const STREAM_BUFFER_BYTES: usize = 32 * 1024;

/// Time for a caller to close its side of a stream after the kubelet closed the other.
pub const CLOSING_LIMIT: Duration = Duration::from_secs(5);

/// Refused requests that are told one by one in a [`REFUSALS_PERIOD`]; the metric counts all.
pub const REFUSALS_TOLD: u32 = 20;

/// After this long, refused requests are told again.
pub const REFUSALS_PERIOD: Duration = Duration::from_secs(10);

/// Longest control frame of SPDY that is read, as in the library at the other end.
pub const MAX_CONTROL_BYTES: usize = 16 * 1024;

/// Longest header block after decompression. Real ones have three short fields.
pub const MAX_HEADER_BLOCK_BYTES: usize = 16 * 1024;

/// Fields of a SPDY stream; real ones have three.
pub const MAX_STREAM_FIELDS: u32 = 16;

/// Longest that the kubelet may take to say which pods run. It asks its runtime, on the same machine.
pub const RUNNING_PODS_LIMIT: Duration = Duration::from_secs(10);

/// Longest answer about running pods: [`MAX_RUNNING_PODS`] with a dozen containers each.
pub const MAX_RUNNING_PODS_BYTES: usize = 8 << 20;

/// Pods that run at once; a node runs 110 to a few hundred.
pub const MAX_RUNNING_PODS: usize = 4096;

/// How old an answer about running pods may be where it decides on logs. The kubelet's own is up to
/// three seconds old, and dashboards read logs of many containers at once.
pub const RUNNING_PODS_AGE_FOR_LOGS: Duration = Duration::from_secs(2);
