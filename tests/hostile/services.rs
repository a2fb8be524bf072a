//! Services, of which a kubelet makes environment variables without looking at them.
//!
//! A Service that no API server admits names variables of its author's choice (`PATH=…`), or has no ports
//! and ends the kubelet. Asked for as a kubelet asks, under a policy that knows no other objects.

use libtest_mimic::Trial;
use serde_json::{Value, json};

use super::objects::{ask, assert_expired, ended, get, objects};
use super::pods::event;
use super::proxy::Proxy;
use super::world::{RUNTIME, World};
use crate::support::hostile_api_server::Protocols;
use crate::support::hostile_api_server::request::Kind;
use crate::support::hostile_api_server::script::Script;

const SERVICES: &str = "/api/v1/services?fieldSelector=spec.clusterIP%21%3DNone";

pub(crate) fn trials() -> Vec<Trial> {
    [
        ("services_as_api_servers_make_them_arrive", ordinary as fn()),
        ("services_that_make_variables_of_their_own_are_withheld", impossible),
        ("services_that_turn_impossible_are_deleted", watched),
        ("services_without_a_name_end_a_watch", nameless),
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
    let proxy = world.proxy();
    (world, proxy)
}

fn list(services: &[Value]) -> Script {
    Script::new().on(Kind::Objects, [objects("ServiceList", "v1", services)])
}

/// As an API server writes it, with everything that it fills in.
fn service(name: &str, cluster_ip: &str, ports: Value) -> Value {
    json!({
        "metadata": {"name": name, "namespace": "n", "uid": "0f0e0d0c-0000-4000-8000-000000000000",
            "resourceVersion": "7", "creationTimestamp": "2026-11-21T08:00:00Z",
            "labels": {"app": "web"}, "annotations": {"note": "x"},
            "managedFields": [{"manager": "kubectl", "operation": "Update", "apiVersion": "v1",
                "time": "2026-11-21T08:00:00Z", "fieldsType": "FieldsV1", "fieldsV1": {"f:spec": {}}}]},
        "spec": {"ports": ports, "selector": {"app": "web"}, "clusterIP": cluster_ip,
            "clusterIPs": [cluster_ip], "type": "ClusterIP", "sessionAffinity": "None",
            "ipFamilies": ["IPv4"], "ipFamilyPolicy": "SingleStack",
            "internalTrafficPolicy": "Cluster"},
        "status": {"loadBalancer": {}},
    })
}

fn http() -> Value {
    json!([{"name": "http", "protocol": "TCP", "appProtocol": "kubernetes.io/h2c", "port": 80,
        "targetPort": "web", "nodePort": 30080}])
}

/// What a kubelet makes variables of, and what it finds an object by.
fn essence(service: &Value) -> Value {
    let fields = |value: &Value, names: &[&str]| -> Value {
        let has = |name: &&&str| value.get(**name).is_some();
        names.iter().filter(has).map(|name| ((*name).to_owned(), value[name].clone())).collect()
    };
    let metadata = fields(&service["metadata"], &["name", "namespace", "uid", "resourceVersion"]);
    let mut spec = fields(&service["spec"], &["ports", "clusterIP", "clusterIPs"]);
    let ports = spec.get_mut("ports").and_then(Value::as_array_mut);
    for port in ports.into_iter().flatten() {
        *port = fields(port, &["name", "protocol", "port"]);
    }
    let mut essence = fields(service, &["kind", "apiVersion"]);
    essence["metadata"] = metadata;
    essence["spec"] = spec;
    essence
}

/// One of every type, and the borders of each grammar.
fn every_type() -> Vec<Value> {
    let mut dual = service("dual-0", "fd00::1", http());
    dual["spec"]["clusterIPs"] = json!(["fd00::1", "10.0.0.2"]);
    dual["spec"]["type"] = json!("LoadBalancer");
    dual["spec"]["loadBalancerSourceRanges"] = json!(["10.0.0.0/8"]);
    dual["status"] = json!({"loadBalancer": {"ingress": [{"ip": "192.0.2.1", "ipMode": "VIP"}]}});
    let mut elsewhere = service("elsewhere", "", json!(null));
    elsewhere["spec"] = json!({"externalName": "db.example.org", "type": "ExternalName",
        "sessionAffinity": "None"});
    let mut newer = service("newer", "10.0.0.3", json!([{"protocol": "UDP", "port": 65535}]));
    newer["spec"]["trafficDistribution"] = json!("PreferClose");
    newer["spec"]["notThoughtOfYet"] = json!({"x": 1});
    let named = |name: &str, number: u32| json!({"name": name, "protocol": "SCTP", "port": number});
    let ports = json!([named("1", 1), named(&"p".repeat(63), 2)]);
    vec![
        service("kubernetes", "10.0.0.1", http()),
        service("headless", "None", json!([])),
        // Legal where Services are named like everything else (KEP-5311).
        service("9-lives", "10.0.0.4", ports),
        service(&"s".repeat(63), "10.0.0.5", http()),
        dual,
        elsewhere,
        newer,
    ]
}

fn ordinary() {
    let services = every_type();
    let (world, proxy) = world(list(&services));
    let target = format!("{SERVICES}&limit=500&resourceVersion=0");
    let reply = &ask(&world, &proxy, &target, 1)[0];
    assert_eq!(reply.status, 200);
    let items = reply.json()["items"].clone();
    assert_eq!(items, services.iter().map(essence).collect::<Value>());
    let asked = world.wait_for_request(|request| request.kind() == Kind::Objects);
    assert_eq!(asked.query("fieldSelector"), Some("spec.clusterIP%21%3DNone"));
    assert_eq!(asked.header("accept"), Some("application/json"));
}

fn impossible() {
    let port = |field: &str, value: Value| {
        let mut ports = http();
        ports[0][field] = value;
        service("web", "10.0.0.1", ports)
    };
    let names = [
        "HTTPS_PROXY=http://192.0.2.1:3128/",
        "PATH=.:",
        "LD_PRELOAD=/x\u{0}",
        "web_1",
        "Web",
        "web.n",
        "-web",
        "web-",
        "",
        &"s".repeat(64),
    ];
    let mut services: Vec<Value> =
        names.iter().map(|name| service(name, "10.0.0.1", http())).collect();
    services.extend(
        ["10.0.0.1 ", "none", "10.0.0.1:80", "evil.example", "010.0.0.1", "fe80::1%eth0"]
            .map(|ip| service("web", ip, http())),
    );
    services.extend([
        // `Ports[0]` of nothing ends the kubelet.
        service("web", "10.0.0.1", json!([])),
        service("web", "10.0.0.1", json!(null)),
        port("name", json!("A=B")),
        port("name", json!("Http")),
        port("name", json!("p".repeat(64))),
        port("protocol", json!("TCP=x\n")),
        port("protocol", json!("tcp")),
        port("port", json!(0)),
        port("port", json!(-1)),
        port("port", json!(65536)),
        port("port", json!("80")),
        port("port", json!(null)),
    ]);
    let mut alike = service("web", "10.0.0.1", http());
    alike["Metadata"] = json!({"name": "PATH=.:"});
    services.push(alike);
    let mut elsewhere = service("web", "10.0.0.1", http());
    elsewhere["metadata"]["namespace"] = json!("../n");
    services.push(elsewhere);
    let last = service("kubernetes", "10.0.0.1", http());
    let all: Vec<Value> = services.iter().cloned().chain([last.clone()]).collect();
    let (world, proxy) = world(list(&all));
    let reply = &ask(&world, &proxy, SERVICES, 1)[0];
    assert_eq!(reply.status, 200);
    assert_eq!(reply.json()["items"], json!([essence(&last)]));
    let metrics = proxy.admin_page("/metrics");
    for (verdict, count) in [("allow", 1), ("deny", services.len())] {
        let counted =
            format!("object_decisions_total{{verdict=\"{verdict}\",kind=\"services\"}} {count}");
        assert!(metrics.contains(&counted), "{counted}");
    }
    let records = proxy.records();
    let mut withheld = records.iter().filter(|line| line["message"] == "object withheld");
    assert!(withheld.any(|it| it["kind"] == "Service" && it["name"] == "web"), "{records:?}");
}

fn watched() {
    let typed = |mut service: Value| {
        service["kind"] = json!("Service");
        service["apiVersion"] = json!("v1");
        service
    };
    let good = typed(service("web", "10.0.0.1", http()));
    let panics = typed(service("web", "10.0.0.1", json!([])));
    let events = [event("ADDED", &good), event("MODIFIED", &panics), event("MODIFIED", &good)];
    let script = list(std::slice::from_ref(&good)).on(Kind::WatchObjects, [ended(&events)]);
    let (world, proxy) = world(script);
    assert_eq!(ask(&world, &proxy, SERVICES, 1)[0].status, 200);
    let reply = &ask(&world, &proxy, &format!("{SERVICES}&watch=true&resourceVersion=10"), 1)[0];
    let stream = serde_json::Deserializer::from_slice(&reply.body).into_iter::<Value>();
    let seen: Vec<Value> = stream.map(|event| event.expect("an event")).collect();
    let kinds: Vec<&Value> = seen.iter().map(|event| &event["type"]).collect();
    assert_eq!(kinds, ["ADDED", "DELETED", "MODIFIED"]);
    assert_eq!(seen[0]["object"], essence(&good));
    assert_eq!(seen[1]["object"]["metadata"]["name"], "web");
    assert!(seen[1]["object"]["spec"].get("clusterIP").is_none(), "{}", seen[1]);
    assert_eq!(seen[2]["object"], essence(&good));
}

/// Nobody can say which one to take away, so the kubelet lists again.
fn nameless() {
    let mut evil = service("PATH=.:", "10.0.0.1", http());
    evil["kind"] = json!("Service");
    evil["apiVersion"] = json!("v1");
    let script = list(&[]).on(Kind::WatchObjects, [ended(&[event("ADDED", &evil)])]);
    let (world, proxy) = world(script);
    assert_eq!(ask(&world, &proxy, SERVICES, 1)[0].status, 200);
    let watch = format!("{SERVICES}&watch=true&resourceVersion=10");
    let reply = RUNTIME.block_on(get(&world, &proxy, &watch));
    assert!(!String::from_utf8_lossy(&reply.body).contains("PATH"), "{reply:?}");
    assert_expired(&reply);
}
