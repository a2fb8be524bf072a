//! What stands behind the names in an admitted pod, and what may change while it runs: the second
//! version of the policy, with a real kubelet's own requests and caches.

use std::time::Duration;

use nodeward::kubelet_proxy::pod_ledger::LedgerRefusal;
use serde_json::{Value, json};

use crate::expect::{REJECT_LIMIT, START_LIMIT, no_container, rejected, running, stopped};
use crate::support::wait::{Outcome, ensure, eventually};
use crate::support::world::World;
use crate::support::world::image::IMAGE;
use crate::support::world::manifest::{allowed, list};
use crate::support::world::node::ctr;
use crate::support::world::proxy::policy;

/// `printf '%s' '{"binaryData":{},"data":{"k":"v"}}' | sha256sum`
const CONTENT: &str = "1ccceafd881e3f6f118973477cfaf1e8bc64454115e096852de772b2d8fd6f42";

/// The same image by a name that no pod began with: `IMAGE` with more in its tag.
const OTHER_IMAGE: &str = "nodeward.test/busybox:1-other";

/// Longer than a kubelet waits between two looks at a mounted config map.
const SYNC_LIMIT: Duration = Duration::from_secs(150);

fn node_policy(rules: &Value) -> Value {
    let pin = |name: &str| json!({"namespace": "default", "name": name, "sha256": CONTENT});
    json!({
        "apiVersion": "nodeward.dev/v2", "kind": "NodePolicy", "name": "objects", "rules": rules,
        "runtimeClasses": {"good-class": "runc", "swapped-class": "kata"},
        "persistentVolumes": {},
        "pinned": {"configMaps": [pin("good-map"), pin("swapped-map")]},
    })
}

fn everything() -> Value {
    json!([{"name": "all", "action": "allow", "match": {}, "permit": {"unlisted": "permit"}}])
}

/// Runs `case` under another policy; the cases that follow count on the one they know.
fn under(world: &mut World, other: &Value, case: impl FnOnce(&mut World) -> Outcome) -> Outcome {
    world.proxy.write_policy(other)?;
    world.proxy.reload(world.inside)?;
    let outcome = case(world);
    world.proxy.write_policy(&policy())?;
    outcome.and(world.proxy.reload(world.inside))
}

fn config_map(name: &str, value: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name},
        "data": {"k": value}})
}

fn class(name: &str) -> Value {
    json!({"apiVersion": "node.k8s.io/v1", "kind": "RuntimeClass", "metadata": {"name": name},
        "handler": "runc"})
}

fn host_volume() -> [Value; 2] {
    let claim = json!({"namespace": "default", "name": "claim"});
    let size = json!({"storage": "1Gi"});
    let volume = json!({"apiVersion": "v1", "kind": "PersistentVolume",
        "metadata": {"name": "host-volume"}, "spec": {
            "capacity": size, "accessModes": ["ReadWriteOnce"], "storageClassName": "",
            "claimRef": claim, "hostPath": {"path": "/"}}});
    let claim = json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim",
        "metadata": {"name": "claim"}, "spec": {
            "accessModes": ["ReadWriteOnce"], "storageClassName": "", "volumeName": "host-volume",
            "resources": {"requests": size}}});
    [volume, claim]
}

fn mounting(name: &str, volume: Value) -> Value {
    let mut pod = allowed(name);
    let mut mounted = volume;
    mounted["name"] = json!("mounted");
    pod["spec"]["volumes"] = json!([mounted]);
    pod["spec"]["containers"][0]["volumeMounts"] =
        json!([{"name": "mounted", "mountPath": "/mounted"}]);
    pod
}

fn of_class(mut pod: Value, class: &str) -> Value {
    pod["spec"]["runtimeClassName"] = json!(class);
    pod
}

const WITHHELD: [(&str, &str, &str); 3] = [
    ("with-swapped-map", "ConfigMap", "swapped-map"),
    ("with-swapped-class", "RuntimeClass", "swapped-class"),
    ("with-host-volume", "PersistentVolume", "host-volume"),
];

pub(crate) fn names_keep_their_meaning(world: &mut World) -> Outcome {
    let mut objects = vec![
        config_map("good-map", "v"),
        config_map("swapped-map", "w"),
        class("good-class"),
        class("swapped-class"),
    ];
    objects.extend(host_volume());
    world.kubectl.create(&list(objects))?;
    under(world, &node_policy(&everything()), |world| {
        let good = mounting("with-good-map", json!({"configMap": {"name": "good-map"}}));
        world.kubectl.create(&list(vec![
            of_class(good, "good-class"),
            mounting(WITHHELD[0].0, json!({"configMap": {"name": "swapped-map"}})),
            of_class(allowed(WITHHELD[1].0), "swapped-class"),
            mounting(WITHHELD[2].0, json!({"persistentVolumeClaim": {"claimName": "claim"}})),
        ]))?;
        running(world, "with-good-map")?;
        let outcome = WITHHELD
            .iter()
            .try_for_each(|(pod, kind, name)| {
                is_withheld(world, kind, name)?;
                no_container_of_its_own(world, pod)
            })
            .and_then(|()| running_pod_keeps_its_content(world));
        // Under the policy of the other cases they would start.
        let pods = WITHHELD.map(|(pod, ..)| pod);
        world.kubectl.run(&[&["delete", "pod", "with-good-map", "--force"][..], &pods].concat())?;
        outcome
    })
}

/// Waits for the record of an object that the kubelet asked for and did not get.
fn is_withheld(world: &World, kind: &str, name: &str) -> Outcome {
    eventually(&format!("{kind} {name} withheld"), START_LIMIT, || {
        let told = |record: &Value| {
            record["message"] == "object withheld"
                && record["kind"] == kind
                && record["name"] == name
        };
        ensure(world.proxy.records().iter().any(told), || "no record".to_owned())
    })
}

/// A sandbox may be there: it is what a volume that is missing keeps from getting a container.
fn no_container_of_its_own(world: &World, name: &str) -> Outcome {
    let pod = world.kubectl.pod(name)?;
    let statuses = pod["status"]["containerStatuses"].as_array();
    let began = |status: &Value| status["containerID"].is_string();
    ensure(!statuses.is_some_and(|all| all.iter().any(began)), || pod["status"].to_string())?;
    no_container(world, name, &world.running_containers(name)?)
}

fn running_pod_keeps_its_content(world: &World) -> Outcome {
    let read = || world.kubectl.run(&["exec", "with-good-map", "--", "cat", "/mounted/k"]);
    let before = read()?;
    ensure(before == "v", || format!("mounted: {before}"))?;
    let swapped = config_map("good-map", "w").to_string();
    world.kubectl.feed(&["replace", "-f", "-"], &swapped)?;
    is_withheld(world, "ConfigMap", "good-map")?;
    // The pinned content again: that it has arrived shows that the kubelet had looked in between.
    let fresh = config_map("good-map", "v").to_string();
    world.kubectl.feed(&["replace", "-f", "-"], &fresh)?;
    eventually("a look at the content", SYNC_LIMIT, || {
        let now = read()?;
        ensure(now == "v", || format!("mounted: {now}"))
    })
}

pub(crate) fn updates_are_tolerated_or_stop_the_pod(world: &mut World) -> Outcome {
    ctr(world.inside, &["images", "tag", "--force", IMAGE, OTHER_IMAGE])?;
    let (moving, frozen) = ("moving", "frozen");
    let mut rules = everything();
    let rule = json!({"name": "moving", "action": "allow", "match": {"labels": {"app": moving}},
        "permit": {"unlisted": "permit", "updates": ["image"]}});
    rules.as_array_mut().ok_or("rules")?.insert(0, rule);
    under(world, &node_policy(&rules), |world| {
        world.kubectl.create(&list(vec![allowed(moving), allowed(frozen)]))?;
        running(world, moving)?;
        let before = running(world, frozen)?;
        let image = format!("main={OTHER_IMAGE}");
        for name in [moving, frozen] {
            world.kubectl.run(&["set", "image", &format!("pod/{name}"), &image])?;
        }
        let refusal = LedgerRefusal::Untolerated("the image of a container").to_string();
        rejected(world, frozen, &refusal, &before)?;
        stopped(world, frozen)?;
        // The runtime names an image by whichever of its names it likes: a second start tells more.
        eventually("the other image running", START_LIMIT + REJECT_LIMIT, || {
            let pod = world.kubectl.pod(moving)?;
            let container = &pod["status"]["containerStatuses"][0];
            let began_again = container["restartCount"] == 1 && container["ready"] == true;
            ensure(began_again && pod["spec"]["containers"][0]["image"] == OTHER_IMAGE, || {
                pod["status"].to_string()
            })
        })?;
        world.kubectl.run(&["delete", "pod", moving, frozen, "--force"]).map(drop)
    })
}
