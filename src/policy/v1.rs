//! The first version of the language, the seed's: the first rule that matches decides.

use super::error::{PolicyError, Warnings};
use super::explanation::{Explanation, RuleOutcome};
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

    /// Admits no pod.
    pub(super) fn deny_all() -> Self {
        Self { default_action: Action::Deny, rules: Vec::new() }
    }

    /// Does a pod that no rule matches run?
    pub(super) fn allow_by_default(&self) -> bool {
        self.default_action == Action::Allow
    }

    /// Names of the rules, in order.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.rules.iter().map(Rule::name)
    }

    /// What each rule says about the pod.
    pub(super) fn explain(&self, pod: &Pod<'_>) -> Explanation {
        let subject = Subject::new(pod);
        let mut is_decided = false;
        let mut rules = Vec::new();
        for rule in &self.rules {
            let explained = rule.explain(&subject, is_decided);
            is_decided |= explained.outcome == RuleOutcome::Decides;
            rules.push(explained);
        }
        Explanation { rules }
    }

    /// The verdict of the first rule that matches.
    pub(super) fn first_match<'v>(&'v self, pod: &'v Pod<'v>) -> Option<Verdict<'v>> {
        let subject = Subject::new(pod);
        self.rules.iter().find_map(|rule| rule.verdict(&subject))
    }

    /// What becomes of a pod that no rule matches.
    pub(super) fn default_verdict(&self) -> Verdict<'_> {
        match self.default_action {
            Action::Allow => Verdict::Allow(Grounds::DefaultAction),
            Action::Deny => Verdict::Deny(Grounds::DefaultAction),
        }
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
            warnings
                .unreachable(element, format!("is never reached: rule {last} matches every pod"));
        } else if rule.catches_everything() {
            last = Some(name);
        }
        rules.push(rule);
    }
    Ok(rules)
}

#[cfg(test)]
mod tests {
    use crate::kube_wire::pod::{Container, Pod};
    use crate::policy::sample_pods::{container, harmless_pod, pod_with_container};
    use crate::policy::{Document, Policy, RuleExplanation, RuleOutcome};

    fn explain(rules: &str, pod: &Pod<'_>) -> Vec<RuleExplanation> {
        let text = format!(r#"{{"name":"n","defaultAction":"deny","rules":[{rules}]}}"#);
        let policy = Policy::parse(text.as_bytes()).unwrap().policy;
        let Document::V1(rules) = &policy.document else { panic!("it is of the first version") };
        rules.explain(pod).rules
    }

    #[test]
    fn every_rule_is_explained_and_one_decides() {
        let rules = r#"
            {"name":"a","action":"deny","match":{"namespaces":["kube-*"],"namespaceRegex":"^k",
              "labels":{"x":"y"}}},
            {"name":"b","action":"deny","match":{"security":{"denyHostPath":true}}},
            {"name":"c","action":"deny","match":{"images":{"requireDigest":true},
              "security":{"denyPrivileged":true}}},
            {"name":"d","action":"allow","match":{}}"#;
        let mut pod = pod_with_container(|container| container.privileged = true);
        pod.containers.insert(0, Container { name: "other", ..container("busybox:1") });
        let explained = explain(rules, &pod);
        let outcomes: Vec<_> = explained.iter().map(|rule| rule.outcome).collect();
        assert_eq!(
            outcomes,
            [
                RuleOutcome::OutOfScope,
                RuleOutcome::DoesNotApply,
                RuleOutcome::Decides,
                RuleOutcome::Overruled
            ]
        );
        let paths = |rule: usize| -> Vec<&str> {
            explained[rule].findings.iter().map(|finding| finding.path.as_str()).collect()
        };
        assert_eq!(
            paths(0),
            ["metadata.namespace", "metadata.namespace", "metadata.labels[\"x\"]"]
        );
        assert_eq!(
            paths(2),
            [
                "spec.containers[0].image",
                "spec.containers[1].image",
                "spec.containers[1].securityContext.privileged"
            ]
        );
        assert!(explained[2].findings[1].found.contains("'nginx' does not have a digest"));
    }

    #[test]
    fn what_is_explained_is_what_is_decided() {
        let rules = r#"{"name":"a","action":"deny","match":{"security":{"denyRunAsRoot":true}}}"#;
        for user in [None, Some(0), Some(1000)] {
            let mut pod = harmless_pod();
            pod.security.run_as_user = user;
            let decides = explain(rules, &pod)[0].outcome == RuleOutcome::Decides;
            assert_eq!(decides, user != Some(1000), "{user:?}");
        }
    }
}
