//! `env[].from` and `envFrom`: values that come from elsewhere, each kind by a permit of its own.

use serde_json::{Value, json};

use super::Reading;
use crate::kube_wire::pod_view::{
    EnvFrom, EnvSource, FieldRef, FileKey, KeyRef, ResourceFieldRef, SourceRef,
};
use crate::policy::error::PolicyError;
use crate::policy::located::Located;
use crate::policy::v2::check::{Check, NOTHING, Unlisted, shown};
use crate::policy::v2::finding::{Fit, Place, finding};
use crate::policy::v2::names::Names;
use crate::policy::v2::text_rule::{TextRule, quoted};

const KINDS: [&str; 5] =
    ["configMapKeyRef", "secretKeyRef", "fieldRef", "resourceFieldRef", "fileKeyRef"];

/// Where one variable may come from.
#[derive(Clone, Debug)]
pub(in crate::policy) struct EnvSourceRule {
    kind: &'static str,
    /// Of the parts that the kind has, in the order of [`parts_of`].
    parts: Vec<Option<TextRule>>,
}

/// The parts of each kind: all are needed, but for those with a question mark in front.
fn parts_of(kind: &str) -> &'static [&'static str] {
    match kind {
        "configMapKeyRef" | "secretKeyRef" => &["name", "key"],
        "fieldRef" => &["fieldPath"],
        "resourceFieldRef" => &["resource", "?containerName"],
        _ => &["volumeName", "path", "key"],
    }
}

impl EnvSourceRule {
    pub(super) fn read(at: &Located<'_>, reading: &mut Reading<'_>) -> Result<Self, PolicyError> {
        let block = at.object(&KINDS)?;
        let mut kinds = KINDS.iter().filter_map(|kind| Some((*kind, block.find(kind)?)));
        let (Some((kind, source)), None) = (kinds.next(), kinds.next()) else {
            return Err(
                at.refuse(format!("says not one source; write one of {}", KINDS.join(", ")))
            );
        };
        let names: Vec<_> = parts_of(kind).iter().map(|it| it.trim_start_matches('?')).collect();
        let source = source.object(&names)?;
        let mut parts = Vec::new();
        for part in parts_of(kind) {
            let name = part.trim_start_matches('?');
            let rule = source.read(name, |at| TextRule::read(at, reading.warnings))?;
            if rule.is_none() && !part.starts_with('?') {
                return Err(source.at().missing(name, "write a text or a rule for it"));
            }
            parts.push(rule);
        }
        Ok(Self { kind, parts })
    }

    pub(super) fn check(
        &self,
        source: &EnvSource<'_>,
        place: &Place<'_>,
        check: &mut Check<'_>,
    ) -> Fit {
        let Some((kind, found)) = parts(source) else {
            return check.add(|| finding(place, self.describe(), "not one source"));
        };
        let of_kind = place.field(kind);
        if kind != self.kind {
            return check.add(|| finding(&of_kind, self.describe(), format!("a {kind}")));
        }
        for ((rule, text), part) in self.parts.iter().zip(found).zip(parts_of(kind)) {
            let place = of_kind.field(part.trim_start_matches('?'));
            let fits = rule.as_ref().map_or(text.is_empty(), |rule| rule.matches(text));
            check.unless(fits, || {
                let expected = rule.as_ref().map_or_else(|| NOTHING.to_owned(), TextRule::describe);
                finding(&place, expected, shown(text))
            })?;
        }
        Fit::Continue(())
    }

    pub(super) fn describe(&self) -> String {
        format!("a {}", self.kind)
    }
}

/// The one kind of a source, and its texts in the order of [`parts_of`]. The other fields choose the
/// unit of a number and whether a missing object is an error, for which see [`may_be_missing`].
fn parts<'v>(source: &EnvSource<'v>) -> Option<(&'static str, Vec<&'v str>)> {
    let EnvSource { field, resource_field, config_map_key, secret_key, file_key } = source;
    match (field, resource_field, config_map_key, secret_key, file_key) {
        (None, None, Some(key), None, None) => Some(("configMapKeyRef", key_parts(key))),
        (None, None, None, Some(key), None) => Some(("secretKeyRef", key_parts(key))),
        (Some(field), None, None, None, None) => {
            let FieldRef { api_version, field_path } = field;
            matches!(*api_version, "" | "v1").then(|| ("fieldRef", vec![*field_path]))
        }
        (None, Some(field), None, None, None) => {
            let ResourceFieldRef { container_name, resource, divisor: _ } = field;
            Some(("resourceFieldRef", vec![resource, container_name]))
        }
        (None, None, None, None, Some(file)) => {
            let FileKey { volume_name, path, key, optional: _ } = file;
            Some(("fileKeyRef", vec![volume_name, path, key]))
        }
        _ => None,
    }
}

/// The kind of a source without which the variable is left out, and the container starts all the
/// same.
pub(super) fn may_be_missing(source: &EnvSource<'_>) -> Option<&'static str> {
    let EnvSource { field: _, resource_field: _, config_map_key, secret_key, file_key } = source;
    let optional = |key: &Option<KeyRef<'_>>| key.as_ref().and_then(|key| key.optional);
    [
        (optional(config_map_key), "configMapKeyRef"),
        (optional(secret_key), "secretKeyRef"),
        (file_key.as_ref().and_then(|key| key.optional), "fileKeyRef"),
    ]
    .into_iter()
    .find_map(|(optional, kind)| (optional == Some(true)).then_some(kind))
}

fn key_parts<'v>(key: &KeyRef<'v>) -> Vec<&'v str> {
    let KeyRef { name, key, optional: _ } = key;
    vec![name, key]
}

/// The rule that permits this source.
pub(super) fn as_rule(source: &EnvSource<'_>) -> Value {
    let Some((kind, texts)) = parts(source) else { return Value::Null };
    let names = parts_of(kind).iter().map(|part| part.trim_start_matches('?'));
    let set = names.zip(texts).filter(|(_, text)| !text.is_empty());
    let parts: serde_json::Map<_, _> =
        set.map(|(name, text)| (name.to_owned(), text.into())).collect();
    json!({ kind: parts })
}

const ENV_FROM_KEYS: [&str; 4] = ["configMap", "secret", "prefix", "optional"];

/// One entry of `envFrom`: all keys of an object become variables.
#[derive(Clone, Debug)]
pub(in crate::policy) struct EnvFromRule {
    kind: &'static str,
    names: Names,
    prefix: Option<TextRule>,
    /// It may be missing, and so may its object.
    optional: bool,
}

impl EnvFromRule {
    /// Reads one entry.
    pub(super) fn read(at: &Located<'_>, reading: &mut Reading<'_>) -> Result<Self, PolicyError> {
        let block = at.object(&ENV_FROM_KEYS)?;
        let (kind, names) = match (block.find("configMap"), block.find("secret")) {
            (Some(names), None) => ("configMap", names),
            (None, Some(names)) => ("secret", names),
            (Some(_), Some(_)) | (None, None) => {
                return Err(at.refuse("says not one source; write either `configMap` or `secret`"));
            }
        };
        let names = Names::read_permit(names, reading.warnings)?;
        let prefix = block.read("prefix", |at| TextRule::read(at, reading.warnings))?;
        let optional = block.read("optional", Located::boolean)?;
        let optional = optional.unwrap_or(reading.unlisted == Unlisted::Permit);
        Ok(Self { kind, names, prefix, optional })
    }

    fn permits(&self, from: &EnvFrom<'_>) -> bool {
        let prefix_fits =
            self.prefix.as_ref().map_or(from.prefix.is_empty(), |it| it.matches(from.prefix));
        prefix_fits
            && (self.optional || !is_optional(from))
            && source_of(from)
                .is_some_and(|(kind, name)| kind == self.kind && self.names.match_name(name))
    }
}

/// Each source of the container must be one of those listed, and each of those must be there.
pub(super) fn check_env_from(
    rules: Option<&[EnvFromRule]>,
    sources: &[EnvFrom<'_>],
    place: &Place<'_>,
    check: &mut Check<'_>,
) -> Fit {
    sources.iter().enumerate().try_for_each(|(index, from)| {
        let place = place.element(index);
        let found = || {
            let EnvFrom { prefix, config_map: _, secret: _ } = from;
            match source_of(from) {
                None => finding(&place, "one source", "not one source"),
                Some((kind, name)) => {
                    let mut entry = serde_json::Map::new();
                    entry.insert(kind.to_owned(), vec![name].into());
                    if !prefix.is_empty() {
                        entry.insert("prefix".to_owned(), (*prefix).into());
                    }
                    let mut found = format!("the {kind} {}", quoted(name));
                    if is_optional(from) {
                        entry.insert("optional".to_owned(), true.into());
                        found.push_str(", which may be missing");
                    }
                    finding(&place, "a listed source", found)
                        .fixed_by("envFrom", vec![Value::Object(entry)])
                }
            }
        };
        match rules {
            Some(rules) => check.unless(rules.iter().any(|rule| rule.permits(from)), found),
            None => check.unlisted(false, found),
        }
    })?;
    let is_missing =
        |rule: &&EnvFromRule| !rule.optional && !sources.iter().any(|source| rule.permits(source));
    rules.unwrap_or_default().iter().filter(is_missing).try_for_each(|rule| {
        check.add(|| {
            let expected = format!("the {} {}", rule.kind, rule.names.describe());
            finding(place, expected, NOTHING)
        })
    })
}

/// Does the container start without the object?
fn is_optional(from: &EnvFrom<'_>) -> bool {
    let EnvFrom { prefix: _, config_map, secret } = from;
    [config_map, secret].into_iter().flatten().any(|source| source.optional == Some(true))
}

fn source_of<'v>(from: &EnvFrom<'v>) -> Option<(&'static str, &'v str)> {
    match (&from.config_map, &from.secret) {
        (Some(SourceRef { name, optional: _ }), None) => Some(("configMap", name)),
        (None, Some(SourceRef { name, optional: _ })) => Some(("secret", name)),
        (Some(_), Some(_)) | (None, None) => None,
    }
}
