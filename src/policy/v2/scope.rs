//! `match`: which pods a rule is about. Every criterion must hold; without any it is about all pods.
//!
//! Labels, annotations and owners are the API server's word: they choose between rules, and what a
//! pod may be is the rule's to say.

use super::check::{Check, Unlisted};
use super::finding::{Findings, Fit, Place, finding};
use super::names::Names;
use super::subject::Subject;
use super::text_rule::{TextRule, quoted};
use crate::kube_wire::pod::StringMap;
use crate::policy::error::{PolicyError, Warnings};
use crate::policy::located::Located;

const KEYS: [&str; 6] =
    ["namespaces", "podNames", "labels", "annotations", "serviceAccounts", "ownerKinds"];

/// What the API server says of a pod, and could leave out without the pod running otherwise.
const WORDS: [&str; 3] = ["labels", "annotations", "ownerKinds"];

/// Points out the criteria by which a pod gets around a deny rule: the API server leaves them out.
pub(super) fn warn_of_escapes(
    at: &Located<'_>,
    warnings: &mut Warnings,
) -> Result<(), PolicyError> {
    for (key, value) in at.members()? {
        if WORDS.contains(&key.as_str()) {
            warnings.add(
                &value,
                "is the API server's word: it escapes this deny rule by leaving that out; say which pods \
                 by namespaces, podNames or serviceAccounts, and what they must not be in `unless`",
            );
        }
    }
    Ok(())
}

/// The criteria of one rule.
#[derive(Clone, Debug, Default)]
pub(in crate::policy) struct Scope {
    namespaces: Option<Names>,
    pod_names: Option<Names>,
    labels: Vec<(String, TextRule)>,
    annotations: Vec<(String, TextRule)>,
    service_accounts: Option<Names>,
    owner_kinds: Option<Names>,
}

impl Scope {
    /// Reads the block.
    pub(in crate::policy) fn read(
        at: &Located<'_>,
        warnings: &mut Warnings,
    ) -> Result<Self, PolicyError> {
        let block = at.object(&KEYS)?;
        let mut entries = |key| block.read(key, |at| read_entries(at, warnings));
        let (labels, annotations) = (entries("labels")?, entries("annotations")?);
        Ok(Self {
            namespaces: block.read("namespaces", Names::read_labels)?,
            pod_names: block.read("podNames", Names::read_subdomains)?,
            labels: labels.unwrap_or_default(),
            annotations: annotations.unwrap_or_default(),
            service_accounts: block.read("serviceAccounts", Names::read_subdomains)?,
            owner_kinds: block.read("ownerKinds", Names::read)?,
        })
    }

    /// Is it about every pod there can be?
    pub(in crate::policy) fn is_everything(&self) -> bool {
        let Self { namespaces, pod_names, labels, annotations, service_accounts, owner_kinds } =
            self;
        let is_open = |names: &Option<Names>| names.as_ref().is_none_or(Names::match_everything);
        is_open(namespaces)
            && is_open(pod_names)
            && labels.is_empty()
            && annotations.is_empty()
            && is_open(service_accounts)
            && owner_kinds.is_none()
    }

    /// The service accounts that it is about, if it says so.
    pub(in crate::policy) fn service_accounts(&self) -> Option<&Names> {
        self.service_accounts.as_ref()
    }

    /// Is it about this pod?
    pub(in crate::policy) fn includes(&self, subject: &Subject<'_>) -> bool {
        self.check(subject, &mut Findings::any()).is_continue()
    }

    /// The criteria that do not hold.
    pub(in crate::policy) fn check(&self, subject: &Subject<'_>, findings: &mut Findings) -> Fit {
        let check = &mut Check { unlisted: Unlisted::Permit, findings };
        let metadata = Place::Top("metadata");
        let identity = subject.view.identity;
        let namespace = metadata.field("namespace");
        check.name(self.namespaces.as_ref(), identity.namespace, &namespace, "namespaces")?;
        let name = metadata.field("name");
        check.name(self.pod_names.as_ref(), identity.name, &name, "podNames")?;
        let account = Place::Top("spec.serviceAccountName");
        let rule = self.service_accounts.as_ref();
        check.name(rule, subject.service_account(), &account, "serviceAccounts")?;
        let kind = subject.view.controller.map_or("", |owner| owner.kind);
        let owners = metadata.field("ownerReferences");
        check.name(self.owner_kinds.as_ref(), kind, &owners, "ownerKinds")?;
        check_entries(&self.labels, subject.view.labels, &metadata.field("labels"), check)?;
        let annotations = subject.view.annotations;
        check_entries(&self.annotations, annotations, &metadata.field("annotations"), check)
    }
}

fn read_entries(
    at: &Located<'_>,
    warnings: &mut Warnings,
) -> Result<Vec<(String, TextRule)>, PolicyError> {
    let mut entries = Vec::new();
    for (key, value) in at.members()? {
        if key.is_empty() {
            return Err(value.refuse("has an empty key, which no pod has; name one"));
        }
        entries.push((key, TextRule::read(&value, warnings)?));
    }
    match entries.is_empty() {
        true => Err(at.refuse("is empty, so it checks nothing; fill it or remove the key")),
        false => Ok(entries),
    }
}

/// An absent key never equals anything, not even "".
fn check_entries(
    entries: &[(String, TextRule)],
    map: &StringMap<'_>,
    place: &Place<'_>,
    check: &mut Check<'_>,
) -> Fit {
    entries.iter().try_for_each(|(key, rule)| {
        let value = map.lookup(key);
        check.unless(value.is_some_and(|value| rule.matches(value)), || {
            let found = value.map_or_else(|| super::check::NOTHING.to_owned(), quoted);
            finding(&place.key(key), rule.describe(), found)
        })
    })
}
