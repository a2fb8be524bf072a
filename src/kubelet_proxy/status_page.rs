//! `/status`: what runs here, by which policy, in which sandbox. For operators and their tools.
//!
//! Names no pod and no secret. The shape is documented in `docs/reference/commands.md`; members are
//! added, never renamed.

use std::sync::Arc;

use serde::Serialize;

use super::config::PolicySource;
use super::decide::Judge;
use super::reload::{LastReload, Outcome};
use crate::policy::signed::trust::TrustedKeys;
use crate::sandbox::SandboxReport;
use crate::systemd::measurement::Sha256;
use crate::upstream::Upstream;

/// Where the parts of a status come from.
pub(super) struct StatusPage {
    pub(super) policy: PolicySource,
    pub(super) binary: Sha256,
    pub(super) sandbox: SandboxReport,
    pub(super) judge: Arc<Judge>,
    pub(super) upstream: Arc<Upstream>,
    pub(super) last_reload: Arc<LastReload>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Status<'a> {
    version: &'static str,
    binary_sha256: String,
    policy: PolicyStatus<'a>,
    sandbox: &'a SandboxReport,
    upstream: UpstreamStatus<'a>,
    last_reload: ReloadStatus<'a>,
    watchdog: WatchdogStatus,
}

#[derive(Serialize)]
struct PolicyStatus<'a> {
    name: &'a str,
    sha256: &'a str,
    rules: usize,
    immutable: bool,
    /// Whose signatures count; empty without `--policy-verification-cert`.
    keys: Vec<KeyStatus<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct KeyStatus<'a> {
    id: &'a str,
    /// When its certificate ends, Unix seconds; a key without a certificate has no end.
    #[serde(skip_serializing_if = "Option::is_none")]
    not_after: Option<i64>,
}

#[derive(Serialize)]
struct UpstreamStatus<'a> {
    server: &'a str,
    up: bool,
}

#[derive(Serialize)]
struct ReloadStatus<'a> {
    outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
}

#[derive(Serialize)]
struct WatchdogStatus {
    enabled: bool,
}

impl StatusPage {
    /// The present status as a JSON object.
    pub(super) fn write(&self, is_watched: bool) -> String {
        let in_force = self.judge.in_force();
        let policy = in_force.policy();
        let keys = policy.keys().into_iter().flat_map(TrustedKeys::iter);
        let last_reload = self.last_reload.outcome();
        let (outcome, reason) = match last_reload.as_ref() {
            Outcome::None => ("none", None),
            Outcome::Ok => ("ok", None),
            Outcome::Refused(reason) => ("refused", Some(reason.as_str())),
        };
        let status = Status {
            version: env!("CARGO_PKG_VERSION"),
            binary_sha256: self.binary.to_string(),
            policy: PolicyStatus {
                name: policy.name(),
                sha256: policy.digest(),
                rules: policy.rule_count(),
                immutable: self.policy.is_immutable(),
                keys: keys
                    .map(|key| KeyStatus { id: key.id(), not_after: key.not_after() })
                    .collect(),
            },
            sandbox: &self.sandbox,
            upstream: UpstreamStatus {
                server: self.upstream.endpoint().authority().as_str(),
                up: self.upstream.is_up(),
            },
            last_reload: ReloadStatus { outcome, reason },
            watchdog: WatchdogStatus { enabled: is_watched },
        };
        // Strings, numbers and flags only: writing them cannot fail.
        serde_json::to_string(&status).unwrap_or_default()
    }
}
