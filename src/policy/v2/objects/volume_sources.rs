//! `persistentVolumes`: what may stand behind a claim.
//!
//! A pod names a claim, the claim a volume, and the volume says what is mounted: of all three the pod is
//! the only one that was admitted. The volume is judged at every GET, since it may be swapped and the
//! claim may be bound to another one. What is not listed is refused.

use super::ObjectRefusal;
use super::node_path::NodePath;
use crate::kube_wire::grammar::Grammar;
use crate::kube_wire::json::Value;
use crate::policy::error::PolicyError;
use crate::policy::located::{Located, Object, suggest};
use crate::policy::verdict::Quoted;

const KEYS: [&str; 4] = ["csi", "local", "hostPath", "inTree"];

/// Members of a volume's spec that are no source. Everything else is one, known or not.
const NO_SOURCES: [&str; 9] = [
    "capacity",
    "accessModes",
    "claimRef",
    "persistentVolumeReclaimPolicy",
    "storageClassName",
    "mountOptions",
    "volumeMode",
    "nodeAffinity",
    "volumeAttributesClassName",
];

/// Sources that are permitted by their kind alone: what they lead to is elsewhere than on the node.
const IN_TREE: [&str; 19] = [
    "gcePersistentDisk",
    "awsElasticBlockStore",
    "glusterfs",
    "nfs",
    "rbd",
    "iscsi",
    "cinder",
    "cephfs",
    "fc",
    "flocker",
    "flexVolume",
    "azureFile",
    "vsphereVolume",
    "quobyte",
    "azureDisk",
    "photonPersistentDisk",
    "portworxVolume",
    "scaleIO",
    "storageos",
];

/// What may stand behind a claim.
#[derive(Clone, Debug)]
pub(super) struct VolumeSources {
    drivers: Vec<String>,
    local: Vec<NodePath>,
    host: Vec<NodePath>,
    in_tree: Vec<&'static str>,
}

impl VolumeSources {
    pub(super) fn read(at: &Located<'_>) -> Result<Self, PolicyError> {
        let sources = at.object(&KEYS)?;
        Ok(Self {
            drivers: entries(&sources, "csi", "drivers", read_driver)?,
            local: entries(&sources, "local", "paths", NodePath::read)?,
            host: entries(&sources, "hostPath", "paths", NodePath::read)?,
            in_tree: match sources.find("inTree") {
                Some(kinds) => kinds.elements()?.iter().map(read_kind).collect::<Result<_, _>>()?,
                None => Vec::new(),
            },
        })
    }

    pub(super) fn check(&self, volume: Value<'_>) -> Result<(), ObjectRefusal> {
        let spec = volume.field("spec");
        let sources = spec.iter().flat_map(Value::entries);
        let mut sources =
            sources.filter(|(key, value)| !value.is_null() && !NO_SOURCES.contains(key));
        let refuse = |text: String| Err(ObjectRefusal::VolumeSource(text));
        let (Some((kind, source)), None) = (sources.next(), sources.next()) else {
            return refuse("spec: a volume has one source".to_owned());
        };
        let text = |name: &str| source.field(name).and_then(|it| it.as_str()).unwrap_or_default();
        let (is_permitted, at, found) = match kind {
            "csi" => {
                let driver = text("driver");
                (self.drivers.iter().any(|it| it == driver), "csi.driver", driver)
            }
            "local" => (covers(&self.local, text("path")), "local.path", text("path")),
            "hostPath" => (covers(&self.host, text("path")), "hostPath.path", text("path")),
            other if self.in_tree.contains(&other) => return Ok(()),
            other => return refuse(format!("spec.{}: {NOT_PERMITTED}", Quoted(other))),
        };
        if is_permitted {
            return Ok(());
        }
        refuse(format!("spec.{at}: '{}' {NOT_PERMITTED}", Quoted(found)))
    }
}

const NOT_PERMITTED: &str = "is not among what the policy's persistentVolumes permit";

fn covers(paths: &[NodePath], path: &str) -> bool {
    paths.iter().any(|permitted| permitted.covers(path))
}

/// The list inside a source's entry; none if there is no entry.
fn entries<T>(
    sources: &Object<'_>,
    source: &str,
    list: &str,
    read: fn(&Located<'_>) -> Result<T, PolicyError>,
) -> Result<Vec<T>, PolicyError> {
    let Some(at) = sources.find(source) else { return Ok(Vec::new()) };
    let entry = at.object(&[list])?;
    let missing = || at.missing(list, "list what is permitted, or remove the source");
    entry.find(list).ok_or_else(missing)?.elements()?.iter().map(read).collect()
}

fn read_driver(at: &Located<'_>) -> Result<String, PolicyError> {
    let driver = at.filled_string()?;
    if Grammar::CsiDriver.matches(&driver) {
        Ok(driver)
    } else {
        Err(at.refuse("is no name of a CSI driver; write it as its CSIDriver object is named"))
    }
}

fn read_kind(at: &Located<'_>) -> Result<&'static str, PolicyError> {
    let kind = at.filled_string()?;
    let known = IN_TREE.iter().find(|known| **known == kind);
    known.copied().ok_or_else(|| {
        at.refuse(format!("is no source that its kind alone permits; {}", suggest(&kind, &IN_TREE)))
    })
}
