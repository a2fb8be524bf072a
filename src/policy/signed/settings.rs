//! `signedPods` of a local document: what the node adds to, and takes from, what signatures say.

use std::collections::{BTreeMap, HashSet};

use serde_json::Value;

use super::annotations::{BOUND, Keys};
use super::bound_policy::BoundPolicy;
use super::denial::SignedDenial;
use super::seed_permit;
use crate::policy::circumstances::Circumstances;
use crate::policy::error::{PolicyError, Warnings};
use crate::policy::load::hex_sha256;
use crate::policy::located::Located;
use crate::policy::pattern::Pattern;
use crate::policy::v2::check::Unlisted;
use crate::policy::v2::permit::PodPermit;

const KEYS: [&str; 6] =
    ["formats", "permit", "mayOmit", "initContainers", "minimumCounters", "revoked"];

/// Stands for the image that a signature will name.
const SOME_IMAGE: &str = "registry.invalid/signed:1";

const SHA256_DIGITS: usize = 64;
const KEY_ID_DIGITS: usize = 16;

/// The local rules about signed pods; the default is to have none.
#[derive(Clone, Debug, Default)]
pub(in crate::policy) struct SignedPods {
    formats: Formats,
    /// What a signature of the first version leaves open, as JSON: it is merged with what was signed.
    permit: Option<Value>,
    /// That permit speaks of runtime classes.
    names_runtime_classes: bool,
    /// Containers of a signature of the first version that a pod may lack.
    may_omit: Vec<Pattern>,
    /// Which of its containers are init containers, if somebody says.
    init_containers: Option<Vec<Pattern>>,
    /// By `keyId/policyId`.
    minimum_counters: BTreeMap<String, u64>,
    /// SHA-256 of policy annotations.
    revoked: HashSet<String>,
}

/// Which annotations are looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Formats {
    #[default]
    Both,
    SeedOnly,
    BoundOnly,
}

impl SignedPods {
    /// Reads the member of a document.
    pub(in crate::policy) fn read(
        at: &Located<'_>,
        warnings: &mut Warnings,
    ) -> Result<Self, PolicyError> {
        let object = at.object(&KEYS)?;
        let permit = object.read("permit", |at| read_permit(at, warnings))?;
        let (permit, names_runtime_classes) = permit.unzip();
        Ok(Self {
            formats: object.find("formats").map_or(Ok(Formats::Both), read_formats)?,
            permit,
            names_runtime_classes: names_runtime_classes.unwrap_or(false),
            may_omit: object.list("mayOmit", container_name)?.unwrap_or_default(),
            init_containers: object.list("initContainers", container_name)?,
            minimum_counters: object
                .find("minimumCounters")
                .map_or(Ok(BTreeMap::new()), read_counters)?,
            revoked: object.find("revoked").map_or(Ok(HashSet::new()), read_revoked)?,
        })
    }

    /// What is added to signatures of the first version.
    pub(super) fn permit(&self) -> Option<&Value> {
        self.permit.as_ref()
    }

    /// May a pod lack this container, although a signature of the first version names it?
    pub(super) fn may_omit(&self, container: &str) -> bool {
        self.may_omit.iter().any(|pattern| pattern.matches(container))
    }

    /// Is this container of a signature of the first version an init container? `None` if nobody says.
    pub(super) fn is_init(&self, container: &str) -> Option<bool> {
        let patterns = self.init_containers.as_ref()?;
        Some(patterns.iter().any(|pattern| pattern.matches(container)))
    }

    /// Does it let pods name runtime classes?
    pub(in crate::policy) fn names_runtime_classes(&self) -> bool {
        self.names_runtime_classes
    }

    /// Is this format looked at?
    pub(super) fn accept(&self, format: &Keys) -> Result<(), SignedDenial> {
        let is_bound = format.policy == BOUND.policy;
        match (self.formats, is_bound) {
            (Formats::Both, _) | (Formats::BoundOnly, true) | (Formats::SeedOnly, false) => Ok(()),
            (Formats::BoundOnly, false) | (Formats::SeedOnly, true) => {
                Err(SignedDenial::Format(format.policy))
            }
        }
    }

    /// Is the text of a policy annotation still good?
    pub(super) fn unrevoked(&self, text: &str) -> Result<(), SignedDenial> {
        let is_revoked =
            !self.revoked.is_empty() && self.revoked.contains(&hex_sha256(text.as_bytes()));
        if is_revoked { Err(SignedDenial::Revoked) } else { Ok(()) }
    }

    /// Is the policy as new as what was admitted before, and as new as the operator wants it?
    pub(super) fn recent(
        &self,
        policy: &BoundPolicy,
        at: &Circumstances<'_>,
    ) -> Result<(), SignedDenial> {
        let BoundPolicy { key_id, policy_id, counter, .. } = policy;
        let least = self.minimum_counters.get(&format!("{key_id}/{policy_id}")).copied();
        let least = least.unwrap_or_default().max(at.counters.highest(key_id, policy_id));
        if *counter < least {
            let problem = format!("its counter {counter} is lower than {least}, seen or required");
            return Err(SignedDenial::Bound(problem));
        }
        Ok(())
    }
}

fn container_name(at: &Located<'_>) -> Result<Pattern, PolicyError> {
    let is_allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    Pattern::read(at, is_allowed, "lower-case letters, digits and dashes")
}

fn read_formats(at: &Located<'_>) -> Result<Formats, PolicyError> {
    let (mut seed, mut bound) = (false, false);
    for element in at.elements()? {
        match element.string()?.as_str() {
            "v1" => seed = true,
            "v2" => bound = true,
            _ => return Err(element.refuse("is no format; write \"v1\" or \"v2\"")),
        }
    }
    Ok(match [seed, bound] {
        [true, false] => Formats::SeedOnly,
        [false, true] => Formats::BoundOnly,
        [true, true] | [false, false] => Formats::Both,
    })
}

/// Reads what is added to signatures, and sees to it that it will be a permit once it is. Also tells
/// whether it speaks of runtime classes.
fn read_permit(at: &Located<'_>, warnings: &mut Warnings) -> Result<(Value, bool), PolicyError> {
    let permit = at.json()?;
    let mut example = permit.clone();
    let entries = example.get_mut("containers").and_then(Value::as_array_mut);
    for entry in entries.into_iter().flatten().filter_map(Value::as_object_mut) {
        if !seed_permit::is_for_signed(entry) {
            continue;
        }
        if entry.contains_key("images") {
            return Err(at.refuse(
                "gives images in an entry for signed containers, but the signature says which \
                 image; leave `images` out, or write \"kinds\": [\"ephemeral\"]",
            ));
        }
        if entry.contains_key("required") {
            return Err(at.refuse(
                "requires a container in an entry for signed containers, but the signature says which \
                 there are; leave `required` out",
            ));
        }
        entry.insert("images".to_owned(), seed_permit::images(SOME_IMAGE));
    }
    // Read from the written text where that is the whole of it, so that faults have their lines.
    let text = example.to_string();
    let read = match example == permit {
        true => PodPermit::read(at, Unlisted::Refuse, warnings),
        false => Located::document(&text)
            .and_then(|example| PodPermit::read(&example, Unlisted::Refuse, warnings)),
    };
    match read {
        Ok(read) => Ok((permit, read.names_runtime_classes())),
        Err(PolicyError::Field { path, line: _, problem }) if example != permit => {
            Err(at.refuse(format!("{path}: {problem}")))
        }
        Err(error) => Err(error),
    }
}

fn read_counters(at: &Located<'_>) -> Result<BTreeMap<String, u64>, PolicyError> {
    let mut counters = BTreeMap::new();
    for (key, value) in at.members()? {
        let is_named = key.split_once('/').is_some_and(|(key_id, policy_id)| {
            key_id.len() == KEY_ID_DIGITS && is_hex(key_id) && !policy_id.is_empty()
        });
        if !is_named {
            return Err(value.refuse("is not named `<keyId>/<policyId>`; sign prints the first, the policy says the second"));
        }
        counters.insert(key, value.counter()?);
    }
    Ok(counters)
}

fn read_revoked(at: &Located<'_>) -> Result<HashSet<String>, PolicyError> {
    let mut revoked = HashSet::new();
    for element in at.elements()? {
        let digest = element.string()?;
        if digest.len() != SHA256_DIGITS || !is_hex(&digest) {
            let remedy = "is no SHA-256; write the 64 lower-case hexadecimal digits that \
                          `sha256sum` gives for the text of the policy annotation";
            return Err(element.refuse(remedy));
        }
        revoked.insert(digest);
    }
    Ok(revoked)
}

fn is_hex(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}
