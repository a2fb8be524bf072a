//! `diff`: what differs between two policies, and for which pods that matters.

use std::path::PathBuf;

use clap::ValueEnum;
use serde_json::{Value, json};

use super::exit_code::Exit;
use super::input::{self, PodSetting};
use super::signers::Signers;
use super::terminal::{give_json, say};
use super::verb_error::VerbError;
use crate::manifest::OfferedPod;
use crate::policy::{MAX_POLICY_BYTES, Policy};
use crate::policy_tools::compare::{Change, Difference, compare};
use crate::policy_tools::judge::{self, Judgement, Moment, judge};

/// Compare two policies by what they mean
///
/// Settings, rules by name and their order; with manifests also the pods whose verdict changes.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  kubelet-proxy diff old.json policy.json
  kubelet-proxy diff old.json policy.json web.yaml
  kubelet-proxy diff --policy-verification-cert signer.crt old.json policy.json web.yaml

Exit codes: 0 no difference (with manifests: no verdict changes), 1 differences, 64 usage, 78 a file
cannot be used.")]
pub(super) struct Arguments {
    /// The policy in force, JSON
    old: PathBuf,
    /// The policy that is to replace it, JSON
    new: PathBuf,
    /// Manifests, YAML or JSON; - is standard input
    #[arg(value_name = "MANIFEST")]
    manifests: Vec<PathBuf>,
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

/// A pod on which the two do not agree.
pub(super) struct ChangedVerdict {
    pub(super) title: String,
    pub(super) source: String,
    pub(super) before: Judgement,
    pub(super) after: Judgement,
}

pub(super) fn execute(arguments: &Arguments) -> Result<Exit, VerbError> {
    let moment = arguments.setting.moment();
    let [old, new] = [&arguments.old, &arguments.new].map(|file| {
        let text = input::read(file, MAX_POLICY_BYTES)?;
        let loaded = Policy::parse(&text)
            .map_err(|error| VerbError::bad(format!("{}: {error}", file.display())))?;
        Ok::<_, VerbError>((text, arguments.signers.beside(file, loaded.policy, moment.now)?))
    });
    let ((old_text, old), (new_text, new)) = (old?, new?);
    let differences = compare(&old_text, &new_text).map_err(VerbError::bad)?;
    let pods = match arguments.manifests.is_empty() {
        true => Vec::new(),
        false => arguments.setting.pods(&arguments.manifests)?,
    };
    let verdicts = pods.iter().filter_map(|pod| changed(&old, &new, pod, &moment));
    let verdicts: Vec<_> = verdicts.collect();
    match arguments.format {
        Format::Json => give_json(&json!({
            "differences": differences.iter().map(difference_json).collect::<Vec<_>>(),
            "pods": pods.len(),
            "changedVerdicts": verdicts.iter().map(ChangedVerdict::json).collect::<Vec<_>>(),
        }))?,
        Format::Text => {
            for line in differences.iter().flat_map(difference_lines) {
                say(&line)?;
            }
            for line in verdicts.iter().flat_map(ChangedVerdict::lines) {
                say(&line)?;
            }
            if !pods.is_empty() {
                say(&format!("{} of {} pods change their verdict", verdicts.len(), pods.len()))?;
            }
        }
    }
    let differ = if pods.is_empty() { !differences.is_empty() } else { !verdicts.is_empty() };
    Ok(if differ { Exit::Failure } else { Exit::Success })
}

fn changed(
    old: &Policy,
    new: &Policy,
    offered: &OfferedPod,
    moment: &Moment,
) -> Option<ChangedVerdict> {
    let [before, after] = [old, new].map(|policy| judge(policy, &offered.pod, moment));
    let (title, source) = (judge::title(&offered.pod), offered.source.clone());
    (before.is_allowed != after.is_allowed).then_some(ChangedVerdict {
        title,
        source,
        before,
        after,
    })
}

impl ChangedVerdict {
    pub(super) fn lines(&self) -> [String; 3] {
        let word = |judgement: &Judgement| if judgement.is_allowed { "admitted" } else { "denied" };
        [
            format!(
                "{} ({}): {} → {}",
                self.title,
                self.source,
                word(&self.before),
                word(&self.after)
            ),
            format!("  before: {}", self.before.reason),
            format!("  after:  {}", self.after.reason),
        ]
    }

    pub(super) fn json(&self) -> Value {
        let side = |judgement: &Judgement| {
            json!({"allowed": judgement.is_allowed, "rule": judgement.rule,
                "reason": judgement.reason})
        };
        json!({"pod": self.title, "source": self.source, "before": side(&self.before),
            "after": side(&self.after)})
    }
}

fn difference_lines(difference: &Difference) -> Vec<String> {
    let subject = &difference.subject;
    match &difference.change {
        Change::Added => vec![format!("+ {subject}")],
        Change::Removed => vec![format!("- {subject}")],
        Change::Reordered => vec![format!("~ {subject}: in another order")],
        Change::Changed(places) => places
            .iter()
            .map(|(path, before, after)| {
                let at = if path.is_empty() { String::new() } else { format!(" {path}") };
                format!("~ {subject}{at}: {before} → {after}")
            })
            .collect(),
    }
}

fn difference_json(difference: &Difference) -> Value {
    let subject = &difference.subject;
    match &difference.change {
        Change::Added => json!({"subject": subject, "change": "added"}),
        Change::Removed => json!({"subject": subject, "change": "removed"}),
        Change::Reordered => json!({"subject": subject, "change": "reordered"}),
        Change::Changed(places) => {
            let place = |(path, before, after): &(String, Value, Value)| json!({"path": path, "before": before, "after": after});
            json!({"subject": subject, "change": "changed",
                "places": places.iter().map(place).collect::<Vec<_>>()})
        }
    }
}
