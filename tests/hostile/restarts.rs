//! Row 68: the proxy or the API server goes and comes back while a kubelet watches.
//!
//! A reflector that outlives the proxy resumes where it was. What it believes then was decided by a
//! process, and perhaps a policy, that is no more: it must be made to list.

use libtest_mimic::Trial;

use super::pods::{POLICY, event, evil, good, list};
use super::proxy::Proxy;
use super::reflector::MINORS;
use super::world::{RUNTIME, World};
use crate::support::hostile_api_server::answer::{Answer, Step};
use crate::support::hostile_api_server::request::{Kind, Recorded};
use crate::support::hostile_api_server::script::Script;
use crate::support::hostile_api_server::{HostileApiServer, Protocols};

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = Vec::new();
    for minor in MINORS {
        for (name, end) in [("crash", End::Crash), ("stop", End::Stop)] {
            let name = format!("row_68_evil_pod_bound_during_a_{name}::client_go_0_{minor}");
            trials.push(trial(name, move || bound_meanwhile(minor, end)));
        }
    }
    trials.push(trial("row_68_stricter_policy_after_a_restart".to_owned(), stricter_policy));
    trials.push(trial("row_68_api_server_restarts".to_owned(), api_server_restarts));
    trials
        .push(trial("row_68_only_the_first_resumed_watch_is_sent_back".to_owned(), sent_back_once));
    trials.push(trial("row_68_no_version_resumes_before_a_list".to_owned(), whatever_the_version));
    trials
}

fn trial(name: String, run: impl Fn() + Send + 'static) -> Trial {
    Trial::test(name, move || {
        run();
        Ok(())
    })
}

#[derive(Clone, Copy)]
enum End {
    Crash,
    Stop,
}

fn lists(pods: Vec<serde_json::Value>) -> Script {
    Script::new().on(Kind::List, [Answer::document(&list(20, pods))])
}

fn is_resumed(request: &Recorded) -> bool {
    request.kind() == Kind::Watch
}

fn bound_meanwhile(minor: u8, end: End) {
    let world = World::new(Protocols::Http1, lists(vec![good("web")]));
    let mut proxy = world.proxy();
    let kubelet = world.guarded(minor, &proxy, &["reflect"]);
    kubelet.wait_for_set(&["web"]);
    match end {
        End::Crash => proxy.crash(),
        End::Stop => assert!(proxy.stop().success(), "{}", proxy.log().join("\n")),
    }
    // A resumed watch would get the evil pod and never hear of `good`.
    let resumed = Answer::watch([event("ADDED", &evil("evil"))]);
    world
        .server
        .rewrite(lists(vec![good("web"), evil("evil"), good("good")]).on(Kind::Watch, [resumed]));
    let before = world.server.recorded().len();
    let proxy = Proxy::start_at(&world.files, proxy.address, &[]);
    kubelet.wait_for_set(&["web", "good"]);
    kubelet.assert_no_evil();
    let after = world.server.recorded().split_off(before);
    let listed = after.iter().position(|request| request.kind() == Kind::List).expect("a list");
    assert!(!after[..listed].iter().any(is_resumed), "a watch was resumed: {after:?}");
    drop(proxy);
}

fn stricter_policy() {
    let world = World::new(Protocols::Http1, lists(vec![good("web")]));
    let mut proxy = world.proxy();
    let kubelet = world.guarded(37, &proxy, &["reflect"]);
    kubelet.wait_for_set(&["web"]);
    proxy.crash();
    std::fs::write(&world.files.policy, POLICY.replace("*evil*", "*good*")).expect("write");
    let _proxy = Proxy::start_at(&world.files, proxy.address, &[]);
    kubelet.wait_for_set(&[]);
    world.wait_for_request(|request| request.kind() == Kind::PatchStatus);
}

fn api_server_restarts() {
    let mut world = World::new(Protocols::Http1, lists(vec![good("web")]));
    let proxy = world.proxy();
    let kubelet = world.guarded(37, &proxy, &["reflect"]);
    kubelet.wait_for_set(&["web"]);
    let address = world.server.address();
    let identity = world.authority.server(&["127.0.0.1"]);
    let nowhere =
        HostileApiServer::start(&identity, &world.authority, Protocols::Http1, Script::new());
    world.server = RUNTIME.block_on(nowhere);
    let down = RUNTIME.block_on(async { world.client(&proxy).await?.get("/api/v1/pods").await });
    let down = down.expect("an answer while the API server is down");
    down.assert_status(502);
    let wait = down.header("retry-after").and_then(|seconds| seconds.parse::<u32>().ok());
    assert!(wait.is_some_and(|seconds| (1..=60).contains(&seconds)), "{down:?}");
    let script = lists(vec![good("web"), evil("evil"), good("good")]).on(
        Kind::Watch,
        [Answer::watch([event("ADDED", &evil("evil")), event("ADDED", &good("good"))])],
    );
    let back =
        HostileApiServer::start_at(address, &identity, &world.authority, Protocols::Http1, script);
    world.server = RUNTIME.block_on(back);
    kubelet.wait_for_set(&["web", "good"]);
    kubelet.assert_no_evil();
}

/// The API server says at which version a reflector resumes, and `0` or none are versions as well.
fn whatever_the_version() {
    let script = lists(vec![good("web")])
        .on(Kind::Watch, [Answer::watch_steps([Step::Send(event("ADDED", &good("web")).into())])]);
    let world = World::new(Protocols::Http1, script);
    let proxy = world.proxy();
    let watches = ["&resourceVersion=0", "&resourceVersion=", "", "&sendInitialEvents=false"]
        .map(|version| format!("/api/v1/pods?watch=true{version}"));
    RUNTIME.block_on(async {
        let mut client = world.client(&proxy).await.expect("an invited client");
        for watch in &watches {
            let reply = client.get(watch).await.expect("an answer");
            assert_eq!(reply.json()["object"]["code"], 410, "{watch}: {reply:?}");
        }
        assert!(world.server.recorded().is_empty());
        assert_eq!(client.get("/api/v1/pods").await.expect("an answer").status, 200);
        for watch in &watches {
            let reply = client.get(watch).await.expect("an answer");
            assert_eq!(reply.json()["type"], "ADDED", "{watch}: {reply:?}");
        }
    });
}

fn sent_back_once() {
    let world = World::new(Protocols::Http1, lists(vec![good("web")]));
    let proxy = world.proxy();
    const RESUMED: &str = "/api/v1/pods?watch=true&resourceVersion=20&timeoutSeconds=300";
    RUNTIME.block_on(async {
        let mut client = world.client(&proxy).await.expect("an invited client");
        for _ in 0..2 {
            let reply = client.get(RESUMED).await.expect("an answer");
            assert_eq!(reply.status, 200, "{reply:?}");
            assert_eq!(reply.json()["type"], "ERROR", "{reply:?}");
            assert_eq!(reply.json()["object"]["code"], 410, "{reply:?}");
        }
        assert!(world.server.recorded().is_empty());
        assert_eq!(client.get("/api/v1/pods").await.expect("an answer").status, 200);
        // Goes through now: the server holds it open, so there is no whole answer to wait for.
        let open = tokio::time::timeout(std::time::Duration::from_millis(500), client.get(RESUMED));
        assert!(open.await.is_err(), "the watch ended");
    });
    assert!(world.server.recorded().iter().any(is_resumed), "{:?}", world.server.recorded());
}
