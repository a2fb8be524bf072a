//! Holds a pod's containers against the seed's signed policy: the seed's checks, in its order, with
//! its reasons.
//!
//! `containers` come before `initContainers`, and both share one name space. What these checks pass
//! over is matched afterwards, by a permit. This is the wording; that is the wall.

use std::fmt;

use super::seed_policy::{SeedPolicy, SignedContainer, SignedMount, SignedValue, SignedVariable};
use crate::kube_wire::json::Value;
use crate::kube_wire::pod::ContainerKind;
use crate::kube_wire::received_pod::SoundPod;
use crate::policy::verdict::Quoted;

/// What the API server itself adds to pods.
const API_ACCESS_PREFIX: &str = "kube-api-access-";
const API_ACCESS_PATH: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

const LISTS: [&str; 2] = ["containers", "initContainers"];

/// Stands for a value that records must not hold.
const HIDDEN: &str = "[hidden]";

/// The first thing that differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mismatch {
    list: &'static str,
    container: String,
    difference: Difference,
}

#[derive(Clone, PartialEq, Eq)]
enum Difference {
    NotInPolicy,
    Image { found: String, signed: String },
    Command { found: Vec<String>, signed: Vec<String> },
    NoVariable { name: String },
    Variable { name: String, found: String, signed: String, is_regex: bool },
    NoMount { name: String },
    MountPath { name: String, found: String, signed: String },
    ReadOnly { name: String, found: bool, signed: bool },
    Privileged { found: bool, signed: bool },
    Capabilities { found: Vec<String>, signed: Vec<String> },
}

/// The first difference, `None` if there is none.
pub(super) fn mismatch(spec: Value<'_>, policy: &SeedPolicy) -> Option<Mismatch> {
    LISTS.into_iter().find_map(|list| {
        let containers = spec.field(list)?;
        containers.items().find_map(|container| {
            let name = text(container, "name");
            let difference = match policy.container(name) {
                Some(signed) => difference(container, signed)?,
                None => Difference::NotInPolicy,
            };
            Some(Mismatch { list, container: name.to_owned(), difference })
        })
    })
}

/// Names of signed containers that the pod does not have. The seed does not miss them: whoever sends a
/// pod could leave out the one that checks what the others are given.
pub(super) fn missing<'p>(
    pod: &SoundPod<'_>,
    policy: &'p SeedPolicy,
) -> impl Iterator<Item = &'p str> {
    let is_there = |name: &str| {
        let mut containers = pod.pod.containers.iter();
        containers.any(|it| it.name == name && it.kind != ContainerKind::Ephemeral)
    };
    let names = policy.containers().iter().map(|signed| signed.name.as_str());
    names.filter(move |name| !is_there(name))
}

fn difference(container: Value<'_>, signed: &SignedContainer) -> Option<Difference> {
    let image = text(container, "image");
    if image != signed.image {
        let (found, signed) = (image.to_owned(), signed.image.clone());
        return Some(Difference::Image { found, signed });
    }
    command(container, signed)
        .or_else(|| signed.environment.iter().find_map(|one| variable(container, one)))
        .or_else(|| signed.mounts.iter().find_map(|one| mount(container, one)))
        .or_else(|| security(container, signed))
}

fn command(container: Value<'_>, signed: &SignedContainer) -> Option<Difference> {
    let found = texts(container.field("command"));
    (!signed.command.is_empty() && found != signed.command)
        .then(|| Difference::Command { found: owned(&found), signed: signed.command.clone() })
}

/// Of several variables of one name the last counts, as it does for the kubelet.
fn variable(container: Value<'_>, signed: &SignedVariable) -> Option<Difference> {
    let name = signed.name.clone();
    let found = container
        .field("env")
        .into_iter()
        .flat_map(|all| all.items())
        .filter(|one| text(*one, "name") == name && one.field("valueFrom").is_none())
        .last()
        .map(|one| text(one, "value"));
    let Some(found) = found else { return Some(Difference::NoVariable { name }) };
    let fits = signed.value.matches(found);
    let (written, is_regex) = match &signed.value {
        SignedValue::Exact(value) => (value.as_str(), false),
        SignedValue::Pattern(pattern) => (pattern.as_written(), true),
    };
    let (found, signed) = (found.to_owned(), written.to_owned());
    (!fits).then_some(Difference::Variable { name, found, signed, is_regex })
}

/// The values that a signed expression matches of those that the pod's container has for its variable.
pub(super) fn fitting_values<'p>(
    spec: Value<'p>,
    container: &SignedContainer,
    variable: &SignedVariable,
) -> Vec<&'p str> {
    let lists = LISTS.into_iter().filter_map(|list| spec.field(list));
    let containers = lists.flat_map(|list| list.items());
    let own = containers.filter(|it| text(*it, "name") == container.name);
    let env = own.filter_map(|it| it.field("env")).flat_map(|env| env.items());
    let named = env.filter(|it| text(*it, "name") == variable.name);
    named.map(|it| text(it, "value")).filter(|value| variable.value.matches(value)).collect()
}

fn mount(container: Value<'_>, signed: &SignedMount) -> Option<Difference> {
    let name = signed.name.clone();
    let found = container
        .field("volumeMounts")
        .into_iter()
        .flat_map(|mounts| mounts.items())
        .filter(|mount| text(*mount, "name") == name && !is_api_access(*mount))
        .last();
    let Some(found) = found else { return Some(Difference::NoMount { name }) };
    let path = text(found, "mountPath");
    if path != signed.path {
        let (found, signed) = (path.to_owned(), signed.path.clone());
        return Some(Difference::MountPath { name, found, signed });
    }
    let (found, signed) = (flag(found, "readOnly"), signed.read_only);
    (found != signed).then_some(Difference::ReadOnly { name, found, signed })
}

fn is_api_access(mount: Value<'_>) -> bool {
    text(mount, "name").starts_with(API_ACCESS_PREFIX)
        || text(mount, "mountPath") == API_ACCESS_PATH
}

fn security(container: Value<'_>, signed: &SignedContainer) -> Option<Difference> {
    let context = container.field("securityContext");
    let found = context.is_some_and(|context| flag(context, "privileged"));
    if found != signed.privileged {
        return Some(Difference::Privileged { found, signed: signed.privileged });
    }
    let added = context.and_then(|context| context.field("capabilities")?.field("add"));
    let found = texts(added);
    (!same_set(&found, &signed.capabilities)).then(|| Difference::Capabilities {
        found: owned(&found),
        signed: signed.capabilities.clone(),
    })
}

/// The same names in any case and order; the seed takes `[A, A]` for `[A, B]`.
fn same_set(found: &[&str], signed: &[String]) -> bool {
    let upper = |one: &str| one.to_uppercase();
    let mut found: Vec<_> = found.iter().map(|one| upper(one)).collect();
    let mut signed: Vec<_> = signed.iter().map(|one| upper(one)).collect();
    found.sort_unstable();
    signed.sort_unstable();
    found == signed
}

fn text<'a>(object: Value<'a>, key: &str) -> &'a str {
    object.field(key).and_then(|value| value.as_str()).unwrap_or_default()
}

fn flag(object: Value<'_>, key: &str) -> bool {
    object.field(key).and_then(|value| value.as_bool()).unwrap_or_default()
}

fn texts(list: Option<Value<'_>>) -> Vec<&str> {
    list.iter().flat_map(Value::items).filter_map(|one| one.as_str()).collect()
}

fn owned(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

impl Mismatch {
    pub(super) fn write(&self, out: &mut fmt::Formatter<'_>, shows_values: bool) -> fmt::Result {
        let Self { list, container, difference } = self;
        write!(out, "{list} '{}'", Quoted(container))?;
        if *difference != Difference::NotInPolicy {
            out.write_str(": ")?;
        }
        difference.write(out, shows_values)
    }
}

impl Difference {
    fn write(&self, out: &mut fmt::Formatter<'_>, shows_values: bool) -> fmt::Result {
        let shown = |value| Quoted(if shows_values { value } else { HIDDEN });
        match self {
            Self::NotInPolicy => out.write_str(" not found in policy"),
            Self::Image { found, signed } => {
                let (found, signed) = (Quoted(found), Quoted(signed));
                write!(out, "image '{found}' does not match policy image '{signed}'")
            }
            Self::Command { found, signed } => {
                let (found, signed) = (Listed(found), Listed(signed));
                write!(out, "command {found} does not match policy command {signed}")
            }
            Self::NoVariable { name } => {
                write!(out, "env var '{}' required by policy but not found in pod", Quoted(name))
            }
            Self::Variable { name, found, signed, is_regex } => {
                let kind = if *is_regex { "regex" } else { "value" };
                let (name, found, signed) = (Quoted(name), shown(found), shown(signed));
                write!(
                    out,
                    "env var '{name}' value '{found}' does not match policy {kind} '{signed}'"
                )
            }
            Self::NoMount { name } => {
                let name = Quoted(name);
                write!(out, "volume mount '{name}' required by policy but not found in pod")
            }
            Self::MountPath { name, found, signed } => {
                let (name, found, signed) = (Quoted(name), Quoted(found), Quoted(signed));
                write!(
                    out,
                    "volume mount '{name}' mountPath '{found}' does not match policy '{signed}'"
                )
            }
            Self::ReadOnly { name, found, signed } => {
                let name = Quoted(name);
                write!(
                    out,
                    "volume mount '{name}' readOnly={found} does not match policy readOnly={signed}"
                )
            }
            Self::Privileged { found, signed } => {
                write!(out, "privileged={found} does not match policy privileged={signed}")
            }
            Self::Capabilities { found, signed } => {
                let (found, signed) = (Listed(found), Listed(signed));
                write!(out, "capabilities {found} do not match policy capabilities {signed}")
            }
        }
    }
}

impl fmt::Debug for Difference {
    /// As records have it: a value must not get into a log by way of `{:?}` either.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(out, false)
    }
}

/// A list as Go prints it: `[a b]`.
struct Listed<'l>(&'l [String]);

impl fmt::Display for Listed<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        /// More elements than anyone reads in a status message.
        const MOST: usize = 16;
        out.write_str("[")?;
        for (index, text) in self.0.iter().take(MOST).enumerate() {
            if index > 0 {
                out.write_str(" ")?;
            }
            write!(out, "{}", Quoted(text))?;
        }
        if self.0.len() > MOST {
            out.write_str(" …")?;
        }
        out.write_str("]")
    }
}
