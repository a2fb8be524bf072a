//! The document of the second version, read as a whole or not at all.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};

use super::NodePolicy;
use super::access::KubeletApi;
use super::exception::Exception;
use super::objects::ObjectRules;
use super::permit::PodPermit;
use super::rule::{Rule, read_mode};
use super::text_rule::{quoted, read_word};
use super::unknown_fields;
use crate::kube_wire::received_object::ObjectKind;
use crate::policy::error::{PolicyError, Warnings};
use crate::policy::load::MAX_RULES;
use crate::policy::located::{Located, Object};
use crate::policy::signed::settings::SignedPods;

/// What `apiVersion` says.
pub(in crate::policy) const API_VERSION: &str = "nodeward.dev/v2";

const KEYS: [&str; 11] = [
    "$schema",
    "apiVersion",
    "kind",
    "name",
    "description",
    "mode",
    "rules",
    "exceptions",
    "allowUnknownFields",
    "kubeletApi",
    "signedPods",
];

/// Each costs about a tenth of a millisecond when the policy loads.
const MAX_EXPRESSIONS: usize = 256;

/// Each pod that no rule permits meets every one of them.
const MAX_EXCEPTIONS: usize = 100;

impl NodePolicy {
    /// Reads a document of this version: its name, and what it says.
    pub(in crate::policy) fn read(
        document: &Located<'_>,
        warnings: &mut Warnings,
    ) -> Result<(String, Self), PolicyError> {
        let block = document.object(&[&KEYS[..], &ObjectRules::KEYS[..]].concat())?;
        let remedy = "write \"kind\": \"NodePolicy\"";
        read_word(block.required("kind", remedy)?, &["NodePolicy"])?;
        let name = block.required("name", "records tell policies by it; add one")?.name()?;
        block.read("description", Located::string)?;
        // For editors, which find the schema by it.
        block.read("$schema", Located::string)?;
        let observes = read_mode(&block, warnings)?;
        let rules_at = block.required("rules", "a policy without rules permits nothing")?;
        let mut names = HashSet::new();
        let rules = read_rules(rules_at, &mut names, warnings)?;
        let exceptions = read_exceptions(&block, &rules, &mut names, warnings)?;
        let kubelet_api = block.read("kubeletApi", |at| KubeletApi::read(at, warnings))?;
        let permits = rules.iter().any(|rule| !rule.denies());
        if !permits && exceptions.iter().all(|it| it.permit.is_none()) {
            warnings.add(rules_at, "holds no allow rule, so every pod is denied; add one");
        }
        let objects = ObjectRules::read(&block, warnings)?;
        let unknown_fields =
            block.read("allowUnknownFields", unknown_fields::read)?.unwrap_or_default();
        let signed_pods = block.read("signedPods", |at| SignedPods::read(at, warnings))?;
        if !objects.as_ref().is_some_and(|objects| objects.cover(ObjectKind::RuntimeClass)) {
            refuse_loose_classes(rules_at, &rules, &exceptions)?;
            let signed = signed_pods.as_ref().filter(|it| it.names_runtime_classes());
            let at = block.find("signedPods").filter(|_| signed.is_some());
            at.map_or(Ok(()), |at| Err(at.refuse(LOOSE_CLASSES)))?;
        }
        let policy =
            Self { observes, rules, exceptions, objects, unknown_fields, kubelet_api, signed_pods };
        Ok((name, policy))
    }
}

/// The API server says what a runtime class stands for: to permit one by name alone is to permit any.
const LOOSE_CLASSES: &str = "permit runtime classes whose handlers nobody pins; add \
                             `\"runtimeClasses\": {\"class\": \"handler\"}` to the document";

/// For a document that pins no handlers.
fn refuse_loose_classes(
    at: &Located<'_>,
    rules: &[Rule],
    exceptions: &[Exception],
) -> Result<(), PolicyError> {
    let excepting = exceptions.iter().filter_map(|exception| exception.permit.as_deref());
    let mut permits = rules.iter().filter_map(Rule::permit).chain(excepting);
    match permits.any(PodPermit::names_runtime_classes) {
        true => Err(at.refuse(LOOSE_CLASSES)),
        false => Ok(()),
    }
}

fn read_rules(
    at: &Located<'_>,
    names: &mut HashSet<String>,
    warnings: &mut Warnings,
) -> Result<Vec<Rule>, PolicyError> {
    let elements = at.elements_or_none()?;
    if elements.len() > MAX_RULES {
        let count = elements.len();
        return Err(at.refuse(format!("has {count} rules; the limit is {MAX_RULES}")));
    }
    let mut rules: Vec<Rule> = Vec::new();
    for element in &elements {
        let rule = Rule::read(element, warnings)?;
        take_name(&rule.name, element, names)?;
        rules.push(rule);
    }
    let expressions = rules.iter().map(Rule::expressions).fold(0, usize::saturating_add);
    if expressions > MAX_EXPRESSIONS {
        let problem = format!("has {expressions} expressions; the limit is {MAX_EXPRESSIONS}");
        return Err(at.refuse(problem));
    }
    warn_of_unreachable(&elements, &rules, warnings);
    Ok(rules)
}

/// Two rules of one name could not be told apart in records and metrics.
fn take_name(name: &str, at: &Located<'_>, names: &mut HashSet<String>) -> Result<(), PolicyError> {
    match names.insert(name.to_owned()) {
        true => Ok(()),
        false => Err(at.refuse(format!("has the name {} of an earlier one; rename", quoted(name)))),
    }
}

fn warn_of_unreachable(elements: &[Located<'_>], rules: &[Rule], warnings: &mut Warnings) {
    let denies_all = rules
        .iter()
        .position(|rule| rule.denies() && rule.is_final() && rule.scope.is_everything());
    let mut twins: HashMap<String, &str> = HashMap::new();
    for (index, (rule, at)) in rules.iter().zip(elements).enumerate() {
        if let Some(by) = denies_all.filter(|by| *by != index).and_then(|by| rules.get(by)) {
            let by = quoted(&by.name);
            warnings.unreachable(at, format!("is never reached: rule {by} denies every pod"));
        }
        match twins.entry(what_it_says(at)) {
            Entry::Occupied(twin) => {
                let twin = quoted(twin.get());
                warnings.unreachable(at, format!("decides nothing: rule {twin} says the same"));
            }
            Entry::Vacant(vacant) => {
                vacant.insert(&rule.name);
            }
        }
        if !rule.denies() && rule.observes && rule.scope.is_everything() {
            warnings.broad(at, "observes and is about every pod, so every pod may run");
        }
    }
}

/// The text of a rule without what only people read.
fn what_it_says(at: &Located<'_>) -> String {
    let members = at.members().unwrap_or_default();
    let said = members.iter().filter(|(key, _)| !matches!(key.as_str(), "name" | "description"));
    said.map(|(key, value)| format!("{key}:{};", value.raw())).collect()
}

fn read_exceptions(
    block: &Object<'_>,
    rules: &[Rule],
    names: &mut HashSet<String>,
    warnings: &mut Warnings,
) -> Result<Vec<Exception>, PolicyError> {
    let denying = rules.iter().filter(|rule| rule.denies());
    let denying: Vec<_> = denying.map(|rule| rule.name.as_str()).collect();
    let exceptions = block.list("exceptions", |at| {
        let exception = Exception::read(at, &denying, warnings)?;
        take_name(&exception.name, at, names)?;
        Ok(exception)
    })?;
    let exceptions = exceptions.unwrap_or_default();
    match exceptions.len() <= MAX_EXCEPTIONS {
        true => Ok(exceptions),
        false => Err(block
            .at()
            .refuse(format!("has {} exceptions; the limit is {MAX_EXCEPTIONS}", exceptions.len()))),
    }
}
