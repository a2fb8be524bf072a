//! What is said of an admitted pod beside the fact: denials that were only observed, and exceptions.
//!
//! Said once a pod, and again when it is something else: a pod that changes its status every second would
//! fill a log.

use super::{Hearing, Source};
use crate::audit::record::Decision;
use crate::kube_wire::pod::Pod;
use crate::kube_wire::watch_event::Tombstone;
use crate::kubelet_proxy::pod_ledger::Uid;
use crate::kubelet_proxy::report_rejection::reason_digest;
use crate::policy::{Decision as Decided, ExceptionUse};

/// One remark: the rule it is about, and its text.
struct Remark<'v> {
    decision: Decision,
    rule: Option<&'v str>,
    reason: String,
}

impl Hearing {
    /// Counts what was observed, and records it and the exception that was used if that is news.
    pub(super) fn remark(&self, pod: &Pod<'_>, uid: Uid, decided: &Decided<'_>, source: Source) {
        for observation in &decided.observed {
            self.by.meters().observed(observation.rule());
        }
        let remarks = remarks(decided);
        let texts: String = remarks.iter().map(|remark| format!("{}\n", remark.reason)).collect();
        let digest = (!remarks.is_empty()).then(|| reason_digest(&texts));
        if !self.ledger().remark(uid, digest) {
            return;
        }
        for Remark { decision, rule, reason } in remarks {
            self.record(Some(pod), Tombstone::from(pod), decision, rule, &reason, source);
        }
    }
}

fn remarks<'d>(decided: &'d Decided<'_>) -> Vec<Remark<'d>> {
    let observed = decided.observed.iter().map(|observation| Remark {
        decision: Decision::WouldDeny,
        rule: observation.rule(),
        reason: observation.reason().to_string(),
    });
    let exceptions = decided.exceptions.iter().map(|exception| {
        let ExceptionUse { name, reason, expires } = exception;
        Remark {
            decision: Decision::Except,
            rule: None,
            reason: format!("exception '{name}', until {expires}: {reason}"),
        }
    });
    observed.chain(exceptions).collect()
}
