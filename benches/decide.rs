//! How long one decision takes: a realistic pod against a policy of 50 rules.
//!
//! `admitted` is the worst case that is common: no rule matches, so that every one is looked at.
//! The target is 20 µs; see `docs/benchmarks.md`.

#![expect(clippy::unwrap_used, reason = "a bench may stop at the first surprise")]

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use nodeward::kube_wire::json::{Cursor, Limits, Tape};
use nodeward::kube_wire::pod::Pod;
use nodeward::kube_wire::pod_schema::POD;
use nodeward::kube_wire::pod_view::Room;
use nodeward::kube_wire::received_pod::SoundPod;
use nodeward::kube_wire::schema::check;
use nodeward::policy::{Circumstances, NoCounters, Policy};

const RULES: usize = 50;

const HERE: Circumstances<'static> =
    Circumstances { now: 1_800_000_000, node: "node-1", counters: &NoCounters };

const DIGEST: &str = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

/// What the rules ask, in turn; `#` is replaced by the rule's number.
const MATCHES: [&str; 10] = [
    r##"{"namespaces":["blocked-#","*-sandbox-#","tmp*"]}"##,
    r##"{"namespaceRegex":"^(quarantine|forbidden)-#-[a-z0-9-]+$"}"##,
    r##"{"labels":{"example.com/retired":"#","tier":"none"}}"##,
    r##"{"annotations":{"example.com/hold":"#"}}"##,
    r##"{"images":{"allowedRegistries":["docker.io/library/","ghcr.io","registry.example.com/team-#"]},
        "namespaces":["prod*"]}"##,
    r##"{"images":{"allowedRegistries":["docker.io","ghcr.io/example","registry.example.com:5000"]}}"##,
    r##"{"images":{"denied":["*miner#*","evil#*","*:debug-#"],"deniedRegistries":["evil#.io"]}}"##,
    r##"{"security":{"denyPrivileged":true,"denyHostPID":true,"denyHostIPC":true}}"##,
    r##"{"security":{"denyRunAsRoot":true,"deniedCapabilities":["SYS_ADMIN","NET_ADMIN","BPF"]}}"##,
    r##"{"security":{"denyHostNetwork":true,"denyHostPath":true},"images":{"allowed":["*"]}}"##,
];

fn policy() -> Policy {
    let rules: Vec<_> = (0..RULES)
        .zip(MATCHES.iter().cycle())
        .map(|(number, matching)| {
            let matching = matching.replace('#', &number.to_string());
            format!(r#"{{"name":"rule-{number}","action":"deny","match":{matching}}}"#)
        })
        .collect();
    let rules = rules.join(",");
    let text = format!(r#"{{"name":"bench","defaultAction":"allow","rules":[{rules}]}}"#);
    Policy::parse(text.as_bytes()).unwrap().policy
}

/// A pod of an ordinary web application, as Helm charts make them.
fn pod_json(proxy_is_privileged: bool) -> String {
    let user = r#""securityContext":{"capabilities":{"add":["NET_BIND_SERVICE"]},"#;
    format!(
        r#"{{"metadata":{{"namespace":"prod-shop","name":"shop-eu-6b7f5d8c9-x2x7k",
            "uid":"0b5ec4f2-6c8e-4ea1-8f27-1f8a4d7f2c11",
            "labels":{{"app.kubernetes.io/name":"shop","app.kubernetes.io/instance":"shop-eu",
                "app.kubernetes.io/version":"4.2.1","app.kubernetes.io/component":"frontend",
                "app.kubernetes.io/managed-by":"Helm","pod-template-hash":"6b7f5d8c9"}},
            "annotations":{{"prometheus.io/scrape":"true","checksum/config":"0123456789abcdef"}}}},
        "spec":{{"nodeName":"node-1","securityContext":{{"runAsUser":1000,"runAsNonRoot":true}},
            "initContainers":[{{"name":"migrate","image":"busybox:1.36",{user}"privileged":false}}}}],
            "containers":[
                {{"name":"shop","image":"ghcr.io/example/shop@{DIGEST}",{user}"privileged":false}}}},
                {{"name":"proxy","image":"ghcr.io/example/proxy:v2.11.0",
                    {user}"privileged":{proxy_is_privileged}}}}}],
            "volumes":[{{"name":"config","configMap":{{"name":"shop"}}}},
                {{"name":"cache","emptyDir":{{}}}},{{"name":"tls","secret":{{"secretName":"shop"}}}},
                {{"name":"kube-api-access-7x2ln","projected":{{"sources":[]}}}}]}}}}"#
    )
}

/// Reads a pod as the proxy does and hands it to `inspect`.
fn with_pod(json: &str, mut inspect: impl FnMut(&mut SoundPod<'_>)) {
    let mut tape = Tape::default();
    let limits = Limits { depth: 32, nodes: 10_000 };
    let fault = Cursor::of_final(json.as_bytes()).value(&mut tape, limits).unwrap();
    assert_eq!(fault, None);
    let checked = check(tape.root(json.as_bytes()), &POD).unwrap();
    let pod = Pod::read(&checked).unwrap();
    inspect(&mut SoundPod { checked, pod, room: Room::default() });
}

/// A document of 100 rules, the last of which permits the pod: 50 deny rules that look at each container,
/// 49 allow rules in whose scope the pod is not or that it does not fit, and one that it fits.
fn second_version() -> Policy {
    let rules: Vec<_> = (0..100)
        .map(|number| match number {
            0..25 => format!(
                r##"{{"name":"deny-{number}","action":"deny","match":{{}},
                    "unless":{{"containers":[{{"securityContext":{{"privileged":false,
                        "capabilities":{{"drop":["ALL"]}}}}}}]}}}}"##
            ),
            25..50 => format!(
                r##"{{"name":"deny-{number}","action":"deny","match":{{"namespaces":["dev-{number}*"]}}}}"##
            ),
            50..75 => format!(
                r##"{{"name":"allow-{number}","action":"allow","match":{{"podNames":["other-{number}-*"]}},
                    "permit":{{"containers":[{{"images":{{"registries":["ghcr.io"]}}}}]}}}}"##
            ),
            75..99 => format!(
                r##"{{"name":"allow-{number}","action":"allow","match":{{"namespaces":["prod-*"]}},
                    "permit":{{"containers":[{{"images":{{"repositories":["ghcr.io/other-{number}/*"]}}}}]}}}}"##
            ),
            _ => r##"{"name":"app","action":"allow","match":{"namespaces":["prod-*"]},"permit":{
                "containers":[{"images":{"repositories":["ghcr.io/example/*"]},"command":["/app"],
                    "args":["--serve",{"regex":"--port=[0-9]+"}],
                    "env":[{"name":"MODE","value":"fast"},{"name":"LEVEL","value":{"oneOf":["a","b"]}}],
                    "mounts":[{"volume":"tmp","path":"/tmp","readOnly":false}],
                    "securityContext":{"capabilities":{"drop":["ALL"]},"runAsUser":{"min":1}}}],
                "volumes":[{"emptyDir":{}}],"serviceLinks":true}}"##
                .to_owned(),
        })
        .collect();
    let rules = rules.join(",");
    let text = format!(
        r#"{{"apiVersion":"nodeward.dev/v2","kind":"NodePolicy","name":"bench","rules":[{rules}]}}"#
    );
    Policy::parse(text.as_bytes()).unwrap().policy
}

/// A pod of ten containers, each with command, environment, mount and security context.
fn ten_containers() -> String {
    let containers: Vec<_> = (0..10)
        .map(|number| {
            format!(
                r#"{{"name":"c{number}","image":"ghcr.io/example/app@{DIGEST}","command":["/app"],
                    "args":["--serve","--port=80{number}"],
                    "env":[{{"name":"MODE","value":"fast"}},{{"name":"LEVEL","value":"b"}}],
                    "volumeMounts":[{{"name":"tmp","mountPath":"/tmp"}}],
                    "resources":{{"limits":{{"cpu":"1","memory":"64Mi"}}}},
                    "securityContext":{{"capabilities":{{"drop":["ALL"]}},"runAsUser":1000}}}}"#
            )
        })
        .collect();
    let containers = containers.join(",");
    format!(
        r#"{{"metadata":{{"namespace":"prod-shop","name":"shop-1",
            "uid":"0b5ec4f2-6c8e-4ea1-8f27-1f8a4d7f2c11","labels":{{"app":"shop"}}}},
        "spec":{{"nodeName":"node-1","containers":[{containers}],
            "volumes":[{{"name":"tmp","emptyDir":{{}}}}]}}}}"#
    )
}

fn decide(criterion: &mut Criterion) {
    let policy = policy();
    let mut group = criterion.benchmark_group("decide");
    with_pod(&pod_json(false), |pod| {
        let verdict = policy.evaluate(pod, &HERE).verdict;
        assert!(verdict.is_allow(), "{}", verdict.reason());
        group.bench_function("admitted, 50 rules", |bencher| {
            bencher.iter(|| policy.evaluate(black_box(pod), &HERE).verdict.is_allow());
        });
    });
    with_pod(&pod_json(true), |pod| {
        assert_eq!(policy.evaluate(pod, &HERE).verdict.rule(), Some("rule-7"));
        group.bench_function("denied by rule 8, with reason", |bencher| {
            bencher.iter(|| policy.evaluate(black_box(pod), &HERE).verdict.reason().to_string());
        });
    });
    let second = second_version();
    with_pod(&ten_containers(), |pod| {
        let verdict = second.evaluate(pod, &HERE).verdict;
        assert_eq!(verdict.rule(), Some("app"), "{}", verdict.reason());
        group.bench_function("version 2, 100 rules, ten containers", |bencher| {
            bencher.iter(|| {
                // As every pod has one of its own.
                pod.room = Room::default();
                second.evaluate(black_box(pod), &HERE).verdict.is_allow()
            });
        });
    });
    group.finish();
}

criterion_group!(benches, decide);
criterion_main!(benches);
