//! Off the hot path: tells the cluster about rejected pods, patiently and within bounds.
//!
//! Nothing here decides whether a pod is hidden: that happened already and stays so whatever becomes
//! of the report. A full queue drops reports, never pods; the next list brings them again.

mod damping;
mod deliver;
mod messages;
mod queue;

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

pub(super) use deliver::Reporting;
pub(crate) use messages::REASON;
pub(super) use queue::run;

use super::limits::REJECTION_QUEUE;
use crate::kubelet_proxy::meters::Meters;

/// A pod that the kubelet does not get, and what the cluster is to be told.
#[derive(Clone, Debug)]
pub(super) struct Rejection {
    pub(super) namespace: String,
    pub(super) name: String,
    pub(super) uid: String,
    /// The reason in full, for the pod's status, whose readers see the pod's values as well.
    pub(super) reason: String,
    /// The reason as the node's records have it, for the Event: Events have other readers, and are
    /// shipped to where logs go.
    pub(super) recorded: String,
    /// The controlling owner, whose replacements are damped.
    pub(super) owner_uid: Option<String>,
    /// Its status does not tell of the rejection yet.
    pub(super) wants_status: bool,
    /// It is being deleted and no kubelet will finish that.
    pub(super) wants_delete: bool,
    /// Cancelled when another policy than the one that denied it is in force. That one may admit the
    /// pod, and what it denies too comes again with the list that it makes kubelets ask for.
    pub(super) superseded: CancellationToken,
}

/// Where rejections go in. Cheap to clone, never waits.
#[derive(Clone, Debug)]
pub(super) struct RejectionReporter {
    queue: mpsc::Sender<Rejection>,
    meters: Arc<Meters>,
}

/// The reporter and the queue that [`run`] empties.
pub(super) fn channel(meters: Arc<Meters>) -> (RejectionReporter, mpsc::Receiver<Rejection>) {
    let (sender, receiver) = mpsc::channel(REJECTION_QUEUE);
    (RejectionReporter { queue: sender, meters }, receiver)
}

impl RejectionReporter {
    /// Hands a rejection over, or drops it when the queue is full.
    pub(super) fn report(&self, rejection: Rejection) {
        if self.queue.try_send(rejection).is_err() {
            self.meters.rejection("dropped");
        }
    }
}

/// The digest under which a reason is compared.
pub(super) fn reason_digest(reason: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    reason.hash(&mut hasher);
    hasher.finish()
}
