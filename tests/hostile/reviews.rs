//! Row 65: an API server that lets itself into the kubelet's own API.
//!
//! It answers every review with yes. Asked to, the proxy answers in its place; not asked to, it passes
//! the answer on, as the seed does.

use libtest_mimic::Trial;
use serde_json::{Value, json};

use super::proxy::{Proxy, free_address};
use super::world::{RUNTIME, World};
use crate::support::hostile_api_server::Protocols;
use crate::support::hostile_api_server::answer::Answer;
use crate::support::hostile_api_server::request::Kind;
use crate::support::hostile_api_server::script::Script;

const ACCESS: &str = "/apis/authorization.k8s.io/v1/subjectaccessreviews";
const TOKEN: &str = "/apis/authentication.k8s.io/v1/tokenreviews";

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        Trial::test("row 65: reviews answered yes are overruled", || {
            overruled();
            Ok(())
        }),
        Trial::test("row 65: reviews nobody asked to overrule pass", || {
            passed_on();
            Ok(())
        }),
    ]
}

fn yes() -> Script {
    let status = json!({ "allowed": true, "authenticated": true,
        "user": { "username": "nodeward-guard", "groups": ["system:masters"] } });
    let review = json!({ "kind": "SubjectAccessReview", "apiVersion": "authorization.k8s.io/v1",
        "status": status });
    Script::new().on(Kind::Other, [Answer::json(201, review.to_string())])
}

/// What a kubelet is told.
fn told(world: &World, proxy: &Proxy, path: &str, content_type: &str, body: &[u8]) -> Value {
    let headers = format!("Content-Type: {content_type}\r\n");
    let reply = RUNTIME.block_on(async {
        let mut client = world.client(proxy).await.expect("a connection");
        client.request("POST", path, &headers, body).await.expect("an answer")
    });
    assert_eq!(reply.status, 201, "{reply:?}");
    serde_json::from_slice(&reply.body).expect("JSON")
}

fn review(subresource: &str) -> String {
    json!({ "kind": "SubjectAccessReview", "apiVersion": "authorization.k8s.io/v1", "spec": {
        "user": "kube-apiserver", "groups": ["system:masters"],
        "resourceAttributes": { "verb": "create", "version": "v1", "resource": "nodes",
            "subresource": subresource, "name": "node-1" },
    } })
    .to_string()
}

fn overruled() {
    let world = World::new(Protocols::Http1And2, yes());
    let proxy = Proxy::start_at(&world.files, free_address(), &["--deny-kubelet-api"]);
    let json = "application/json";
    for subresource in ["proxy", "log", "stats", "metrics", "checkpoint", "pods", "healthz"] {
        let said = told(&world, &proxy, ACCESS, json, review(subresource).as_bytes());
        assert_eq!(said["kind"], "SubjectAccessReview");
        assert_eq!(
            (&said["status"]["allowed"], &said["status"]["denied"]),
            (&json!(false), &json!(true))
        );
    }
    for (content_type, body) in [
        (json, &b"{}"[..]),
        (json, b"nonsense"),
        ("application/vnd.kubernetes.protobuf", b"k8s\0nonsense"),
        ("application/cbor", b"\xa0"),
    ] {
        let said = told(&world, &proxy, ACCESS, content_type, body);
        assert_eq!(said["status"]["allowed"], false, "{content_type} {body:?}");
    }
    let token = json!({ "kind": "TokenReview", "apiVersion": "authentication.k8s.io/v1",
        "spec": { "token": "x" } });
    let said = told(&world, &proxy, TOKEN, json, token.to_string().as_bytes());
    assert_eq!(said["kind"], "TokenReview");
    assert_eq!(said["status"]["authenticated"], false);
    assert!(said["status"]["user"].is_null(), "{said}");
    let asked = world.server.recorded();
    assert!(!asked.iter().any(|request| request.target.contains("reviews")), "it was asked");
}

fn passed_on() {
    let world = World::new(Protocols::Http1And2, yes());
    let proxy = world.proxy();
    for path in [ACCESS, TOKEN] {
        let said = told(&world, &proxy, path, "application/json", review("proxy").as_bytes());
        assert_eq!(said["status"]["allowed"], true, "{path}");
    }
}
