//! What one pod costs in the processor, without network and TLS: how long the decision takes, and
//! how long the whole way from received to canonical bytes.
//!
//! The policy has fifty rules and the pod passes all of them, so each is looked at.

use std::fmt::Write as _;
use std::hint::black_box;
use std::process::Command;

use nodeward::kube_wire::json::{Cursor, Limits, Tape};
use nodeward::kube_wire::pod::Pod;
use nodeward::kube_wire::pod_view::Room;
use nodeward::kube_wire::received_pod::SoundPod;
use nodeward::kube_wire::{pod_schema, schema};
use nodeward::policy::{Circumstances, NoCounters, Policy, Verdict};
use tokio::time::Instant;

use crate::Failure;
use crate::arguments::{Arguments, Target};
use crate::report::{Report, Row};
use crate::stage::{NODE, Stage};
use crate::statistics::summary;

const RULES: u32 = 50;
const HERE: Circumstances<'static> =
    Circumstances { now: 1_800_000_000, node: NODE, counters: &NoCounters };
/// Long enough to make the clock's own cost vanish, short enough to fit between two interruptions.
const REPEATS: u32 = 20;
/// Their median does not notice the batches that were interrupted.
const BATCHES: u32 = 101;
/// Generous: the pod has some 300 nodes at depth 8.
const LIMITS: Limits = Limits { depth: 64, nodes: 100_000 };

/// Times the decision on one pod, and everything done to a pod, once per round.
pub(crate) fn measure(
    stage: &Stage,
    arguments: &Arguments,
    report: &mut Report,
) -> Result<(), Failure> {
    let sample = sample(stage)?;
    let policy = Policy::parse(fifty_rules()?.as_bytes())?.policy;
    let mut bench = Bench { source: &sample, policy: &policy, tape: Tape::default() };
    bench.passes()?;
    for _ in 0..arguments.rounds {
        report.add(Row::Decision, Target::Ours, bench.decision()?);
        report.add(Row::WholePod, Target::Ours, bench.whole_pod()?);
    }
    Ok(())
}

struct Bench<'a> {
    source: &'a [u8],
    policy: &'a Policy,
    tape: Tape,
}

impl Bench<'_> {
    /// Makes sure that the rules are really all looked at: the pod is admitted by the default.
    fn passes(&mut self) -> Result<(), Failure> {
        Cursor::new(self.source)
            .value(&mut self.tape, LIMITS)
            .map_err(|halt| format!("{halt:?}"))?;
        let checked = schema::check(self.tape.root(self.source), &pod_schema::POD).map_err(told)?;
        let pod = Pod::read(&checked).map_err(told)?;
        match self.policy.evaluate(&SoundPod { checked, pod, room: Room::default() }, &HERE).verdict
        {
            Verdict::Allow(_) => Ok(()),
            Verdict::Deny(_) => Err("the fifty rules were to admit the sample".into()),
        }
    }

    /// Microseconds from a checked pod to its verdict.
    fn decision(&mut self) -> Result<f64, Failure> {
        let checked = schema::check(self.tape.root(self.source), &pod_schema::POD).map_err(told)?;
        let pod = Pod::read(&checked).map_err(told)?;
        let mut sound = SoundPod { checked, pod, room: Room::default() };
        median_of_batches(|| {
            sound.pod = Pod::read(black_box(&sound.checked)).map_err(told)?;
            sound.room = Room::default();
            let _ = black_box(self.policy.evaluate(&sound, &HERE));
            Ok(())
        })
    }

    /// Microseconds from received bytes to canonical ones: parse, check, decide, write.
    fn whole_pod(&mut self) -> Result<f64, Failure> {
        let mut written = Vec::with_capacity(self.source.len());
        let mut mutable = Vec::new();
        median_of_batches(|| {
            let source = black_box(self.source);
            Cursor::new(source)
                .value(&mut self.tape, LIMITS)
                .map_err(|halt| format!("{halt:?}"))?;
            let checked = schema::check(self.tape.root(source), &pod_schema::POD).map_err(told)?;
            let pod = Pod::read(&checked).map_err(told)?;
            let sound = SoundPod { checked, pod, room: Room::default() };
            let _ = black_box(self.policy.evaluate(&sound, &HERE));
            written.clear();
            mutable.clear();
            sound.checked.write(&mut written, &mut mutable);
            black_box(&written);
            Ok(())
        })
    }
}

/// Microseconds that `work` takes once.
fn median_of_batches(mut work: impl FnMut() -> Result<(), Failure>) -> Result<f64, Failure> {
    const MICROSECONDS: f64 = 1e6;
    let mut batches = Vec::new();
    for _ in 0..BATCHES {
        let start = Instant::now();
        for _ in 0..REPEATS {
            work()?;
        }
        batches.push(start.elapsed().as_secs_f64() * MICROSECONDS / f64::from(REPEATS));
    }
    Ok(summary(&batches).map_or(f64::NAN, |found| found.median))
}

fn told(fault: nodeward::kube_wire::json::ValueFault) -> String {
    format!("{}: {}", fault.path, fault.problem)
}

/// One pod of the fake API server's.
fn sample(stage: &Stage) -> Result<Vec<u8>, Failure> {
    let mut command = Command::new(&stage.yardstick);
    let output = command.args(["sample", "-node", NODE, "-pki"]).arg(&stage.dir).output()?;
    if output.stdout.is_empty() {
        return Err(String::from_utf8_lossy(&output.stderr).trim().into());
    }
    Ok(output.stdout)
}

/// Rules of every kind, none of which matches the sample.
fn fifty_rules() -> Result<String, std::fmt::Error> {
    let mut rules = String::new();
    for number in 0..RULES {
        let separator = if number == 0 { "" } else { "," };
        let (action, condition) = match number % 5 {
            0 => (
                "deny",
                r#""security":{"denyPrivileged":true,"denyHostPath":true,"deniedCapabilities":["SYS_ADMIN","NET_ADMIN"]}"#
                    .to_owned(),
            ),
            1 => (
                "deny",
                r#""images":{"allowedRegistries":["mcr.example","registry.example/shop"]}"#
                    .to_owned(),
            ),
            2 => (
                "deny",
                format!(r#""images":{{"denied":["*:latest-{number}","*/miner-{number}*"]}}"#),
            ),
            3 => (
                "deny",
                format!(
                    r#""namespaceRegex":"^team-{number}-[a-z]+$","security":{{"denyHostNetwork":true}}"#
                ),
            ),
            _ => (
                "allow",
                format!(
                    r#""namespaces":["kube-{number}","kube-{number}-*"],"labels":{{"approved":"{number}"}}"#
                ),
            ),
        };
        write!(
            rules,
            r#"{separator}{{"name":"rule-{number}","action":"{action}","match":{{{condition}}}}}"#
        )?;
    }
    Ok(format!(r#"{{"name":"fifty","defaultAction":"allow","rules":[{rules}]}}"#))
}
