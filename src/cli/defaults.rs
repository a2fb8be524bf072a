//! Defaults of flags, in one place; `docs/reference/flags.md` repeats them and is compared.

/// Where kubelets connect. On loopback, because what is served are the node's own rights; not 6443
/// or 6444, which a k3s server on the same node owns.
pub const LISTEN_ADDRESS: &str = "127.0.0.1:6448";

/// The kubelet behind its guard: its usual port, on loopback alone.
pub const KUBELET_ADDRESS: &str = "127.0.0.1:10250";

/// The kubelet's own API serves whom the API server says, as the seed has it.
pub const DENY_KUBELET_API: bool = false;

/// Budget for all bodies in flight. Half of the 256 MiB that the unit's `MemoryMax` gives.
pub const MAX_BODY_MEMORY: &str = "128Mi";

/// Least budget that is accepted: a list of a few hundred pods must fit.
pub const LEAST_BODY_MEMORY_BYTES: u64 = 1024 * 1024;

/// Requests are logged, as the seed does.
pub const LOG_REQUESTS: bool = true;

/// Payloads are not logged, as the seed does.
pub const LOG_POD_PAYLOADS: bool = false;

/// Denials and refusals are visible, single admissions are not.
pub const LOG_LEVEL: &str = "info";

/// The journal under systemd, JSON elsewhere.
pub const LOG_FORMAT: &str = "auto";

/// A policy can be replaced by a reload; the appliance says no.
pub const IMMUTABLE_POLICY: bool = false;

/// Serves with a warning where a part of the sandbox cannot be had; the unit says `require`.
pub const SANDBOX: &str = "best-effort";

/// What a kubelet is told to talk to: [`LISTEN_ADDRESS`] over TLS.
pub const SERVER_URL: &str = "https://127.0.0.1:6448";

/// Where the admin socket is, as `kubelet-proxy-admin.socket` makes it.
pub const ADMIN_SOCKET: &str = "/run/kubelet-proxy/admin.sock";

/// Ten years: these certificates are renewed by making new ones, with the node or on purpose.
pub const CERTIFICATE_DAYS: u16 = 3650;
