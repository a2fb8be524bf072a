//! How an object becomes files: which key under which name, with which bits, and whether the object
//! must be there at all.
//!
//! A ConfigMap whose content is pinned is worth no more than its mapping: `items` puts one key in the
//! place of another or leaves it out, `optional` starts a container without all of it, and a mode makes a
//! program of a text. So each of them has to be asked for.

use serde_json::{Map, Value, json};

use super::Reading;
use super::volume_source::names_of;
use crate::kube_wire::pod_view::{KeyToPath, ObjectVolume};
use crate::policy::error::PolicyError;
use crate::policy::explanation::Finding;
use crate::policy::located::{Located, Object};
use crate::policy::v2::check::{Check, NOTHING};
use crate::policy::v2::finding::{Fit, Place, finding};
use crate::policy::v2::names::Names;
use crate::policy::v2::number_rule::NumberRule;
use crate::policy::v2::text_rule::{quoted, read_any};

/// `0644`, which the API writes where nothing is said.
const USUAL_MODE: i64 = 420;

/// Which keys become which files, and whether the object may be missing.
#[derive(Clone, Debug, Default)]
pub(super) struct MappingRule {
    items: Option<ItemsRule>,
    optional: Option<bool>,
}

#[derive(Clone, Debug)]
enum ItemsRule {
    Any,
    /// These, each of them, and no other.
    Exactly(Vec<(String, String)>),
}

impl MappingRule {
    pub(super) const KEYS: [&'static str; 2] = ["items", "optional"];

    pub(super) fn read(block: &Object<'_>, reading: &mut Reading<'_>) -> Result<Self, PolicyError> {
        Ok(Self {
            items: block.read("items", |at| ItemsRule::read(at, reading))?,
            optional: block.read("optional", Located::boolean)?,
        })
    }

    /// `fix` adds to a finding how the rule would have to be changed, given the key and its value.
    pub(super) fn check(
        &self,
        items: &[KeyToPath<'_>],
        optional: Option<bool>,
        place: &Place<'_>,
        fix: impl Fn(Finding, &'static str, Value) -> Finding,
        check: &mut Check<'_>,
    ) -> Fit {
        let may_be_missing = || {
            let finding = finding(&place.field("optional"), "false", "true");
            fix(finding, "optional", true.into())
        };
        let is_optional = optional == Some(true);
        match self.optional {
            Some(may) => check.unless(may || !is_optional, may_be_missing)?,
            None => check.unlisted(!is_optional, may_be_missing)?,
        }
        let place = place.field("items");
        let listed = match &self.items {
            Some(ItemsRule::Any) => return Fit::Continue(()),
            Some(ItemsRule::Exactly(listed)) => listed,
            None => {
                return check.unlisted(items.is_empty(), || {
                    let found: Vec<_> = items.iter().map(described).collect();
                    let finding = finding(&place, NOTHING, found.join(", "));
                    fix(finding, "items", items_as_rule(items))
                });
            }
        };
        for (index, item) in items.iter().enumerate() {
            let is_listed = listed.iter().any(|(key, path)| key == item.key && path == item.path);
            check.unless(is_listed, || {
                let finding = finding(&place.element(index), "a listed item", described(item));
                fix(finding, "items", items_as_rule(std::slice::from_ref(item)))
            })?;
        }
        let is_there =
            |key: &str, path: &str| items.iter().any(|it| it.key == key && it.path == path);
        listed.iter().filter(|(key, path)| !is_there(key, path)).try_for_each(|(key, path)| {
            check.add(|| {
                let expected = format!("the key {} as {}", quoted(key), quoted(path));
                finding(&place, expected, NOTHING)
            })
        })
    }
}

impl ItemsRule {
    fn read(at: &Located<'_>, reading: &mut Reading<'_>) -> Result<Self, PolicyError> {
        if at.is_object() {
            let block = at.object(&["any"])?;
            read_any(block.required("any", "list items, or write {\"any\": true}")?)?;
            reading.warnings.broad(at, "permits any key as any file; list what is needed");
            return Ok(Self::Any);
        }
        let item = |at: &Located<'_>| {
            let item = at.object(&["key", "path"])?;
            let key = item.required("key", "write the key of the object")?.filled_string()?;
            let path = item.required("path", "write the file that it becomes")?.filled_string()?;
            Ok((key, path))
        };
        at.elements()?.iter().map(item).collect::<Result<_, _>>().map(Self::Exactly)
    }
}

fn described(item: &KeyToPath<'_>) -> String {
    // Bits and owner are compared by whoever knows the volume's own.
    let KeyToPath { key, path, mode: _, user: _ } = item;
    format!("the key {} as {}", quoted(key), quoted(path))
}

fn items_as_rule(items: &[KeyToPath<'_>]) -> Value {
    items.iter().map(|item| json!({ "key": item.key, "path": item.path })).collect()
}

/// Which modes and owners the files of one volume may have.
#[derive(Clone, Debug, Default)]
pub(super) struct BitsRule {
    modes: Option<NumberRule>,
    owners: Option<NumberRule>,
}

impl BitsRule {
    pub(super) const KEYS: [&'static str; 2] = ["modes", "owners"];

    pub(super) fn read(block: &Object<'_>, reading: &mut Reading<'_>) -> Result<Self, PolicyError> {
        let mut numbers = |key| block.read(key, |at| NumberRule::read(at, reading.warnings));
        Ok(Self { modes: numbers("modes")?, owners: numbers("owners")? })
    }

    /// What the volume says for all of its files. `kind` is the volume's.
    pub(super) fn check_all(
        &self,
        mode: Option<i64>,
        owner: Option<i64>,
        (place, kind): (&Place<'_>, &'static str),
        check: &mut Check<'_>,
    ) -> Fit {
        let mode = mode.unwrap_or(USUAL_MODE);
        self.check_mode(mode, (&place.field("defaultMode"), kind), check)?;
        self.check_owner(owner, (&place.field("defaultUser"), kind), check)
    }

    /// What one file says.
    pub(super) fn check_one(
        &self,
        mode: Option<i64>,
        owner: Option<i64>,
        (place, kind): (&Place<'_>, &'static str),
        check: &mut Check<'_>,
    ) -> Fit {
        if let Some(mode) = mode {
            self.check_mode(mode, (&place.field("mode"), kind), check)?;
        }
        self.check_owner(owner, (&place.field("user"), kind), check)
    }

    fn check_mode(
        &self,
        mode: i64,
        (place, kind): (&Place<'_>, &'static str),
        check: &mut Check<'_>,
    ) -> Fit {
        let found = |expected: String| {
            finding(place, expected, octal(mode)).fixed_by(format!("{kind}.modes"), vec![mode])
        };
        match &self.modes {
            Some(rule) => check.unless(rule.matches(Some(mode)), || found(rule.describe())),
            None => check.unlisted(mode == USUAL_MODE, || found(octal(USUAL_MODE))),
        }
    }

    fn check_owner(
        &self,
        owner: Option<i64>,
        (place, kind): (&Place<'_>, &'static str),
        check: &mut Check<'_>,
    ) -> Fit {
        let Some(owner) = owner else { return Fit::Continue(()) };
        let found = |expected: String| {
            let finding = finding(place, expected, owner.to_string());
            finding.fixed_by(format!("{kind}.owners"), vec![owner])
        };
        match &self.owners {
            Some(rule) => check.unless(rule.matches(Some(owner)), || found(rule.describe())),
            None => check.unlisted(false, || found(NOTHING.to_owned())),
        }
    }
}

/// As JSON has it, which is what a rule says, and as people read it.
fn octal(mode: i64) -> String {
    format!("{mode} (0{mode:o})")
}

/// `configMap` or `secret` of a volume.
#[derive(Clone, Debug)]
pub(in crate::policy) struct ObjectRule {
    names: Names,
    mapping: MappingRule,
    bits: BitsRule,
}

impl ObjectRule {
    pub(super) fn read(at: &Located<'_>, reading: &mut Reading<'_>) -> Result<Self, PolicyError> {
        let keys = [&["names"][..], &MappingRule::KEYS[..], &BitsRule::KEYS[..]].concat();
        let block = at.object(&keys)?;
        Ok(Self {
            names: names_of(&block, "names", reading)?,
            mapping: MappingRule::read(&block, reading)?,
            bits: BitsRule::read(&block, reading)?,
        })
    }

    /// `kind` is the source's field, `name_field` the one by which it names its object.
    pub(super) fn check(
        &self,
        source: &ObjectVolume<'_>,
        (kind, name_field): (&'static str, &'static str),
        place: &Place<'_>,
        check: &mut Check<'_>,
    ) -> Fit {
        let ObjectVolume { name, items, default_mode, optional, default_user } = source;
        let key = if kind == "secret" { "secret.names" } else { "configMap.names" };
        check.name(Some(&self.names), name, &place.field(name_field), key)?;
        let fix = |finding: Finding, key: &'static str, value: Value| {
            finding.fixed_by(format!("{kind}.{key}"), value)
        };
        self.mapping.check(items, *optional, place, fix, check)?;
        self.bits.check_all(*default_mode, *default_user, (place, kind), check)?;
        check_items(&self.bits, items, (place, kind), check)
    }
}

/// Bits and owners of mapped keys.
pub(super) fn check_items(
    bits: &BitsRule,
    items: &[KeyToPath<'_>],
    (place, kind): (&Place<'_>, &'static str),
    check: &mut Check<'_>,
) -> Fit {
    let list = place.field("items");
    items.iter().enumerate().try_for_each(|(index, item)| {
        let KeyToPath { key: _, path: _, mode, user } = item;
        bits.check_one(*mode, *user, (&list.element(index), kind), check)
    })
}

/// The rule that permits this source.
pub(super) fn as_rule(source: &ObjectVolume<'_>) -> Value {
    let ObjectVolume { name, items, default_mode, optional, default_user } = source;
    let mut rule = Map::new();
    rule.insert("names".to_owned(), json!([name]));
    if !items.is_empty() {
        rule.insert("items".to_owned(), items_as_rule(items));
    }
    if *optional == Some(true) {
        rule.insert("optional".to_owned(), true.into());
    }
    let mut modes = vec![default_mode.unwrap_or(USUAL_MODE)];
    modes.extend(items.iter().filter_map(|item| item.mode));
    modes.sort_unstable();
    modes.dedup();
    if modes != [USUAL_MODE] {
        rule.insert("modes".to_owned(), modes.into());
    }
    let mut owners: Vec<_> = items.iter().filter_map(|item| item.user).collect();
    owners.extend(default_user);
    if !owners.is_empty() {
        rule.insert("owners".to_owned(), owners.into());
    }
    rule.into()
}
