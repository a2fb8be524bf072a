//! Row 72: more pods, more events, more streams and more bytes than a node has memory for.
//!
//! Under each load a lease goes through the same proxy every tenth of a second; a kubelet whose lease
//! is late loses its node. Memory is the peak that the kernel saw. Trials that measure run alone.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use libtest_mimic::Trial;
use serde_json::json;
use tokio::time::Instant;

use super::client::RawClient;
use super::http2_client::Http2Client;
use super::pods::{event, evil, good, list, uid};
use super::proxy::{Proxy, free_address};
use super::world::{RUNTIME, World};
use crate::support::hostile_api_server::Protocols;
use crate::support::hostile_api_server::answer::{Answer, Step};
use crate::support::hostile_api_server::request::Kind;
use crate::support::hostile_api_server::script::Script;

const LEASE: &str = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/node-1";

/// A kubelet renews every 10 s and gives up after as long.
const LEASE_LIMIT: Duration = Duration::from_secs(1);

/// For a debug build to work through the largest load.
const PATIENCE: Duration = Duration::from_secs(120);

/// A budget that a few bodies exhaust, so that a debug build gets there in seconds.
const SMALL_BUDGET: &[&str] = &["--max-body-memory", "32Mi"];

/// Measured: 106 MiB at most. Outside the budget are the program (a debug build), what connections
/// buffer, and what the allocator does not give back.
const SMALL_PEAK: u64 = 128 << 20;

/// Twice the streams that an API server allows on one connection, and then some.
const WATCHES: usize = 250;

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = Vec::new();
    let mut trial = |name: &str, run: fn()| {
        trials.push(Trial::test(format!("row_72_{name}").replace(' ', "_"), move || {
            run();
            Ok(())
        }));
    };
    trial("hundred thousand pods in a list", many_pods);
    trial("hundred thousand events in a burst", many_events);
    trial("more watches than streams", many_watches);
    trial("many lists of one huge item", huge_items);
    trial("many lists that stall", stalled_lists);
    trial("list that stalls is broken off", stalled_list_ends);
    trials
}

/// Renews a lease all the time until it is dropped, and knows the longest wait.
struct Heartbeat {
    stop: Arc<AtomicBool>,
    beating: tokio::task::JoinHandle<(u32, Duration)>,
}

impl Heartbeat {
    async fn start(world: &World, proxy: &Proxy) -> Self {
        let mut client = world.client(proxy).await.expect("an invited client");
        renew(&mut client).await;
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = stop.clone();
        let beating = tokio::spawn(async move {
            let (mut beats, mut longest) = (0, Duration::ZERO);
            while !stopped.load(Ordering::Acquire) {
                longest = longest.max(renew(&mut client).await);
                beats += 1;
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            (beats, longest)
        });
        Self { stop, beating }
    }

    async fn assert_steady(self) {
        self.stop.store(true, Ordering::Release);
        let (beats, longest) = self.beating.await.expect("every lease was renewed");
        assert!(beats > 0 && longest < LEASE_LIMIT, "{beats} leases, the slowest in {longest:?}");
    }
}

async fn renew(client: &mut RawClient) -> Duration {
    let began = Instant::now();
    let body = json!({"kind": "Lease", "apiVersion": "coordination.k8s.io/v1"}).to_string();
    let headers = "Content-Type: application/json\r\n";
    let reply = client.request("PUT", LEASE, headers, body.as_bytes()).await.expect("an answer");
    assert_eq!(reply.status, 200, "{reply:?}");
    began.elapsed()
}

fn megabytes(bytes: u64) -> u64 {
    bytes >> 20
}

fn small(name: &str, image: &str) -> serde_json::Value {
    json!({
        "kind": "Pod", "apiVersion": "v1",
        "metadata": {"name": name, "namespace": "default", "uid": uid(name), "resourceVersion": "11"},
        "spec": {"nodeName": "node-1", "containers": [{"name": "c", "image": image}]},
    })
}

/// One in a thousand is good.
fn many_pods() {
    const PODS: usize = 100_000;
    const PEAK: u64 = 128 << 20;
    let pods = (0..PODS).map(|number| match number % 1000 {
        0 => small(&format!("good-{number}"), "good"),
        _ => small(&format!("bad-{number}"), "evil"),
    });
    let document = list(20, pods).to_string();
    let size = document.len() as u64;
    let world = World::alone(
        Protocols::Http1And2,
        Script::new().on(Kind::List, [Answer::json(200, document)]),
    );
    let proxy = world.proxy();
    let heartbeat = RUNTIME.block_on(Heartbeat::start(&world, &proxy));
    let kubelet = world.guarded(37, &proxy, &["list"]);
    let listed = |lines: &[serde_json::Value]| lines.iter().any(|line| line["event"] == "list");
    assert!(
        kubelet.wait_until_within(PATIENCE, listed).is_ok(),
        "{}",
        super::reflector::brief(&kubelet.lines())
    );
    kubelet.assert_no_evil();
    let lines = kubelet.lines();
    let listed = lines.iter().find(|line| line["event"] == "list").expect("a list");
    assert_eq!(listed["count"], PODS / 1000);
    RUNTIME.block_on(heartbeat.assert_steady());
    let peak = proxy.peak_memory();
    assert!(peak < PEAK, "{} MiB for a list of {} MiB", megabytes(peak), megabytes(size));
}

/// As fast as the connection takes them, in pieces that do not end where events end.
fn many_events() {
    const EVENTS: usize = 100_000;
    const PIECE: usize = 60_000;
    const PEAK: u64 = 128 << 20;
    let events = (0..EVENTS).map(|number| match number % 1000 {
        0 => event("MODIFIED", &small("web", "good")),
        _ => event("ADDED", &small(&format!("bad-{number}"), "evil")),
    });
    let text: String = events.chain([event("ADDED", &good("good"))]).collect();
    let pieces = text.as_bytes().chunks(PIECE).map(<[u8]>::to_vec);
    let script = Script::new()
        .on(Kind::List, [Answer::document(&list(10, []))])
        .on(Kind::Watch, [Answer::watch(pieces)]);
    let world = World::alone(Protocols::Http1And2, script);
    let proxy = world.proxy();
    let heartbeat = RUNTIME.block_on(Heartbeat::start(&world, &proxy));
    let kubelet = world.guarded(37, &proxy, &["reflect"]);
    kubelet.wait_for_set_within(&["web", "good"], PATIENCE);
    kubelet.assert_no_evil();
    RUNTIME.block_on(heartbeat.assert_steady());
    let peak = proxy.peak_memory();
    assert!(peak < PEAK, "{} MiB for {EVENTS} events", megabytes(peak));
    let lists =
        world.server.recorded().iter().filter(|request| request.kind() == Kind::List).count();
    assert_eq!(lists, 1, "the burst made the kubelet list again");
}

/// A kubelet has one watch for each Secret and ConfigMap, all on one HTTP/2 connection.
fn many_watches() {
    let open = Answer::watch(["{}\n"]);
    let script = Script::new()
        .on(Kind::WatchObjects, [open])
        .on(Kind::List, [Answer::document(&list(20, [good("good")]))]);
    let world = World::alone(Protocols::Http1And2, script);
    let proxy = world.proxy();
    RUNTIME.block_on(async {
        let mut streams = Vec::new();
        let mut clients = Vec::new();
        for number in 0..WATCHES {
            if number % 90 == 0 {
                clients.push(Http2Client::connect(&world, &proxy).await);
            }
            let client = clients.last_mut().expect("connected");
            let target = format!(
                "/api/v1/namespaces/default/secrets?fieldSelector=metadata.name%3Ds{number}&watch=true"
            );
            streams.push(client.open(&target).await);
        }
        // All are open at once: each has had its first event.
        let heartbeat = Heartbeat::start(&world, &proxy).await;
        let client = clients.first_mut().expect("connected");
        for _ in 0..5 {
            let began = Instant::now();
            let status = client.put(LEASE, b"{}").await;
            assert_eq!(status, 200);
            assert!(began.elapsed() < LEASE_LIMIT, "{:?}", began.elapsed());
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
        heartbeat.assert_steady().await;
    });
    let kubelet = world.guarded(37, &proxy, &["reflect"]);
    kubelet.wait_for_set(&["good"]);
}

/// Each item alone is over what one object may have; all together are over the memory budget.
fn huge_items() {
    const CLIENTS: usize = 4;
    const SIZE: usize = 20 << 20;
    let mut pod = evil("evil");
    pod["metadata"]["annotations"]["bulk"] = json!("x".repeat(SIZE));
    let answer = Answer::document(&list(20, [pod, good("good")]));
    let world = World::alone(Protocols::Http1, Script::new().on(Kind::List, [answer]));
    let proxy = Proxy::start_at(&world.files, free_address(), SMALL_BUDGET);
    RUNTIME.block_on(async {
        let heartbeat = Heartbeat::start(&world, &proxy).await;
        let mut lists = Vec::new();
        for _ in 0..CLIENTS {
            let mut client = world.client(&proxy).await.expect("an invited client");
            lists.push(tokio::spawn(async move { client.get("/api/v1/pods").await }));
        }
        for list in lists {
            // A 502, a 503 or a broken transfer; or the good pod alone.
            if let Ok(reply) = list.await.expect("no panic") {
                let text = String::from_utf8_lossy(&reply.body);
                assert!(!text.contains("evil:1") && reply.body.len() < 1 << 20, "{}", reply.status);
            }
        }
        heartbeat.assert_steady().await;
    });
    let peak = proxy.peak_memory();
    assert!(peak < SMALL_PEAK, "{} MiB for {CLIENTS} lists of {} MiB", megabytes(peak), SIZE >> 20);
}

/// Many lists that stop half-way hold memory, but nobody else up.
fn stalled_lists() {
    const CLIENTS: usize = 16;
    const SIZE: usize = 5 << 20;
    let mut pod = evil("evil");
    pod["metadata"]["annotations"]["bulk"] = json!("x".repeat(SIZE));
    let text = list(20, [pod]).to_string();
    let half = text.len() - 100;
    let mut answer = Answer::json(200, text[..half].to_owned()).then(Step::Hold);
    answer.framing = crate::support::hostile_api_server::answer::Framing::Chunked;
    let world = World::alone(Protocols::Http1, Script::new().on(Kind::List, [answer]));
    let proxy = Proxy::start_at(&world.files, free_address(), SMALL_BUDGET);
    RUNTIME.block_on(async {
        let heartbeat = Heartbeat::start(&world, &proxy).await;
        let mut lists = Vec::new();
        for _ in 0..CLIENTS {
            let mut client = world.client(&proxy).await.expect("an invited client");
            lists.push(tokio::spawn(async move { client.get("/api/v1/pods").await }));
        }
        tokio::time::sleep(Duration::from_secs(3)).await;
        heartbeat.assert_steady().await;
        lists.iter().for_each(tokio::task::JoinHandle::abort);
    });
    let peak = proxy.peak_memory();
    assert!(peak < SMALL_PEAK, "{} MiB for {CLIENTS} stalled lists", megabytes(peak));
}

/// Silence in the middle of a list ends it; the kubelet's client waits for ever.
fn stalled_list_ends() {
    const LONGEST: Duration = Duration::from_secs(40);
    let text = list(20, [evil("evil"), good("good")]).to_string();
    let half = text.len() / 2;
    let mut answer = Answer::json(200, text[..half].to_owned()).then(Step::Hold);
    answer.framing = crate::support::hostile_api_server::answer::Framing::Chunked;
    let recovered = Answer::document(&list(30, [good("good")]));
    let world = World::new(Protocols::Http1, Script::new().on(Kind::List, [answer, recovered]));
    let proxy = world.proxy();
    let kubelet = world.guarded(37, &proxy, &["reflect"]);
    let began = Instant::now();
    kubelet.wait_for_set_within(&["good"], LONGEST);
    assert!(began.elapsed() > Duration::from_secs(1));
    kubelet.assert_no_evil();
}
