//! Row 71: logs and metrics made from what an attacker writes.
//!
//! Every line stays one JSON object whatever a pod is called, nothing in it steers a terminal, and no
//! secret of a pod or of a caller is in it.

use libtest_mimic::Trial;
use serde_json::{Value, json};

use super::objects::objects;
use super::pods::{event, evil, good, list, with};
use super::proxy::Proxy;
use super::world::{RUNTIME, World};
use crate::support::hostile_api_server::Protocols;
use crate::support::hostile_api_server::answer::Answer;
use crate::support::hostile_api_server::request::Kind;
use crate::support::hostile_api_server::script::Script;

const SECRET: &str = "correct-horse-battery-staple";

/// No line needs to be longer, whatever the pod.
const LONGEST_LINE: usize = 16 * 1024;

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = Vec::new();
    for (name, flags) in [
        ("by default", &[][..]),
        ("with payloads", &["--log-pod-payloads"][..]),
        ("without requests", &["--log-requests=false"][..]),
    ] {
        trials.push(Trial::test(
            format!("row_71_log_injection_{name}").replace(' ', "_"),
            move || {
                injected(flags);
                Ok(())
            },
        ));
    }
    for (name, run) in [
        ("row_71_denial_record", recorded as fn()),
        ("row_71_a_flood_of_refusals_does_not_fill_the_log", flooded),
    ] {
        trials.push(Trial::test(name, move || {
            run();
            Ok(())
        }));
    }
    trials
}

/// Texts that end a line, begin another, colour it, turn it around, or are simply long.
fn injections() -> Vec<String> {
    vec![
        "x\n{\"level\":\"INFO\",\"message\":\"forged\"}\n".to_owned(),
        "x\r\n\u{85}\u{2028}forged".to_owned(),
        "\u{1b}[2J\u{1b}]0;forged\u{7}".to_owned(),
        "\u{9b}31m".to_owned(),
        "\u{202e}desrever\u{2066}".to_owned(),
        "\"},\"forged\":{\"".to_owned(),
        "y".repeat(200_000),
        "%s%n{}{0}$(id)${jndi:ldap://x}".to_owned(),
    ]
}

fn attacks() -> Vec<Value> {
    let secretive = |mut pod: Value| {
        pod["spec"]["containers"][0]["env"] = json!([{"name": "PASSWORD", "value": SECRET}]);
        pod["metadata"]["annotations"]["token"] = json!(SECRET);
        pod
    };
    let mut pods = vec![secretive(evil("evil-secret")), secretive(good("good"))];
    for (number, text) in injections().iter().enumerate() {
        let pod = |place: &str| secretive(evil(&format!("evil-{place}-{number}")));
        pods.push(with(pod("name"), "/metadata/name", json!(text)));
        pods.push(with(pod("namespace"), "/metadata/namespace", json!(text)));
        pods.push(with(pod("uid"), "/metadata/uid", json!(text)));
        pods.push(with(pod("image"), "/spec/containers/0/image", json!(format!("evil{text}"))));
        pods.push(with(pod("container"), "/spec/containers/0/name", json!(text)));
        let mut field = pod("field");
        field["spec"][text] = json!(1);
        pods.push(field);
        pods.push(with(pod("phase"), "/status/phase", json!(text)));
        pods.push(with(pod("owner"), "/metadata/ownerReferences/0/name", json!(text)));
    }
    pods
}

fn injected(flags: &[&str]) {
    let pods = attacks();
    let refusal = json!({"kind": "Status", "apiVersion": "v1", "code": 403, "status": "Failure",
        "reason": injections()[0], "message": injections()[0]});
    let script = Script::new()
        .on(Kind::List, [Answer::document(&list(20, pods.clone()))])
        .on(Kind::Watch, [Answer::watch(pods.iter().map(|pod| event("ADDED", pod)))])
        .on(Kind::PatchStatus, [Answer::document(&refusal)])
        .on(Kind::Other, [Answer::json(403, refusal.to_string())]);
    let world = World::new(Protocols::Http1, script);
    let proxy = Proxy::start_at(&world.files, super::proxy::free_address(), flags);
    let kubelet = world.guarded(37, &proxy, &["reflect"]);
    kubelet.wait_for_set(&["good"]);
    let forged = "/api/v1/nodes/x%0a%7b%22forged%22%3a1%7d%1b%5b2J";
    let headers = format!("Authorization: Bearer {SECRET}\r\nUser-Agent: \x1b[2Jforged\r\n");
    RUNTIME.block_on(async {
        let mut client = world.client(&proxy).await.expect("an invited client");
        let _ = client.request("GET", forged, &headers, b"").await;
        let mut client = world.client(&proxy).await.expect("an invited client");
        let _ = client.request("GET", "/api/v1/nodes/node-1", &headers, b"").await;
    });
    std::thread::sleep(std::time::Duration::from_millis(500));
    kubelet.assert_no_evil();
    let metrics = proxy.admin_page("/metrics");
    assert!(metrics.starts_with("HTTP/1.1 200") && metrics.contains("kubelet_proxy_"), "{metrics}");
    assert!(!metrics.contains("forged"), "{metrics}");
    for line in proxy.log() {
        let short: String = line.chars().take(300).collect();
        assert!(!line.contains(SECRET), "a secret: {short}");
        assert!(line.len() <= LONGEST_LINE, "{} bytes: {short}", line.len());
        let steers = |character: char| character.is_control() || is_invisible(character);
        assert!(!line.chars().any(steers), "steers a terminal: {short:?}");
    }
    for record in proxy.records() {
        assert!(record.is_object() && record.get("forged").is_none(), "{record}");
        assert_ne!(record["message"], "forged", "{record}");
    }
}

/// Line separators and bidirectional controls.
fn is_invisible(character: char) -> bool {
    matches!(character, '\u{2028}'..='\u{202e}' | '\u{200e}' | '\u{200f}' | '\u{2066}'..='\u{2069}')
}

/// One record for a denied pod, with what an operator needs.
fn recorded() {
    let script =
        Script::new().on(Kind::List, [Answer::document(&list(20, [evil("evil"), good("good")]))]);
    let world = World::new(Protocols::Http1, script);
    let proxy = world.proxy();
    let kubelet = world.guarded(37, &proxy, &["reflect"]);
    kubelet.wait_for_set(&["good"]);
    let uid = super::pods::uid("evil");
    let records = proxy
        .log()
        .into_iter()
        .filter(|line| line.contains(&uid) && line.contains("no-privileged"));
    let records: Vec<String> = records.collect();
    assert_eq!(records.len(), 1, "{:?}", proxy.log());
    assert!(records[0].contains("registry.example/evil:1"), "{records:?}");
}

/// A journal drops what comes after 10 000 lines in 30 seconds, and with it the lines that matter.
fn flooded() {
    const FLOOD: usize = 1500;
    const MOST: usize = 500;
    let denied = (0..FLOOD).map(|number| evil(&format!("evil-{number}")));
    let nameless = (0..FLOOD).map(|_| with(evil("evil"), "/metadata/name", json!("A=B")));
    let pods = list(20, denied.chain(nameless));
    let service = |number| {
        json!({"metadata": {"name": format!("s-{number}"), "namespace": "n"},
        "spec": {"clusterIP": "10.0.0.1"}})
    };
    let services: Vec<Value> = (0..FLOOD).map(service).collect();
    let script = Script::new()
        .on(Kind::List, [Answer::document(&pods)])
        .on(Kind::Objects, [objects("ServiceList", "v1", &services)]);
    let world = World::new(Protocols::Http1, script);
    let proxy = world.proxy();
    RUNTIME.block_on(async {
        for target in ["/api/v1/pods", "/api/v1/services"] {
            let mut client = world.client(&proxy).await.expect("an invited client");
            let reply = client.get(target).await.expect("an answer");
            assert_eq!(reply.json()["items"], json!([]), "{target}");
        }
    });
    let records = proxy.records();
    let told = |message: &str| records.iter().filter(|it| it["message"] == message).count();
    for message in
        ["pod denied", "a pod without a well-formed identity is hidden", "object withheld"]
    {
        let told = told(message);
        assert!(0 < told && told <= MOST, "{message}: {told}");
    }
    let metrics = proxy.admin_page("/metrics");
    assert!(
        metrics.contains(&format!(
            "object_decisions_total{{verdict=\"deny\",kind=\"services\"}} {FLOOD}"
        )),
        "{metrics}"
    );
}
