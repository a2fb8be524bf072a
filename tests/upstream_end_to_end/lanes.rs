//! Many watches at once: what they may cost, and what they must never cost.

use std::sync::atomic::Ordering;
use std::time::Duration;

use http_body_util::BodyExt;
use nodeward::upstream::{Lane, Upstream, UpstreamBody, UpstreamError};

use tokio::time::Instant;

use super::server::{Options, Server};
use super::site::{Site, eventually, get, text};

/// What a lease renewal may wait because of watches.
const HEARTBEAT_LIMIT: Duration = Duration::from_millis(100);

/// How late timers of this runtime are at worst: what the machine itself costs, however busy.
struct Lateness(tokio::task::JoinHandle<()>, tokio::sync::watch::Receiver<Duration>);

impl Lateness {
    fn measure() -> Self {
        let (worst, seen) = tokio::sync::watch::channel(Duration::ZERO);
        let task = tokio::spawn(async move {
            loop {
                let start = Instant::now();
                tokio::time::sleep(Duration::from_millis(1)).await;
                worst.send_modify(|worst| *worst = start.elapsed().max(*worst));
            }
        });
        Self(task, seen)
    }

    fn worst(&self) -> Duration {
        *self.1.borrow()
    }
}

impl Drop for Lateness {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Opens watches one after the other and reads the first event of each.
async fn open_watches(upstream: &Upstream, count: usize) -> Vec<UpstreamBody> {
    let mut watches = Vec::new();
    for _ in 0..count {
        let mut body = get(upstream, Lane::Watch, "/watch").await.unwrap().into_body();
        let first = body.frame().await.unwrap().unwrap().into_data().unwrap();
        assert_eq!(first, "event");
        watches.push(body);
    }
    watches
}

async fn check_heartbeats(protocol: &'static str) -> (Server, Upstream, Vec<UpstreamBody>) {
    let site = Site::new();
    let options = Options { protocol, ..Options::default() };
    let server = Server::start(&site.authority, options).await;
    let upstream = site.upstream(&server.url());
    // The first heartbeat makes the lane's connection; every later one is measured.
    get(&upstream, Lane::Heartbeat, "/lease").await.unwrap();
    let lateness = Lateness::measure();
    let opening = open_watches(&upstream, 300);
    let mut opening = Box::pin(opening);
    let mut slowest = Duration::ZERO;
    let mut beats = 0;
    let watches = loop {
        let start = Instant::now();
        tokio::select! {
            watches = &mut opening => break watches,
            response = get(&upstream, Lane::Heartbeat, "/lease") => {
                assert_eq!(text(response.unwrap()).await, "ok");
                slowest = slowest.max(start.elapsed());
                beats += 1;
            }
        }
    };
    drop(opening);
    for _ in 0..50 {
        let start = Instant::now();
        assert_eq!(text(get(&upstream, Lane::Heartbeat, "/lease").await.unwrap()).await, "ok");
        slowest = slowest.max(start.elapsed());
    }
    assert!(beats > 10, "{beats} heartbeats while watches were opened");
    let machine = lateness.worst();
    assert!(slowest < HEARTBEAT_LIMIT + machine, "{slowest:?}, timers late by {machine:?}");
    assert_eq!(server.seen.watches.load(Ordering::SeqCst), 300);
    (server, upstream, watches)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_hundred_watches_over_http2_never_delay_a_heartbeat() {
    let (server, upstream, watches) = check_heartbeats("h2").await;
    assert!(server.seen.most_streams.load(Ordering::SeqCst) <= 80);
    let lanes = upstream.snapshot().lanes;
    assert_eq!((lanes[2].connections, lanes[2].in_flight, lanes[2].waiting), (4, 300, 0));
    assert_eq!((lanes[0].connections, lanes[0].in_flight), (1, 0));
    drop(watches);
    assert_eq!(upstream.snapshot().lanes[2].in_flight, 0);
    eventually("watches end", || server.seen.watches.load(Ordering::SeqCst) == 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_hundred_watches_over_http1_never_delay_a_heartbeat() {
    let (server, upstream, watches) = check_heartbeats("http/1.1").await;
    assert_eq!(upstream.snapshot().lanes[2].connections, 300);
    drop(watches);
    assert_eq!(upstream.snapshot().lanes[2].connections, 0);
    eventually("watches end", || server.seen.watches.load(Ordering::SeqCst) == 0).await;
}

#[tokio::test]
async fn a_lower_stream_limit_of_the_server_is_kept() {
    let site = Site::new();
    let options = Options { max_streams: 3, ..Options::default() };
    let server = Server::start(&site.authority, options).await;
    let upstream = site.upstream(&server.url());
    let opened = tokio::time::timeout(Duration::from_secs(5), open_watches(&upstream, 10)).await;
    assert_eq!(opened.unwrap().len(), 10);
    assert_eq!(server.seen.most_streams.load(Ordering::SeqCst), 3);
    assert_eq!(server.seen.connections.load(Ordering::SeqCst), 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_burst_on_a_cold_lane_is_served_by_as_many_connections_as_it_needs() {
    for (protocol, most) in [("h2", 3), ("http/1.1", 200)] {
        let site = Site::new();
        let options = Options { protocol, ..Options::default() };
        let server = Server::start(&site.authority, options).await;
        let upstream = std::sync::Arc::new(site.upstream(&server.url()));
        let mut requests = tokio::task::JoinSet::new();
        for _ in 0..200 {
            let upstream = std::sync::Arc::clone(&upstream);
            requests.spawn(async move {
                text(get(&upstream, Lane::Short, "/slow").await.unwrap()).await
            });
        }
        while let Some(answer) = requests.join_next().await {
            assert_eq!(answer.unwrap(), "slow");
        }
        let connections = server.seen.connections.load(Ordering::SeqCst);
        assert!(connections <= most, "{protocol}: {connections}");
        assert_eq!(upstream.snapshot().lanes[1].in_flight, 0);
    }
}

#[tokio::test]
async fn a_full_lane_queues_in_order_and_refuses_beyond_the_queue() {
    let site = Site::new();
    let options = Options { protocol: "http/1.1", ..Options::default() };
    let server = Server::start(&site.authority, options).await;
    let upstream = std::sync::Arc::new(site.upstream(&server.url()));
    let mut holding = Vec::new();
    for _ in 0..8 {
        holding.push(get(&upstream, Lane::Heartbeat, "/watch").await.unwrap());
    }
    let mut waiting = tokio::task::JoinSet::new();
    for _ in 0..64 {
        let upstream = std::sync::Arc::clone(&upstream);
        waiting
            .spawn(async move { text(get(&upstream, Lane::Heartbeat, "/x").await.unwrap()).await });
    }
    eventually("all wait", || upstream.snapshot().lanes[0].waiting == 64).await;
    let start = Instant::now();
    let error = get(&upstream, Lane::Heartbeat, "/x").await.unwrap_err();
    assert!(matches!(error, UpstreamError::Busy { lane: "heartbeat" }), "{error}");
    assert!(start.elapsed() < Duration::from_secs(1));
    // The other lanes go on.
    assert_eq!(text(get(&upstream, Lane::Short, "/x").await.unwrap()).await, "ok");
    holding.pop();
    while let Some(answer) = waiting.join_next().await {
        assert_eq!(answer.unwrap(), "ok");
    }
}

/// Just below the 10 s after which a kubelet gives up: it hears from us why. On the real clock, since
/// sockets know no other.
#[tokio::test]
async fn who_waits_for_a_slot_hears_after_9_s_that_there_is_none() {
    let site = Site::new();
    let options = Options { protocol: "http/1.1", ..Options::default() };
    let server = Server::start(&site.authority, options).await;
    let upstream = site.upstream(&server.url());
    let mut holding = Vec::new();
    for _ in 0..8 {
        holding.push(get(&upstream, Lane::Heartbeat, "/watch").await.unwrap());
    }
    let start = Instant::now();
    let request = http::Request::get("/x").body(nodeward::upstream::RequestBody::Empty).unwrap();
    let minute = Duration::from_secs(60);
    let error = upstream.send(Lane::Heartbeat, request, minute).await.unwrap_err();
    let waited = start.elapsed();
    assert!(matches!(error, UpstreamError::Busy { lane: "heartbeat" }), "{error}");
    assert!((9000..9900).contains(&waited.as_millis()), "{waited:?}");
    // Whoever gave up is not served: the slot is free for the next.
    holding.pop();
    assert_eq!(text(get(&upstream, Lane::Heartbeat, "/x").await.unwrap()).await, "ok");
}

#[tokio::test]
async fn an_http1_connection_is_used_again_only_after_a_whole_answer() {
    let site = Site::new();
    let options = Options { protocol: "http/1.1", ..Options::default() };
    let server = Server::start(&site.authority, options).await;
    let upstream = site.upstream(&server.url());
    for _ in 0..10 {
        assert_eq!(text(get(&upstream, Lane::Short, "/x").await.unwrap()).await, "ok");
    }
    assert_eq!(server.seen.connections.load(Ordering::SeqCst), 1);
    drop(get(&upstream, Lane::Short, "/watch").await.unwrap());
    assert_eq!(text(get(&upstream, Lane::Short, "/x").await.unwrap()).await, "ok");
    assert_eq!(server.seen.connections.load(Ordering::SeqCst), 2);
    eventually("watch ends", || server.seen.watches.load(Ordering::SeqCst) == 0).await;
}

#[tokio::test]
async fn a_request_that_is_dropped_gives_its_slot_back_and_ends_on_the_server() {
    let site = Site::new();
    let server = Server::start(&site.authority, Options::default()).await;
    let upstream = site.upstream(&server.url());
    let never = get(&upstream, Lane::Short, "/never");
    assert!(tokio::time::timeout(Duration::from_millis(200), never).await.is_err());
    assert_eq!(upstream.snapshot().lanes[1].in_flight, 0);
    assert_eq!(text(get(&upstream, Lane::Short, "/x").await.unwrap()).await, "ok");
    assert_eq!(server.seen.connections.load(Ordering::SeqCst), 1);
}
