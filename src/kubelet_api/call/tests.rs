use super::*;
use http::Request;

/// `Bearer token` as a subprotocol.
const TOKEN: &str = "base64url.bearer.authorization.k8s.io.dG9rZW4";

const SPDY: [(&str, &str); 2] = [("connection", "Upgrade"), ("upgrade", "SPDY/3.1")];

fn asked_with(method: &str, target: &str, headers: &[(&str, &str)]) -> Result<Asked, &'static str> {
    let mut request = Request::builder().method(method).uri(target);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    classify(&request.body(()).unwrap().into_parts().0).map_err(|refusal| refusal.rule)
}

fn asked(method: &str, target: &str) -> Result<Asked, &'static str> {
    asked_with(method, target, &[])
}

fn call(method: &str, target: &str) -> Call {
    asked(method, target).unwrap().call
}

fn pod(uid: Option<&str>) -> PodAddress {
    PodAddress {
        namespace: "prod".to_owned(),
        name: "web-0".to_owned(),
        uid: uid.map(str::to_owned),
    }
}

fn main(uid: Option<&str>) -> ContainerAddress {
    ContainerAddress { pod: pod(uid), name: "main".to_owned() }
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

#[test]
fn every_call_of_the_kubelets_api_is_known_by_its_path() {
    let uid = "0f0e0d0c-0000-4000-8000-000000000000";
    let exec = format!("/exec/prod/web-0/{uid}/main?command=sh&command=-c&command=a+%26b&input=1");
    let found = asked_with("POST", &exec, &SPDY).unwrap();
    let command = words(&["sh", "-c", "a &b"]);
    assert_eq!(found.call, Call::Exec { container: main(Some(uid)), command });
    assert_eq!(
        found.target,
        format!("/exec/prod/web-0/{uid}/main?command=sh&command=-c&command=a%20%26b&input=1")
    );
    let attach = asked_with("GET", "/attach/prod/web-0/main?output=1&tty=1", &SPDY).unwrap();
    assert_eq!(attach.call, Call::Attach(main(None)));
    let forward = asked_with("POST", "/portForward/prod/web-0?port=80,81&port=22", &SPDY).unwrap();
    assert_eq!(forward.call, Call::PortForward { pod: pod(None), ports: vec![80, 81, 22] });
    assert_eq!(
        call("GET", "/containerLogs/prod/web-0/main?follow=true&tailLines=5"),
        Call::Logs(main(None))
    );
    assert_eq!(
        call("POST", "/run/prod/web-0/main?cmd=ls+-l"),
        Call::Run { container: main(None), command: words(&["ls", "-l"]) }
    );
    assert_eq!(call("POST", "/checkpoint/prod/web-0/main"), Call::Checkpoint(main(None)));
    for (target, endpoint) in [
        ("/metrics", Endpoint::Metrics),
        ("/metrics/cadvisor", Endpoint::Metrics),
        ("/metrics/resource", Endpoint::Metrics),
        ("/healthz", Endpoint::Healthz),
        ("/healthz/syncloop", Endpoint::Healthz),
        ("/stats/summary?only_cpu_and_memory=true", Endpoint::Stats),
        ("/pods", Endpoint::Pods),
        ("/runningpods/", Endpoint::Pods),
        ("/configz", Endpoint::Configz),
        ("/statusz", Endpoint::Statusz),
        ("/flagz", Endpoint::Flagz),
        ("/logs/", Endpoint::NodeLogs),
        ("/logs/apt/", Endpoint::NodeLogs),
        ("/logs/apt/pods/term.log", Endpoint::NodeLogs),
        ("/logs/syslog", Endpoint::NodeLogs),
        ("/logs/?query=kubelet&query=containerd", Endpoint::NodeLogs),
        ("/debug/pprof/", Endpoint::Profiling),
        ("/debug/pprof/profile?seconds=1", Endpoint::Profiling),
    ] {
        let found = asked("GET", target).unwrap();
        assert_eq!((found.call, found.target.as_str()), (Call::Read(endpoint), target));
    }
}

#[test]
fn other_spellings_and_unknown_paths_are_refused() {
    for target in [
        "/%65xec/prod/web-0/main?command=id",
        "//exec/prod/web-0/main?command=id",
        "/exec//prod/web-0/main?command=id",
        "/exec/prod/web-0/main/?command=id",
        "/exec/prod/web-0/./main?command=id",
        "/metrics/../exec/prod/web-0/main?command=id",
        "/exec/prod/web-0%2fmain?command=id",
        "/exec/prod/web-0;a/main?command=id",
        "/metrics/",
        "/pods/",
        "/logs/../exec",
        "/logs/a//",
        "/logs//",
        "/logs/%2e%2e/",
        "/spec/",
        "/",
    ] {
        assert_eq!(asked_with("GET", target, &SPDY).unwrap_err(), "canonical-target", "{target}");
    }
    for (method, target) in [
        ("GET", "/Exec/prod/web-0/main?command=id"),
        ("GET", "/EXEC/prod/web-0/main?command=id"),
        ("GET", "/exec/prod/web-0"),
        ("GET", "/exec/prod/web-0/uid/main/more"),
        ("GET", "/exec/PROD/web-0/main"),
        ("GET", "/exec/prod/web_0/main"),
        ("GET", "/exec/prod/web-0/Main"),
        ("PUT", "/exec/prod/web-0/main"),
        ("get", "/exec/prod/web-0/main"),
        ("HEAD", "/metrics"),
        ("POST", "/metrics"),
        ("OPTIONS", "/pods"),
        ("GET", "/run/prod/web-0/main?cmd=id"),
        ("GET", "/checkpoint/prod/web-0/main"),
        ("POST", "/containerLogs/prod/web-0/main"),
        ("GET", "/containerLogs/prod/web-0/uid/main"),
        ("POST", "/checkpoint/prod/web-0/uid/main"),
        ("GET", "/portforward/prod/web-0"),
        ("GET", "/portForward/prod/web-0/uid/main"),
        ("PUT", "/debug/flags/v"),
        ("GET", "/debug/flags/v"),
        ("GET", "/debug/pprof/a/b"),
        ("GET", "/metrics/other"),
        ("GET", "/stats"),
        ("GET", "/stats/container"),
        ("GET", "/cri/exec/token"),
        ("GET", "/api/v1/pods"),
        ("GET", "/runningpods"),
    ] {
        let refused = asked_with(method, target, &SPDY).unwrap_err();
        assert_eq!(refused, "unknown-path", "{method} {target}");
    }
    let absolute = asked("GET", "http://other/metrics").unwrap_err();
    assert_eq!(absolute, "canonical-target");
}

#[test]
fn logs_of_the_node_are_no_way_to_the_logs_of_pods() {
    for target in [
        "/logs/pods",
        "/logs/pods/",
        "/logs/pods/prod_web-0_uid/main/0.log",
        "/logs/pods/prod_web-0_uid/",
        "/logs/containers/",
        "/logs/containers/web-0_prod_main-1.log",
        "/logs/?query=pods%2Fprod_web-0_uid%2Fmain%2F0.log",
        "/logs/?query=kubelet&query=%2Fcontainers%2Fweb.log",
        "/logs/?query=pods%5Cweb.log",
    ] {
        assert_eq!(asked("GET", target).unwrap_err(), "logs-of-pods", "{target}");
    }
}

#[test]
fn a_command_is_read_in_one_way_or_not_at_all() {
    for (query, rule) in [
        ("", "command"),
        ("?input=1", "command"),
        ("?command=", "command"),
        ("?command", "canonical-target"),
        ("?Command=id", "parameters"),
        ("?command=id&Command=sh", "canonical-target"),
        ("?command=id&cmd=sh", "parameters"),
        ("?command=id;command=sh", "canonical-target"),
        ("?command=id&tty=1&tty=0", "canonical-target"),
        ("?command=id&tty=2", "parameters"),
        ("?command=%00", "canonical-target"),
        ("?command=%ff", "canonical-target"),
        ("?command=%zz", "canonical-target"),
        ("?command=id&", "canonical-target"),
    ] {
        let target = format!("/exec/prod/web-0/main{query}");
        assert_eq!(asked_with("POST", &target, &SPDY).unwrap_err(), rule, "{query}");
    }
    let huge = format!("/exec/prod/web-0/main?command={}", "a".repeat(9000));
    assert_eq!(asked_with("POST", &huge, &SPDY).unwrap_err(), "canonical-target");
    for query in ["", "?cmd=", "?cmd=a++b", "?cmd=a&cmd=b", "?cmd=a&x=1", "?command=a"] {
        let refused = asked("POST", &format!("/run/prod/web-0/main{query}")).unwrap_err();
        assert!(matches!(refused, "command" | "parameters" | "canonical-target"), "{query}");
    }
    for port in ["", "0", "65536", "080", "+80", "80,", "http", "80%2081", "-1"] {
        let target = format!("/portForward/prod/web-0?port={port}");
        assert_eq!(asked_with("GET", &target, &SPDY).unwrap_err(), "parameters", "{port}");
    }
}

#[test]
fn an_upgrade_is_one_known_protocol_where_it_belongs_and_nowhere_else() {
    let exec = "/exec/prod/web-0/main?command=id";
    let socket = [("connection", "keep-alive, upgrade"), ("upgrade", "websocket")];
    for (method, headers, protocol) in [
        ("POST", &SPDY[..], Protocol::Spdy),
        ("GET", &SPDY[..], Protocol::Spdy),
        ("GET", &socket[..], Protocol::WebSocket),
    ] {
        let found = asked_with(method, exec, headers).unwrap();
        assert_eq!(found.protocol, Some(protocol));
    }
    for name in ["v4.channel.k8s.io", "v5.channel.k8s.io", "base64.channel.k8s.io"] {
        let headers = [&socket[..], &[("sec-websocket-protocol", name)]].concat();
        assert_eq!(asked_with("GET", exec, &headers).unwrap().protocol, Some(Protocol::WebSocket));
    }
    for name in ["SPDY/3.1+portforward.k8s.io", "v4.channel.k8s.io, SPDY/3.1+portforward.k8s.io"] {
        let headers = [&socket[..], &[("sec-websocket-protocol", name)]].concat();
        let found = asked_with("GET", "/portForward/prod/web-0", &headers).unwrap();
        assert_eq!(found.protocol, Some(Protocol::TunnelledSpdy), "{name}");
    }
    for name in [
        "spdy/3.1+PORTFORWARD.k8s.io",
        "SPDY/3.1+channel.k8s.io",
        "V4.channel.k8s.io",
        "v9.channel.k8s.io",
        "v4.channel.k8s.io, unheard-of",
        "v4.channel.k8s.io,",
        "",
    ] {
        let headers = [&socket[..], &[("sec-websocket-protocol", name)]].concat();
        let refused = asked_with("GET", "/portForward/prod/web-0?port=80", &headers);
        assert_eq!(refused.unwrap_err(), "upgrade", "{name}");
    }
    let wish = format!("{TOKEN}, v5.channel.k8s.io, v4.channel.k8s.io");
    let headers = [&socket[..], &[("sec-websocket-protocol", wish.as_str())]].concat();
    assert_eq!(asked_with("GET", exec, &headers).unwrap().protocol, Some(Protocol::WebSocket));
    let mut received = http::HeaderMap::new();
    received.insert("sec-websocket-protocol", wish.parse().unwrap());
    let mut sent = http::HeaderMap::new();
    Protocol::WebSocket.ask(&received, &mut sent);
    assert_eq!(sent["sec-websocket-protocol"], "v5.channel.k8s.io, v4.channel.k8s.io");
    assert!(!format!("{sent:?}").contains("bearer"), "{sent:?}");
    let wrong: [(&str, &[(&str, &str)]); 8] = [
        ("POST", &[]),
        ("POST", &[("upgrade", "SPDY/3.1")]),
        ("POST", &[("connection", "upgrade")]),
        ("POST", &[("connection", "upgrade"), ("upgrade", "h2c")]),
        ("GET", &[("connection", "upgrade"), ("upgrade", "tcp")]),
        ("POST", &[("connection", "upgrade"), ("upgrade", "websocket")]),
        ("GET", &[("connection", "upgrade"), ("upgrade", "websocket, SPDY/3.1")]),
        ("GET", &[("connection", "upgrade"), ("upgrade", "SPDY/3.1"), ("upgrade", "websocket")]),
    ];
    for (method, headers) in wrong {
        assert_eq!(asked_with(method, exec, headers).unwrap_err(), "upgrade", "{headers:?}");
    }
    for target in ["/metrics", "/containerLogs/prod/web-0/main"] {
        for headers in [&SPDY[..], &[("upgrade", "h2c")], &[("connection", "upgrade")]] {
            assert_eq!(asked_with("GET", target, headers).unwrap_err(), "no-upgrade");
        }
    }
}

#[test]
fn no_call_has_a_body() {
    let bodies: [&[(&str, &str)]; 4] = [
        &[("content-length", "5")],
        &[("transfer-encoding", "chunked")],
        &[("content-length", "0"), ("content-length", "5")],
        &[("content-length", "00")],
    ];
    for body in bodies {
        let headers = [&SPDY[..], body].concat();
        let exec = asked_with("POST", "/exec/prod/web-0/main?command=id", &headers);
        assert_eq!(exec.unwrap_err(), "no-body", "{body:?}");
        assert_eq!(asked_with("GET", "/metrics", body).unwrap_err(), "no-body", "{body:?}");
    }
    asked_with("POST", "/checkpoint/prod/web-0/main", &[("content-length", "0")]).unwrap();
}

proptest::proptest! {
    #[test]
    fn what_is_asked_of_the_kubelet_classifies_as_the_same_call(
        command in proptest::collection::vec("[^\\x00-\\x08\\x0b-\\x1f\\x7f-\\u{9f}]{1,20}", 1..5)
    ) {
        let mut query = String::new();
        command.iter().for_each(|word| append_parameter(&mut query, "command", word));
        let target = format!("/exec/prod/web-0/main?{query}");
        let first = asked_with("POST", &target, &SPDY).unwrap();
        let again = asked_with("POST", &first.target, &SPDY).unwrap();
        proptest::prop_assert_eq!(first.call.command(), &command[..]);
        proptest::prop_assert_eq!((first.call, first.target), (again.call, again.target));
    }
}
