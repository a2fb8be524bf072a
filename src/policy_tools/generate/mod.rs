//! A policy of the second version that admits given pods, and as little else as it can.
//!
//! Begins with a rule for each workload that permits its images and nothing more, asks the engine what keeps
//! the pods from fitting, and makes exactly the changes that it names, until they fit. What the engine does
//! not say how to permit is not permitted: the pod is then named, never a part of it passed over.

mod apply;
mod duties;
mod pins;
mod volumes;
mod workload;

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::judge::{self, Moment, judge};
use crate::policy::{Policy, RuleOutcome};
use workload::Workload;

/// Changes make room for further ones: a mount for its volume, an entry for what is in it.
const MAX_ROUNDS: usize = 20;

/// What a pod does not say, and a reader would look for.
const DESCRIPTION: &str = "Made by `kubelet-proxy generate`. Pods do not say who may reach into them (access, kubeletApi), \
                           which contents objects have (pinned) and what is behind claims (persistentVolumes): \
                           nothing here speaks of these.";

const API_ACCESS: &str = "permit.apiAccess";

/// A policy, and what its author should know.
#[derive(Clone, Debug, PartialEq)]
pub struct Generated {
    /// The document.
    pub policy: Value,
    /// One line each: images without a digest, pods that cannot be permitted.
    pub notes: Vec<String>,
    /// Are there pods that it does not admit?
    pub is_partial: bool,
}

/// Makes a policy of this name. `classes` are handlers by the runtime class that stands for them.
pub fn generate(
    name: &str,
    pods: &[Value],
    classes: &BTreeMap<String, String>,
    moment: &Moment,
) -> Generated {
    let mut generator = Generator { name, classes, moment, rules: Vec::new(), notes: Vec::new() };
    let mut is_partial = false;
    for pod in pods {
        if let Err(note) = generator.admit(pod) {
            is_partial = true;
            generator.notes.push(format!("{}: {note}", judge::title(pod)));
        }
    }
    let mut notes = generator.notes.clone();
    notes.dedup();
    Generated { policy: generator.document(&generator.rules), notes, is_partial }
}

struct Generator<'g> {
    name: &'g str,
    classes: &'g BTreeMap<String, String>,
    moment: &'g Moment,
    rules: Vec<Value>,
    notes: Vec<String>,
}

impl Generator<'_> {
    fn document(&self, rules: &[Value]) -> Value {
        let mut document = json!({"apiVersion": "nodeward.dev/v2", "kind": "NodePolicy",
            "name": self.name, "description": DESCRIPTION, "rules": rules});
        if let Some(document) = document.as_object_mut().filter(|_| !self.classes.is_empty()) {
            document.insert("runtimeClasses".to_owned(), json!(self.classes));
        }
        document
    }

    fn load(&self, rules: &[Value]) -> Result<Policy, String> {
        let text = self.document(rules).to_string();
        Policy::parse(text.as_bytes())
            .map(|loaded| loaded.policy)
            .map_err(|error| format!("no rule can be written for it: {error}"))
    }

    /// Makes sure that some rule admits the pod.
    fn admit(&mut self, pod: &Value) -> Result<(), String> {
        let policy = self.load(&self.rules)?;
        if judge(&policy, pod, self.moment).is_allowed {
            return Ok(());
        }
        judge::explain(&policy, pod, self.moment)
            .map_err(|fault| format!("is not sound: {fault}"))?;
        if let Some(class) = pod.pointer("/spec/runtimeClassName").and_then(Value::as_str)
            && !self.classes.contains_key(class)
        {
            return Err(format!(
                "cannot be permitted: nothing says which handler the runtime class {class} is; give it \
                 with --runtime-class {class}=HANDLER"
            ));
        }
        let workload = Workload::of(pod).ok_or("is no pod: it has no name or namespace")?;
        self.note_oddities(pod);
        let taken = |name: &str| self.rules.iter().any(|rule| rule["name"] == name);
        // Pods of one workload that differ, as in the middle of a rollout, get a rule each.
        let names = (1_usize..).map(|number| match number {
            1 => workload.rule_name(),
            _ => format!("{}-{number}", workload.rule_name()),
        });
        let name = names.into_iter().find(|name| !taken(name)).unwrap_or_default();
        let rule = self.fitted(first_rule(&name, &workload, pod), pod, &workload)?;
        self.rules.push(rule);
        Ok(())
    }

    /// The rule with every change that the engine asks for.
    fn fitted(&self, mut rule: Value, pod: &Value, workload: &Workload) -> Result<Value, String> {
        for _ in 0..MAX_ROUNDS {
            let policy = self.load(std::slice::from_ref(&rule))?;
            let explanation = judge::explain(&policy, pod, self.moment)
                .map_err(|fault| format!("is not sound: {fault}"))?;
            let Some(explained) = explanation.rules.into_iter().next() else { break };
            if explained.outcome == RuleOutcome::Decides {
                duties::require(&mut rule);
                return Ok(rule);
            }
            let before = rule.clone();
            let changes = explained.findings.iter().filter_map(|finding| finding.change.as_ref());
            // First: with it the mounts of that volume, whose name is random, need no permit.
            let access = changes.clone().find(|change| change.place == API_ACCESS);
            for change in access.map_or_else(|| changes.collect(), |access| vec![access]) {
                let value = workload.widened(&change.place, &change.value);
                apply::apply(&mut rule, &change.place, &value);
            }
            if rule == before {
                let first = explained.findings.first();
                let reason = first.map(|finding| {
                    format!(
                        "{}: found {}, expected {}",
                        finding.path, finding.found, finding.expected
                    )
                });
                let reason = reason.unwrap_or_else(|| judge(&policy, pod, self.moment).reason);
                return Err(format!("cannot be permitted: {reason}"));
            }
        }
        Err("cannot be permitted: the changes that it needs do not end".to_owned())
    }

    fn note_oddities(&mut self, pod: &Value) {
        for container in containers(pod).flat_map(|(_, list)| list) {
            let image = text(container, "image");
            if !image.contains('@') {
                let note = format!(
                    "{}: the image {image} has no digest: what it names may change; pin it with \
                     @sha256:…",
                    judge::title(pod)
                );
                self.notes.push(note);
            }
            for name in pins::dropped_in_vain(container) {
                self.notes.push(format!(
                    "{}: drops {name}, by which name containerd drops nothing; leave CAP_ out",
                    judge::title(pod)
                ));
            }
        }
    }
}

/// Names, kinds and images of the containers, and what they give up; nothing else is permitted yet.
fn first_rule(name: &str, workload: &Workload, pod: &Value) -> Value {
    let mut entries = Vec::new();
    let mut is_ordered = false;
    for (list, containers) in containers(pod) {
        is_ordered |= list == "initContainers" && containers.len() > 1;
        entries.extend(containers.into_iter().map(|container| entry(list, container, pod)));
    }
    let mut permit = Map::new();
    if is_ordered {
        permit.insert("orderedInit".to_owned(), true.into());
    }
    permit.insert("containers".to_owned(), entries.into());
    let volumes = volumes::composed(pod);
    if !volumes.is_empty() {
        permit.insert("volumes".to_owned(), volumes.into());
    }
    json!({"name": name, "action": "allow", "match": workload.scope(), "permit": permit})
}

fn entry(list: &str, container: &Value, pod: &Value) -> Value {
    let image = text(container, "image");
    let mut images = Map::new();
    images.insert("references".to_owned(), json!([image]));
    if !image.contains('@') {
        images.insert("requireDigest".to_owned(), false.into());
    }
    let kind = match list {
        "initContainers" if container["restartPolicy"] == "Always" => Some("sidecar"),
        "initContainers" => Some("init"),
        "ephemeralContainers" => Some("ephemeral"),
        _ => None,
    };
    let mut entry = Map::new();
    entry.insert("names".to_owned(), json!([text(container, "name")]));
    if let Some(kind) = kind {
        entry.insert("kinds".to_owned(), json!([kind]));
    }
    entry.insert("images".to_owned(), Value::Object(images));
    let ports = host_ports(container);
    if !ports.is_empty() {
        entry.insert("ports".to_owned(), ports.into());
    }
    // A container that somebody added to look into the pod is none that it needs.
    if list != "ephemeralContainers" {
        entry.insert("required".to_owned(), true.into());
    }
    let given_up = pins::given_up(pod, container);
    if !given_up.is_empty() {
        entry.insert("securityContext".to_owned(), Value::Object(given_up));
    }
    Value::Object(entry)
}

/// Ports of the node, each with what it leads to.
fn host_ports(container: &Value) -> Vec<Value> {
    let ports = container.get("ports").and_then(Value::as_array).into_iter().flatten();
    let is_open = |port: &&Value| port["hostPort"].as_i64().is_some_and(|number| number != 0);
    let rule = |port: &Value| {
        let keys = ["hostPort", "containerPort", "hostIP", "protocol"];
        let set = keys.iter().filter_map(|key| Some(((*key).to_owned(), port.get(*key)?.clone())));
        Value::Object(set.collect())
    };
    ports.filter(is_open).map(rule).collect()
}

/// The containers of a pod, list by list.
fn containers(pod: &Value) -> impl Iterator<Item = (&'static str, Vec<&Value>)> {
    ["initContainers", "containers", "ephemeralContainers"].into_iter().map(|list| {
        let containers = pod.pointer(&format!("/spec/{list}")).and_then(Value::as_array);
        (list, containers.into_iter().flatten().collect())
    })
}

fn text<'v>(value: &'v Value, field: &str) -> &'v str {
    value.get(field).and_then(Value::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests;
