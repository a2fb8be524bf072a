//! How the process stands, in the words that `/status`, the log and the metrics use.

use std::collections::BTreeMap;

use serde::Serialize;

use super::SandboxMode;
use super::landlock::LandlockState;
use super::missing::Missing;

/// Why two parts are off beside a credential plugin.
const FOR_PLUGIN: &str = "a credential plugin has to run";

/// What the kernel said about each part. Fields are as `/status` shows them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SandboxReport {
    /// What was asked for.
    pub mode: SandboxMode,
    /// No `execve` gains rights.
    pub no_new_privileges: bool,
    /// What each set still holds.
    pub capabilities_left: BTreeMap<&'static str, Vec<String>>,
    /// Files, ports, and who is reached through abstract sockets and signals.
    pub landlock: LandlockReport,
    /// System calls.
    pub seccomp: SeccompReport,
}

/// Landlock's part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LandlockReport {
    /// How much of it holds.
    pub state: LandlockState,
    /// The kernel's version of it; 0 is none.
    pub abi: i32,
    /// What is missing and why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// seccomp's part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SeccompReport {
    /// Whether it holds.
    pub state: SeccompState,
    /// Why not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Whether system calls are filtered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum SeccompState {
    /// By our filter; the kernel says so.
    Enforced,
    /// Not by us. The unit's own filter is another matter.
    Off,
}

impl SandboxReport {
    /// `bounding_left` is all that can be left: with any other set not empty there is no sandbox.
    pub(super) fn new(
        mode: SandboxMode,
        bounding_left: Vec<String>,
        landlock: LandlockReport,
        seccomp: SeccompReport,
    ) -> Self {
        let mut capabilities_left: BTreeMap<_, _> =
            super::capabilities::MUST_BE_EMPTY.map(|(_, name)| (name, Vec::new())).into();
        capabilities_left.insert("bounding", bounding_left);
        let no_new_privileges = rustix::thread::no_new_privs().is_ok_and(|is_set| is_set);
        Self { mode, no_new_privileges, capabilities_left, landlock, seccomp }
    }

    /// Capabilities that a program could gain, were it not for `no_new_privs`.
    pub fn bounding_left(&self) -> &[String] {
        self.capabilities_left.get("bounding").map_or(&[], Vec::as_slice)
    }

    /// One line at start.
    pub(super) fn log(&self) {
        tracing::info!(
            mode = self.mode.as_str(),
            landlock = self.landlock.state.as_str(),
            landlock_abi = self.landlock.abi,
            landlock_reason = self.landlock.reason,
            seccomp = self.seccomp.state.as_str(),
            seccomp_reason = self.seccomp.reason,
            no_new_privileges = self.no_new_privileges,
            capabilities_in_bounding_set = self.bounding_left().len(),
            "sandboxed"
        );
    }
}

impl LandlockReport {
    pub(super) fn off_for_plugin() -> Self {
        Self { state: LandlockState::Off, abi: 0, reason: Some(FOR_PLUGIN.to_owned()) }
    }
}

impl SeccompReport {
    pub(super) fn off_for_plugin() -> Self {
        Self { state: SeccompState::Off, reason: Some(FOR_PLUGIN.to_owned()) }
    }

    pub(super) fn of(applied: Result<(), Missing>) -> Self {
        match applied {
            Ok(()) => Self { state: SeccompState::Enforced, reason: None },
            Err(missing) => Self { state: SeccompState::Off, reason: Some(missing.to_string()) },
        }
    }
}

impl SeccompState {
    /// As `/status` spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Enforced => "enforced",
            Self::Off => "off",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_report_has_the_shape_that_status_promises() {
        let landlock = LandlockReport { state: LandlockState::Enforced, abi: 7, reason: None };
        let seccomp = SeccompReport::of(Err(Missing::Seccomp("no".to_owned())));
        let reason = Missing::Seccomp("no".to_owned()).to_string();
        let left = vec!["CAP_KILL".to_owned()];
        let report = SandboxReport::new(SandboxMode::BestEffort, left, landlock, seccomp);
        let expected = json!({
            "mode": "best-effort",
            "noNewPrivileges": report.no_new_privileges,
            "capabilitiesLeft": {
                "ambient": [], "bounding": ["CAP_KILL"], "effective": [], "inheritable": [],
                "permitted": []
            },
            "landlock": {"state": "enforced", "abi": 7},
            "seccomp": {"state": "off", "reason": reason}
        });
        assert_eq!(serde_json::to_value(report).unwrap(), expected);
    }
}
