//! The orderly end: a signal that every connection and every watch stream can await.
//!
//! Three phases, each irrevocable: serving, draining (finish what runs, begin nothing), cut off (end
//! now). Does not decide when to drain and does not close anything itself: whoever tracks work here
//! listens. Invariant: [`DrainTrigger::drain`] returns after the grace and one last breath at most.

use std::future::Future;
use std::time::Duration;

use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Time that cut-off work has to notice, so that its last log line and metric still count.
const LAST_BREATH: Duration = Duration::from_millis(500);

/// Makes a trigger and the signal it pulls.
pub fn channel() -> (DrainTrigger, Drain) {
    let drain = Drain {
        draining: CancellationToken::new(),
        cut_off: CancellationToken::new(),
        tracker: TaskTracker::new(),
    };
    (DrainTrigger { drain: drain.clone() }, drain)
}

/// The listening side; clones share one state.
#[derive(Clone, Debug)]
pub struct Drain {
    draining: CancellationToken,
    cut_off: CancellationToken,
    tracker: TaskTracker,
}

/// The deciding side. Dropping it drains nothing.
#[derive(Debug)]
pub struct DrainTrigger {
    drain: Drain,
}

/// How a drain ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DrainOutcome {
    /// All tracked work ended by itself within the grace.
    Complete,
    /// The grace ran out first.
    CutOff {
        /// Tracked futures that were alive when it did.
        remaining: usize,
    },
}

impl Drain {
    /// Has the drain begun?
    pub fn is_draining(&self) -> bool {
        self.draining.is_cancelled()
    }

    /// Resolves when the drain begins, at once if it has.
    ///
    /// Cancel safe, like [`Self::cut_off`].
    pub async fn draining(&self) {
        self.draining.cancelled().await;
    }

    /// Resolves when the grace is over: what still runs must end without another word.
    pub async fn cut_off(&self) {
        self.cut_off.cancelled().await;
    }

    /// The same future, counted as live until it completes or is dropped.
    pub fn track<F: Future>(&self, work: F) -> impl Future<Output = F::Output> + use<F> {
        self.tracker.track_future(work)
    }

    /// Tracked futures alive now.
    pub fn live(&self) -> usize {
        self.tracker.len()
    }
}

impl DrainTrigger {
    /// Begins the drain and waits for tracked work, for `grace` at most; then cuts it off.
    pub async fn drain(self, grace: Duration) -> DrainOutcome {
        let Drain { draining, cut_off, tracker } = self.drain;
        tracker.close();
        draining.cancel();
        if timeout(grace, tracker.wait()).await.is_ok() {
            return DrainOutcome::Complete;
        }
        let remaining = tracker.len();
        cut_off.cancel();
        // Ignored: work that misses even this ends with the process.
        let _ = timeout(LAST_BREATH, tracker.wait()).await;
        DrainOutcome::CutOff { remaining }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::{Instant, sleep};

    const GRACE: Duration = Duration::from_secs(10);

    #[tokio::test(start_paused = true)]
    async fn a_drain_without_work_ends_at_once() {
        let (trigger, drain) = channel();
        let started = Instant::now();
        assert_eq!(trigger.drain(GRACE).await, DrainOutcome::Complete);
        assert_eq!(started.elapsed(), Duration::ZERO);
        assert!(drain.is_draining());
    }

    #[tokio::test(start_paused = true)]
    async fn a_drain_waits_for_work_that_ends_within_the_grace() {
        let (trigger, drain) = channel();
        let signal = drain.clone();
        tokio::spawn(drain.track(async move {
            signal.draining().await;
            sleep(Duration::from_secs(3)).await;
        }));
        let started = Instant::now();
        assert_eq!(trigger.drain(GRACE).await, DrainOutcome::Complete);
        assert_eq!(started.elapsed(), Duration::from_secs(3));
    }

    #[tokio::test(start_paused = true)]
    async fn work_that_outlives_the_grace_is_told_to_end_now() {
        let (trigger, drain) = channel();
        let signal = drain.clone();
        let work = tokio::spawn(drain.track(async move { signal.cut_off().await }));
        let started = Instant::now();
        assert_eq!(trigger.drain(GRACE).await, DrainOutcome::CutOff { remaining: 1 });
        assert_eq!(started.elapsed(), GRACE);
        work.await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn deaf_work_cannot_hold_the_process_longer_than_grace_and_last_breath() {
        let (trigger, drain) = channel();
        tokio::spawn(drain.track(std::future::pending::<()>()));
        let started = Instant::now();
        assert_eq!(trigger.drain(GRACE).await, DrainOutcome::CutOff { remaining: 1 });
        assert_eq!(started.elapsed(), GRACE + LAST_BREATH);
    }

    #[tokio::test]
    async fn dropped_work_no_longer_counts_as_live() {
        let (_trigger, drain) = channel();
        let work = drain.track(std::future::pending::<()>());
        assert_eq!(drain.live(), 1);
        drop(work);
        assert_eq!(drain.live(), 0);
    }
}
