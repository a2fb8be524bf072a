//! The waiting room: one entry a pod, its turn by owner, few reports under way at once.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::{Id, JoinSet};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::time::DelayQueue;
use tokio_util::time::delay_queue::Key;

use super::damping::OwnerDamping;
use super::deliver::{Outcome, Reporting, deliver};
use super::{Rejection, reason_digest};
use crate::kubelet_proxy::limits::{
    REJECTION_ATTEMPTS, REJECTION_BACKOFF, REJECTION_QUEUE, REJECTION_WORKERS,
};

/// A rejection and how often it was tried.
#[derive(Debug)]
struct Job {
    rejection: Rejection,
    attempts: u32,
}

#[derive(Default)]
struct Waiting {
    due: DelayQueue<String>,
    by_uid: HashMap<String, (Key, Job)>,
    under_way: HashMap<String, (Id, CancellationToken)>,
    damping: OwnerDamping,
}

/// Delivers rejections until every reporter is gone and the queue is empty, or the caller drops it.
pub(in crate::kubelet_proxy) async fn run(
    mut incoming: mpsc::Receiver<Rejection>,
    reporting: Arc<Reporting>,
) {
    let mut waiting = Waiting::default();
    let mut deliveries: JoinSet<(Job, Outcome)> = JoinSet::new();
    loop {
        reporting.meters.rejections_waiting(waiting.by_uid.len());
        tokio::select! {
            received = incoming.recv() => match received {
                Some(rejection) => waiting.accept(rejection, &reporting),
                None if waiting.by_uid.is_empty() && deliveries.is_empty() => return,
                // No sender is left; what waits is still delivered.
                None => tokio::time::sleep(Duration::from_millis(50)).await,
            },
            Some(due) = std::future::poll_fn(|context| waiting.due.poll_expired(context)),
                if !waiting.due.is_empty() && deliveries.len() < REJECTION_WORKERS =>
            {
                let uid = due.into_inner();
                if let Some((_, job)) = waiting.by_uid.remove(&uid) {
                    if job.rejection.superseded.is_cancelled() {
                        reporting.meters.rejection("superseded");
                        continue;
                    }
                    let superseded = job.rejection.superseded.clone();
                    let reporting = Arc::clone(&reporting);
                    let delivery = deliveries.spawn(async move {
                        let outcome = deliver(&reporting, &job.rejection).await;
                        (job, outcome)
                    });
                    waiting.under_way.insert(uid, (delivery.id(), superseded));
                }
            },
            Some(delivered) = deliveries.join_next() => match delivered {
                Ok((job, outcome)) => waiting.settle(job, outcome, &reporting),
                // A delivery that died is as good as dropped: the next list brings the pod again.
                Err(died) => waiting.under_way.retain(|_, (id, _)| *id != died.id()),
            },
        }
    }
}

impl Waiting {
    /// Takes a rejection in; a second one of the same pod joins the first.
    fn accept(&mut self, rejection: Rejection, reporting: &Reporting) {
        if let Some((_, job)) = self.by_uid.get_mut(&rejection.uid) {
            job.rejection.wants_status |= rejection.wants_status;
            job.rejection.wants_delete |= rejection.wants_delete;
            job.rejection.reason = rejection.reason;
            job.rejection.superseded = rejection.superseded;
            return;
        }
        if self.by_uid.len() >= REJECTION_QUEUE {
            reporting.meters.rejection("dropped");
            return;
        }
        let delay = match self.under_way.get(&rejection.uid) {
            // The report under way tells all that this one would.
            Some((_, superseded)) if !rejection.wants_delete && !superseded.is_cancelled() => {
                return;
            }
            Some(_) => Duration::from_secs(1),
            None => self.turn(&rejection),
        };
        self.insert(Job { rejection, attempts: 0 }, delay);
    }

    /// A delete needs no turn: it creates no replacement that the status had not created before.
    fn turn(&mut self, rejection: &Rejection) -> Duration {
        match &rejection.owner_uid {
            Some(owner) if rejection.wants_status => {
                let reason = reason_digest(&rejection.reason);
                self.damping.wait(owner, reason, Instant::now())
            }
            Some(_) | None => Duration::ZERO,
        }
    }

    fn insert(&mut self, job: Job, delay: Duration) {
        let uid = job.rejection.uid.clone();
        let key = self.due.insert(uid.clone(), delay);
        if let Some((stale, _)) = self.by_uid.insert(uid, (key, job)) {
            self.due.remove(&stale);
        }
    }

    fn settle(&mut self, mut job: Job, outcome: Outcome, reporting: &Reporting) {
        self.under_way.remove(&job.rejection.uid);
        reporting.meters.rejection(outcome.label());
        match outcome {
            Outcome::Delivered | Outcome::Gone => {}
            Outcome::Refused { code } => tracing::warn!(
                namespace = %job.rejection.namespace, pod = %job.rejection.name, code,
                "the API server refuses the report of a rejection; the pod stays hidden"
            ),
            Outcome::Retry { after } => {
                job.attempts = job.attempts.saturating_add(1);
                if job.attempts >= REJECTION_ATTEMPTS {
                    tracing::warn!(
                        namespace = %job.rejection.namespace, pod = %job.rejection.name,
                        "gave up reporting a rejection for now; the pod stays hidden"
                    );
                    reporting.meters.rejection("dropped");
                } else if !self.by_uid.contains_key(&job.rejection.uid) {
                    let delay = backoff(job.attempts).max(after.unwrap_or_default());
                    self.insert(job, delay);
                }
            }
        }
    }
}

fn backoff(attempts: u32) -> Duration {
    let (first, longest) = REJECTION_BACKOFF;
    first
        .saturating_mul(1_u32.checked_shl(attempts.saturating_sub(1)).unwrap_or(u32::MAX))
        .min(longest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backoff_doubles_up_to_its_cap() {
        assert_eq!(backoff(1), REJECTION_BACKOFF.0);
        assert_eq!(backoff(2), REJECTION_BACKOFF.0 * 2);
        assert_eq!(backoff(9), REJECTION_BACKOFF.1);
        assert_eq!(backoff(u32::MAX), REJECTION_BACKOFF.1);
    }

    #[test]
    fn all_tries_together_outlast_an_api_server_restart() {
        let total: Duration = (1..REJECTION_ATTEMPTS).map(backoff).sum();
        assert!(total > Duration::from_secs(120), "{total:?}");
    }
}
