//! Declared expectations: pods, and what a policy must say about each. `docs/reference/case-files.md`.
//!
//! A case that names no pod, no expectation or an unknown key is refused, so that none passes because it
//! checks nothing.

use serde::Deserialize;
use serde_json::Value;

use super::judge::{Judgement, Moment, judge};
use crate::manifest::{self, Document, Setting};
use crate::policy::Policy;

/// Stands for the node of cases that name none.
const NODE: &str = "node-1";

/// A case file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct CaseFile {
    /// The policy, relative to this file; by default what the name says: `x.json` for `x.test.json`.
    pub policy: Option<String>,
    /// Where pods run that are given as manifests.
    pub node: Option<String>,
    /// When, RFC 3339; by default now.
    pub now: Option<String>,
    /// Whose signatures count: certificates or public keys, relative to this file.
    #[serde(default)]
    pub certs: Vec<String>,
    cases: Vec<Value>,
}

/// What a policy must do with a pod.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Expected {
    /// Let it run.
    Allow,
    /// Keep it from running.
    Deny,
}

/// One case.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Case {
    /// What is shown here, in words.
    pub name: String,
    /// What the policy must do.
    pub expect: Expected,
    /// The rule that must decide.
    pub rule: Option<String>,
    /// The whole reason.
    pub reason: Option<String>,
    /// A part of the reason.
    pub reason_contains: Option<String>,
    /// The rules in observe mode that would have denied it, all of them.
    pub observed: Option<Vec<String>>,
    /// An exception that must have let it through.
    pub exception: Option<String>,
    /// Instead of the file's.
    pub node: Option<String>,
    /// Instead of the file's.
    pub now: Option<String>,
    /// A pod as the kubelet gets it: nothing is filled in.
    pod: Option<Value>,
    /// A manifest, of which the pods are made.
    manifest: Option<Value>,
}

/// How one case went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The case's name.
    pub name: String,
    /// What is not as declared; empty for a case that passed.
    pub failures: Vec<String>,
}

impl CaseFile {
    /// Reads a file, JSON or YAML.
    ///
    /// # Errors
    /// One line that says where and what.
    pub fn read(bytes: &[u8]) -> Result<Self, String> {
        let mut documents = manifest::read(bytes).map_err(|error| error.to_string())?;
        let document = documents.pop().filter(|_| documents.is_empty());
        let document = document.ok_or("is not one document; write one object with `cases`")?;
        let file: Self = serde_json::from_value(document.value)
            .map_err(|error| format!("{error}; write an object with `cases`"))?;
        if file.cases.is_empty() {
            return Err("cases: is empty, so nothing is tested; write a case".to_owned());
        }
        Ok(file)
    }

    /// All cases, each read.
    ///
    /// # Errors
    /// One line that says which case is wrong.
    pub fn cases(&self) -> Result<Vec<Case>, String> {
        let mut cases: Vec<Case> = Vec::new();
        for (index, case) in self.cases.iter().enumerate() {
            let name = case.get("name").and_then(Value::as_str).unwrap_or("without a name");
            let wrong = |problem: &str| format!("cases[{index}] ({name}): {problem}");
            let case: Case = serde_json::from_value(case.clone())
                .map_err(|error| wrong(&format!("{error}; correct the case")))?;
            if case.pod.is_some() == case.manifest.is_some() {
                return Err(wrong("names not one pod; write either `pod` or `manifest`"));
            }
            if cases.iter().any(|earlier| earlier.name == case.name) {
                return Err(wrong("has the name of an earlier case; rename it"));
            }
            cases.push(case);
        }
        Ok(cases)
    }
}

impl Case {
    /// Asks the policy; `now` is the moment where none is declared, `read_time` reads RFC 3339.
    pub fn run(
        &self,
        policy: &Policy,
        file: &CaseFile,
        now: i64,
        read_time: fn(&str) -> Result<i64, String>,
    ) -> Outcome {
        let failures = self.failures(policy, file, now, read_time);
        let failures = failures.unwrap_or_else(|problem| vec![problem]);
        Outcome { name: self.name.clone(), failures }
    }

    fn failures(
        &self,
        policy: &Policy,
        file: &CaseFile,
        now: i64,
        read_time: fn(&str) -> Result<i64, String>,
    ) -> Result<Vec<String>, String> {
        let now =
            self.now.as_ref().or(file.now.as_ref()).map_or(Ok(now), |text| read_time(text))?;
        let node = self.node.as_deref().or(file.node.as_deref()).unwrap_or(NODE);
        let moment = Moment { now, node: Some(node.to_owned()) };
        let pods = match (&self.pod, &self.manifest) {
            (Some(pod), _) => vec![pod.clone()],
            (None, Some(manifest)) => pods_of(manifest, node)?,
            (None, None) => Vec::new(),
        };
        let judged = pods.iter().map(|pod| judge(policy, pod, &moment));
        Ok(judged.flat_map(|judgement| self.differences(&judgement)).collect())
    }

    fn differences(&self, found: &Judgement) -> Vec<String> {
        let mut differences = Vec::new();
        let mut differs = |what: &str, expected: &str, found: &str| {
            differences.push(format!("{what}: expected {expected}, found {found}"));
        };
        let expected = self.expect == Expected::Allow;
        if expected != found.is_allowed {
            differs("decision", word(expected), &format!("{} ({})", word(!expected), found.reason));
        }
        let rule = found.rule.as_deref().unwrap_or("none");
        if let Some(expected) = self.rule.as_deref().filter(|expected| *expected != rule) {
            differs("rule", expected, rule);
        }
        let reason = found.reason.as_str();
        if let Some(expected) = self.reason.as_deref().filter(|expected| *expected != reason) {
            differs("reason", expected, reason);
        }
        if let Some(part) = self.reason_contains.as_deref().filter(|part| !reason.contains(*part)) {
            differs("reason", &format!("a text with {part:?}"), reason);
        }
        let is_used = |expected: &&str| found.exceptions.iter().any(|name| name == expected);
        if let Some(expected) = self.exception.as_deref().filter(|expected| !is_used(expected)) {
            let used = match found.exceptions.as_slice() {
                [] => "none".to_owned(),
                some => some.join(", "),
            };
            differs("exception", expected, &used);
        }
        let observed: Vec<_> =
            found.observed.iter().map(|(rule, _)| rule.as_deref().unwrap_or("none")).collect();
        if let Some(expected) = self.observed.as_ref().filter(|expected| **expected != observed) {
            differs("observed", &format!("{expected:?}"), &format!("{observed:?}"));
        }
        differences
    }
}

fn word(is_allowed: bool) -> &'static str {
    if is_allowed { "allow" } else { "deny" }
}

fn pods_of(manifest: &Value, node: &str) -> Result<Vec<Value>, String> {
    let setting =
        Setting { node: node.to_owned(), namespace: "default".to_owned(), as_written: false };
    let document = Document { number: 1, line: 1, value: manifest.clone() };
    let found = manifest::pods(&[document], &setting);
    let found = found.map_err(|error| format!("manifest: {error}"))?;
    match found.pods.is_empty() {
        true => Err("manifest: makes no pod; give a pod or a workload".to_owned()),
        false => Ok(found.pods.into_iter().map(|offered| offered.pod).collect()),
    }
}

#[cfg(test)]
mod tests;
