//! Volumes, and the sources that a kubelet serves by itself.

use super::claim::{EphemeralVolume, PersistentVolumeClaim};
use super::projection::{DownwardApiFile, KeyToPath, Projection};
use super::read::{Entries, Quantity, Read, view};
use super::spec::ReferredObject;
use crate::kube_wire::json::{Kind, Value};
use crate::kube_wire::pod_schema::claim::CSI_VOLUME_SOURCE;
use crate::kube_wire::pod_schema::projection::PROJECTED_VOLUME_SOURCE;
use crate::kube_wire::pod_schema::volume::{
    CONFIG_MAP_VOLUME_SOURCE, DOWNWARD_API_VOLUME_SOURCE, EMPTY_DIR_VOLUME_SOURCE,
    HOST_PATH_VOLUME_SOURCE, IMAGE_VOLUME_SOURCE, SECRET_VOLUME_SOURCE, VOLUME,
};
use crate::kube_wire::received_pod::SoundPod;
use crate::kube_wire::schema::{Holding, ObjectSchema};

/// `volumes[]`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Volume<'a> {
    /// `name`.
    pub name: &'a str,
    /// Its one source.
    pub source: VolumeSource<'a>,
}

/// Where a volume's content comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum VolumeSource<'a> {
    /// None is given; no plugin serves it.
    #[default]
    Absent,
    /// `hostPath`.
    HostPath(HostPath<'a>),
    /// `emptyDir`.
    EmptyDir(EmptyDir<'a>),
    /// `configMap`.
    ConfigMap(ObjectVolume<'a>),
    /// `secret`.
    Secret(ObjectVolume<'a>),
    /// `downwardAPI`.
    DownwardApi(DownwardApiVolume<'a>),
    /// `projected`.
    Projected(ProjectedVolume<'a>),
    /// `persistentVolumeClaim`.
    PersistentVolumeClaim(PersistentVolumeClaim<'a>),
    /// `ephemeral`.
    Ephemeral(&'a EphemeralVolume<'a>),
    /// `csi`.
    Csi(Csi<'a>),
    /// `image`.
    Image(ImageVolume<'a>),
    /// Any of the other in-tree kinds.
    InTree(InTreeVolume<'a>),
}

/// A source of an in-tree kind: what is written there, of which nothing has a type here.
#[derive(Clone, Copy, Debug)]
pub struct InTreeVolume<'a> {
    /// Its name in JSON, for instance `nfs`.
    pub kind: &'a str,
    /// What is written there.
    pub fields: Value<'a>,
}

impl PartialEq for InTreeVolume<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.kind == other.kind && is_same(self.fields, other.fields)
    }
}

impl Eq for InTreeVolume<'_> {}

/// Member by member, in whichever order they stand.
fn is_same(one: Value<'_>, other: Value<'_>) -> bool {
    match (one.kind(), other.kind()) {
        (Kind::Array, Kind::Array) => {
            one.items().count() == other.items().count()
                && one.items().zip(other.items()).all(|(one, other)| is_same(one, other))
        }
        (Kind::Object, Kind::Object) => {
            let has = |key: &str, value| {
                other.entries().any(|(known, it)| known == key && is_same(value, it))
            };
            one.entries().count() == other.entries().count()
                && one.entries().all(|(key, value)| has(key, value))
        }
        (one, other) => one == other,
    }
}

impl<'a> Volume<'a> {
    const fn holds(source: &str, parts: &[&ObjectSchema]) -> bool {
        ObjectSchema::holds(Self::TABLES, source, parts, Holding::One)
    }
}

impl<'a> VolumeSource<'a> {
    /// The source's name in JSON; empty when there is none.
    pub fn kind(&self) -> &'a str {
        match self {
            Self::Absent => "",
            Self::HostPath(_) => "hostPath",
            Self::EmptyDir(_) => "emptyDir",
            Self::ConfigMap(_) => "configMap",
            Self::Secret(_) => "secret",
            Self::DownwardApi(_) => "downwardAPI",
            Self::Projected(_) => "projected",
            Self::PersistentVolumeClaim(_) => "persistentVolumeClaim",
            Self::Ephemeral(_) => "ephemeral",
            Self::Csi(_) => "csi",
            Self::Image(_) => "image",
            Self::InTree(volume) => volume.kind,
        }
    }
}

impl<'a> Read<'a> for Volume<'a> {
    const TABLES: &'static [&'static ObjectSchema] = &[&VOLUME];

    fn read(at: u32, pod: &'a SoundPod<'a>) -> Self {
        const {
            assert!(Self::holds("hostPath", HostPath::TABLES));
            assert!(Self::holds("emptyDir", EmptyDir::TABLES));
            assert!(Self::holds("configMap", ObjectVolume::TABLES));
            assert!(Self::holds("secret", ObjectVolume::TABLES));
            assert!(Self::holds("downwardAPI", DownwardApiVolume::TABLES));
            assert!(Self::holds("projected", ProjectedVolume::TABLES));
            assert!(Self::holds("persistentVolumeClaim", PersistentVolumeClaim::TABLES));
            assert!(Self::holds("ephemeral", EphemeralVolume::TABLES));
            assert!(Self::holds("csi", Csi::TABLES));
            assert!(Self::holds("image", ImageVolume::TABLES));
        }
        let mut volume = Self::default();
        for (key, member) in pod.checked.at(at).entries() {
            if member.is_null() {
                continue;
            }
            let at = member.position();
            volume.source = match key {
                "name" => {
                    volume.name = Read::read(at, pod);
                    continue;
                }
                "hostPath" => VolumeSource::HostPath(Read::read(at, pod)),
                "emptyDir" => VolumeSource::EmptyDir(Read::read(at, pod)),
                "configMap" => VolumeSource::ConfigMap(ObjectVolume::config_map(at, pod)),
                "secret" => VolumeSource::Secret(ObjectVolume::secret(at, pod)),
                "downwardAPI" => VolumeSource::DownwardApi(Read::read(at, pod)),
                "projected" => VolumeSource::Projected(Read::read(at, pod)),
                "persistentVolumeClaim" => VolumeSource::PersistentVolumeClaim(Read::read(at, pod)),
                "ephemeral" => VolumeSource::Ephemeral(Read::read(at, pod)),
                "csi" => VolumeSource::Csi(Read::read(at, pod)),
                "image" => VolumeSource::Image(Read::read(at, pod)),
                kind => VolumeSource::InTree(InTreeVolume { kind, fields: member }),
            };
        }
        volume
    }
}

view! {
    /// `hostPath`.
    #[derive(Debug)]
    HostPath<'a> of [HOST_PATH_VOLUME_SOURCE] {
        "path" path: &'a str,
        "type" type_name: Option<&'a str>,
    }
}

view! {
    /// `emptyDir`.
    #[derive(Debug)]
    EmptyDir<'a> of [EMPTY_DIR_VOLUME_SOURCE] {
        "medium" medium: &'a str,
        "sizeLimit" size_limit: Option<Quantity<'a>>,
        "mode" mode: Option<i64>,
    }
}

view! {
    /// `configMap` or `secret`, which name their object by different fields.
    #[derive(Debug)]
    ObjectVolume<'a> of [CONFIG_MAP_VOLUME_SOURCE, SECRET_VOLUME_SOURCE] {
        "items" items: &'a [KeyToPath<'a>],
        "defaultMode" default_mode: Option<i64>,
        "optional" optional: Option<bool>,
        "defaultUser" default_user: Option<i64>,
    }
    and {
        /// `name` of a ConfigMap, `secretName` of a Secret.
        name: &'a str,
    }
}

impl<'a> ObjectVolume<'a> {
    fn config_map(at: u32, pod: &'a SoundPod<'a>) -> Self {
        Self::named_by("name", at, pod)
    }

    fn secret(at: u32, pod: &'a SoundPod<'a>) -> Self {
        Self::named_by("secretName", at, pod)
    }

    fn named_by(field: &str, at: u32, pod: &'a SoundPod<'a>) -> Self {
        let name =
            pod.checked.at(at).field(field).and_then(|name| name.as_str()).unwrap_or_default();
        Self { name, ..Self::read(at, pod) }
    }
}

view! {
    /// `downwardAPI`.
    #[derive(Debug)]
    DownwardApiVolume<'a> of [DOWNWARD_API_VOLUME_SOURCE] {
        "items" items: &'a [DownwardApiFile<'a>],
        "defaultMode" default_mode: Option<i64>,
        "defaultUser" default_user: Option<i64>,
    }
}

view! {
    /// `projected`.
    #[derive(Debug)]
    ProjectedVolume<'a> of [PROJECTED_VOLUME_SOURCE] {
        "sources" sources: &'a [Projection<'a>],
        "defaultMode" default_mode: Option<i64>,
        "defaultUser" default_user: Option<i64>,
    }
}

view! {
    /// `csi`: a driver asked directly, without a claim.
    #[derive(Debug)]
    Csi<'a> of [CSI_VOLUME_SOURCE] {
        "driver" driver: &'a str,
        "readOnly" read_only: Option<bool>,
        "fsType" fs_type: Option<&'a str>,
        "volumeAttributes" volume_attributes: Entries<'a, &'a str>,
        "nodePublishSecretRef" node_publish_secret: Option<ReferredObject<'a>>,
    }
}

view! {
    /// `image`.
    #[derive(Debug)]
    ImageVolume<'a> of [IMAGE_VOLUME_SOURCE] {
        "reference" reference: &'a str,
    }
}
