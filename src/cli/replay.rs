//! `replay`: which recorded decisions another policy would change.
//!
//! Records hold no pods. Pods come from `kubectl get pods -o json` by their UID, or from the log of a proxy
//! with `--log-pod-payloads`, where environment values and annotations are redacted. What cannot be told is
//! counted, never guessed.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::ValueEnum;
use serde_json::{Value, json};

use super::exit_code::Exit;
use super::input::{self, PodSetting};
use super::signers::Signers;
use super::terminal::{give_json, say};
use super::verb_error::VerbError;
use crate::policy::Policy;
use crate::policy_tools::judge::{Judgement, Moment, judge};
use crate::policy_tools::recorded::{self, Recorded, Records, is_redacted};

/// Tell which recorded decisions another policy would change
///
/// Reads decision records: JSON lines of the proxy's log or of `journalctl -o json`; the last decision on a
/// pod counts. Pods are found by UID in --pods, else in the payloads that a proxy with --log-pod-payloads
/// logged. Those are redacted: where that may matter, the line says so. Admissions are recorded with
/// --log-level debug only; a pod without any record cannot be told about.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  journalctl -u kubelet-proxy -o json > records.jsonl
  kubectl get pods -A -o json > pods.json
  kubelet-proxy replay new.json records.jsonl --pods pods.json
  kubelet-proxy replay --policy-verification-cert signer.crt new.json records.jsonl --pods pods.json

Exit codes: 0 nothing would change, 1 some decisions would, 64 usage, 78 a file cannot be used.")]
pub(super) struct Arguments {
    /// The policy to try, JSON
    policy: PathBuf,
    /// Decision records, JSON lines; - is standard input
    #[arg(required = true, value_name = "RECORDS")]
    records: Vec<PathBuf>,
    /// Pods as the API server has them, JSON or YAML
    #[arg(long, value_name = "FILE")]
    pods: Vec<PathBuf>,
    /// Lines for people, or one JSON document
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: Format,
    #[command(flatten)]
    signers: Signers,
    #[command(flatten)]
    setting: PodSetting,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Json,
}

/// What another policy makes of the records.
#[derive(Default)]
struct Replayed<'r> {
    same: usize,
    changed: Vec<Changed<'r>>,
    /// Without a pod.
    untold: Vec<&'r Recorded>,
}

struct Changed<'r> {
    recorded: &'r Recorded,
    now: Judgement,
    is_redacted: bool,
}

pub(super) fn execute(arguments: &Arguments) -> Result<Exit, VerbError> {
    let moment = arguments.setting.moment();
    let policy = arguments.signers.policy(&arguments.policy, moment.now)?;
    let mut records = Records::default();
    for file in &arguments.records {
        let read = recorded::read(&input::records(file)?).map_err(|line| {
            let problem = "is no JSON object; give JSON lines, such as of journalctl -o json";
            VerbError::bad(format!("{}: line {line}: {problem}", file.display()))
        })?;
        records.decisions.extend(read.decisions);
        records.payloads.extend(read.payloads);
    }
    if records.decisions.is_empty() {
        return Err(VerbError::bad("no decision record in what was given; is it the proxy's log?"));
    }
    let pods = given_pods(arguments)?;
    let replayed = replay(&policy, &records, &pods, &moment);
    match arguments.format {
        Format::Text => replayed.say()?,
        Format::Json => give_json(&replayed.json())?,
    }
    Ok(if replayed.changed.is_empty() { Exit::Success } else { Exit::Failure })
}

/// By UID.
fn given_pods(arguments: &Arguments) -> Result<BTreeMap<String, Value>, VerbError> {
    if arguments.pods.is_empty() {
        return Ok(BTreeMap::new());
    }
    let offered = arguments.setting.pods(&arguments.pods)?;
    let by_uid = offered.into_iter().filter_map(|offered| {
        let uid = offered.pod.pointer("/metadata/uid")?.as_str()?.to_owned();
        Some((uid, offered.pod))
    });
    Ok(by_uid.collect())
}

fn replay<'r>(
    policy: &Policy,
    records: &'r Records,
    pods: &BTreeMap<String, Value>,
    moment: &Moment,
) -> Replayed<'r> {
    let mut replayed = Replayed::default();
    for (uid, recorded) in &records.decisions {
        let Some(pod) = pods.get(uid).or_else(|| records.payloads.get(uid)) else {
            replayed.untold.push(recorded);
            continue;
        };
        let now = judge(policy, pod, moment);
        if now.is_allowed == recorded.is_admitted {
            replayed.same = replayed.same.saturating_add(1);
        } else {
            replayed.changed.push(Changed { recorded, now, is_redacted: is_redacted(pod) });
        }
    }
    replayed
}

impl Replayed<'_> {
    fn say(&self) -> Result<(), VerbError> {
        for Changed { recorded, now, is_redacted } in &self.changed {
            let [before, after] = match recorded.is_admitted {
                true => ["admitted", "denied"],
                false => ["denied", "admitted"],
            };
            let doubt =
                if *is_redacted { " (its log is redacted: look at the pod itself)" } else { "" };
            say(&format!("{}: {before} → {after}{doubt}", recorded.title))?;
            say(&format!("  recorded: {}", recorded.reason))?;
            say(&format!("  now:      {}", now.reason))?;
        }
        for recorded in &self.untold {
            say(&format!("{}: cannot be told, the pod is not in what was given", recorded.title))?;
        }
        let (changed, same, untold) = (self.changed.len(), self.same, self.untold.len());
        say(&format!("{changed} would change, {same} stay, {untold} cannot be told"))?;
        Ok(())
    }

    fn json(&self) -> Value {
        let changed = self.changed.iter().map(|Changed { recorded, now, is_redacted }| {
            json!({"pod": recorded.title, "wasAdmitted": recorded.is_admitted,
                "recordedReason": recorded.reason, "policySha256": recorded.policy_digest,
                "wouldBeAdmitted": now.is_allowed, "rule": now.rule, "reason": now.reason,
                "redacted": is_redacted})
        });
        let untold = self.untold.iter().map(|recorded| recorded.title.as_str());
        json!({"changed": changed.collect::<Vec<_>>(), "same": self.same,
            "cannotBeTold": untold.collect::<Vec<_>>()})
    }
}
