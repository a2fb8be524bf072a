//! A policy that changes under a kubelet: what the old one admitted is decided on anew.
//!
//! The process lives on and so do its connections; a reflector has to be made to list all the same,
//! because a pod that does not change would never come past again.

use std::time::Duration;

use libtest_mimic::Trial;
use serde_json::{Value, json};

use super::client::Reply;
use super::pods::{POLICY, evil, good, list, with};
use super::proxy::{Proxy, set_mode};
use super::reflector::MINORS;
use super::world::{RUNTIME, World};
use crate::support::hostile_api_server::Protocols;
use crate::support::hostile_api_server::answer::{Answer, Step};
use crate::support::hostile_api_server::request::Kind;
use crate::support::hostile_api_server::script::Script;

/// Long enough for a watch that ends to be begun again.
const QUIET: Duration = Duration::from_secs(2);

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = Vec::new();
    for minor in MINORS {
        let name = format!("reload_takes_away_what_the_new_policy_denies::client_go_0_{minor}");
        trials.push(trial(name, move || takes_away(minor)));
    }
    for (name, run) in [
        ("reload_refused_disturbs_no_watch", refused as fn()),
        ("reload_between_two_pages_ends_the_list", between_pages),
        ("reload_during_a_list_breaks_it_off", during_a_list),
        ("reload_forgets_reports_of_pods_that_it_admits", forgets_reports),
        ("reload_waits_for_the_list_of_the_same_reflector", same_reflector),
    ] {
        trials.push(trial(name.to_owned(), run));
    }
    trials
}

fn trial(name: String, run: impl Fn() + Send + 'static) -> Trial {
    Trial::test(name, move || {
        run();
        Ok(())
    })
}

fn two_pods() -> World {
    let bad = with(good("bad"), "/spec/containers/0/image", json!("registry.example/bad:1"));
    let answer = Answer::document(&list(20, vec![good("web"), bad]));
    World::new(Protocols::Http1, Script::new().on(Kind::List, [answer]))
}

fn takes_away(minor: u8) {
    let world = two_pods();
    let proxy = world.proxy();
    let kubelet = world.guarded(minor, &proxy, &["reflect"]);
    kubelet.wait_for_set(&["web", "bad"]);
    std::fs::write(&world.files.policy, POLICY.replace("*evil*", "*bad*")).expect("write");
    proxy.hang_up();
    kubelet.wait_for_set(&["web"]);
    world.wait_for_request(|request| request.kind() == Kind::PatchStatus);
    // And back again: the old policy is as good as new.
    std::fs::write(&world.files.policy, POLICY).expect("write");
    proxy.hang_up();
    kubelet.wait_for_set(&["web", "bad"]);
}

fn refused() {
    let world = two_pods();
    let proxy = world.proxy();
    let kubelet = world.guarded(37, &proxy, &["reflect"]);
    kubelet.wait_for_set(&["web", "bad"]);
    let requests = world.server.recorded().len();
    std::fs::write(&world.files.policy, POLICY.replace("*evil*", "*bad*")).expect("write");
    set_mode(&world.files.policy, 0o666);
    proxy.hang_up();
    wait_for_refusal(&proxy);
    std::thread::sleep(QUIET);
    let since = world.server.recorded().split_off(requests);
    assert!(!since.iter().any(|request| request.kind() == Kind::List), "{since:?}");
    kubelet.wait_for_set(&["web", "bad"]);
}

fn wait_for_refusal(proxy: &Proxy) {
    let refused = |line: &String| line.contains("reload refused");
    for _ in 0..200 {
        if proxy.log().iter().any(refused) {
            return;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("no refusal in:\n{}", proxy.log().join("\n"));
}

const ADMITS_NONE: &str = r#"{"name": "none", "defaultAction": "deny", "rules": []}"#;
const ADMITS_ALL: &str = r#"{"name": "all", "defaultAction": "allow", "rules": []}"#;

/// Puts another policy in force, and waits until it is.
pub(super) fn change_policy(world: &World, proxy: &Proxy, policy: &str) {
    let reloaded = || proxy.log().iter().filter(|line| line.contains("\"reloaded\"")).count();
    let before = reloaded();
    std::fs::write(&world.files.policy, policy).expect("write");
    proxy.hang_up();
    for _ in 0..200 {
        if reloaded() > before {
            return;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("no reload in:\n{}", proxy.log().join("\n"));
}

fn page(pods: Vec<Value>, continues: &str) -> Answer {
    let mut page = list(20, pods);
    page["metadata"]["continue"] = json!(continues);
    Answer::document(&page)
}

async fn get(world: &World, proxy: &Proxy, target: &str) -> Reply {
    let mut client = world.client(proxy).await.expect("an invited client");
    client.get(target).await.expect("an answer")
}

const RESUMED: &str = "/api/v1/pods?watch=true&resourceVersion=20&timeoutSeconds=300";

/// A watch that is passed on is held open by the server: no whole answer comes.
async fn is_sent_back(world: &World, proxy: &Proxy, target: &str) -> bool {
    let answer = tokio::time::timeout(QUIET, get(world, proxy, target)).await;
    answer.is_ok_and(|reply| reply.json()["object"]["code"] == 410)
}

/// The pages of a list are put together by the client: none may come from an older policy.
fn between_pages() {
    let answers = [page(vec![good("web")], "abc"), page(vec![], ""), page(vec![], "")];
    let world = World::alone(Protocols::Http1, Script::new().on(Kind::List, answers));
    let proxy = world.proxy();
    RUNTIME.block_on(async {
        let next = "/api/v1/pods?limit=500&continue=abc";
        get(&world, &proxy, next).await.assert_status(410);
        assert_eq!(get(&world, &proxy, "/api/v1/pods?limit=500").await.status, 200);
        assert_eq!(get(&world, &proxy, next).await.status, 200);
        assert!(!is_sent_back(&world, &proxy, RESUMED).await, "all pages went through");
        change_policy(&world, &proxy, ADMITS_NONE);
        get(&world, &proxy, next).await.assert_status(410);
        assert!(is_sent_back(&world, &proxy, RESUMED).await);
    });
}

/// What the old policy admits must not arrive after the new one is in force.
fn during_a_list() {
    let text = list(20, vec![good("first"), good("second")]).to_string();
    let half = text.find("\"second\"").expect("the second pod");
    let mut answer = Answer::json(200, text.clone()).split_at(half);
    answer.steps.insert(1, Step::Pause(QUIET));
    let world = World::alone(Protocols::Http1, Script::new().on(Kind::List, [answer]));
    let proxy = world.proxy();
    RUNTIME.block_on(async {
        let asked = get(&world, &proxy, "/api/v1/pods");
        let changed = async {
            tokio::time::sleep(QUIET / 4).await;
            tokio::task::block_in_place(|| change_policy(&world, &proxy, ADMITS_NONE));
        };
        let (reply, ()) = tokio::join!(asked, changed);
        reply.assert_status(503);
        assert!(reply.header("retry-after").is_some(), "{reply:?}");
    });
}

/// A pod that the policy in force admits is not made to fail by the one before.
fn forgets_reports() {
    let unavailable = Answer::refusal(503, "ServiceUnavailable");
    let script = Script::new()
        .on(Kind::List, [Answer::document(&list(20, vec![evil("evil"), good("good")]))])
        .on(Kind::PatchStatus, [unavailable, Answer::refusal(200, "Patched")]);
    let world = World::alone(Protocols::Http1, script);
    let proxy = world.proxy();
    RUNTIME.block_on(async {
        assert_eq!(get(&world, &proxy, "/api/v1/pods").await.status, 200);
    });
    world.wait_for_request(|request| request.kind() == Kind::PatchStatus);
    change_policy(&world, &proxy, ADMITS_ALL);
    let before = patches(&world);
    std::thread::sleep(QUIET * 2);
    assert_eq!(patches(&world), before, "the report was tried again");
    assert!(proxy.admin_page("/metrics").contains("outcome=\"superseded\"} 1"));
}

fn patches(world: &World) -> usize {
    let recorded = world.server.recorded();
    recorded.iter().filter(|request| request.kind() == Kind::PatchStatus).count()
}

/// Somebody else's list, of something else, tells nothing about what the kubelet believes.
fn same_reflector() {
    let answer = Answer::document(&list(20, vec![good("web")]));
    let world = World::alone(Protocols::Http1, Script::new().on(Kind::List, [answer]));
    let proxy = world.proxy();
    RUNTIME.block_on(async {
        for other in ["fieldSelector=metadata.name%3Da", "labelSelector=a%3Db"] {
            let reply = get(&world, &proxy, &format!("/api/v1/pods?{other}")).await;
            assert_eq!(reply.status, 200, "{reply:?}");
            assert!(is_sent_back(&world, &proxy, RESUMED).await, "{other}");
        }
        assert_eq!(get(&world, &proxy, "/api/v1/pods").await.status, 200);
        assert!(!is_sent_back(&world, &proxy, RESUMED).await);
    });
}
