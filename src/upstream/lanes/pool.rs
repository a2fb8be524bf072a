//! The slots of one lane: handed out without a lock while there are any, else in order of arrival.
//!
//! It does not send. Invariant: a slot that becomes free while somebody waits goes to the one who
//! has waited longest, and every wait ends: with a slot, with the reason why no connection can be
//! made, or with the lane's limit.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use arc_swap::ArcSwap;
use tokio::sync::oneshot;

use super::connection::{Connection, Load};
use super::dial::{Dialer, Driver};
use super::{Lane, LaneLimits, LaneSnapshot};
use crate::upstream::UpstreamError;

/// Connections being made at once: enough for a burst of watches over HTTP/1.1, few enough that an
/// API server that has just come back is not stormed.
const MAX_DIALS: usize = 8;

type Waiter = oneshot::Sender<Result<Permit, Arc<str>>>;

/// All connections of one lane.
pub(crate) struct LanePool {
    lane: Lane,
    limits: LaneLimits,
    dialer: Arc<Dialer>,
    /// Replaced whole, so that taking a slot needs no lock.
    connections: ArcSwap<Vec<Arc<Connection>>>,
    queue: Mutex<Queue>,
    /// Length of the queue, for a look without the lock.
    waiting: AtomicUsize,
    /// Of the newest connection; 0 until one was made.
    usual_capacity: AtomicUsize,
}

#[derive(Default)]
struct Queue {
    waiters: VecDeque<Waiter>,
    dialing: usize,
}

/// One slot on one connection, given back when dropped.
pub(crate) struct Permit {
    pub(crate) connection: Arc<Connection>,
    pool: Arc<LanePool>,
}

impl LanePool {
    pub(crate) fn new(lane: Lane, dialer: Arc<Dialer>) -> Arc<Self> {
        Arc::new(Self {
            lane,
            limits: lane.limits(),
            dialer,
            connections: ArcSwap::default(),
            queue: Mutex::default(),
            waiting: AtomicUsize::new(0),
            usual_capacity: AtomicUsize::new(0),
        })
    }

    /// A slot, at once if there is one.
    pub(crate) async fn take(self: &Arc<Self>) -> Result<Permit, UpstreamError> {
        // Nobody overtakes those who wait already.
        if self.waiting.load(Ordering::SeqCst) == 0
            && let Some(permit) = self.try_take()
        {
            return Ok(permit);
        }
        let busy = || UpstreamError::Busy { lane: self.lane.as_str() };
        let waiter = self.enqueue().ok_or_else(busy)?;
        // A slot may have become free between the look and the queue.
        self.go_on();
        match tokio::time::timeout(self.limits.wait, waiter).await {
            Ok(Ok(Ok(permit))) => Ok(permit),
            Ok(Ok(Err(reason))) => Err(UpstreamError::Connect(reason)),
            Ok(Err(_)) | Err(_) => Err(busy()),
        }
    }

    /// The first connection with room, so that those behind it run dry and close.
    fn try_take(self: &Arc<Self>) -> Option<Permit> {
        let generation = self.dialer.generation();
        let connections = self.connections.load();
        let free = connections
            .iter()
            .find(|connection| connection.generation == generation && connection.load.take())?;
        Some(Permit { connection: Arc::clone(free), pool: Arc::clone(self) })
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn enqueue(&self) -> Option<oneshot::Receiver<Result<Permit, Arc<str>>>> {
        self.drop_unusable();
        let mut queue = self.lock();
        if queue.waiters.len() >= self.limits.waiters {
            queue.waiters.retain(|waiter| !waiter.is_closed());
        }
        if queue.waiters.len() >= self.limits.waiters {
            return None;
        }
        let (waiter, receiver) = oneshot::channel();
        queue.waiters.push_back(waiter);
        self.waiting.store(queue.waiters.len(), Ordering::SeqCst);
        Some(receiver)
    }

    /// Hands free slots to those who wait, longest wait first.
    fn serve_waiters(self: &Arc<Self>) {
        let mut unclaimed = None;
        while self.waiting.load(Ordering::SeqCst) > 0 {
            let Some(permit) = unclaimed.take().or_else(|| self.try_take()) else { return };
            let Some(waiter) = self.next_waiter() else { return };
            // One who has given up leaves the slot to the next.
            if let Err(Ok(permit)) = waiter.send(Ok(permit)) {
                unclaimed = Some(permit);
            }
        }
    }

    fn next_waiter(&self) -> Option<Waiter> {
        let mut queue = self.lock();
        let waiter = queue.waiters.pop_front();
        self.waiting.store(queue.waiters.len(), Ordering::SeqCst);
        waiter
    }

    fn dial_as_needed(self: &Arc<Self>, queue: &mut Queue) {
        let capacity = self.usual_capacity.load(Ordering::Relaxed);
        // Nothing is known before the first connection, so it is made alone.
        let needed = match capacity {
            0 => 1,
            capacity => queue.waiters.len().div_ceil(capacity),
        };
        let most = self.limits.most_connections(capacity.max(1));
        let room = most.saturating_sub(self.connections.load().len());
        while queue.dialing < needed.min(room).min(MAX_DIALS) {
            queue.dialing = queue.dialing.saturating_add(1);
            let pool = Arc::clone(self);
            tokio::spawn(async move { pool.dial_and_drive().await });
        }
    }

    /// The whole life of one connection.
    async fn dial_and_drive(self: Arc<Self>) {
        let dialed = self.dialer.dial().await;
        match dialed {
            Err(reason) => self.dial_ended(Some(&reason)),
            Ok(dialed) => {
                let load = Arc::clone(&dialed.connection.load);
                self.usual_capacity.store(load.capacity(), Ordering::Relaxed);
                self.publish(Arc::new(dialed.connection));
                self.dial_ended(None);
                let pool = Arc::downgrade(&self);
                // The pool's end must end the connection, so the driver does not keep the pool.
                drop(self);
                drive(dialed.driver, &load, &pool).await;
                load.close();
                if let Some(pool) = pool.upgrade() {
                    pool.drop_unusable();
                    pool.go_on();
                }
            }
        }
    }

    fn publish(&self, connection: Arc<Connection>) {
        self.connections.rcu(|connections| {
            let mut connections = Vec::clone(connections);
            connections.push(Arc::clone(&connection));
            connections
        });
    }

    /// Forgets connections that take no more requests; they end when their last request does.
    fn drop_unusable(&self) {
        let generation = self.dialer.generation();
        let usable = |connection: &Arc<Connection>| {
            connection.load.is_open() && connection.generation == generation
        };
        if self.connections.load().iter().all(usable) {
            return;
        }
        self.connections.rcu(|connections| {
            connections.iter().filter(|it| usable(it)).cloned().collect::<Vec<_>>()
        });
    }

    fn dial_ended(self: &Arc<Self>, failure: Option<&Arc<str>>) {
        let mut given_up = VecDeque::new();
        {
            let mut queue = self.lock();
            queue.dialing = queue.dialing.saturating_sub(1);
            // With a connection left, those who wait may still get a slot of it.
            if failure.is_some() && queue.dialing == 0 && self.connections.load().is_empty() {
                given_up = std::mem::take(&mut queue.waiters);
            }
            self.waiting.store(queue.waiters.len(), Ordering::SeqCst);
        }
        if let Some(reason) = failure {
            for waiter in given_up {
                // Whoever has given up waiting does not need the reason.
                let _unheard = waiter.send(Err(Arc::clone(reason)));
            }
            return;
        }
        self.go_on();
    }

    /// Slots or room for connections may have become free: nobody waits who need not.
    fn go_on(self: &Arc<Self>) {
        self.serve_waiters();
        if self.waiting.load(Ordering::SeqCst) > 0 {
            self.dial_as_needed(&mut self.lock());
        }
    }

    /// Lane, open connections, requests under way, requests waiting.
    pub(crate) fn snapshot(&self) -> LaneSnapshot {
        let connections = self.connections.load();
        LaneSnapshot {
            lane: self.lane,
            connections: connections.len(),
            in_flight: connections.iter().map(|it| it.load.in_use()).sum(),
            waiting: self.waiting.load(Ordering::Relaxed),
        }
    }
}

/// Keeps the connection going, and tells those who wait when the server allows more streams.
async fn drive(mut driver: Driver, load: &Load, pool: &Weak<LanePool>) {
    loop {
        tokio::select! {
            () = &mut driver => return,
            () = load.grown() => {
                if let Some(pool) = pool.upgrade() {
                    pool.go_on();
                }
            }
        }
    }
}

impl Permit {
    /// No more requests on this connection: it is broken, or its state is unknown.
    pub(crate) fn discard_connection(&self) {
        self.connection.load.close();
        self.pool.drop_unusable();
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.connection.load.give_back();
        if self.pool.waiting.load(Ordering::SeqCst) > 0 {
            self.pool.go_on();
        }
    }
}
