//! What a kubelet's own status reports tell: that every container of a pod has ended.
//!
//! The kubelet is trusted, and reports a terminal phase only once all containers stopped. Read-only:
//! the report goes up byte for byte whatever is found in it.

use serde::Deserialize;

use super::pod_ledger::Uid;

#[derive(Deserialize)]
struct Report {
    metadata: Metadata,
    status: ReportedStatus,
}

#[derive(Deserialize)]
struct Metadata {
    uid: String,
}

#[derive(Deserialize)]
struct ReportedStatus {
    phase: String,
}

/// The pod that a status patch reports as ended, if it does.
pub(super) fn stopped_pod(patch: &[u8]) -> Option<Uid> {
    let report: Report = serde_json::from_slice(patch).ok()?;
    let is_over = matches!(report.status.phase.as_str(), "Failed" | "Succeeded");
    is_over.then(|| Uid::parse(&report.metadata.uid)).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_terminal_phase_says_that_all_containers_ended() {
        let uid = "0fcb5d1e-4ad9-4a06-8f7e-5c9a3d8e1f00";
        let patch = |phase: &str| {
            format!(r#"{{"metadata":{{"uid":"{uid}"}},"status":{{"phase":"{phase}","x":[1]}}}}"#)
        };
        for (document, stopped) in [
            (patch("Failed"), true),
            (patch("Succeeded"), true),
            (patch("Running"), false),
            (patch("Pending"), false),
            (r#"{"metadata":{"uid":"x"},"status":{"phase":"Failed"}}"#.to_owned(), false),
            (r#"{"status":{"phase":"Failed"}}"#.to_owned(), false),
            ("k8s\0".to_owned(), false),
        ] {
            assert_eq!(stopped_pod(document.as_bytes()).is_some(), stopped, "{document}");
        }
    }
}
