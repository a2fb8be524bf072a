//! Rows 21, 22, 66: what a local process may ask for, who it must be, and what goes upstream.
//!
//! The client writes its bytes by hand. Behind the proxy stands a server that would give evil pods to
//! any of these requests.

use libtest_mimic::Trial;
use serde_json::json;

use super::client::{RawClient, Reply};
use super::pods::{NODE, event, evil, good, list};
use super::proxy::NODE_USER;
use super::world::{RUNTIME, World};
use crate::support::hostile_api_server::Protocols;
use crate::support::hostile_api_server::answer::{Answer, Step};
use crate::support::hostile_api_server::request::Kind;
use crate::support::hostile_api_server::script::Script;
use crate::support::pki::{Authority, IdentityFiles, Validity};

/// No kubelet asks in these ways.
const REFUSED: &[(&str, &str)] = &[
    ("GET", "//api/v1/pods"),
    ("GET", "/api//v1/pods"),
    ("GET", "/api/v1/pods/"),
    ("GET", "/api/v1//pods"),
    ("GET", "/api/v1/%70ods"),
    ("GET", "/api%2fv1/pods"),
    ("GET", "/api/v1/./pods"),
    ("GET", "/api/v1/x/../pods"),
    ("GET", "/./api/v1/pods"),
    ("GET", "/api/v1/services/../pods"),
    ("GET", "/api/v1/services/%2e%2e/pods"),
    ("GET", "/api/v1/services/..%2fpods"),
    ("GET", "/api/v1/pods;x=1"),
    ("GET", "/api/v1/pods%00"),
    ("GET", "/api/v1/pods%20"),
    ("GET", "/api/v1/PODS"),
    ("GET", "/API/v1/pods"),
    ("GET", "/api/v1/watch/pods"),
    ("GET", "/api/v1/watch/namespaces/default/pods/evil"),
    ("GET", "/api/v1/pods?watch=0&watch=1"),
    ("GET", "/api/v1/pods?watch=true&watch=true"),
    ("GET", "/api/v1/pods?watch"),
    ("GET", "/api/v1/pods?pretty=true"),
    ("GET", "/api/v1/pods?as=Table"),
    ("GET", "/api/v1/namespaces/default/pods"),
    ("GET", "/api/v1/namespaces/default/pods/evil?watch=1"),
    ("GET", "/api/v1/namespaces/default/pods/evil/"),
    ("GET", "/api/v1/namespaces/default/pods/evil/log"),
    ("GET", "/api/v1/namespaces/default/pods/evil/exec?command=sh"),
    ("POST", "/api/v1/namespaces/default/pods/evil/exec?command=sh"),
    ("POST", "/api/v1/namespaces/default/pods/evil/binding"),
    ("POST", "/api/v1/namespaces/default/pods/evil/eviction"),
    ("PUT", "/api/v1/namespaces/default/pods/evil"),
    ("PUT", "/api/v1/namespaces/default/pods/evil/status"),
    ("PATCH", "/api/v1/namespaces/default/pods/evil/ephemeralcontainers"),
    ("PATCH", "/api/v1/namespaces/default/pods/evil"),
    ("DELETE", "/api/v1/namespaces/default/pods"),
    ("GET", "/api/v1/podtemplates"),
    ("GET", "/api/v1/namespaces/default/podtemplates"),
    ("GET", "/api/v1/nodes/node-1/proxy/pods"),
    ("GET", "/api/v1/namespaces/default/services/x/proxy/api/v1/pods"),
    ("GET", "/apis/metrics.k8s.io/v1beta1/pods"),
    ("GET", "/apis/apps/v1/replicasets"),
    ("GET", "/apis/batch/v1/jobs"),
    ("GET", "/api/v1/secrets"),
    ("GET", "/api/v1/namespaces"),
    ("GET", "/"),
    ("GET", "/apis"),
    ("GET", "/metrics"),
    ("GET", "/openapi/v2"),
    ("HEAD", "/api/v1/pods"),
    ("OPTIONS", "/api/v1/pods"),
    ("TRACE", "/api/v1/pods"),
    ("get", "/api/v1/pods"),
    ("PROPFIND", "/api/v1/pods"),
    ("CONNECT", "127.0.0.1:6443"),
    ("GET", "*"),
];

/// Requests on a listed path that ask for more than a kubelet does.
const REFUSED_HEADERS: &[(&str, &str)] = &[
    ("upgrade", "Connection: Upgrade\r\nUpgrade: websocket\r\n"),
    (
        "http2 upgrade",
        "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: \r\n",
    ),
    ("impersonation", "Impersonate-User: system:admin\r\n"),
    ("impersonated group", "Impersonate-Group: system:masters\r\n"),
    ("front proxy", "X-Remote-User: system:admin\r\n"),
    ("table", "Accept: application/json;as=Table;v=v1;g=meta.k8s.io\r\n"),
    (
        "partial metadata",
        "Accept: application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io\r\n",
    ),
];

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = Vec::new();
    for (number, (method, target)) in REFUSED.iter().enumerate() {
        let name = format!("row_21_22_refused_{number:02}_{method}_{target}");
        trials.push(trial(name, move || refused(method, target, "")));
    }
    for (name, headers) in REFUSED_HEADERS {
        let name = format!("row_22_refused_for_its_{name}").replace(' ', "_");
        trials.push(trial(name, move || refused("GET", "/api/v1/pods", headers)));
    }
    for query in ["watch=1", "watch=", "watch=yes", "watch=TRUE", "watch=F", "%77atch=1"] {
        trials.push(trial(format!("row_21_watched_by_{query}"), move || watched(query)));
    }
    trials.push(trial("row_21_other_host_in_the_target".to_owned(), other_host));
    for (name, uninvited) in UNINVITED {
        let name = format!("row_66_uninvited_client_{name}").replace(' ', "_");
        trials.push(trial(name, move || turned_away(*uninvited)));
    }
    trials.push(trial("row_66_client_without_tls".to_owned(), without_tls));
    trials.push(trial("row_18_evil_pod_is_not_found".to_owned(), one_evil_pod));
    trials.push(trial("row_03_requests_ask_for_plain_json".to_owned(), asks_for_json));
    trials
}

fn trial(name: String, run: impl Fn() + Send + 'static) -> Trial {
    Trial::test(name, move || {
        run();
        Ok(())
    })
}

/// A server that answers everything with evil pods.
fn world() -> World {
    let pods = Answer::document(&list(20, [evil("evil"), good("good")]));
    let events = [event("ADDED", &evil("evil")), event("ADDED", &good("good"))];
    let events = Answer::watch_steps(events.map(|text| Step::Send(text.into())));
    let one = Answer::document(&evil("evil"));
    let mut script = Script::new().on(Kind::Watch, [events.clone()]).on(Kind::WatchList, [events]);
    for kind in [Kind::List, Kind::NextPage, Kind::Other] {
        script = script.on(kind, [pods.clone()]);
    }
    for kind in [Kind::GetPod, Kind::CreatePod, Kind::PatchStatus, Kind::DeletePod] {
        script = script.on(kind, [one.clone()]);
    }
    World::new(Protocols::Http1, script)
}

fn refused(method: &str, target: &str, headers: &str) {
    let world = world();
    let proxy = world.proxy();
    let reply = RUNTIME.block_on(async {
        let mut client = world.client(&proxy).await.expect("an invited client");
        client.request(method, target, headers, b"").await
    });
    // Some of these are no HTTP at all: a closed connection refuses them as well.
    if let Ok(reply) = reply {
        assert!(matches!(reply.status, 400 | 403 | 404 | 405 | 501), "{reply:?}");
        if reply.status == 403 {
            reply.assert_status(403);
            let message = reply.json()["message"].clone();
            assert!(message.as_str().is_some_and(|text| text.contains("rule")), "{message}");
        }
        assert!(!String::from_utf8_lossy(&reply.body).contains("evil:1"), "{reply:?}");
    }
    let upstream = world.server.recorded();
    assert!(upstream.is_empty(), "it went upstream: {upstream:?}");
}

/// What the API server would take for a watch is filtered as one.
fn watched(query: &str) {
    let world = world();
    let proxy = world.proxy();
    let target = format!("/api/v1/pods?{query}");
    let reply = RUNTIME.block_on(async {
        let mut client = world.client(&proxy).await.expect("an invited client");
        client.get("/api/v1/pods").await.expect("a list, which has to come first");
        client.get(&target).await.expect("an answer")
    });
    let text = String::from_utf8_lossy(&reply.body).into_owned();
    assert_eq!(reply.status, 200, "{reply:?}");
    let events: Vec<serde_json::Value> = serde_json::Deserializer::from_str(&text)
        .into_iter()
        .collect::<Result<_, _>>()
        .expect("a stream of events");
    let seen = |kind: &str, name: &str| {
        events
            .iter()
            .any(|event| event["type"] == kind && event["object"]["metadata"]["name"] == name)
    };
    assert!(seen("DELETED", "evil") && seen("ADDED", "good") && !text.contains("evil:1"), "{text}");
    let upstream = world.server.recorded();
    let mut reads = upstream.iter().filter(|request| request.method == "GET").skip(1);
    assert!(reads.all(|request| request.target == "/api/v1/pods?watch=true"), "{upstream:?}");
}

/// A target with a host is one form of a path: the host changes nothing about where it goes.
fn other_host() {
    let world = world();
    let proxy = world.proxy();
    let reply = RUNTIME.block_on(async {
        let mut client = world.client(&proxy).await.expect("an invited client");
        client.get("http://attacker.example/api/v1/pods").await.expect("an answer")
    });
    let text = String::from_utf8_lossy(&reply.body);
    assert!(reply.status == 200 && text.contains("good") && !text.contains("evil"), "{reply:?}");
    let upstream = world.server.recorded();
    let address = world.server.address().to_string();
    assert_eq!(upstream[0].target, "/api/v1/pods");
    assert_eq!(upstream[0].header("host"), Some(address.as_str()));
}

#[derive(Clone, Copy)]
enum Uninvited {
    Nobody,
    OtherName,
    OtherAuthority,
    Expired,
    NotYet,
    ServerCertificate,
}

const UNINVITED: &[(&str, Uninvited)] = &[
    ("without a certificate", Uninvited::Nobody),
    ("of another name", Uninvited::OtherName),
    ("of another authority of the same name", Uninvited::OtherAuthority),
    ("with an expired certificate", Uninvited::Expired),
    ("with a future certificate", Uninvited::NotYet),
    ("with a server certificate", Uninvited::ServerCertificate),
];

fn turned_away(uninvited: Uninvited) {
    let world = world();
    let proxy = world.proxy();
    let authority = &world.authority;
    let group = Some("system:nodes");
    let identity = match uninvited {
        Uninvited::Nobody => None,
        Uninvited::OtherName => Some(authority.client("system:node:node-2", group)),
        Uninvited::OtherAuthority => {
            Some(Authority::new("the test's authority").client(NODE_USER, group))
        }
        Uninvited::Expired => Some(authority.client_valid(NODE_USER, group, Validity::Expired)),
        Uninvited::NotYet => Some(authority.client_valid(NODE_USER, group, Validity::NotYet)),
        Uninvited::ServerCertificate => Some(authority.server(&[NODE_USER])),
    };
    let files: Option<IdentityFiles> =
        identity.map(|identity| identity.write(world.dir.path(), "uninvited"));
    let reply: std::io::Result<Reply> = RUNTIME.block_on(async {
        let ca = &world.files.client_authority;
        let mut client = RawClient::connect(proxy.address, ca, files.as_ref()).await?;
        client.get("/api/v1/nodes/node-1").await
    });
    assert!(reply.is_err(), "an uninvited client was answered: {reply:?}");
    assert!(world.server.recorded().is_empty());
    // The invited one is not disturbed.
    let reply = RUNTIME.block_on(async { world.client(&proxy).await?.get("/api/v1/pods").await });
    assert_eq!(reply.expect("an answer").status, 200);
}

fn without_tls() {
    use std::io::{Read, Write};
    let world = world();
    let proxy = world.proxy();
    let mut stream = std::net::TcpStream::connect(proxy.address).expect("it listens");
    stream.write_all(b"GET /api/v1/pods HTTP/1.1\r\nHost: x\r\n\r\n").expect("send");
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    assert!(!answer.starts_with(b"HTTP/"), "{:?}", String::from_utf8_lossy(&answer));
    assert!(world.server.recorded().is_empty());
}

/// Pods in answers to other requests than LIST and WATCH.
fn one_evil_pod() {
    let world = world();
    let proxy = world.proxy();
    const POD: &str = "/api/v1/namespaces/default/pods/evil";
    let patch =
        json!({"metadata": {"uid": super::pods::uid("evil")}, "status": {"phase": "Running"}});
    let patch = patch.to_string();
    let created = evil("evil").to_string();
    let status = format!("{POD}/status");
    let json_type = "Content-Type: application/json\r\n";
    let patch_type = "Content-Type: application/strategic-merge-patch+json\r\n";
    for (method, target, headers, body, code) in [
        ("GET", POD, "", "", 404),
        ("PATCH", status.as_str(), patch_type, patch.as_str(), 404),
        ("POST", "/api/v1/namespaces/default/pods", json_type, created.as_str(), 404),
        ("DELETE", POD, json_type, r#"{"gracePeriodSeconds":0}"#, 200),
    ] {
        let reply = RUNTIME.block_on(async {
            let mut client = world.client(&proxy).await.expect("an invited client");
            client.request(method, target, headers, body.as_bytes()).await.expect("an answer")
        });
        assert_eq!(reply.status, code, "{method} {target}: {reply:?}");
        assert_eq!(reply.json()["kind"], "Status", "{method} {target}: {reply:?}");
        assert!(!String::from_utf8_lossy(&reply.body).contains("evil:1"), "{method}: {reply:?}");
    }
    let sent = world.server.recorded();
    let patched =
        sent.iter().find(|request| request.target == status && request.body == patch.as_bytes());
    assert!(patched.is_some(), "the kubelet's patch did not go up as it was: {sent:?}");
}

/// Whatever the caller accepts, pods are asked for as plain JSON, with the proxy's own credentials.
fn asks_for_json() {
    let world = world();
    let proxy = world.proxy();
    let headers = "Accept: application/vnd.kubernetes.protobuf,application/json\r\n\
        Accept-Encoding: gzip, br\r\nAuthorization: Bearer stolen\r\nCookie: a=b\r\n\
        X-Forwarded-For: 10.0.0.1\r\nTE: trailers\r\nUser-Agent: kubelet/test\r\n";
    let selector = format!("fieldSelector=spec.nodeName%3D{NODE}");
    for target in [
        format!("/api/v1/pods?{selector}&limit=500&resourceVersion=0"),
        format!(
            "/api/v1/pods?{selector}&watch=true&allowWatchBookmarks=true&sendInitialEvents=true\
             &resourceVersionMatch=NotOlderThan"
        ),
        "/api/v1/namespaces/default/pods/evil".to_owned(),
    ] {
        let reply = RUNTIME.block_on(async {
            let mut client = world.client(&proxy).await.expect("an invited client");
            client.request("GET", &target, headers, b"").await.expect("an answer")
        });
        assert!(matches!(reply.status, 200 | 404), "{reply:?}");
        assert_eq!(reply.header("content-type"), Some("application/json"), "{reply:?}");
        assert_eq!(reply.header("content-encoding"), None, "{reply:?}");
    }
    let sent = world.server.recorded();
    let reads = sent.iter().filter(|request| request.method == "GET");
    let mut count = 0;
    for request in reads {
        count += 1;
        assert_eq!(request.header("accept"), Some("application/json"), "{request:?}");
        assert!(
            request.header("accept-encoding").is_none_or(|value| value == "identity"),
            "{request:?}"
        );
        for name in ["authorization", "cookie", "te", "upgrade"] {
            assert_eq!(request.header(name), None, "{request:?}");
        }
    }
    assert_eq!(count, 3, "{sent:?}");
}
