//! The sources that a volume entry may name, one key each.

use serde_json::{Value, json};

use super::Reading;
use super::csi::CsiRule;
use super::files::{self, ObjectRule};
use super::host_path::{self, HostPathRule};
use super::images::ImageRule;
use super::in_tree::{self, InTreeRule};
use super::pod_fields::FieldsRule;
use super::projections::ProjectedRule;
use crate::kube_wire::pod_view::{
    EmptyDir, EphemeralVolume, ImageVolume, PersistentVolumeClaim, Volume, VolumeSource,
};
use crate::policy::error::PolicyError;
use crate::policy::located::{Located, Object};
use crate::policy::v2::check::{Check, NOTHING, Unlisted, shown};
use crate::policy::v2::finding::{Fit, Place, finding};
use crate::policy::v2::names::Names;
use crate::policy::v2::subject::{ImageText, Subject};
use crate::policy::v2::text_rule::read_word;

/// Memory or disk of the node; huge pages have to be listed.
const USUAL_MEDIA: [&str; 2] = ["", "Memory"];

const MEDIA: [&str; 5] = ["", "Memory", "HugePages", "HugePages-2Mi", "HugePages-1Gi"];

/// What a volume may be made of.
#[derive(Clone, Debug)]
pub(in crate::policy) enum SourceRule {
    /// `emptyDir`
    EmptyDir {
        /// Where it may lie.
        media: Vec<&'static str>,
    },
    /// `configMap`
    ConfigMap(ObjectRule),
    /// `secret`
    Secret(ObjectRule),
    /// `projected`
    Projected(ProjectedRule),
    /// `downwardAPI`
    DownwardApi(FieldsRule),
    /// `persistentVolumeClaim`
    PersistentVolumeClaim(Names),
    /// `csi`
    Csi(CsiRule),
    /// `ephemeral`
    Ephemeral(Names),
    /// `image`
    Image(ImageRule),
    /// `hostPath`
    HostPath(HostPathRule),
    /// `inTree`
    InTree(InTreeRule),
}

impl SourceRule {
    /// The keys, of which an entry has one.
    pub(super) const KINDS: [&'static str; 11] = [
        "emptyDir",
        "configMap",
        "secret",
        "projected",
        "downwardAPI",
        "persistentVolumeClaim",
        "csi",
        "ephemeral",
        "image",
        "hostPath",
        "inTree",
    ];

    /// Reads what stands behind the key.
    pub(super) fn read(
        kind: &str,
        at: &Located<'_>,
        reading: &mut Reading<'_>,
    ) -> Result<Self, PolicyError> {
        Ok(match kind {
            "emptyDir" => Self::EmptyDir {
                media: at
                    .object(&["medium"])?
                    .list("medium", |at| read_word(at, &MEDIA))?
                    .unwrap_or(USUAL_MEDIA.to_vec()),
            },
            "configMap" => Self::ConfigMap(ObjectRule::read(at, reading)?),
            "secret" => Self::Secret(ObjectRule::read(at, reading)?),
            "projected" => Self::Projected(ProjectedRule::read(at, reading)?),
            "downwardAPI" => Self::DownwardApi(FieldsRule::read(at, reading)?),
            "persistentVolumeClaim" => {
                Self::PersistentVolumeClaim(read_names(at, "names", reading)?)
            }
            "csi" => Self::Csi(CsiRule::read(at, reading)?),
            "ephemeral" => Self::Ephemeral(read_names(at, "storageClasses", reading)?),
            "image" => Self::Image(ImageRule::read(at, reading)?),
            "hostPath" => Self::HostPath(HostPathRule::read(at, reading)?),
            _ => Self::InTree(InTreeRule::read(at, reading)?),
        })
    }

    /// Does it ask for read-only mounts of the node's files, and leave open what is mounted below them?
    pub(super) fn is_shallow(&self) -> bool {
        matches!(self, Self::HostPath(rule) if rule.is_shallow())
    }

    /// Is it about sources of this kind?
    pub(super) fn is_kind(&self, kind: &str) -> bool {
        match self {
            Self::EmptyDir { .. } => kind == "emptyDir",
            Self::ConfigMap(_) => kind == "configMap",
            Self::Secret(_) => kind == "secret",
            Self::Projected(_) => kind == "projected",
            Self::DownwardApi(_) => kind == "downwardAPI",
            Self::PersistentVolumeClaim(_) => kind == "persistentVolumeClaim",
            Self::Csi(_) => kind == "csi",
            Self::Ephemeral(_) => kind == "ephemeral",
            Self::Image(_) => kind == "image",
            Self::HostPath(_) => kind == "hostPath",
            Self::InTree(rule) => rule.is_kind(kind),
        }
    }

    /// May the volume's source, which is of this kind, be what it is? How large it may grow is the pod's
    /// own matter.
    pub(super) fn check(
        &self,
        volume: &Volume<'_>,
        subject: &Subject<'_>,
        place: &Place<'_>,
        check: &mut Check<'_>,
    ) -> Fit {
        if let (Self::InTree(rule), VolumeSource::InTree(source)) = (self, &volume.source) {
            return rule.check((source.kind, source.fields), place, check);
        }
        let place = Place::Field(place, self.field());
        match (self, &volume.source) {
            (Self::EmptyDir { media }, VolumeSource::EmptyDir(source)) => {
                let EmptyDir { medium, size_limit: _, mode: _ } = source;
                check.word(media, medium, &place.field("medium"), "emptyDir.medium")
            }
            (Self::ConfigMap(rule), VolumeSource::ConfigMap(source)) => {
                rule.check(source, ("configMap", "name"), &place, check)
            }
            (Self::Secret(rule), VolumeSource::Secret(source)) => {
                rule.check(source, ("secret", "secretName"), &place, check)
            }
            (Self::Projected(rule), VolumeSource::Projected(source)) => {
                rule.check(source, &place, check)
            }
            (Self::DownwardApi(rule), VolumeSource::DownwardApi(source)) => {
                rule.check(source, &place, check)
            }
            (Self::PersistentVolumeClaim(names), VolumeSource::PersistentVolumeClaim(source)) => {
                let PersistentVolumeClaim { claim_name, read_only: _ } = source;
                let key = "persistentVolumeClaim.names";
                check.name(Some(names), claim_name, &place.field("claimName"), key)
            }
            (Self::Csi(rule), VolumeSource::Csi(source)) => rule.check(source, &place, check),
            (Self::Ephemeral(classes), VolumeSource::Ephemeral(source)) => {
                check_ephemeral(classes, source, &place, check)
            }
            (Self::Image(rule), VolumeSource::Image(ImageVolume { reference })) => {
                rule.check(&ImageText::new(reference), &place.field("reference"), check)
            }
            (Self::HostPath(rule), VolumeSource::HostPath(source)) => {
                rule.check(source, subject.mounts_of(volume.name), &place, check)
            }
            (rule, source) => check.add(|| finding(&place, rule.field(), shown(source.kind()))),
        }
    }

    /// The field of a volume that it is about.
    fn field(&self) -> &'static str {
        match self {
            Self::EmptyDir { .. } => "emptyDir",
            Self::ConfigMap(_) => "configMap",
            Self::Secret(_) => "secret",
            Self::Projected(_) => "projected",
            Self::DownwardApi(_) => "downwardAPI",
            Self::PersistentVolumeClaim(_) => "persistentVolumeClaim",
            Self::Csi(_) => "csi",
            Self::Ephemeral(_) => "ephemeral",
            Self::Image(_) => "image",
            Self::HostPath(_) => "hostPath",
            Self::InTree(_) => "inTree",
        }
    }
}

/// The class decides who makes the volume. A volume that exists, or another's data, is no new one.
fn check_ephemeral(
    classes: &Names,
    source: &EphemeralVolume<'_>,
    place: &Place<'_>,
    check: &mut Check<'_>,
) -> Fit {
    let EphemeralVolume { template } = source;
    let place = place.field("volumeClaimTemplate");
    let spec = template.as_ref().and_then(|template| template.spec.as_ref());
    let Some(spec) = spec else {
        return check.add(|| finding(&place, "a claim template", NOTHING));
    };
    let place = place.field("spec");
    let class = spec.storage_class_name.unwrap_or_default();
    let key = "ephemeral.storageClasses";
    check.name(Some(classes), class, &place.field("storageClassName"), key)?;
    let borrowed = [
        (!spec.volume_name.is_empty(), "volumeName"),
        (spec.selector.is_some(), "selector"),
        (spec.data_source.is_some(), "dataSource"),
        (spec.data_source_ref.is_some(), "dataSourceRef"),
    ];
    borrowed.into_iter().try_for_each(|(is_set, field)| {
        check.unlisted(!is_set, || {
            finding(&place.field(field), NOTHING, "a volume or data that exist")
        })
    })
}

fn read_names(
    at: &Located<'_>,
    key: &'static str,
    reading: &mut Reading<'_>,
) -> Result<Names, PolicyError> {
    names_of(&at.object(&[key])?, key, reading)
}

/// The names behind a key; where what is not listed is permitted, no key means every name.
pub(super) fn names_of(
    block: &Object<'_>,
    key: &'static str,
    reading: &mut Reading<'_>,
) -> Result<Names, PolicyError> {
    match block.find(key) {
        Some(at) if reading.unlisted == Unlisted::Permit => Names::read(at),
        Some(at) => Names::read_permit(at, reading.warnings),
        None if reading.unlisted == Unlisted::Permit => Ok(Names::everything()),
        None => Err(block.at().missing(key, "list what is permitted, `[\"*\"]` for anything")),
    }
}

/// The entry that permits this volume; `None` for what nobody should permit with a keystroke.
pub(super) fn as_rule(volume: &Volume<'_>) -> Option<Value> {
    let source = match &volume.source {
        VolumeSource::EmptyDir(EmptyDir { medium, .. }) if USUAL_MEDIA.contains(medium) => {
            json!({ "emptyDir": {} })
        }
        VolumeSource::EmptyDir(source) => json!({ "emptyDir": { "medium": [source.medium] } }),
        VolumeSource::ConfigMap(source) => json!({ "configMap": files::as_rule(source) }),
        VolumeSource::Secret(source) => json!({ "secret": files::as_rule(source) }),
        VolumeSource::PersistentVolumeClaim(source) => {
            json!({ "persistentVolumeClaim": { "names": [source.claim_name] } })
        }
        VolumeSource::Csi(source) => json!({ "csi": super::csi::as_rule(source) }),
        VolumeSource::Image(source) => json!({ "image": { "references": [source.reference] } }),
        VolumeSource::HostPath(source) => json!({ "hostPath": host_path::as_rule(source) }),
        VolumeSource::InTree(source) => {
            json!({ "inTree": in_tree::as_rule(source.kind, source.fields) })
        }
        VolumeSource::Absent
        | VolumeSource::DownwardApi(_)
        | VolumeSource::Projected(_)
        | VolumeSource::Ephemeral(_) => return None,
    };
    let mut rule = source;
    rule.as_object_mut()?.insert("names".to_owned(), json!([volume.name]));
    Some(rule)
}
