//! What one pod costs on its way through `kube_wire`: parse, check, write.
//!
//! The pod is what an API server sends for a Deployment of two containers, about 4 KB; it is checked
//! and written against the real tables. `all` is what the hot path does for every pod.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a benchmark of a broken fixture should stop"
)]

use std::hint::black_box;
use std::ops::ControlFlow;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use nodeward::kube_wire::json::{Cursor, Limits, Tape, Value};
use nodeward::kube_wire::pod_schema::POD;
use nodeward::kube_wire::pod_view::{PodView, Room};
use nodeward::kube_wire::received_pod::ReceivedPod;
use nodeward::kube_wire::schema::check;
use nodeward::policy::pod_security::{Level, PodSecurityStandard, Version};

const LIMITS: Limits = Limits { depth: 64, nodes: 100_000 };

fn parse<'a>(source: &'a [u8], tape: &'a mut Tape) -> Value<'a> {
    let fault = Cursor::new(source).value(tape, LIMITS).expect("the pod is JSON");
    assert!(fault.is_none(), "the pod is clean");
    tape.root(source)
}

/// The canonical pod again, as a server might indent it: white space wherever it may be.
fn indented(source: &[u8]) -> Vec<u8> {
    let value: serde_json::Value = serde_json::from_slice(source).expect("the pod is JSON");
    serde_json::to_vec_pretty(&value).expect("a value can be written")
}

fn decode(criterion: &mut Criterion) {
    let source: &[u8] = include_bytes!("pod.json");
    let unordered = indented(source);
    let (mut tape, mut out, mut mutable) = (Tape::default(), Vec::new(), Vec::new());
    let mut group = criterion.benchmark_group("decode");
    group.throughput(Throughput::Bytes(source.len() as u64));
    group.bench_function("parse", |bencher| {
        bencher.iter(|| black_box(parse(black_box(source), &mut tape)).is_null());
    });
    let value = parse(source, &mut tape);
    group.bench_function("check", |bencher| {
        bencher.iter(|| check(black_box(value), &POD).is_ok());
    });
    let checked = check(value, &POD).expect("the pod fits its table");
    group.bench_function("write", |bencher| {
        bencher.iter(|| {
            out.clear();
            mutable.clear();
            checked.write(&mut out, &mut mutable);
            black_box(out.len())
        });
    });
    let mut tape = Tape::default();
    for (name, source) in [("all", source), ("all, unordered and indented", &unordered)] {
        group.throughput(Throughput::Bytes(source.len() as u64));
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                out.clear();
                mutable.clear();
                let value = parse(black_box(source), &mut tape);
                check(value, &POD).expect("the pod fits").write(&mut out, &mut mutable);
                black_box(out.len())
            });
        });
    }
    group.finish();
}

/// The pod with ten containers instead of two.
fn with_ten_containers(source: &[u8]) -> Vec<u8> {
    let mut pod: serde_json::Value = serde_json::from_slice(source).expect("the pod is JSON");
    let containers = pod["spec"]["containers"].as_array_mut().expect("the pod has containers");
    let originals = containers.clone();
    *containers = (0..10)
        .zip(originals.iter().cycle())
        .map(|(number, original)| {
            let mut container = original.clone();
            container["name"] = format!("container-{number}").into();
            container
        })
        .collect();
    serde_json::to_vec(&pod).expect("a value can be written")
}

/// What policies of the second version pay to see a pod in full, and to ask a standard of it.
fn view(criterion: &mut Criterion) {
    let source: &[u8] = include_bytes!("pod.json");
    let ten = with_ten_containers(source);
    let restricted = PodSecurityStandard { level: Level::Restricted, version: Version::LATEST };
    let mut group = criterion.benchmark_group("view");
    for (name, source) in [("2 containers", source), ("10 containers", &ten)] {
        let mut tape = Tape::default();
        let ReceivedPod::Sound(mut pod) = ReceivedPod::read(parse(source, &mut tape), None) else {
            unreachable!("the pod is sound")
        };
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                // As every pod has one of its own.
                pod.room = Room::default();
                black_box(PodView::of(black_box(&pod))).containers.len()
            });
        });
        let view = PodView::of(&pod);
        group.bench_function(format!("{name}, all restricted checks"), |bencher| {
            bencher.iter(|| {
                let mut count = 0_u32;
                let _ = restricted.visit(black_box(&view), &mut |_| {
                    count = count.saturating_add(1);
                    ControlFlow::Continue(())
                });
                count
            });
        });
    }
    group.finish();
}

criterion_group!(benches, decode, view);
criterion_main!(benches);
