//! A policy that changes under a kubelet: what the old one admitted is decided on anew.
//!
//! The process lives on and so do its connections; a reflector has to be made to list all the same,
//! because a pod that does not change would never come past again.

use std::time::Duration;

use libtest_mimic::Trial;
use serde_json::json;

use super::pods::{POLICY, good, list, with};
use super::proxy::{Proxy, set_mode};
use super::reflector::MINORS;
use super::world::World;
use crate::support::hostile_api_server::Protocols;
use crate::support::hostile_api_server::answer::Answer;
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
    trials.push(trial("reload_refused_disturbs_no_watch".to_owned(), refused));
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
