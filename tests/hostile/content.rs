//! Rows 1–10: what surrounds the pods. Encodings, types, statuses, redirects, upgrades.
//!
//! In every case the pods themselves are plain to see once the wrapping is off, and one of them is
//! evil; only an answer that is exactly what was asked for may be looked into.

use libtest_mimic::Trial;
use serde_json::{Value, json};

use super::case::Case;
use super::encodings::{cbor, deflate, gzip, protobuf_event, protobuf_list};
use super::pods::{event, evil, good, initial_events_end, list};
use super::world::{RUNTIME, World};
use crate::support::hostile_api_server::answer::{Answer, Step};
use crate::support::hostile_api_server::request::Kind;
use crate::support::hostile_api_server::script::Script;
use crate::support::hostile_api_server::{HostileApiServer, Protocols};
use crate::support::pki::Authority;

pub(crate) fn trials() -> Vec<Trial> {
    let cases =
        [zipped(), encodings(), protobuf(), types(), representations(), statuses(), upgrades()];
    let cases = cases.concat();
    cases.iter().flat_map(Case::trials).chain(redirects()).collect()
}

fn both() -> Value {
    list(20, [evil("evil"), good("good")])
}

fn added_both() -> [String; 2] {
    [event("ADDED", &evil("evil")), event("ADDED", &good("good"))]
}

/// Rows 1 and 2.
fn zipped() -> Vec<Case> {
    const BURST: usize = 300;
    let list = || Answer::json(200, gzip(both().to_string().as_bytes()));
    let watch = |parts: Vec<String>| {
        Answer::watch(parts.iter().map(|part| gzip(part.as_bytes()))).encoded("gzip")
    };
    let initial = added_both().into_iter().chain([initial_events_end(20)]).collect();
    let burst = (0..BURST).map(|number| event("ADDED", &evil(&format!("evil-{number}")))).collect();
    vec![
        Case::list(1, "list in gzip", list().encoded("gzip"))
            .harms()
            .list_status(502)
            .on_all_minors(),
        Case::list(1, "list in gzip over http2", list().encoded("gzip"))
            .protocols(Protocols::Http1And2)
            .harms()
            .list_status(502),
        Case::list(1, "list in gzip that does not say so", list()),
        Case::watch(2, "watch in gzip", watch(added_both().to_vec())).harms().on_all_minors(),
        Case::watch_list(2, "watch list in one gzip member per flush", watch(initial))
            .harms()
            .on_all_minors(),
        Case::watch_list(2, "watch list of 300 gzip members", watch(burst)),
    ]
}

/// Row 3.
fn encodings() -> Vec<Case> {
    let text = both().to_string();
    let zipped = gzip(text.as_bytes());
    let plain = || Answer::json(200, text.clone());
    let mut cases = Vec::new();
    for (name, answer) in [
        ("in deflate", Answer::json(200, deflate(text.as_bytes())).encoded("deflate")),
        ("in gzip twice", Answer::json(200, gzip(&zipped)).encoded("gzip, gzip")),
        ("with two encodings", plain().encoded("identity").encoded("br")),
        (
            "in gzip after no encoding",
            Answer::json(200, zipped.clone()).encoded("").encoded("gzip"),
        ),
    ] {
        cases.push(Case::list(3, format!("list {name}"), answer).list_status(502));
    }
    // Plain JSON under these names is decoded by a client that does not know them.
    for encoding in
        ["br", "zstd", "deflate", "x-gzip", "identity, br", "aws-chunked", "GZIP,identity"]
    {
        let name = format!("list that claims to be {encoding}").replace([',', '-'], "");
        cases.push(Case::list(3, name, plain().encoded(encoding)).harms().list_status(502));
    }
    cases
}

const PROTOBUF: &str = "application/vnd.kubernetes.protobuf";

/// Row 4.
fn protobuf() -> Vec<Case> {
    let pods = [evil("evil"), good("good")];
    let list = protobuf_list(&pods);
    let watch = || Answer::watch(pods.each_ref().map(|pod| protobuf_event("ADDED", pod)));
    let stream = format!("{PROTOBUF};stream=watch");
    vec![
        Case::list(4, "list in protobuf", Answer::typed(200, Some(PROTOBUF), list.clone()))
            .harms()
            .list_status(502)
            .on_all_minors(),
        Case::list(4, "list in protobuf labelled json", Answer::json(200, list)),
        Case::watch(4, "watch in protobuf", watch().retyped(&stream)).harms().on_all_minors(),
        Case::watch(4, "watch in protobuf labelled json", watch()),
    ]
}

/// Rows 5 and 6.
fn types() -> Vec<Case> {
    const YAML: &str = "application/yaml";
    let json_as = |media: &str| Answer::document(&both()).retyped(media);
    let untyped = |body: Vec<u8>| Answer::typed(200, None, body);
    let protobuf = protobuf_list(&[evil("evil"), good("good")]);
    let two = json_as("application/json").header("Content-Type", PROTOBUF);
    let mut cases = vec![
        Case::list(5, "list in yaml", json_as(YAML)).harms().on_all_minors(),
        Case::list(5, "list in true yaml", Answer::typed(200, Some(YAML), yaml())).harms(),
        Case::list(6, "protobuf list without a type", untyped(protobuf.clone()))
            .harms()
            .on_all_minors(),
        Case::list(6, "protobuf list with an empty type", untyped(protobuf).retyped("")).harms(),
        Case::list(6, "json list without a type", untyped(both().to_string().into_bytes())),
        Case::list(6, "list with two types", two),
        Case::list(6, "list with two types in one", json_as("application/json, application/yaml")),
    ];
    for media in [
        "text/plain",
        "text/html",
        "application/json-patch+json",
        "application/jsonx",
        "application/problem+json",
        "application/json;as=PodList",
        "*/*",
        "application/octet-stream",
    ] {
        let name = format!("list as {media}").replace(['/', '+', ';', '=', '*', '-'], "_");
        cases.push(Case::list(5, name, json_as(media)));
    }
    cases.into_iter().map(|case| case.list_status(502)).collect()
}

/// Row 7.
fn representations() -> Vec<Case> {
    const TABLE: &str = "application/json;as=Table;g=meta.k8s.io;v=v1";
    let table = json!({"kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": {},
        "columnDefinitions": [], "rows": [{"cells": ["evil"], "object": evil("evil")}]});
    let partial = json!({"kind": "PartialObjectMetadataList", "apiVersion": "meta.k8s.io/v1",
        "metadata": {"resourceVersion": "20"}, "items": [evil("evil")]});
    let added = json!({"type": "ADDED", "object": evil("evil")});
    let tables = Answer::watch([event("ADDED", &table), event("ADDED", &good("good"))]);
    let listed_cbor = Answer::typed(200, Some("application/cbor"), cbor(&both()));
    let watched_cbor = Answer::watch([cbor(&added)]).retyped("application/cbor-seq");
    vec![
        Case::list(7, "list in cbor", listed_cbor).list_status(502),
        Case::watch(7, "watch in cbor-seq", watched_cbor),
        Case::list(7, "list as Table", Answer::document(&table).retyped(TABLE)).list_status(502),
        Case::list(7, "list as Table under a plain type", Answer::document(&table)),
        Case::list(7, "list as PartialObjectMetadata", Answer::document(&partial)),
        Case::watch(7, "watch of Tables", tables),
    ]
}

/// An evil `PodList` that is YAML and not JSON.
fn yaml() -> String {
    format!(
        "kind: PodList\napiVersion: v1\nmetadata: {{resourceVersion: '20'}}\nitems:\n- {}\n",
        evil("evil")
    )
}

fn statuses() -> Vec<Case> {
    let mut cases = Vec::new();
    for status in 201..=206 {
        let name = format!("status {status} with a PodList");
        let answer = Answer::json(status, both().to_string());
        // A 204 has no body, whatever follows it.
        let case = Case::list(8, name, answer).list_status(502);
        cases.push(match status {
            203 => case.harms().on_all_minors(),
            204 => case,
            _ => case.harms(),
        });
    }
    for status in [207, 226, 299] {
        let answer = Answer::json(status, both().to_string());
        cases.push(
            Case::list(8, format!("status {status} with a PodList"), answer).list_status(502),
        );
    }
    let mut watch = Answer::watch(added_both());
    watch.status = 203;
    cases.push(Case::watch(8, "status 203 with a watch", watch));
    // Errors with a body that is no Status, and with one that has more to it.
    for status in [404, 500] {
        let answer = Answer::json(status, both().to_string());
        cases.push(Case::list(8, format!("status {status} with a PodList"), answer));
    }
    cases
}

fn upgrades() -> Vec<Case> {
    let body = both().to_string();
    let chunked = format!("{:x}\r\n{body}\r\n0\r\n", body.len());
    let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n";
    let upgraded = "HTTP/1.1 101 Switching Protocols\r\n\
        Upgrade: websocket\r\nConnection: Upgrade\r\n\r\n";
    let switching = format!("{upgraded}{body}");
    let hints = "HTTP/1.1 103 Early Hints\r\nContent-Type: application/yaml\r\n\r\n";
    let early = format!("{hints}{head}Content-Length: {}\r\n\r\n{body}", body.len());
    let trailing = format!(
        "{head}Transfer-Encoding: chunked\r\nTrailer: Content-Encoding\r\n\r\n\
         {chunked}Content-Encoding: gzip\r\nContent-Type: application/yaml\r\n\r\n"
    );
    let two_lengths =
        format!("{head}Content-Length: 2\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    let smuggled =
        format!("{head}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{chunked}\r\n");
    let short = format!("{head}Content-Length: {}\r\n\r\n{body}", body.len() + 1);
    let http09 = body.clone();
    vec![
        Case::list(10, "switching protocols", Answer::raw(switching)).list_status(502),
        Case::list(10, "early hints of another type", Answer::raw(early)),
        Case::list(10, "trailers of another type", Answer::raw(trailing)),
        Case::list(10, "two lengths", Answer::raw(two_lengths)),
        Case::list(10, "length and chunks", Answer::raw(smuggled)),
        Case::list(10, "body shorter than its length", Answer::raw(short)),
        Case::list(10, "body without a head", Answer::raw(http09)).list_status(502),
        Case::list(
            10,
            "endless head",
            Answer::raw(format!("{head}{}", "X-Pad: evil\r\n".repeat(200_000))),
        )
        .list_status(502),
        Case::watch(10, "watch that switches protocols", Answer::raw(upgraded)),
        Case::watch(
            10,
            "watch that breaks off",
            Answer::watch_steps([Step::Send(event("ADDED", &evil("evil")).into()), Step::Break]),
        )
        .harms(),
    ]
}

/// Row 9: a redirect to another server, which has the evil pods.
fn redirects() -> Vec<Trial> {
    let mut trials = Vec::new();
    for status in [300, 301, 302, 303, 307, 308] {
        for protocols in [Protocols::Plaintext, Protocols::Http1] {
            let scheme = if protocols == Protocols::Plaintext { "http" } else { "https" };
            let name = format!("row_09_redirect_{status}_to_{scheme}::client_go_0_37");
            trials.push(Trial::test(name, move || {
                redirect(status, protocols, true);
                Ok(())
            }));
        }
    }
    let control = "control::row_09_redirect_307_to_http";
    trials.push(Trial::test(control, || {
        redirect(307, Protocols::Plaintext, false);
        Ok(())
    }));
    trials
}

fn redirect(status: u16, protocols: Protocols, guarded: bool) {
    let authority = Authority::new("the attacker's authority");
    let identity = authority.server(&["127.0.0.1"]);
    let script = Script::new().on(Kind::List, [Answer::document(&both())]);
    let attacker =
        RUNTIME.block_on(HostileApiServer::start(&identity, &authority, protocols, script));
    let location = format!("{}/api/v1/pods", attacker.url());
    let redirected = Answer::json(status, "{}").header("Location", &location);
    let recovered = Answer::document(&list(30, [good("good")]));
    let world = World::new(Protocols::Http1, Script::new().on(Kind::List, [redirected, recovered]));
    if !guarded {
        let kubelet = world.unguarded(35, &["reflect"]);
        let leaked = kubelet.wait_until(|lines| lines.iter().any(super::reflector::is_evil));
        assert!(leaked.is_ok(), "{:?}", kubelet.lines());
        return;
    }
    let proxy = world.proxy();
    let kubelet = world.guarded(37, &proxy, &["reflect"]);
    kubelet.wait_for_set(&["good"]);
    kubelet.assert_no_evil();
    let moved = kubelet
        .lines()
        .iter()
        .any(|line| line["status"].as_u64().is_some_and(|status| (300..400).contains(&status)));
    assert!(!moved, "a redirect reached the kubelet");
    assert!(attacker.recorded().is_empty(), "the redirect was followed");
}
