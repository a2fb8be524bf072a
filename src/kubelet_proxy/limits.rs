//! The numbers of this role, each with its reason.

use std::time::Duration;

use crate::kube_wire::json::Limits;

/// Largest pod or watch event: what client-go's own frame reader takes (16 MiB, streaming.go). A pod
/// of an honest cluster is at most 1.5 MiB in etcd, but escapes in JSON can grow that sixfold.
pub const MAX_OBJECT_BYTES: usize = 16 << 20;

/// Nesting and number of values in one object. Real pods nest about 12 deep; 1.5 MiB of etcd's
/// encoding can hold some 700 000 one-byte values.
pub const OBJECT_LIMITS: Limits = Limits { depth: 64, nodes: 1 << 20 };

/// Memory that every answer about pods may hold outside `--max-body-memory`: a watch between events
/// holds less, and their number is bounded by connections and streams.
pub const FREE_BODY_BYTES: usize = 256 << 10;

/// Largest error answer of the API server that is read; the rest of one is not worth waiting for.
pub const MAX_ERROR_BODY_BYTES: usize = 256 << 10;

/// Largest review of a caller that is read: a name, groups and one resource.
pub const MAX_REVIEW_BYTES: usize = 64 << 10;

/// Largest status report of a kubelet that is read on its way up: 256 containers' worth and more.
pub const MAX_STATUS_PATCH_BYTES: usize = 4 << 20;

/// How much of a list is held back before the answer begins: a fault found by then is an orderly 502
/// instead of a broken transfer.
pub const LIST_HOLD_BACK_BYTES: usize = 32 << 10;

/// The API server answers within 60 s (`--request-timeout`) or not at all.
pub const RESPONSE_HEAD_TIMEOUT: Duration = Duration::from_secs(65);

/// Longest silence inside a list or an event: a slow drip must not hold memory for ever.
pub const MID_OBJECT_SILENCE: Duration = Duration::from_secs(20);

/// Longest time that one list may take, however lively: a drip of one byte a second is not silence.
pub const LIST_DEADLINE: Duration = Duration::from_secs(180);

/// Longest time that one watch event may take to arrive in full.
pub const EVENT_DEADLINE: Duration = Duration::from_secs(60);

/// Reflectors of pods, and unfinished lists, that are known at once. A node has one kubelet with one of
/// each.
pub const POD_LISTS_REMEMBERED: usize = 32;

/// The same of objects beside pods: a kubelet has a reflector for each config map and secret in use.
pub const OBJECT_LISTS_REMEMBERED: usize = 4096;

/// Refused objects beside pods that are known at once; another refusal of one forgotten is logged again.
pub const OBJECT_REFUSALS_REMEMBERED: usize = 1024;

/// Records of one kind that are written in a [`RECORDS_PERIOD`]: a node's worth of pods at once. All kinds
/// together stay below what journald takes from a service by default, 10 000 lines in 30 s.
pub const RECORDS_TOLD: u32 = 500;

/// After this long, records are written again.
pub const RECORDS_PERIOD: Duration = Duration::from_secs(30);

/// Longest name of a reflector or continue token that is remembered; real ones have some 200 bytes.
pub const LONGEST_REMEMBERED_BYTES: usize = 4 << 10;

/// Pods on record. A node runs 110 to a few hundred; the rest is history and flood.
pub const LEDGER_CAPACITY: usize = 8192;

/// How long after the kubelet's first list its word on what runs is taken. Its word is up to three seconds
/// old (`runtimeCacheRefreshPeriod`), and it needs a moment to end what the list left out.
pub const LISTED_SETTLES: Duration = Duration::from_secs(5);

/// How long a pod is gone before its absence from what runs says that it has ended: until then a start
/// that was under way may still come.
pub const GONE_SETTLES: Duration = Duration::from_secs(60);

/// Pause between looks at what runs, for as long as pods on record are gone and not known to have ended.
pub const GONE_LOOK: Duration = Duration::from_secs(60);

/// Signed policies whose counters are remembered: each pod of a node may have one of its own, many
/// times over.
pub const SIGNED_POLICIES_REMEMBERED: usize = 8192;

/// Rejections waiting for the API server. More than a node's worth at once is an attack, and a pod
/// whose report is dropped here stays hidden and is reported after the next list.
pub const REJECTION_QUEUE: usize = 1024;

/// Reports under way at once.
pub const REJECTION_WORKERS: usize = 4;

/// Tries to report one rejection; with the back-off below, about five minutes.
pub const REJECTION_ATTEMPTS: u32 = 10;

/// First and longest pause between tries of one report.
pub const REJECTION_BACKOFF: (Duration, Duration) =
    (Duration::from_millis(500), Duration::from_secs(60));

/// Longest that one report may take.
pub const REJECTION_TIMEOUT: Duration = Duration::from_secs(10);

/// Pauses between rejections of one owner's pods: 0, 1, 2, 4 … 300 s. Each Failed pod makes its
/// ReplicaSet create the next at once (kubernetes/kubernetes#38806).
pub const OWNER_LONGEST_PAUSE: Duration = Duration::from_secs(300);

/// An owner that was quiet for this long after its pause begins anew.
pub const OWNER_FORGIVENESS: Duration = Duration::from_secs(600);

/// Owners remembered for damping.
pub const OWNERS_REMEMBERED: usize = 4096;

/// Time that running requests get after SIGTERM, as the seed gives them.
pub const DRAIN_GRACE: Duration = Duration::from_secs(10);

/// How long the start waits for a credential plugin. Longer than its own limit of 10 s.
pub const CREDENTIALS_AT_START: Duration = Duration::from_secs(12);

/// Pause between looks at the API server and at certificates' expiries.
pub const UPSTREAM_LOOK: Duration = Duration::from_secs(5);
