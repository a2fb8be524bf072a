//! Keeps one connection going until it ends: reads and writes it, pings it, ends it when idle.
//!
//! It does not know what is asked on it. Invariant: a connection whose peer has vanished is dead
//! after at most a ping's idle time and its limit, although nothing is being sent on it.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use h2::client::Connection as H2Connection;
use h2::{Ping, PingPong};
use hyper::client::conn::http1::Connection as H1Connection;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, Sleep, sleep};

use super::STREAMS_PER_CONNECTION;
use super::connection::Load;
use crate::upstream::body::RequestBody;

/// client-go's own numbers (`ReadIdleTimeout`, `PingTimeout`).
const PING_INTERVAL: Duration = Duration::from_secs(30);
const PING_LIMIT: Duration = Duration::from_secs(15);
/// An idle connection ends after this many whole intervals, like Go's `IdleConnTimeout` of 90 s.
const IDLE_INTERVALS: u32 = 3;

/// Drives an HTTP/2 connection.
pub(super) async fn h2<S>(mut connection: H2Connection<S, Bytes>, pinger: PingPong, load: Arc<Load>)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let timer = pin!(sleep(PING_INTERVAL));
    let mut heart = Heart { pinger, timer, awaiting: false, idle: Idle::default() };
    poll_fn(|cx| {
        // Both a clean end and an error leave nothing to keep going; streams learn the error.
        if Pin::new(&mut connection).poll(cx).is_ready() {
            return Poll::Ready(());
        }
        load.set_capacity(connection.max_concurrent_send_streams().min(STREAMS_PER_CONNECTION));
        heart.poll_stopped(cx, &load)
    })
    .await;
}

/// The pings of one connection.
struct Heart<'a> {
    pinger: PingPong,
    timer: Pin<&'a mut Sleep>,
    awaiting: bool,
    idle: Idle,
}

impl Heart<'_> {
    /// Ready when the peer does not answer, or the connection has been idle for long.
    fn poll_stopped(&mut self, cx: &mut Context<'_>, load: &Load) -> Poll<()> {
        loop {
            if self.awaiting {
                match self.pinger.poll_pong(cx) {
                    Poll::Ready(Ok(_)) => self.wait(PING_INTERVAL, false),
                    Poll::Ready(Err(_)) => return Poll::Ready(()),
                    Poll::Pending => {}
                }
            }
            if self.timer.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            let unanswered = self.awaiting;
            if unanswered || self.idle.is_over(load) || self.ping().is_err() {
                return Poll::Ready(());
            }
            self.wait(PING_LIMIT, true);
        }
    }

    fn ping(&mut self) -> Result<(), h2::Error> {
        self.pinger.send_ping(Ping::opaque())
    }

    fn wait(&mut self, time: Duration, awaiting: bool) {
        self.awaiting = awaiting;
        if let Some(until) = Instant::now().checked_add(time) {
            self.timer.as_mut().reset(until);
        }
    }
}

/// Drives an HTTP/1.1 connection; a vanished peer is TCP keep-alive's to find.
pub(super) async fn h1<S>(connection: H1Connection<TokioIo<S>, RequestBody>, load: Arc<Load>)
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let mut connection = pin!(connection);
    let mut idle = Idle::default();
    loop {
        tokio::select! {
            _ended = &mut connection => return,
            () = sleep(PING_INTERVAL) => {
                if idle.is_over(&load) {
                    return;
                }
            }
        }
    }
}

/// Counts intervals without a request.
#[derive(Default)]
struct Idle(u32);

impl Idle {
    /// Closes the connection for new requests before saying yes, so that none is cut off.
    fn is_over(&mut self, load: &Load) -> bool {
        self.0 = if load.rested() { self.0.saturating_add(1) } else { 0 };
        if self.0 < IDLE_INTERVALS {
            return false;
        }
        load.close();
        // A request that took a slot just before the close is let through to its end.
        load.in_use() == 0
    }
}

#[cfg(test)]
mod tests {
    use super::super::dial::{Dialed, start_h2};
    use super::*;
    use tokio::sync::oneshot;

    /// A connection, and what makes its peer stop answering pings without closing.
    async fn connected() -> (Dialed, oneshot::Sender<()>) {
        let (near, far) = tokio::io::duplex(1 << 16);
        let (silence, silenced) = oneshot::channel();
        tokio::spawn(async move {
            let mut server = h2::server::handshake(far).await.unwrap();
            tokio::select! {
                () = async { while server.accept().await.is_some() {} } => {}
                _told = silenced => std::future::pending().await,
            }
        });
        (start_h2(near, 0).await.unwrap(), silence)
    }

    async fn seconds_until_end(dialed: Dialed) -> u64 {
        let start = Instant::now();
        dialed.driver.await;
        start.elapsed().as_secs()
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_without_requests_ends_after_two_minutes() {
        let (dialed, _silence) = connected().await;
        let load = Arc::clone(&dialed.connection.load);
        let ended = seconds_until_end(dialed).await;
        assert_eq!(ended, 120);
        assert!(!load.is_open());
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_used_now_and_then_stays() {
        let (dialed, _silence) = connected().await;
        let load = Arc::clone(&dialed.connection.load);
        let heartbeats = async {
            for _ in 0..360 {
                sleep(Duration::from_secs(10)).await;
                assert!(load.take());
                load.give_back();
            }
        };
        tokio::select! {
            () = dialed.driver => panic!("ended"),
            () = heartbeats => {}
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_with_a_request_lives_as_long_as_its_peer_answers_pings() {
        let (dialed, silence) = connected().await;
        assert!(dialed.connection.load.take());
        let hour = Duration::from_secs(3600);
        let Dialed { connection, mut driver } = dialed;
        assert!(tokio::time::timeout(hour, &mut driver).await.is_err());
        let start = Instant::now();
        silence.send(()).unwrap();
        driver.await;
        let seconds = start.elapsed().as_secs();
        assert!((15..=45).contains(&seconds), "{seconds}");
        drop(connection);
    }
}
