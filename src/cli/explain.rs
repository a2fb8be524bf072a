//! `explain`: what each rule of a policy says about each pod, and what would have to change.

use std::path::PathBuf;

use clap::ValueEnum;
use serde_json::{Value, json};

use super::exit_code::Exit;
use super::input::PodSetting;
use super::signers::Signers;
use super::terminal::{give_json, say};
use super::verb_error::VerbError;
use crate::manifest::OfferedPod;
use crate::policy::{Change, Explanation, Finding, Policy, RuleExplanation, RuleOutcome};
use crate::policy_tools::judge::{self, Judgement, Moment, judge};

/// Explain rule by rule what a policy says about pods
///
/// Each rule with its outcome; for a rule that denies, is not about the pod or does not permit all of it:
/// the field, what was found there, what was expected, and the least change of the rule that would admit
/// it. Values of the environment are shown.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  kubelet-proxy explain policy.json web.yaml
  kubectl get pod web -o json | kubelet-proxy explain policy.json -
  kubelet-proxy explain --format json policy.json web.yaml
  kubelet-proxy explain --policy-verification-cert signer.crt policy.json web.yaml

Exit codes: 0 all pods would be admitted, 1 some would not, 64 usage, 78 a file cannot be used.")]
pub(super) struct Arguments {
    /// The policy, JSON
    policy: PathBuf,
    /// Manifests, YAML or JSON; - is standard input
    #[arg(required = true, value_name = "MANIFEST")]
    manifests: Vec<PathBuf>,
    /// Show all rules, not only those that tell why
    #[arg(long)]
    all: bool,
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

/// A pod, the decision on it, and what leads there.
struct Explained<'p> {
    offered: &'p OfferedPod,
    judgement: Judgement,
    explanation: Explanation,
}

pub(super) fn execute(arguments: &Arguments) -> Result<Exit, VerbError> {
    let moment = arguments.setting.moment();
    let policy = arguments.signers.policy(&arguments.policy, moment.now)?;
    let pods = arguments.setting.pods(&arguments.manifests)?;
    let explained: Vec<_> = pods.iter().map(|pod| explain(&policy, pod, &moment)).collect();
    match arguments.format {
        Format::Json => {
            let pods: Vec<_> = explained.iter().map(Explained::json).collect();
            give_json(&json!({ "pods": pods }))?;
        }
        Format::Text => {
            for one in &explained {
                one.say(arguments.all)?;
            }
        }
    }
    let are_admitted = explained.iter().all(|one| one.judgement.is_allowed);
    Ok(if are_admitted { Exit::Success } else { Exit::Failure })
}

fn explain<'p>(policy: &Policy, offered: &'p OfferedPod, moment: &Moment) -> Explained<'p> {
    let judgement = judge(policy, &offered.pod, moment);
    // A pod that is not sound is denied before any rule is asked: its judgement says so.
    let explanation = judge::explain(policy, &offered.pod, moment).unwrap_or_default();
    Explained { offered, judgement, explanation }
}

/// Lines that `why-refused` shows as well.
pub(super) fn lines(policy: &Policy, pod: &Value, moment: &Moment) -> Vec<String> {
    let judgement = judge(policy, pod, moment);
    let explanation = judge::explain(policy, pod, moment).unwrap_or_default();
    let mut lines = decision_lines(&judgement);
    lines.extend(rule_lines(&explanation, false));
    lines
}

impl Explained<'_> {
    fn say(&self, all: bool) -> Result<(), VerbError> {
        say(&format!("{} ({})", judge::title(&self.offered.pod), self.offered.source))?;
        for line in decision_lines(&self.judgement) {
            say(&line)?;
        }
        for line in rule_lines(&self.explanation, all) {
            say(&line)?;
        }
        Ok(())
    }

    fn json(&self) -> Value {
        let Judgement { is_allowed, rule, reason, observed, exceptions } = &self.judgement;
        let observed: Vec<_> =
            observed.iter().map(|(rule, reason)| json!({"rule": rule, "reason": reason})).collect();
        let rules: Vec<_> = self.explanation.rules.iter().map(rule_json).collect();
        json!({"pod": judge::title(&self.offered.pod), "source": self.offered.source,
            "allowed": is_allowed, "rule": rule, "reason": reason, "observed": observed,
            "exceptions": exceptions, "rules": rules})
    }
}

fn decision_lines(judgement: &Judgement) -> Vec<String> {
    let word = if judgement.is_allowed { "admitted" } else { "denied" };
    let mut lines = vec![format!("  {word}: {}", judgement.reason)];
    let observed = judgement.observed.iter();
    lines.extend(observed.map(|(_, reason)| format!("  only observed: {reason}")));
    let exceptions = judgement.exceptions.iter();
    lines.extend(exceptions.map(|name| format!("  by exception '{name}'")));
    lines
}

/// Rules that are not about the pod are left out, unless all are asked for.
fn rule_lines(explanation: &Explanation, all: bool) -> Vec<String> {
    let is_shown = |rule: &&RuleExplanation| match rule.outcome {
        RuleOutcome::Decides | RuleOutcome::Observes => true,
        RuleOutcome::DoesNotApply => all || !rule.findings.is_empty(),
        RuleOutcome::OutOfScope => all,
        // What it objects to is next, once the rule before it is satisfied.
        RuleOutcome::Overruled => all || !rule.findings.is_empty(),
    };
    let shown = explanation.rules.iter().filter(is_shown);
    let mut lines = Vec::new();
    for rule in shown {
        let outcome = match rule.outcome {
            RuleOutcome::Decides => "decides",
            RuleOutcome::DoesNotApply => "does not apply",
            RuleOutcome::Observes => "would deny, but only observes",
            RuleOutcome::OutOfScope => "is not about this pod",
            RuleOutcome::Overruled => "would be next",
        };
        lines.push(format!("  {} rule '{}' {outcome}", rule.effect.as_str(), rule.name));
        for finding in &rule.findings {
            lines.push(format!("    {}", finding.path));
            lines.push(format!("      found    {}", finding.found));
            lines.push(format!("      expected {}", finding.expected));
            lines.extend(change_line(finding));
        }
    }
    let left_out = explanation.rules.iter().filter(|rule| !is_shown(rule)).count();
    if left_out > 0 {
        lines.push(format!("  and {left_out} more, which do not matter here: --all shows them"));
    }
    lines
}

fn change_line(finding: &Finding) -> Option<String> {
    finding.change.as_ref().map(|change| format!("      change   {change}"))
}

fn rule_json(rule: &RuleExplanation) -> Value {
    let RuleExplanation { name, effect, outcome, findings } = rule;
    let findings: Vec<_> = findings
        .iter()
        .map(|Finding { path, expected, found, change }| {
            let change = change
                .as_ref()
                .map(|Change { place, value }| json!({"place": place, "value": value}));
            json!({"path": path, "expected": expected, "found": found, "change": change})
        })
        .collect();
    json!({"name": name, "effect": effect.as_str(), "outcome": outcome.as_str(),
        "findings": findings})
}
