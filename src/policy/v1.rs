//! The first version of the language, the seed's: the first rule that matches decides.

use super::error::{PolicyError, Warnings};
use super::load::MAX_RULES;
use super::located::{Located, Object, quoted};
use super::pod_images::Subject;
use super::rules::rule::{Action, Rule};
use super::verdict::{Grounds, Verdict};
use crate::kube_wire::pod::Pod;

const KEYS: [&str; 3] = ["name", "defaultAction", "rules"];

/// The document that [`SeedRules::allow_all`] stands for.
pub(super) const ALLOW_ALL: &str =
    r#"{"name":"allow-all-pods","defaultAction":"allow","rules":[]}"#;

/// Rules in their order, and what happens to a pod that none of them matches.
#[derive(Clone, Debug)]
pub(super) struct SeedRules {
    default_action: Action,
    rules: Vec<Rule>,
}

impl SeedRules {
    /// Reads a document without `apiVersion`: its name, if it has one, and its rules.
    pub(super) fn read(
        document: &Located<'_>,
        warnings: &mut Warnings,
    ) -> Result<(Option<String>, Self), PolicyError> {
        let policy = document.object(&KEYS)?;
        let name = policy.find("name").map(Located::name).transpose()?;
        if name.is_none() {
            warnings.add(document, "has no name, so records cannot tell it; add a `name`");
        }
        let default_action = read_default_action(&policy)?;
        let rules = Self { default_action, rules: read_rules(&policy, warnings)? };
        if rules.rules.is_empty() && default_action == Action::Allow {
            warnings.add(document, "has no rules and allows by default, so every pod may run");
        }
        Ok((name, rules))
    }

    /// Admits every pod.
    pub(super) fn allow_all() -> Self {
        Self { default_action: Action::Allow, rules: Vec::new() }
    }

    /// Names of the rules, in order.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.rules.iter().map(Rule::name)
    }

    /// The verdict of the first rule that matches, else of the default action.
    pub(super) fn verdict<'v>(&'v self, pod: &'v Pod<'v>) -> Verdict<'v> {
        let subject = Subject::new(pod);
        self.rules.iter().find_map(|rule| rule.verdict(&subject)).unwrap_or(
            match self.default_action {
                Action::Allow => Verdict::Allow(Grounds::DefaultAction),
                Action::Deny => Verdict::Deny(Grounds::DefaultAction),
            },
        )
    }
}

fn read_default_action(policy: &Object<'_>) -> Result<Action, PolicyError> {
    let invalid = |word| format!("invalid default action: {word} (must be 'allow' or 'deny')");
    let Some(at) = policy.find("defaultAction") else {
        let missing = invalid(String::new());
        return Err(policy.at().missing("defaultAction", &missing));
    };
    let word = at.string()?;
    Action::parse(&word).ok_or_else(|| at.refuse(invalid(word.escape_debug().to_string())))
}

fn read_rules(policy: &Object<'_>, warnings: &mut Warnings) -> Result<Vec<Rule>, PolicyError> {
    let elements = policy.find("rules").map_or(Ok(Vec::new()), Located::elements_or_none)?;
    if elements.len() > MAX_RULES {
        let count = elements.len();
        return Err(policy.at().refuse(format!("has {count} rules; the limit is {MAX_RULES}")));
    }
    let mut rules: Vec<Rule> = Vec::new();
    let mut names = std::collections::HashSet::new();
    let mut last: Option<String> = None;
    for (index, element) in elements.iter().enumerate() {
        let rule = Rule::read(element, index, warnings)?;
        let name = quoted(rule.name());
        if !names.insert(rule.name().to_owned()) {
            warnings.add(element, format!("has the name {name} of an earlier rule; rename"));
        }
        if let Some(last) = &last {
            warnings.add(element, format!("is never reached: rule {last} matches every pod"));
        } else if rule.catches_everything() {
            last = Some(name);
        }
        rules.push(rule);
    }
    Ok(rules)
}
