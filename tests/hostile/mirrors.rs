//! Row 64: a mirror annotation makes a kubelet ignore a pod. It may pass, with nothing to run, but no pod
//! that runs may become one: a kubelet could not stop it any more.
//!
//! A kubelet keys pods by UID, and the annotation stays with an entry for as long as that is there
//! (`podStorage.merge`). [`is_stoppable`] reads the sets that a kubelet was sent as it would.

use std::collections::HashMap;

use libtest_mimic::Trial;
use serde_json::{Value, json};

use super::case::Case;
use super::pods::{event, evil, good, initial_events_end, list, uid, with};
use super::proxy::Proxy;
use super::reflector::{FIRST_WITH_WATCH_LIST, MINORS, brief, sets};
use super::world::World;
use crate::support::hostile_api_server::Protocols;
use crate::support::hostile_api_server::answer::Answer;
use crate::support::hostile_api_server::request::Kind;
use crate::support::hostile_api_server::script::Script;

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials: Vec<_> = cases().iter().flat_map(Case::trials).collect();
    for minor in MINORS {
        let mut add = |name: &str, run: fn(u8)| {
            let name = format!("row_64_{name}::client_go_0_{minor}");
            trials.push(trial(name, move || run(minor)));
        };
        add("mirror_under_the_uid_of_a_pod_that_runs", |minor| {
            let sets = [vec![masked("zzz"), good("web")], vec![good("web"), masked("zzz")]];
            sets.into_iter().for_each(|pods| two_names(minor, pods));
        });
        add("mirror_after_a_restart_of_the_proxy", |minor| after_a_restart(minor, Kind::List));
        if minor >= FIRST_WITH_WATCH_LIST {
            add("mirror_in_a_watch_list_after_a_restart_of_the_proxy", |minor| {
                after_a_restart(minor, Kind::WatchList);
            });
        }
    }
    trials.push(trial("control::row_64_a_pod_that_runs_becomes_a_mirror".to_owned(), unguarded));
    trials
}

fn trial(name: String, run: impl Fn() + Send + 'static) -> Trial {
    Trial::test(name, move || {
        run();
        Ok(())
    })
}

fn mirror(pod: Value) -> Value {
    let pod = with(pod, "/metadata/annotations/kubernetes.io~1config.mirror", json!("x"));
    with(pod, "/metadata/annotations/kubernetes.io~1config.source", json!("file"))
}

/// A mirror pod with the UID of the pod `web`.
fn masked(name: &str) -> Value {
    with(mirror(good(name)), "/metadata/uid", json!(uid("web")))
}

fn cases() -> Vec<Case> {
    let unmasked = |name: &str, bare: Value| {
        let bare = with(bare, "/metadata/resourceVersion", json!("12"));
        let script =
            Script::new().on(Kind::List, [Answer::document(&list(10, [mirror(evil("web"))]))]).on(
                Kind::Watch,
                [Answer::watch([event("MODIFIED", &bare), event("ADDED", &good("good"))])],
            );
        Case::new(64, name, script)
    };
    let seen = |name: &str, kind: Kind| {
        let script = everything(kind, vec![mirror(evil("web")), good("good")]);
        Case::new(64, name, script).pods(&["web", "good"]).on_all_minors()
    };
    vec![
        seen("list of an evil mirror pod", Kind::List).harms(),
        seen("watch list of an evil mirror pod", Kind::WatchList),
        unmasked("evil mirror pod without its annotation", evil("web")).harms(),
        unmasked("evil mirror pod that becomes good", good("web")),
    ]
}

/// These pods, by a list or by a WatchList.
fn everything(kind: Kind, pods: Vec<Value>) -> Script {
    let answer = if kind == Kind::WatchList {
        let added = pods.iter().map(|pod| event("ADDED", pod));
        Answer::watch(added.chain([initial_events_end(20)]))
    } else {
        Answer::document(&list(20, pods))
    };
    Script::new().on(kind, [answer])
}

fn is_mirror(pod: &Value) -> bool {
    pod["metadata"]["annotations"].get("kubernetes.io/config.mirror").is_some()
}

/// No entry of the kubelet goes from an ordinary pod to a mirror pod, and none stands for both at once.
fn is_stoppable(lines: &[Value]) -> bool {
    let mut before = HashMap::new();
    sets(lines).all(|set| {
        let pods = set["pods"].as_array().map(Vec::as_slice).unwrap_or_default();
        let now: HashMap<String, bool> =
            pods.iter().map(|pod| (pod["metadata"]["uid"].to_string(), is_mirror(pod))).collect();
        let turned = now.iter().any(|(uid, is)| *is && before.get(uid) == Some(&false));
        let is_well = !turned && now.len() == pods.len();
        before = now;
        is_well
    })
}

fn has_mirror(lines: &[Value], name: &str) -> bool {
    let newest = sets(lines).last().and_then(|set| set["pods"].as_array().cloned());
    let pods = newest.unwrap_or_default();
    pods.iter().any(|pod| pod["metadata"]["name"] == name && is_mirror(pod))
}

/// The second name is denied whichever comes first, and in later lists as in the first.
fn two_names(minor: u8, mut pods: Vec<Value>) {
    pods.push(good("good"));
    let script = Script::new().on(Kind::List, [Answer::document(&list(20, pods))]).on(
        Kind::Watch,
        [Answer::watch([event("ADDED", &masked("yyy")), event("ADDED", &good("last"))])],
    );
    let world = World::new(Protocols::Http1, script);
    let proxy = world.proxy();
    let kubelet = world.guarded(minor, &proxy, &["reflect"]);
    kubelet.wait_for_set(&["web", "good", "last"]);
    assert!(is_stoppable(&kubelet.lines()), "{}", brief(&kubelet.lines()));
}

/// The new process does not know the pod, which the kubelet still runs. It has to see it go before it sees
/// it as a mirror pod, and see that in the end: the same happens to the mirror of a static pod.
fn after_a_restart(minor: u8, kind: Kind) {
    let world =
        World::new(Protocols::Http1, everything(Kind::List, vec![good("web"), good("good")]));
    let mut proxy = world.proxy();
    let kubelet = world.guarded(minor, &proxy, &["reflect"]);
    kubelet.wait_for_set(&["web", "good"]);
    proxy.crash();
    world.server.rewrite(everything(kind, vec![masked("web"), good("good")]));
    let _proxy = Proxy::start_at(&world.files, proxy.address, &[]);
    let shown = kubelet.wait_until(|lines| has_mirror(lines, "web"));
    assert!(shown.is_ok(), "no mirror pod:\n{}", brief(&kubelet.lines()));
    assert!(is_stoppable(&kubelet.lines()), "{}", brief(&kubelet.lines()));
}

fn unguarded() {
    let lists = [vec![good("web")], vec![mirror(good("web"))]];
    let script = Script::new()
        .on(Kind::List, lists.map(|pods| Answer::document(&list(20, pods))))
        .on(Kind::Watch, [Answer::refusal(410, "Expired")]);
    let world = World::new(Protocols::Http1, script);
    let kubelet = world.unguarded(37, &["reflect"]);
    assert!(kubelet.wait_until(|lines| has_mirror(lines, "web")).is_ok());
    assert!(!is_stoppable(&kubelet.lines()), "{}", brief(&kubelet.lines()));
}
