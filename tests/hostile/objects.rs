//! What stands behind a name: runtime classes, volumes, config maps and secrets that are swapped after
//! the pod that names them was admitted.
//!
//! Asked for as a kubelet asks. A policy of the first version speaks of none of them: then they pass as
//! they are, which shows that the scripts do harm.

use std::time::Duration;

use libtest_mimic::Trial;
use serde_json::{Value, json};

use super::client::Reply;
use super::encodings::gzip;
use super::pods::{POLICY, event};
use super::proxy::Proxy;
use super::reloads::change_policy;
use super::world::{RUNTIME, World};
use crate::support::hostile_api_server::Protocols;
use crate::support::hostile_api_server::answer::{Answer, Step};
use crate::support::hostile_api_server::request::Kind;
use crate::support::hostile_api_server::script::Script;

const CLASSES: &str = "/apis/node.k8s.io/v1/runtimeclasses";
const VOLUME: &str = "/api/v1/persistentvolumes/v";
const MAPS: &str = "/api/v1/namespaces/n/configmaps?fieldSelector=metadata.name%3Dpinned";
const MAP: &str = "/api/v1/namespaces/n/configmaps/pinned?resourceVersion=0";
const SECRET: &str = "/api/v1/namespaces/n/secrets/pinned";

/// Pins `"k": "v"` in a config map and a secret, one class and one driver.
const PINNING: &str = r#"{
    "apiVersion": "nodeward.dev/v2", "kind": "NodePolicy", "name": "pinning",
    "rules": [{"name": "all", "action": "allow", "match": {}, "permit": {"unlisted": "permit"}}],
    "runtimeClasses": {"kata": "kata-qemu"},
    "persistentVolumes": {"csi": {"drivers": ["csi.example.org"]}},
    "pinned": {
        "configMaps": [{"namespace": "n", "name": "pinned",
            "sha256": "1ccceafd881e3f6f118973477cfaf1e8bc64454115e096852de772b2d8fd6f42"}],
        "secrets": [{"namespace": "n", "name": "pinned",
            "sha256": "d929e7c1372db835b8e85fe3acd1f904852d457647a22b6796eed506ef004d01"}]}}"#;

pub(crate) fn trials() -> Vec<Trial> {
    [
        ("row_46_a_volume_swapped_behind_a_claim_is_withheld", volumes as fn()),
        ("row_55_a_runtime_class_keeps_its_handler", runtime_classes),
        ("row_59_pinned_content_is_all_that_arrives", pinned_content),
        ("row_59_pinned_content_is_all_that_a_watch_brings", pinned_watch),
        ("row_59_pinned_content_is_never_immutable_to_a_kubelet", never_immutable),
        ("row_04_objects_arrive_as_plain_json_or_not_at_all", encodings),
        ("row_12_objects_read_in_one_way_or_not_at_all", json_tricks),
        ("reload_sends_reflectors_of_objects_back_to_list", reload),
        ("reload_decides_on_an_object_that_was_asked_for_before", reload_during_a_get),
        ("reload_cuts_an_object_that_went_by_unread", reload_during_a_relayed_get),
        ("control::row_46_a_policy_that_does_not_speak_of_volumes", unguarded),
    ]
    .map(|(name, run)| {
        Trial::test(name, move || {
            run();
            Ok(())
        })
    })
    .into()
}

fn world(script: Script) -> (World, Proxy) {
    let world = World::new(Protocols::Http1, script);
    std::fs::write(&world.files.policy, PINNING).expect("write the policy");
    let proxy = world.proxy();
    (world, proxy)
}

pub(super) async fn get(world: &World, proxy: &Proxy, target: &str) -> Reply {
    let mut client = world.client(proxy).await.expect("an invited client");
    client.get(target).await.expect("an answer")
}

/// Asks for one object again and again: one reply an answer of the script.
pub(super) fn ask(world: &World, proxy: &Proxy, target: &str, times: usize) -> Vec<Reply> {
    let ask = async |_| get(world, proxy, target).await;
    let mut replies = Vec::new();
    for number in 0..times {
        replies.push(RUNTIME.block_on(ask(number)));
    }
    replies
}

fn meta(name: &str) -> Value {
    json!({"name": name, "namespace": "n", "uid": "0f0e0d0c-0000-4000-8000-000000000000",
        "resourceVersion": "7", "creationTimestamp": "2026-11-21T08:00:00Z"})
}

fn volume(source: Value) -> Value {
    let mut spec = source;
    spec["capacity"] = json!({"storage": "1Gi"});
    spec["claimRef"] = json!({"kind": "PersistentVolumeClaim", "namespace": "n", "name": "c"});
    let metadata = json!({"name": "v", "resourceVersion": "7"});
    json!({"kind": "PersistentVolume", "apiVersion": "v1", "metadata": metadata, "spec": spec,
        "status": {"phase": "Bound"}})
}

fn csi(driver: &str) -> Value {
    json!({"csi": {"driver": driver, "volumeHandle": "h"}})
}

fn assert_withheld(reply: &Reply, reason: &str) {
    reply.assert_status(403);
    let message = reply.json()["message"].as_str().expect("a message").to_owned();
    assert!(message.contains("withheld") && message.contains(reason), "{message}");
}

fn volumes() {
    let good = volume(csi("csi.example.org"));
    let answers = [
        good.clone(),
        volume(json!({"hostPath": {"path": "/", "type": ""}})),
        volume(json!({"local": {"path": "/etc"}})),
        volume(csi("csi.example.com")),
        volume(json!({"csi": {"driver": "csi.example.org"}, "hostPath": {"path": "/"}})),
        volume(json!({"newSource": {"path": "/"}})),
        good.clone(),
    ];
    let script = Script::new().on(Kind::OneObject, answers.iter().map(Answer::document));
    let (world, proxy) = world(script);
    let replies = ask(&world, &proxy, VOLUME, answers.len());
    for (reply, reason) in replies.iter().zip([
        "",
        "spec.hostPath.path: '/' is not among",
        "spec.local.path: '/etc'",
        "spec.csi.driver: 'csi.example.com'",
        "a volume has one source",
        "spec.newSource: unknown field",
        "",
    ]) {
        if reason.is_empty() {
            assert_eq!((reply.status, reply.json()), (200, good.clone()));
        } else {
            assert_withheld(reply, reason);
        }
    }
    let record = proxy.records().into_iter().find(|line| line["message"] == "object withheld");
    let record = record.expect("a record");
    assert_eq!(record["kind"], "PersistentVolume", "{record}");
    assert_eq!((&record["name"], &record["source"]), (&json!("v"), &json!("get")), "{record}");
    let metrics = proxy.admin_page("/metrics");
    for counted in [("deny", 5), ("allow", 2)].map(|(verdict, count)| {
        format!(
            "object_decisions_total{{verdict=\"{verdict}\",kind=\"persistentvolumes\"}} {count}"
        )
    }) {
        assert!(metrics.contains(&counted), "{counted}");
    }
}

/// The same answers without a word about volumes in the policy.
fn unguarded() {
    let evil = volume(json!({"hostPath": {"path": "/"}}));
    let world =
        World::new(Protocols::Http1, Script::new().on(Kind::OneObject, [Answer::document(&evil)]));
    let proxy = world.proxy();
    let reply = &ask(&world, &proxy, VOLUME, 1)[0];
    assert_eq!((reply.status, reply.json()), (200, evil));
}

fn class(name: &str, handler: &str) -> Value {
    json!({"kind": "RuntimeClass", "apiVersion": "node.k8s.io/v1",
        "metadata": {"name": name, "resourceVersion": "7"}, "handler": handler})
}

pub(super) fn objects(kind: &str, version: &str, items: &[Value]) -> Answer {
    Answer::document(&json!({"kind": kind, "apiVersion": version,
        "metadata": {"resourceVersion": "10"}, "items": items}))
}

pub(super) fn ended(events: &[String]) -> Answer {
    Answer::watch_steps(events.iter().map(|event| Step::Send(event.clone().into())))
}

/// The events of a watch that ended: type, name, and whether the object was sent whole.
fn events(reply: &Reply) -> Vec<(String, String, bool)> {
    let stream = serde_json::Deserializer::from_slice(&reply.body).into_iter::<Value>();
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    stream
        .map(|event| event.expect("an event"))
        .map(|event| {
            let object = &event["object"];
            let is_whole = object.get("handler").is_some() || object.get("data").is_some();
            (word(&event["type"]), word(&object["metadata"]["name"]), is_whole)
        })
        .collect()
}

fn runtime_classes() {
    let good = class("kata", "kata-qemu");
    let items = [class("other", "kata-qemu"), good.clone(), class("kata", "../runc")];
    let script = Script::new()
        .on(Kind::Objects, [objects("RuntimeClassList", "node.k8s.io/v1", &items)])
        .on(
            Kind::WatchObjects,
            [ended(&[
                event("ADDED", &good),
                event("MODIFIED", &class("kata", "runc")),
                event("ADDED", &class("other", "runc")),
                event("MODIFIED", &good),
            ])],
        )
        .on(Kind::OneObject, [class("kata", "runc"), good.clone()].iter().map(Answer::document));
    let (world, proxy) = world(script);
    let list = ask(&world, &proxy, &format!("{CLASSES}?limit=500&resourceVersion=0"), 1);
    let list = list[0].json();
    assert_eq!(list["kind"], "RuntimeClassList");
    assert_eq!(list["items"], json!([good]));
    let watch = format!("{CLASSES}?watch=true&resourceVersion=10");
    let seen = events(&ask(&world, &proxy, &watch, 1)[0]);
    let expected = [
        ("ADDED", "kata", true),
        ("DELETED", "kata", false),
        ("DELETED", "other", false),
        ("MODIFIED", "kata", true),
    ];
    assert_eq!(seen, expected.map(|(kind, name, whole)| (kind.into(), name.into(), whole)));
    let replies = ask(&world, &proxy, &format!("{CLASSES}/kata"), 2);
    assert_withheld(&replies[0], "handler: found 'runc', expected 'kata-qemu'");
    assert_eq!(replies[1].json(), good);
}

fn map(name: &str, data: Value) -> Value {
    json!({"kind": "ConfigMap", "apiVersion": "v1", "metadata": meta(name), "data": data})
}

fn secret(data: Value) -> Value {
    json!({"kind": "Secret", "apiVersion": "v1", "metadata": meta("pinned"), "data": data,
        "type": "Opaque"})
}

fn pinned_content() {
    // base64 of "v" and of "hunter2".
    let (good, evil) = (secret(json!({"k": "dg=="})), secret(json!({"k": "aHVudGVyMg=="})));
    let maps = [map("pinned", json!({"k": "v"})), map("pinned", json!({"k": "w"}))];
    let script = Script::new()
        .on(Kind::OneObject, [&maps[0], &maps[1], &good, &evil].map(Answer::document))
        .on(Kind::Objects, [objects("ConfigMapList", "v1", &[maps[1].clone()])]);
    let (world, proxy) = world(script);
    let replies = ask(&world, &proxy, MAP, 2);
    assert_eq!((replies[0].status, replies[0].json()), (200, maps[0].clone()));
    assert_withheld(&replies[1], "content has sha256 ");
    let replies = ask(&world, &proxy, SECRET, 2);
    assert_eq!((replies[0].status, replies[0].json()), (200, good));
    assert_withheld(&replies[1], "content is not what the policy pins for it");
    let list = ask(&world, &proxy, MAPS, 1);
    assert_eq!(list[0].json()["items"], json!([]));
    let log = proxy.log().join("\n");
    assert!(!log.contains("aHVudGVyMg") && !log.contains("hunter2"), "{log}");
    // Nobody pinned this one.
    let other = map("other", json!({"k": "anything"}));
    world.server.rewrite(Script::new().on(Kind::OneObject, [Answer::document(&other)]));
    let reply = &ask(&world, &proxy, &MAP.replace("/pinned", "/other"), 1)[0];
    assert_eq!((reply.status, reply.json()), (200, other));
}

fn pinned_watch() {
    let (good, evil) = (map("pinned", json!({"k": "v"})), map("pinned", json!({"k": "w"})));
    let initial_events_end = json!({"kind": "ConfigMap", "apiVersion": "v1", "metadata":
        {"resourceVersion": "9", "annotations": {"k8s.io/initial-events-end": "true"}}});
    let script = Script::new().on(
        Kind::WatchObjects,
        [ended(&[
            event("ADDED", &evil),
            event("BOOKMARK", &initial_events_end),
            event("MODIFIED", &good),
            event("MODIFIED", &evil),
            event("MODIFIED", &map("other", json!({"k": "x"}))),
            event("DELETED", &good),
        ])],
    );
    let (world, proxy) = world(script);
    let watch = format!(
        "{MAPS}&watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan\
         &allowWatchBookmarks=true"
    );
    let seen = events(&ask(&world, &proxy, &watch, 1)[0]);
    let expected = [
        ("DELETED", "pinned", false),
        ("BOOKMARK", "", false),
        ("MODIFIED", "pinned", true),
        ("DELETED", "pinned", false),
        ("MODIFIED", "other", true),
        ("DELETED", "pinned", false),
    ];
    assert_eq!(seen, expected.map(|(kind, name, whole)| (kind.into(), name.into(), whole)));
    let asked = world.wait_for_request(|request| request.kind() == Kind::WatchObjects);
    assert_eq!(asked.header("accept"), Some("application/json"));
    assert_eq!(asked.header("accept-encoding"), Some("identity"));
}

/// A kubelet ends its watch of what is immutable, and no later pin would reach what it has.
fn never_immutable() {
    let marked = |mut object: Value| {
        object["immutable"] = json!(true);
        object
    };
    let (map, secret) = (map("pinned", json!({"k": "v"})), secret(json!({"k": "dg=="})));
    let script = Script::new()
        .on(Kind::OneObject, [&map, &secret].map(|it| Answer::document(&marked(it.clone()))))
        .on(Kind::Objects, [objects("ConfigMapList", "v1", &[marked(map.clone())])]);
    let (world, proxy) = world(script);
    assert_eq!(ask(&world, &proxy, MAP, 1)[0].json(), map);
    assert_eq!(ask(&world, &proxy, SECRET, 1)[0].json(), secret);
    assert_eq!(ask(&world, &proxy, MAPS, 1)[0].json()["items"], json!([map]));
}

/// Good content, sent in every way but the one that was asked for.
fn encodings() {
    let good = map("pinned", json!({"k": "v"})).to_string();
    let json = || Answer::json(200, good.clone());
    let answers = [
        Answer::json(200, gzip(good.as_bytes())).encoded("gzip"),
        json().encoded("identity"),
        json().retyped("application/vnd.kubernetes.protobuf"),
        json().retyped("application/yaml"),
        json().retyped("application/json;as=Table;v=v1;g=meta.k8s.io"),
        Answer::typed(200, None, good.clone()),
        Answer::json(203, good.clone()),
        Answer::json(206, good.clone()),
        Answer::json(302, "").header("Location", "http://127.0.0.1:1/"),
        Answer::json(200, format!("{good}{good}")),
        Answer::json(200, good.replace("\"pinned\"", "\"other\"")),
        Answer::json(200, "null"),
        Answer::json(200, ""),
    ];
    let count = answers.len();
    let list = objects("ConfigMapList", "v1", &[]);
    let lists = [
        list.clone().retyped("application/vnd.kubernetes.protobuf"),
        objects("SecretList", "v1", &[]),
        objects("ConfigMapList", "v2", &[]),
        list,
    ];
    let script = Script::new().on(Kind::OneObject, answers).on(Kind::Objects, lists);
    let (world, proxy) = world(script);
    for reply in ask(&world, &proxy, MAP, count) {
        reply.assert_status(502);
    }
    let replies = ask(&world, &proxy, MAPS, 4);
    for reply in &replies[..3] {
        reply.assert_status(502);
    }
    assert_eq!(replies[3].json()["items"], json!([]));
    RUNTIME.block_on(async {
        let mut client = world.client(&proxy).await.expect("an invited client");
        let table = "Accept: application/json;as=Table;g=meta.k8s.io;v=v1\r\n";
        let reply = client.request("GET", MAP, table, b"").await.expect("an answer");
        reply.assert_status(403);
        get(&world, &proxy, &format!("{MAPS}&pretty=1")).await.assert_status(403);
    });
}

/// Content that our reader and Go's could take for different things.
fn json_tricks() {
    let good = map("pinned", json!({"k": "v"})).to_string();
    let data = r#""data":{"k":"v"}"#;
    let answers = [
        good.replace(data, r#""data":{"k":"w"},"data":{"k":"v"}"#),
        good.replace(data, r#""data":{"k":"w","k":"v"}"#),
        good.replace(data, &format!(r#"{data},"Data":{{"k":"w"}}"#)),
        good.replace(data, r#""d\u0061ta":{"k":"w"},"data":{"k":"v"}"#),
        good.replace(r#""kind":"ConfigMap""#, r#""kind":"ConfigMap","KIND":"Secret""#),
        good.replace(r#""k":"v""#, r#""k":"v\ud800""#),
        good.replace(data, &format!(r#"{data},"binaryData":{{"k2":"AA=="}}"#)),
    ];
    let script = Script::new()
        .on(Kind::OneObject, answers.iter().map(|text| Answer::json(200, text.clone())));
    let (world, proxy) = world(script);
    for (reply, sent) in ask(&world, &proxy, MAP, answers.len()).iter().zip(&answers) {
        assert_eq!(reply.status, 403, "{sent}: {reply:?}");
    }
    // What no table knows is not passed on.
    let newer = good.replace(data, &format!(r#"{data},"newer":{{"k":"w"}}"#));
    world.server.rewrite(Script::new().on(Kind::OneObject, [Answer::json(200, newer)]));
    let reply = &ask(&world, &proxy, MAP, 1)[0];
    assert_eq!((reply.status, reply.json()), (200, map("pinned", json!({"k": "v"}))));
}

const QUIET: Duration = Duration::from_millis(500);

/// A reflector that knows content from before the policy has to list it anew.
fn reload() {
    let good = map("pinned", json!({"k": "v"}));
    let script = Script::new()
        .on(Kind::Objects, [objects("ConfigMapList", "v1", &[good])])
        .on(Kind::WatchObjects, [Answer::watch(Vec::<String>::new())]);
    let world = World::alone(Protocols::Http1, script);
    let proxy = world.proxy();
    let resumed = format!("{MAPS}&watch=true&resourceVersion=10");
    RUNTIME.block_on(async {
        // Relayed under the first version: it goes on until a policy comes that may read it.
        let reply = watch_through_change(&world, &proxy, &resumed, PINNING).await;
        assert!(reply.body.is_empty(), "{reply:?}");
        for version in ["10", "0", ""] {
            let resumed = format!("{MAPS}&watch=true&resourceVersion={version}");
            assert_expired(&get(&world, &proxy, &resumed).await);
        }
        assert_eq!(get(&world, &proxy, MAPS).await.status, 200);
        // Read: it ends with the policy that it is read by, and says so.
        let other = PINNING.replace("pinning", "other");
        assert_expired(&watch_through_change(&world, &proxy, &resumed, &other).await);
        assert_expired(&get(&world, &proxy, &resumed).await);
        // Nor is a page taken for part of a list that another policy began.
        let next = format!("{MAPS}&limit=1&continue=abc");
        get(&world, &proxy, &next).await.assert_status(410);
        // And back: nobody reads, so nobody has to list.
        assert_eq!(get(&world, &proxy, MAPS).await.status, 200);
        assert_expired(&watch_through_change(&world, &proxy, &resumed, POLICY).await);
        let open = tokio::time::timeout(QUIET, get(&world, &proxy, &resumed)).await;
        assert!(open.is_err(), "{open:?}");
    });
}

/// The volume `v` somewhere on the node, of which the end comes late.
fn slow_volume() -> Answer {
    let text = volume(json!({"hostPath": {"path": "/srv/exports", "type": ""}})).to_string();
    let last = text.len() - 1;
    let mut answer = Answer::json(200, text).split_at(last);
    answer.steps.insert(1, Step::Pause(QUIET * 8));
    answer
}

async fn get_through_change(world: &World, proxy: &Proxy, policy: &str) -> std::io::Result<Reply> {
    let mut client = world.client(proxy).await.expect("an invited client");
    let change = async {
        tokio::time::sleep(QUIET).await;
        tokio::task::block_in_place(|| change_policy(world, proxy, policy));
    };
    tokio::join!(client.get(VOLUME), change).0
}

/// Asked for under a policy that permits it, and answered under one that does not.
fn reload_during_a_get() {
    let lax = PINNING.replace(r#"{"csi":"#, r#"{"hostPath": {"paths": ["/srv/exports"]}, "csi":"#);
    assert_ne!(lax, PINNING);
    let script = Script::new().on(Kind::OneObject, [slow_volume()]);
    let world = World::alone(Protocols::Http1, script);
    std::fs::write(&world.files.policy, lax).expect("write the policy");
    let proxy = world.proxy();
    let reply = RUNTIME.block_on(get_through_change(&world, &proxy, PINNING)).expect("an answer");
    assert_withheld(&reply, "spec.hostPath.path");
}

/// A policy that does not speak of volumes lets them through as they come, for as long as it is in force.
fn reload_during_a_relayed_get() {
    for policy in [POLICY, PINNING] {
        let script = Script::new().on(Kind::OneObject, [slow_volume()]);
        let world = World::alone(Protocols::Http1, script);
        let proxy = world.proxy();
        let other = policy.replace("pinning", "other").replace("hostile", "other");
        let reply = RUNTIME.block_on(get_through_change(&world, &proxy, &other));
        assert!(reply.is_err(), "{reply:?}");
    }
}

async fn watch_through_change(world: &World, proxy: &Proxy, watch: &str, policy: &str) -> Reply {
    let change = async {
        tokio::time::sleep(QUIET).await;
        std::fs::write(&world.files.policy, policy).expect("write the policy");
        proxy.hang_up();
    };
    tokio::join!(get(world, proxy, watch), change).0
}

pub(super) fn assert_expired(reply: &Reply) {
    assert_eq!(reply.status, 200, "{reply:?}");
    let event = reply.json();
    assert_eq!((&event["type"], &event["object"]["code"]), (&json!("ERROR"), &json!(410)));
}
