//! Files that show what the pod says of itself: `downwardAPI`, as a volume and within `projected`.
//!
//! Labels and annotations are the API server's word. Under the name of a configuration file they would
//! be the configuration, so a field is permitted together with the file that shows it.

use super::Reading;
use super::files::BitsRule;
use crate::kube_wire::pod_view::{DownwardApiFile, DownwardApiVolume, FieldRef, ResourceFieldRef};
use crate::policy::error::PolicyError;
use crate::policy::located::Located;
use crate::policy::v2::check::{Check, Unlisted};
use crate::policy::v2::finding::{Fit, Place, finding};
use crate::policy::v2::names::Names;
use crate::policy::v2::text_rule::{TextRule, quoted};

/// One entry: fields, and in which file they may be shown.
#[derive(Clone, Debug)]
pub(super) struct FieldRule {
    fields: Names,
    /// Whichever, if what is not listed may be anything.
    path: Option<TextRule>,
}

/// `downwardAPI` of a volume.
#[derive(Clone, Debug)]
pub(in crate::policy) struct FieldsRule {
    fields: Option<Vec<FieldRule>>,
    bits: BitsRule,
}

impl FieldsRule {
    pub(super) fn read(at: &Located<'_>, reading: &mut Reading<'_>) -> Result<Self, PolicyError> {
        let block = at.object(&[&["fields"][..], &BitsRule::KEYS[..]].concat())?;
        let fields = block.list("fields", |at| FieldRule::read(at, reading))?;
        if fields.is_none() && reading.unlisted == Unlisted::Refuse {
            return Err(at.missing("fields", "list the fields that may be shown, and where"));
        }
        Ok(Self { fields, bits: BitsRule::read(&block, reading)? })
    }

    pub(super) fn check(
        &self,
        volume: &DownwardApiVolume<'_>,
        place: &Place<'_>,
        check: &mut Check<'_>,
    ) -> Fit {
        let DownwardApiVolume { items, default_mode, default_user } = volume;
        if let Some(rules) = &self.fields {
            check_fields(rules, items, (place, "downwardAPI.fields"), check)?;
        }
        let at = (place, "downwardAPI");
        self.bits.check_all(*default_mode, *default_user, at, check)?;
        check_bits(&self.bits, items, at, check)
    }
}

impl FieldRule {
    pub(super) fn read(at: &Located<'_>, reading: &mut Reading<'_>) -> Result<Self, PolicyError> {
        let is_open = reading.unlisted == Unlisted::Permit;
        const REMEDY: &str = "write the file that shows it: {\"field\": \"…\", \"path\": \"…\"}";
        if at.is_string() {
            return match is_open {
                true => Ok(Self { fields: Names::read_one(at)?, path: None }),
                false => Err(at.refuse(format!("says no file; {REMEDY}"))),
            };
        }
        let block = at.object(&["field", "path"])?;
        let field = block.required("field", "write the field, or a pattern of fields")?;
        let path = block.read("path", |at| TextRule::read(at, reading.warnings))?;
        if path.is_none() && !is_open {
            return Err(at.missing("path", REMEDY));
        }
        let fields = Names::read_one(field)?;
        if fields.match_everything() && !is_open {
            reading.warnings.broad(field, "permits every field; list those that are needed");
        }
        Ok(Self { fields, path })
    }

    fn shows(&self, field: &str, path: &str) -> bool {
        self.fields.match_name(field) && self.path.as_ref().is_none_or(|rule| rule.matches(path))
    }
}

/// Each file must show a field that may be shown there; amounts are listed as `resource:limits.cpu`.
pub(super) fn check_fields(
    rules: &[FieldRule],
    files: &[DownwardApiFile<'_>],
    (place, key): (&Place<'_>, &'static str),
    check: &mut Check<'_>,
) -> Fit {
    let items = place.field("items");
    files.iter().enumerate().try_for_each(|(index, file)| {
        let place = items.element(index);
        let DownwardApiFile { path, field, resource_field, mode: _, user: _ } = file;
        if let Some(FieldRef { api_version: _, field_path }) = field {
            check_field(rules, (field_path, path), (&place.field("fieldRef"), key), check)?;
        }
        if let Some(ResourceFieldRef { container_name: _, resource, divisor: _ }) = resource_field {
            let named = format!("resource:{resource}");
            check_field(rules, (&named, path), (&place.field("resourceFieldRef"), key), check)?;
        }
        Fit::Continue(())
    })
}

fn check_field(
    rules: &[FieldRule],
    (field, path): (&str, &str),
    (place, key): (&Place<'_>, &'static str),
    check: &mut Check<'_>,
) -> Fit {
    check.unless(rules.iter().any(|rule| rule.shows(field, path)), || {
        let described = |rule: &FieldRule| {
            let path = rule
                .path
                .as_ref()
                .map_or_else(String::new, |path| format!(" as {}", path.describe()));
            format!("{}{path}", rule.fields.describe())
        };
        let expected: Vec<_> = rules.iter().map(described).collect();
        let found = format!("{} as {}", quoted(field), quoted(path));
        let entry = serde_json::json!({ "field": field, "path": path });
        finding(place, expected.join(" or "), found).fixed_by(key, vec![entry])
    })
}

/// Bits and owners of the files.
pub(super) fn check_bits(
    bits: &BitsRule,
    files: &[DownwardApiFile<'_>],
    (place, kind): (&Place<'_>, &'static str),
    check: &mut Check<'_>,
) -> Fit {
    let items = place.field("items");
    files.iter().enumerate().try_for_each(|(index, file)| {
        let DownwardApiFile { path: _, field: _, resource_field: _, mode, user } = file;
        bits.check_one(*mode, *user, (&items.element(index), kind), check)
    })
}
