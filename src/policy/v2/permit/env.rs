//! `env`: the variables of a container, each by name, none twice, and none that is not listed.

use std::collections::HashSet;

use super::Reading;
use super::env_source::{EnvSourceRule, may_be_missing};
use super::expansion::Pinned;
use crate::kube_wire::pod_view::EnvVar;
use crate::policy::error::PolicyError;
use crate::policy::explanation::Finding;
use crate::policy::located::Located;
use crate::policy::v2::check::{Check, NOTHING, Unlisted};
use crate::policy::v2::finding::{Fit, Place, finding};
use crate::policy::v2::text_rule::{TextRule, quoted};

const KEYS: [&str; 5] = ["name", "value", "from", "optional", "expandable"];

/// Stands for a value that a log must not show.
const NOT_SHOWN: &str = "another value (not shown)";

/// The variables that a container may have.
#[derive(Clone, Debug, Default)]
pub(in crate::policy) struct EnvRules(Vec<EnvRule>);

/// One variable.
#[derive(Clone, Debug)]
pub(in crate::policy) struct EnvRule {
    name: String,
    source: EnvRuleSource,
    /// It may be missing.
    optional: bool,
}

/// Where a variable's value comes from.
#[derive(Clone, Debug)]
pub(in crate::policy) enum EnvRuleSource {
    /// The pod itself.
    Value(TextRule),
    /// Elsewhere.
    From {
        /// Where.
        source: EnvSourceRule,
        /// Other texts may hold it as `$(NAME)`.
        expandable: bool,
    },
}

impl EnvRules {
    /// Reads the list.
    pub(in crate::policy) fn read(
        at: &Located<'_>,
        reading: &mut Reading<'_>,
    ) -> Result<Self, PolicyError> {
        let mut names = HashSet::new();
        let mut rules = Vec::new();
        for element in at.elements()? {
            let rule = EnvRule::read(&element, reading)?;
            if !names.insert(rule.name.clone()) {
                return Err(element.refuse(format!(
                    "lists {} a second time; write one entry with \"oneOf\"",
                    quoted(&rule.name)
                )));
            }
            rules.push(rule);
        }
        Ok(Self(rules))
    }

    /// Is what this variable holds known?
    pub(super) fn pin(&self, name: &str) -> bool {
        self.find(name).is_some_and(|rule| match &rule.source {
            EnvRuleSource::Value(text) => text.pins(),
            EnvRuleSource::From { expandable, .. } => *expandable,
        })
    }

    /// Are these the variables that the container may and must have?
    pub(super) fn check(
        &self,
        env: &[EnvVar<'_>],
        place: &Place<'_>,
        check: &mut Check<'_>,
    ) -> Fit {
        for (index, variable) in env.iter().enumerate() {
            let place = place.element(index);
            let before = env.get(..index).unwrap_or_default();
            // The kubelet takes the last one, other readers may not.
            let is_first = before.iter().all(|other| other.name != variable.name);
            check.unless(is_first, || {
                let name = place.field("name");
                finding(&name, "each variable once", quoted(variable.name))
            })?;
            match self.find(variable.name) {
                Some(rule) => rule.check(variable, Pinned::new(self, before), &place, check)?,
                None => {
                    let shows = check_shows(check);
                    check.unlisted(false, || unlisted(variable, &place, shows))?;
                }
            }
        }
        let missing = |rule: &&EnvRule| {
            !rule.optional && env.iter().all(|variable| variable.name != rule.name)
        };
        self.0.iter().filter(missing).try_for_each(|rule| {
            check.add(|| {
                let expected = format!("the variable {}", quoted(&rule.name));
                finding(place, expected, NOTHING)
            })
        })
    }

    fn find(&self, name: &str) -> Option<&EnvRule> {
        self.0.iter().find(|rule| rule.name == name)
    }
}

/// A container without any rule for its environment.
pub(super) fn check_unlisted(env: &[EnvVar<'_>], place: &Place<'_>, check: &mut Check<'_>) -> Fit {
    env.iter().enumerate().try_for_each(|(index, variable)| {
        let shows = check_shows(check);
        check.unlisted(false, || unlisted(variable, &place.element(index), shows))
    })
}

fn check_shows(check: &Check<'_>) -> bool {
    check.findings.shows_values()
}

fn unlisted(variable: &EnvVar<'_>, place: &Place<'_>, shows: bool) -> Finding {
    let EnvVar { name, value, value_from } = variable;
    let finding = finding(place, NOTHING, format!("the variable {}", quoted(name)));
    match value_from {
        None if shows => {
            finding.fixed_by("env", vec![serde_json::json!({ "name": name, "value": value })])
        }
        Some(source) if shows => {
            let from = super::env_source::as_rule(source);
            let mut entry = serde_json::json!({ "name": name, "from": from });
            if may_be_missing(source).is_some()
                && let Some(entry) = entry.as_object_mut()
            {
                entry.insert("optional".to_owned(), true.into());
            }
            finding.fixed_by("env", vec![entry])
        }
        None | Some(_) => finding,
    }
}

impl EnvRule {
    fn read(at: &Located<'_>, reading: &mut Reading<'_>) -> Result<Self, PolicyError> {
        let rule = at.object(&KEYS)?;
        let name = rule.required("name", "write the variable's name")?.filled_string()?;
        let source = match (rule.find("value"), rule.find("from")) {
            (Some(value), None) => {
                if let Some(at) = rule.find("expandable") {
                    return Err(at.refuse("is for `from`; a pinned value is expandable anyway"));
                }
                EnvRuleSource::Value(TextRule::read(value, reading.warnings)?)
            }
            (None, Some(from)) => EnvRuleSource::From {
                source: EnvSourceRule::read(from, reading)?,
                expandable: rule.read("expandable", Located::boolean)?.unwrap_or(false),
            },
            (Some(_), Some(_)) | (None, None) => {
                return Err(at.refuse("says not one thing; write either `value` or `from`"));
            }
        };
        let optional = rule.read("optional", Located::boolean)?;
        let optional = optional.unwrap_or(reading.unlisted == Unlisted::Permit);
        Ok(Self { name, source, optional })
    }

    fn check(
        &self,
        variable: &EnvVar<'_>,
        pinned: Pinned<'_>,
        place: &Place<'_>,
        check: &mut Check<'_>,
    ) -> Fit {
        let EnvVar { name: _, value, value_from } = variable;
        let value_place = place.field("value");
        match (&self.source, value_from) {
            (EnvRuleSource::Value(rule), None) => {
                let shows = check_shows(check);
                check.unless(rule.matches(value), || {
                    if shows {
                        finding(&value_place, rule.describe(), quoted(value))
                    } else {
                        finding(&value_place, "the value that the rule permits", NOT_SHOWN)
                    }
                })?;
                match rule.pins() {
                    true => pinned.check(value, &value_place, check),
                    false => Fit::Continue(()),
                }
            }
            (EnvRuleSource::From { source, .. }, Some(from)) => {
                // Beside a source the kubelet ignores the value; nobody writes one by mistake.
                check.unless(value.is_empty(), || {
                    finding(&value_place, NOTHING, "a value beside valueFrom")
                })?;
                let place = place.field("valueFrom");
                source.check(from, &place, check)?;
                let missing = if self.optional { None } else { may_be_missing(from) };
                check.unless(missing.is_none(), || {
                    let kind = place.field(missing.unwrap_or_default());
                    finding(&kind.field("optional"), "false", "true")
                })
            }
            (EnvRuleSource::Value(_), Some(_)) => check.add(|| {
                finding(&place.field("valueFrom"), "a value in the pod itself", "a source")
            }),
            (EnvRuleSource::From { source, .. }, None) => {
                check.add(|| finding(&value_place, source.describe(), "a value in the pod itself"))
            }
        }
    }
}
