//! Rows 70 and 75: telling the cluster about a denied pod, while the API server does what it can
//! against it.
//!
//! The pod stays hidden whatever becomes of the report; most trials assert that as well.

use std::time::Duration;

use libtest_mimic::Trial;
use serde_json::{Value, json};

use super::pods::{event, evil, good, list, uid, with};
use super::proxy::Proxy;
use super::reflector::Reflector;
use super::world::World;
use crate::support::hostile_api_server::Protocols;
use crate::support::hostile_api_server::answer::{Answer, Framing, Step};
use crate::support::hostile_api_server::request::{Kind, Recorded};
use crate::support::hostile_api_server::script::Script;

const DELETED_AT: &str = "2026-11-21T08:00:00Z";

/// Longer than the first three pauses between tries, shorter than a minute.
const A_FEW_TRIES: Duration = Duration::from_millis(4_500);

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = Vec::new();
    let ok = || Answer::refusal(200, "Patched");
    let dead = || ok().framed(Framing::Raw);
    let mut broken = dead();
    broken.steps = vec![Step::Break];
    for (name, first, again) in [
        ("is overloaded", Answer::refusal(429, "TooManyRequests").header("Retry-After", "1"), true),
        ("fails", Answer::refusal(500, "InternalError"), true),
        ("is unavailable", Answer::refusal(503, "ServiceUnavailable"), true),
        ("hangs up", broken, true),
        ("forbids", Answer::refusal(403, "Forbidden"), false),
        ("finds it invalid", Answer::refusal(422, "Invalid"), false),
        ("has no such pod", Answer::refusal(404, "NotFound"), false),
        ("has another pod of the name", Answer::refusal(409, "Conflict"), false),
    ] {
        let name = format!("patch when the API server {name}");
        trials.push(trial(70, &name, move || patched_again(first.clone(), again)));
    }
    trials.push(trial(70, "patch that is never answered", never_answered));
    trials.push(trial(70, "patch is the documented one", exact_patch));
    trials.push(trial(70, "patch is not repeated for the same pod", patched_once));
    trials.push(trial(70, "pod deleted before its patch is finished", deleted_before));
    trials.push(trial(70, "pod deleted while its patch fails is finished", deleted_meanwhile));
    trials.push(trial(70, "admitted pod is not finished before it stopped", deleted_while_running));
    trials.push(trial(75, "storm of one owner is damped", storm));
    trials
}

fn trial(row: u8, name: &str, run: impl Fn() + Send + 'static) -> Trial {
    Trial::test(format!("row_{row}_{name}").replace(' ', "_"), move || {
        run();
        Ok(())
    })
}

struct Scene {
    world: World,
    _proxy: Proxy,
    kubelet: Reflector,
}

/// A kubelet that has got `good` from a list with the pod `evil`.
fn scene(script: Script) -> Scene {
    let world = World::new(Protocols::Http1, script);
    let proxy = world.proxy();
    let kubelet = world.guarded(37, &proxy, &["reflect"]);
    kubelet.wait_for_set(&["good"]);
    Scene { world, _proxy: proxy, kubelet }
}

impl Scene {
    fn sent(&self, kind: Kind) -> Vec<Recorded> {
        self.world.server.recorded().into_iter().filter(|request| request.kind() == kind).collect()
    }
}

fn both() -> Script {
    Script::new().on(Kind::List, [Answer::document(&list(20, [evil("evil"), good("good")]))])
}

fn patched_again(first: Answer, again: bool) {
    let scene = scene(both().on(Kind::PatchStatus, [first, Answer::refusal(200, "Patched")]));
    std::thread::sleep(A_FEW_TRIES);
    let patches = scene.sent(Kind::PatchStatus);
    let expected = if again { 2 } else { 1 };
    assert_eq!(patches.len(), expected, "{patches:?}");
    assert_eq!(scene.sent(Kind::Event).len(), usize::from(again));
    scene.kubelet.wait_for_set(&["good"]);
    scene.kubelet.assert_no_evil();
}

/// All workers wait for answers; pods go on being decided and hidden.
fn never_answered() {
    let pods: Vec<Value> = (0..40).map(|number| evil(&format!("evil-{number}"))).collect();
    let later = [event("ADDED", &evil("evil-x")), event("ADDED", &good("later"))];
    let events = [Step::Pause(Duration::from_secs(1))]
        .into_iter()
        .chain(later.map(|text| Step::Send(text.into())))
        .chain([Step::Hold]);
    let script = Script::new()
        .on(Kind::List, [Answer::document(&list(20, pods.into_iter().chain([good("good")])))])
        .on(Kind::Watch, [Answer::watch_steps(events)])
        .on(Kind::PatchStatus, [Answer::watch(Vec::<String>::new())]);
    let scene = scene(script);
    scene.kubelet.wait_for_set(&["good", "later"]);
    scene.kubelet.assert_no_evil();
    let patches = scene.sent(Kind::PatchStatus).len();
    assert!((1..=8).contains(&patches), "{patches} patches under way at once");
}

fn exact_patch() {
    let scene = scene(both());
    let patch = scene.world.wait_for_request(|request| request.kind() == Kind::PatchStatus);
    assert_eq!(patch.target, "/api/v1/namespaces/default/pods/evil/status");
    assert_eq!(patch.header("content-type"), Some("application/strategic-merge-patch+json"));
    let mut body = patch.json();
    const REASON: &str = "denied by rule 'no-privileged': Privileged containers are not allowed";
    for condition in body["status"]["conditions"].as_array_mut().expect("conditions") {
        let time = condition["lastTransitionTime"].take();
        let time = time.as_str().expect("a time");
        assert!(time.len() == 20 && time.ends_with('Z') && time.starts_with("20"), "{time}");
    }
    let condition = |kind: &str, status: &str, message: &str| {
        json!({"type": kind, "status": status, "reason": "NodeAdmissionRejected",
            "message": message, "lastTransitionTime": null})
    };
    let scheduled = "Pod was scheduled but rejected by node admission policy";
    let expected = json!({
        "metadata": {"uid": uid("evil")},
        "status": {"phase": "Failed", "reason": "NodeAdmissionRejected",
            "message": format!("Pod rejected by kubelet-proxy: {REASON}"),
            "conditions": [
                condition("Ready", "False", REASON),
                condition("ContainersReady", "False", REASON),
                condition("PodScheduled", "True", scheduled),
            ]},
    });
    assert_eq!(body, expected);
    let told = scene.world.wait_for_request(|request| request.kind() == Kind::Event).json();
    assert_eq!(told["type"], "Warning", "{told}");
    assert_eq!(told["reason"], "NodeAdmissionRejected", "{told}");
    assert_eq!(told["involvedObject"]["uid"], uid("evil"), "{told}");
    assert!(told["message"].as_str().is_some_and(|text| text.contains(REASON)), "{told}");
}

/// The same pod in two lists and many events is one rejection.
fn patched_once() {
    let again = |number: u32| {
        let version = json!((20 + number).to_string());
        event("MODIFIED", &with(evil("evil"), "/metadata/resourceVersion", version))
    };
    let scene = scene(both().on(Kind::Watch, [Answer::watch((0..50).map(again))]));
    std::thread::sleep(A_FEW_TRIES);
    assert!(scene.sent(Kind::PatchStatus).len() <= 2, "{:?}", scene.sent(Kind::PatchStatus).len());
    scene.kubelet.assert_no_evil();
}

fn leaving(pod: Value) -> Value {
    let pod = with(pod, "/metadata/deletionTimestamp", json!(DELETED_AT));
    with(pod, "/metadata/deletionGracePeriodSeconds", json!(30))
}

fn assert_last_delete(delete: &Recorded, pod: &str) {
    assert_eq!(delete.path(), format!("/api/v1/namespaces/default/pods/{pod}"));
    let options = delete.json();
    assert_eq!(options["gracePeriodSeconds"], 0, "{options}");
    assert_eq!(options["preconditions"]["uid"], uid(pod), "{options}");
}

fn deleted_before() {
    let pods = [leaving(evil("evil")), good("good")];
    let scene = scene(Script::new().on(Kind::List, [Answer::document(&list(20, pods))]));
    let delete = scene.world.wait_for_request(|request| request.kind() == Kind::DeletePod);
    assert_last_delete(&delete, "evil");
    scene.kubelet.assert_no_evil();
}

fn deleted_meanwhile() {
    let gone = with(leaving(evil("evil")), "/metadata/resourceVersion", json!("21"));
    let events = [
        Step::Pause(Duration::from_secs(1)),
        Step::Send(event("MODIFIED", &gone).into()),
        Step::Hold,
    ];
    let script = both().on(Kind::Watch, [Answer::watch_steps(events)]).on(
        Kind::PatchStatus,
        [Answer::refusal(403, "Forbidden"), Answer::refusal(200, "Patched")],
    );
    let scene = scene(script);
    let delete = scene.world.wait_for_request(|request| request.kind() == Kind::DeletePod);
    assert_last_delete(&delete, "evil");
    scene.kubelet.assert_no_evil();
}

/// Its containers may still run: the kubelet has to stop them first.
fn deleted_while_running() {
    let pods = [good("web"), good("good")];
    let gone = with(leaving(evil("web")), "/metadata/resourceVersion", json!("21"));
    let script = Script::new()
        .on(Kind::List, [Answer::document(&list(20, pods))])
        .on(Kind::Watch, [Answer::watch([event("MODIFIED", &gone)])]);
    let scene = scene(script);
    std::thread::sleep(A_FEW_TRIES);
    let deletes = scene.sent(Kind::DeletePod);
    assert!(deletes.is_empty(), "{deletes:?}");
    scene.kubelet.assert_no_evil();
}

/// Forty replacements of one owner in four seconds, and one pod of another.
fn storm() {
    const REPLACEMENTS: u32 = 40;
    let replacement = |number: u32| {
        let pod = evil(&format!("storm-{number}"));
        let version = json!((20 + number).to_string());
        Step::Send(event("ADDED", &with(pod, "/metadata/resourceVersion", version)).into())
    };
    let owner = json!([{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "other",
        "uid": uid("other"), "controller": true}]);
    let other = with(evil("other"), "/metadata/ownerReferences", owner);
    let steps = (0..REPLACEMENTS)
        .flat_map(|number| [replacement(number), Step::Pause(Duration::from_millis(100))])
        .chain([Step::Send(event("ADDED", &other).into())])
        .chain([Step::Send(event("ADDED", &good("good")).into()), Step::Hold]);
    let script = Script::new()
        .on(Kind::List, [Answer::document(&list(10, []))])
        .on(Kind::Watch, [Answer::watch_steps(steps)]);
    let scene = scene(script);
    scene.world.wait_for_request(|request| {
        request.kind() == Kind::PatchStatus && request.path().contains("/other/")
    });
    // Turns after 0, 1, 3 and 7 s: in the five that passed, three.
    let patches = scene.sent(Kind::PatchStatus);
    let damped = patches.iter().filter(|patch| patch.path().contains("/storm-")).count();
    assert!(
        (1..=4).contains(&damped),
        "{damped} of {REPLACEMENTS} replacements were rejected at once"
    );
    scene.kubelet.assert_no_evil();
}
