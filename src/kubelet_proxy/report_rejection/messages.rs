//! The three requests that tell a cluster about a rejection: status patch, Event, last delete.
//!
//! The status patch is byte for byte the seed's (reference §1.4) plus the UID, which makes the API
//! server refuse it for another pod of the same name. Pure: time is an argument.

use serde_json::{Value, json};

use super::Rejection;

/// The seed's reason, which its users' tools grep for.
pub(crate) const REASON: &str = "NodeAdmissionRejected";

/// Longest reason that goes into a status: the API server takes more, `kubectl describe` does not.
const MAX_REASON_CHARS: usize = 1024;

/// The strategic merge patch for `pods/{name}/status`. `now` is RFC 3339 UTC in seconds.
pub(super) fn status_patch(rejection: &Rejection, now: &str) -> Value {
    let reason = capped(&rejection.reason);
    let condition = |kind: &str, status: &str, message: &str| {
        json!({
            "type": kind, "status": status, "reason": REASON, "message": message,
            "lastTransitionTime": now,
        })
    };
    json!({
        "metadata": {"uid": rejection.uid},
        "status": {
            "phase": "Failed",
            "reason": REASON,
            "message": format!("Pod rejected by kubelet-proxy: {reason}"),
            "conditions": [
                condition("Ready", "False", &reason),
                condition("ContainersReady", "False", &reason),
                condition(
                    "PodScheduled",
                    "True",
                    "Pod was scheduled but rejected by node admission policy",
                ),
            ],
        },
    })
}

/// A Warning Event on the pod, named so that a repetition is a conflict rather than a second Event.
pub(super) fn event(rejection: &Rejection, node: &str, now: &str) -> Value {
    // Event names are DNS subdomains: the pod's own name, cut, and its UID make one.
    let stem: String = rejection.name.chars().take(200).collect();
    let name = format!("{}.{}", stem.trim_end_matches(['.', '-']), rejection.uid);
    json!({
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": name, "namespace": rejection.namespace},
        "involvedObject": {
            "apiVersion": "v1", "kind": "Pod", "namespace": rejection.namespace,
            "name": rejection.name, "uid": rejection.uid,
        },
        "reason": REASON,
        "message": format!("Pod rejected by kubelet-proxy: {}", capped(&rejection.recorded)),
        "type": "Warning",
        "source": {"component": "kubelet-proxy", "host": node},
        "reportingComponent": "kubelet-proxy",
        "reportingInstance": node,
        "firstTimestamp": now,
        "lastTimestamp": now,
        "count": 1,
    })
}

/// The delete that ends a rejected pod which nobody else will end: at once, and this pod only.
pub(super) fn last_delete(rejection: &Rejection) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "DeleteOptions",
        "gracePeriodSeconds": 0,
        "preconditions": {"uid": rejection.uid},
    })
}

fn capped(reason: &str) -> String {
    reason.chars().take(MAX_REASON_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio_util::sync::CancellationToken;

    fn rejection() -> Rejection {
        Rejection {
            namespace: "ns".to_owned(),
            name: "web-0".to_owned(),
            uid: "0fcb5d1e-4ad9-4a06-8f7e-5c9a3d8e1f00".to_owned(),
            reason: "denied by rule 'r': no".to_owned(),
            recorded: "denied by rule 'r'".to_owned(),
            owner_uid: None,
            wants_status: true,
            wants_delete: false,
            superseded: CancellationToken::new(),
        }
    }

    #[test]
    fn the_status_patch_is_the_seeds_plus_the_uid() {
        let condition = |kind: &str, status: &str, message: &str| {
            json!({"type": kind, "status": status, "reason": "NodeAdmissionRejected",
                "message": message, "lastTransitionTime": "2026-11-21T10:00:00Z"})
        };
        let reason = "denied by rule 'r': no";
        assert_eq!(
            status_patch(&rejection(), "2026-11-21T10:00:00Z"),
            json!({
                "metadata": {"uid": "0fcb5d1e-4ad9-4a06-8f7e-5c9a3d8e1f00"},
                "status": {
                    "phase": "Failed", "reason": "NodeAdmissionRejected",
                    "message": "Pod rejected by kubelet-proxy: denied by rule 'r': no",
                    "conditions": [
                        condition("Ready", "False", reason),
                        condition("ContainersReady", "False", reason),
                        condition("PodScheduled", "True",
                            "Pod was scheduled but rejected by node admission policy"),
                    ],
                },
            })
        );
    }

    #[test]
    fn an_event_is_named_after_the_pod_within_the_grammar() {
        let long = Rejection { name: format!("{}.-x", "a".repeat(199)), ..rejection() };
        let name = event(&long, "n", "t")["metadata"]["name"].as_str().unwrap().to_owned();
        assert!(
            name.len() <= 253
                && name.starts_with("aaa")
                && !name.contains("..")
                && !name.contains("-.")
        );
    }

    #[test]
    fn an_event_says_what_the_nodes_records_say() {
        let event = event(&rejection(), "n", "t");
        assert_eq!(event["message"], "Pod rejected by kubelet-proxy: denied by rule 'r'");
    }

    #[test]
    fn a_long_reason_is_cut_at_a_character() {
        let long = Rejection { reason: "ä".repeat(5000), ..rejection() };
        let message = status_patch(&long, "t")["status"]["message"].as_str().unwrap().to_owned();
        assert!(message.chars().count() < 1100);
    }

    #[test]
    fn the_last_delete_is_bound_to_the_uid() {
        let options = last_delete(&rejection());
        assert_eq!(options["preconditions"]["uid"], "0fcb5d1e-4ad9-4a06-8f7e-5c9a3d8e1f00");
        assert_eq!(options["gracePeriodSeconds"], 0);
    }
}
