//! Row 15, the other half: wherever the network cuts the bytes, the kubelet gets the same pods.
//!
//! Short documents, cut once at every offset, and whole ones delivered a byte at a time.

use std::time::Duration;

use libtest_mimic::Trial;
use serde_json::{Value, json};

use super::pods::{NODE, event, evil, good, initial_events_end, list, uid, with};
use super::reflector::{FIRST_WITH_WATCH_LIST, MINORS, brief, is_evil};
use super::world::World;
use crate::support::hostile_api_server::Protocols;
use crate::support::hostile_api_server::answer::{Answer, Step};
use crate::support::hostile_api_server::request::Kind;
use crate::support::hostile_api_server::script::Script;

/// Hundreds of documents, on a machine that has other things to do.
const PATIENCE: Duration = Duration::from_secs(120);

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = Vec::new();
    for (protocols, minors) in [(Protocols::Http1, &[35, 37][..]), (Protocols::Http1And2, &[37])] {
        for minor in minors.iter().copied() {
            let name =
                format!("row_15_list_cut_at_every_offset_{protocols:?}::client_go_0_{minor}");
            trials.push(trial(name, move || list_cut(minor, protocols)));
            let name =
                format!("row_15_watch_cut_at_every_offset_{protocols:?}::client_go_0_{minor}");
            trials.push(trial(name, move || watch_cut(minor, protocols)));
        }
    }
    for minor in MINORS {
        let name = format!("row_15_all_byte_by_byte::client_go_0_{minor}");
        trials.push(trial(name, move || byte_by_byte(minor)));
    }
    trials
}

fn trial(name: String, run: impl Fn() + Send + 'static) -> Trial {
    Trial::test(name, move || {
        run();
        Ok(())
    })
}

/// A pod of as few bytes as possible, with everything in its text that a scanner of JSON can trip
/// over.
fn short(name: &str, image: &str) -> Value {
    json!({
        "kind": "Pod", "apiVersion": "v1",
        "metadata": {"name": name, "namespace": "default", "uid": uid(name),
            "resourceVersion": "11", "annotations": {"a\\\"{": "}]é\u{1f980}\n"}},
        "spec": {"nodeName": NODE, "containers": [{"name": "c", "image": image}]},
    })
}

fn pair() -> [Value; 2] {
    [short("evil", "evil"), short("good", "good")]
}

fn list_cut(minor: u8, protocols: Protocols) {
    let document = list(20, pair()).to_string();
    let cuts = 0..document.len();
    let answers = cuts.clone().map(|offset| Answer::json(200, document.clone()).split_at(offset));
    let world = World::new(protocols, Script::new().on(Kind::List, answers));
    let proxy = world.proxy();
    let repeat = cuts.len().to_string();
    let client = world.guarded(minor, &proxy, &["-repeat", &repeat, "list"]);
    let all = |lines: &[Value]| lines.iter().filter(|line| is_outcome(line)).count() == cuts.len();
    assert!(client.wait_until_within(PATIENCE, all).is_ok(), "{}", brief(&client.lines()));
    for line in client.lines().iter().filter(|line| is_outcome(line)) {
        assert!(line["event"] == "list" && line["count"] == 1 && !is_evil(line), "{line}");
        assert_eq!(line["pods"][0]["metadata"]["name"], "good", "{line}");
    }
}

fn is_outcome(line: &Value) -> bool {
    line["event"] == "list" || line["event"] == "result"
}

/// One watch in which the n-th event is cut after n bytes: evil and good ones in turn.
fn watch_cut(minor: u8, protocols: Protocols) {
    let events = pair().map(|pod| event("MODIFIED", &pod));
    let longest = events.iter().map(String::len).max().expect("two events");
    let cut = |text: &String, offset: usize| {
        let (first, second) = text.as_bytes().split_at(offset.min(text.len()));
        [first, second].map(|part| Step::Send(part.to_vec().into()))
    };
    let steps =
        (1..longest).flat_map(|offset| events.iter().flat_map(move |text| cut(text, offset)));
    let script = Script::new().on(Kind::Watch, [Answer::watch_steps(steps)]);
    let world = World::new(protocols, script);
    let proxy = world.proxy();
    let client = world.guarded_watch(minor, &proxy);
    let end = |lines: &[Value]| lines.iter().any(|line| line["event"] == "end");
    assert!(client.wait_until_within(PATIENCE, end).is_ok(), "{}", brief(&client.lines()));
    let lines = client.lines();
    let seen = |kind: &str| lines.iter().filter(|line| line["type"] == kind).count();
    assert_eq!(
        (seen("MODIFIED"), seen("DELETED")),
        (longest - 1, longest - 1),
        "{}",
        brief(&lines)
    );
    let leaked = |line: &Value| is_evil(line) && line["type"] != "DELETED";
    assert!(!lines.iter().any(leaked), "{}", brief(&lines));
    let remains =
        lines.iter().find(|line| line["object"]["spec"]["containers"][0]["image"] == "evil");
    assert!(remains.is_none(), "{remains:?}");
}

/// Everything that a kubelet reads in its life, each byte alone: initial state, changes, pages.
fn byte_by_byte(minor: u8) {
    let [evil, good] = [evil("evil"), good("good")];
    let initial = [event("ADDED", &evil), event("ADDED", &good), initial_events_end(20)];
    let changed = with(super::pods::good("web"), "/metadata/resourceVersion", json!("21"));
    let later = [
        event("ADDED", &evil),
        event("ADDED", &changed),
        event(
            "BOOKMARK",
            &json!({"kind": "Pod", "apiVersion": "v1", "metadata": {"resourceVersion": "22"}}),
        ),
    ];
    let first = with(list(20, [evil]), "/metadata/continue", json!("next"));
    let script = Script::new()
        .on(Kind::WatchList, [Answer::watch(initial.into_iter().chain(later.clone()))])
        .on(Kind::List, [Answer::document(&first)])
        .on(Kind::NextPage, [Answer::document(&list(20, [good]))])
        .on(Kind::Watch, [Answer::watch(later)])
        .map_reads(Answer::byte_by_byte);
    let world = World::new(Protocols::Http1, script);
    let proxy = world.proxy();
    let kubelet = world.guarded(minor, &proxy, &["reflect"]);
    kubelet.wait_for_set(&["web", "good"]);
    kubelet.assert_no_evil();
    let used_watch_list =
        world.server.recorded().iter().any(|request| request.kind() == Kind::WatchList);
    assert_eq!(used_watch_list, minor >= FIRST_WITH_WATCH_LIST);
}
