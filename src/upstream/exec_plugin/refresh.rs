//! Keeps a plugin's credential fresh: one task runs the plugin, everybody else only reads.
//!
//! Single flight follows from there being one such task at a time. Invariant: an expired credential is never
//! handed out, and the plugin is started at most once in [`PluginTiming::pause`], however often the
//! API server says 401.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use http::HeaderValue;
use tokio::sync::{Notify, Semaphore, watch};
use tokio::time::Instant;

use super::run::{PluginError, run};
use super::{ExecCommand, PluginCredential};

/// When the plugin runs. The defaults are for production, tests shorten them.
#[derive(Clone, Copy, Debug)]
pub struct PluginTiming {
    /// Time limit of one run.
    pub limit: Duration,
    /// Shortest time between two runs, and the first step of the back-off.
    pub pause: Duration,
    /// Longest step of the back-off.
    pub longest_pause: Duration,
    /// Refresh this long before expiry, or after four fifths of a shorter life.
    pub ahead: Duration,
}

impl Default for PluginTiming {
    fn default() -> Self {
        Self {
            // A kubelet gives up on a heartbeat after 10 s; a plugin slower than that is no use.
            limit: Duration::from_secs(10),
            pause: Duration::from_secs(5),
            longest_pause: Duration::from_secs(120),
            ahead: Duration::from_secs(60),
        }
    }
}

/// The newest credential of one plugin.
pub(crate) struct PluginCredentials {
    command: ExecCommand,
    timing: PluginTiming,
    current: ArcSwap<Current>,
    /// Told after every run.
    ran: watch::Sender<u64>,
    rejected: Notify,
    /// Held by whoever runs the plugin.
    driver: Semaphore,
    schedule: Mutex<Schedule>,
}

/// When the plugin runs next.
#[derive(Clone, Copy)]
struct Schedule {
    /// `None` before the first run.
    last: Option<Instant>,
    /// Counted from the last run; `None` means when the API server refuses the credential.
    wait: Option<Duration>,
    /// Next step of the back-off.
    back_off: Duration,
}

#[derive(Default)]
struct Current {
    header: Option<HeaderValue>,
    has_credential: bool,
    expires: Option<Instant>,
    failure: Option<Arc<str>>,
}

/// What a run of the plugin is told to: the credential it brought is used from then on.
pub(crate) trait PluginListener: Send + Sync {
    /// `Err` refuses the credential as a whole.
    fn accept(&self, credential: &PluginCredential) -> Result<(), PluginError>;
    /// A run failed; the text is safe to log.
    fn failed(&self, reason: &str);
}

impl fmt::Debug for PluginCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PluginCredentials").field(&self.command).finish()
    }
}

impl PluginCredentials {
    /// Nothing runs until [`Self::keep_fresh`] does.
    pub(crate) fn new(command: ExecCommand, timing: PluginTiming) -> Self {
        let (ran, _) = watch::channel(0);
        let current = ArcSwap::from_pointee(Current::default());
        let schedule = Mutex::new(Schedule { last: None, wait: None, back_off: timing.pause });
        let (rejected, driver) = (Notify::new(), Semaphore::new(1));
        Self { command, timing, current, ran, rejected, driver, schedule }
    }

    /// The `Authorization` header to send now, `None` when a certificate says who we are.
    ///
    /// # Errors
    /// Why there is no credential, after waiting for a run that is under way.
    pub(crate) async fn header(&self) -> Result<Option<HeaderValue>, Arc<str>> {
        if let Some(header) = self.current.load().usable() {
            return Ok(header);
        }
        let mut ran = self.ran.subscribe();
        // `subscribe` marks the present value as seen; look again before waiting for the next.
        let mut outcome = self.outcome();
        let wait = self.timing.limit.saturating_add(self.timing.pause);
        while outcome.is_none() {
            match tokio::time::timeout(wait, ran.changed()).await {
                Ok(Ok(())) => outcome = self.outcome(),
                Ok(Err(_)) | Err(_) => {
                    return Err(Arc::from("the credential plugin has not answered yet"));
                }
            }
        }
        outcome.unwrap_or_else(|| Err(Arc::from("no credential")))
    }

    fn outcome(&self) -> Option<Result<Option<HeaderValue>, Arc<str>>> {
        let current = self.current.load();
        match (current.usable(), &current.failure) {
            (Some(header), _) => Some(Ok(header)),
            (None, Some(reason)) => Some(Err(Arc::clone(reason))),
            (None, None) => None,
        }
    }

    /// The API server refused the credential: run the plugin again, not sooner than the pause.
    pub(crate) fn invalidate(&self) {
        self.rejected.notify_one();
    }

    /// Runs the plugin whenever it is due, for ever. A second call waits for the first to be dropped
    /// and then goes on where that one was.
    pub(crate) async fn keep_fresh(&self, listener: &dyn PluginListener) {
        // The semaphore is never closed.
        let _driving = self.driver.acquire().await;
        loop {
            self.wait_until_due().await;
            if let Err(reason) = self.run_once(listener).await {
                listener.failed(&reason);
                self.record_failure(reason);
            }
            self.ran.send_modify(|count| *count = count.wrapping_add(1));
        }
    }

    async fn run_once(&self, listener: &dyn PluginListener) -> Result<(), String> {
        let text = |error: PluginError| error.to_string();
        let credential = run(&self.command, self.timing.limit).await.map_err(text)?;
        listener.accept(&credential).map_err(text)?;
        let PluginCredential { header, pair: _, lifetime } = credential;
        let now = Instant::now();
        let expires = lifetime.and_then(|lifetime| now.checked_add(lifetime));
        let fresh = Current { header, has_credential: true, expires, failure: None };
        let wait = lifetime.map(|lifetime| self.refresh_after(lifetime));
        self.set_schedule(Schedule { last: Some(now), wait, back_off: self.timing.pause });
        self.current.store(Arc::new(fresh));
        Ok(())
    }

    fn schedule(&self) -> Schedule {
        *self.schedule.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set_schedule(&self, next: Schedule) {
        *self.schedule.lock().unwrap_or_else(PoisonError::into_inner) = next;
    }

    /// The old credential stays in use while it is valid.
    fn record_failure(&self, reason: String) {
        let wait = self.schedule().back_off;
        let back_off = wait.saturating_mul(2).min(self.timing.longest_pause);
        self.set_schedule(Schedule { last: Some(Instant::now()), wait: Some(wait), back_off });
        let old = self.current.load();
        self.current.store(Arc::new(Current {
            header: old.header.clone(),
            has_credential: old.has_credential,
            expires: old.expires,
            failure: Some(Arc::from(reason)),
        }));
    }

    fn refresh_after(&self, lifetime: Duration) -> Duration {
        let a_fifth = lifetime.checked_div(5).unwrap_or_default();
        lifetime.saturating_sub(self.timing.ahead.min(a_fifth))
    }

    async fn wait_until_due(&self) {
        let Schedule { last: Some(last), wait, back_off: _ } = self.schedule() else { return };
        let passed = last.elapsed();
        tokio::time::sleep(self.timing.pause.saturating_sub(passed)).await;
        let passed = last.elapsed();
        tokio::select! {
            () = sleep_or_forever(wait.map(|wait| wait.saturating_sub(passed))) => {}
            () = self.rejected.notified() => {}
        }
    }
}

async fn sleep_or_forever(wait: Option<Duration>) {
    match wait {
        Some(wait) => tokio::time::sleep(wait).await,
        None => std::future::pending().await,
    }
}

impl Current {
    fn usable(&self) -> Option<Option<HeaderValue>> {
        let expired = self.expires.is_some_and(|expires| expires <= Instant::now());
        (self.has_credential && !expired).then(|| self.header.clone())
    }
}
