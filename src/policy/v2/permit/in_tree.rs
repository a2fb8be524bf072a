//! `inTree`: kinds of volumes that the kubelet serves without a driver, each with what its fields say.
//!
//! The kind alone says nothing: whose server, which disk and whose secret is all in the fields. There are
//! twenty kinds, so that fields are compared by their names and not by a type for each kind. What is
//! empty in Go (`""`, `0`, `false`, no elements) counts as absent.

use serde_json::Value as Json;

use super::Reading;
use crate::kube_wire::json::{Kind, Value};
use crate::kube_wire::pod_schema::{PERSISTENT_VOLUME, POD};
use crate::kube_wire::pod_view::KEPT_AS_WRITTEN;
use crate::kube_wire::schema::ObjectSchema;
use crate::policy::error::{PolicyError, Warnings};
use crate::policy::located::{Located, suggest};
use crate::policy::v2::check::{Check, NOTHING};
use crate::policy::v2::finding::{Fit, Place, finding};
use crate::policy::v2::text_rule::{TextRule, read_any};

/// Of pods alone.
const GIT_REPO: &str = "gitRepo";

const REMEDY: &str = "write its fields, such as {\"nfs\": {\"server\": \"files.example\", \"path\": \"/srv\"}}, \
                      or {\"any\": true} in their place";

/// The kinds that may be there.
#[derive(Clone, Debug, Default)]
pub(in crate::policy) struct InTreeRule(Vec<(&'static str, Source)>);

/// What a source may be.
#[derive(Clone, Debug)]
enum Source {
    Any,
    Fields { of: &'static ObjectSchema, fields: Vec<(String, Field)> },
}

/// What a field of it may be.
#[derive(Clone, Debug)]
enum Field {
    Text(TextRule),
    Exactly(Json),
}

impl InTreeRule {
    pub(super) fn read(at: &Located<'_>, reading: &mut Reading<'_>) -> Result<Self, PolicyError> {
        let volumes = POD.objects_in("spec").and_then(|spec| spec.objects_in("volumes"));
        Self::read_kinds(at, (KEPT_AS_WRITTEN, volumes), reading.warnings)
    }

    /// Reads what may stand behind a claim.
    pub(in crate::policy) fn read_persistent(
        at: &Located<'_>,
        warnings: &mut Warnings,
    ) -> Result<Self, PolicyError> {
        let known: Vec<_> =
            KEPT_AS_WRITTEN.iter().copied().filter(|kind| *kind != GIT_REPO).collect();
        Self::read_kinds(at, (&known, PERSISTENT_VOLUME.objects_in("spec")), warnings)
    }

    fn read_kinds(
        at: &Located<'_>,
        (known, volumes): (&[&'static str], Option<&'static ObjectSchema>),
        warnings: &mut Warnings,
    ) -> Result<Self, PolicyError> {
        if at.is_list() {
            return Err(at.refuse(format!("names kinds, and not what they lead to; {REMEDY}")));
        }
        let mut kinds = Vec::new();
        for (key, source) in at.members()? {
            let kind = known.iter().find(|kind| **kind == key).copied();
            let unknown = || source.refuse(format!("is no such kind; {}", suggest(&key, known)));
            let kind = kind.ok_or_else(unknown)?;
            let of = volumes.and_then(|volumes| volumes.objects_in(kind)).ok_or_else(unknown)?;
            kinds.push((kind, Source::read(&source, of, warnings)?));
        }
        match kinds.is_empty() {
            true => Err(at.refuse(format!("is empty, so it permits nothing; {REMEDY}"))),
            false => Ok(Self(kinds)),
        }
    }

    /// Is it about sources of this kind?
    pub(in crate::policy) fn is_kind(&self, kind: &str) -> bool {
        self.0.iter().any(|(known, _)| *known == kind)
    }

    /// Is the source, which is of this kind, one that may be there?
    pub(in crate::policy) fn check(
        &self,
        (kind, source): (&str, Value<'_>),
        place: &Place<'_>,
        check: &mut Check<'_>,
    ) -> Fit {
        let listed = self.0.iter().find(|(known, _)| *known == kind);
        let Some((kind, rule)) = listed else {
            return check.add(|| finding(place, NOTHING, "a source that is not listed"));
        };
        let Source::Fields { of, fields } = rule else { return Fit::Continue(()) };
        let place = place.field(kind);
        for (name, field) in fields {
            let found = source.field(name).filter(|value| !is_empty(*value));
            let fits = found.map_or_else(|| field.fits_absence(), |value| field.fits(value));
            check.unless(fits, || {
                let text = found.map_or_else(|| NOTHING.to_owned(), |it| as_json(it).to_string());
                finding(&place.key(name), field.describe(), text)
            })?;
        }
        let is_listed = |name: &str| fields.iter().any(|(listed, _)| listed == name);
        // What no table knows is left out of what the kubelet gets, or the pod would be at fault.
        let is_sent = |name: &str| of.fields.iter().any(|field| field.name == name);
        let rest = source
            .entries()
            .filter(|(name, value)| !is_listed(name) && is_sent(name) && !is_empty(*value));
        for (name, value) in rest {
            check.unlisted(false, || {
                let value = as_json(value);
                finding(&place.key(name), NOTHING, value.to_string())
                    .fixed_by("inTree", serde_json::json!({ *kind: { name: value } }))
            })?;
        }
        Fit::Continue(())
    }
}

impl Source {
    fn read(
        at: &Located<'_>,
        of: &'static ObjectSchema,
        warnings: &mut Warnings,
    ) -> Result<Self, PolicyError> {
        let members = at.members()?;
        if let [(key, any)] = members.as_slice()
            && key == "any"
        {
            read_any(any)?;
            warnings.broad(at, "permits whatever such a volume leads to; list its fields");
            return Ok(Self::Any);
        }
        if members.is_empty() {
            return Err(at.refuse(format!("says nothing of its fields; {REMEDY}")));
        }
        let known: Vec<_> = of.fields.iter().map(|field| field.name).collect();
        let mut fields = Vec::new();
        for (key, at) in members {
            // A rule that holds a pod to what the kubelet never gets would say more than is so.
            if !known.contains(&key.as_str()) {
                return Err(at.refuse(format!("is no field of it; {}", suggest(&key, &known))));
            }
            fields.push((key, Field::read(&at, warnings)?));
        }
        Ok(Self::Fields { of, fields })
    }
}

impl Field {
    /// A string and what is written like a rule is a rule for a text; anything else means itself.
    fn read(at: &Located<'_>, warnings: &mut Warnings) -> Result<Self, PolicyError> {
        let is_rule = |key: &str| matches!(key, "oneOf" | "regex" | "any");
        let is_text =
            at.is_string() || (at.is_object() && at.members()?.iter().any(|(key, _)| is_rule(key)));
        match is_text {
            true => TextRule::read(at, warnings).map(Self::Text),
            false => at.json().map(Self::Exactly),
        }
    }

    fn fits(&self, value: Value<'_>) -> bool {
        match (self, value.kind()) {
            (Self::Text(rule), Kind::Text(text)) => rule.matches(text),
            // `{"any": true}` means any value.
            (Self::Text(rule), _) => !rule.pins(),
            (Self::Exactly(wanted), _) => without_empty(&as_json(value)) == without_empty(wanted),
        }
    }

    fn fits_absence(&self) -> bool {
        match self {
            Self::Text(rule) => rule.matches(""),
            Self::Exactly(wanted) => without_empty(wanted).is_none(),
        }
    }

    fn describe(&self) -> String {
        match self {
            Self::Text(rule) => rule.describe(),
            Self::Exactly(wanted) => wanted.to_string(),
        }
    }
}

/// The rule that permits this source.
pub(super) fn as_rule(kind: &str, source: Value<'_>) -> Json {
    let fields = without_empty(&as_json(source)).unwrap_or_else(|| serde_json::json!({}));
    let has_fields = fields.as_object().is_some_and(|fields| !fields.is_empty());
    // A source without a field leads nowhere: no rule can say so, and none has to.
    let fields = if has_fields { fields } else { serde_json::json!({ "readOnly": false }) };
    serde_json::json!({ kind: fields })
}

fn is_empty(value: Value<'_>) -> bool {
    without_empty(&as_json(value)).is_none()
}

/// A value as Go's encoder would leave it: without members that say nothing.
fn without_empty(value: &Json) -> Option<Json> {
    let kept = match value {
        Json::Null | Json::Bool(false) => return None,
        Json::Number(number) if number.as_i64() == Some(0) => return None,
        Json::String(text) if text.is_empty() => return None,
        Json::Array(elements) if elements.is_empty() => return None,
        Json::Object(members) => {
            let members = members.iter();
            let kept = members.filter_map(|(key, it)| Some((key.clone(), without_empty(it)?)));
            let kept: serde_json::Map<_, _> = kept.collect();
            if kept.is_empty() {
                return None;
            }
            Json::Object(kept)
        }
        Json::Bool(true) | Json::Number(_) | Json::String(_) | Json::Array(_) => value.clone(),
    };
    Some(kept)
}

fn as_json(value: Value<'_>) -> Json {
    match value.kind() {
        Kind::Null => Json::Null,
        Kind::Bool(flag) => flag.into(),
        Kind::Integer(number) => number.into(),
        // No field of these sources is one; as a text it equals no number of a rule.
        Kind::Number(token) => token.into(),
        Kind::Text(text) => text.into(),
        Kind::Array => value.items().map(as_json).collect(),
        Kind::Object => {
            let members = value.entries().map(|(key, it)| (key.to_owned(), as_json(it)));
            Json::Object(members.collect())
        }
    }
}
