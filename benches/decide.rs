//! How long one decision takes: a realistic pod against a policy of 50 rules.
//!
//! `admitted` is the worst case that is common: no rule matches, so that every one is looked at.
//! The target is 20 µs; see `docs/benchmarks.md`.

#![expect(clippy::unwrap_used, reason = "a bench may stop at the first surprise")]

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use nodeward::kube_wire::pod::{Container, ContainerKind, Pod, PodIdentity, PodSecurity, Volume};
use nodeward::policy::Policy;

const RULES: usize = 50;

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

fn container<'a>(kind: ContainerKind, name: &'a str, image: &'a str) -> Container<'a> {
    Container {
        kind,
        name,
        image,
        privileged: false,
        run_as_user: None,
        run_as_non_root: Some(true),
        added_capabilities: vec!["NET_BIND_SERVICE"],
    }
}

fn pod(pinned: &str) -> Pod<'_> {
    let labels = [
        ("app.kubernetes.io/name", "shop"),
        ("app.kubernetes.io/instance", "shop-eu"),
        ("app.kubernetes.io/version", "4.2.1"),
        ("app.kubernetes.io/component", "frontend"),
        ("app.kubernetes.io/managed-by", "Helm"),
        ("pod-template-hash", "6b7f5d8c9"),
    ];
    let volumes = ["config", "cache", "tls", "kube-api-access-7x2ln"];
    Pod {
        identity: PodIdentity {
            namespace: "prod-shop",
            name: "shop-eu-6b7f5d8c9-x2x7k",
            uid: "0b5ec4f2-6c8e-4ea1-8f27-1f8a4d7f2c11",
        },
        resource_version: "4711",
        labels: labels.into_iter().collect(),
        annotations: [("prometheus.io/scrape", "true"), ("checksum/config", "0123456789abcdef")]
            .into_iter()
            .collect(),
        controller: None,
        is_being_deleted: false,
        node_name: "node-1",
        host_network: false,
        host_pid: false,
        host_ipc: false,
        security: PodSecurity { run_as_user: Some(1000), run_as_non_root: Some(true) },
        containers: vec![
            container(ContainerKind::Init, "migrate", "busybox:1.36"),
            container(ContainerKind::Ordinary, "shop", pinned),
            container(ContainerKind::Ordinary, "proxy", "ghcr.io/example/proxy:v2.11.0"),
        ],
        volumes: volumes
            .into_iter()
            .map(|name| Volume { name, is_host_path: false, image: None })
            .collect(),
        phase: "Pending",
        status_reason: "",
        has_started: false,
    }
}

fn decide(criterion: &mut Criterion) {
    let policy = policy();
    let pinned = format!("ghcr.io/example/shop@{DIGEST}");
    let admitted = pod(&pinned);
    let mut denied = pod(&pinned);
    denied.containers.iter_mut().for_each(|container| container.privileged = true);
    assert!(policy.evaluate(&admitted).is_allow(), "{}", policy.evaluate(&admitted).reason());
    assert_eq!(policy.evaluate(&denied).rule(), Some("rule-7"));

    let mut group = criterion.benchmark_group("decide");
    group.bench_function("admitted, 50 rules", |bencher| {
        bencher.iter(|| policy.evaluate(black_box(&admitted)).is_allow());
    });
    group.bench_function("denied by rule 8, with reason", |bencher| {
        bencher.iter(|| policy.evaluate(black_box(&denied)).reason().to_string());
    });
    group.finish();
}

criterion_group!(benches, decide);
criterion_main!(benches);
