//! `persistentVolumes`: what may stand behind a claim.
//!
//! A pod names a claim, the claim a volume, and the volume says what is mounted: of all three the pod is
//! the only one that was admitted. The volume is judged at every GET, since it may be swapped and the
//! claim may be bound to another one. What is not listed is refused.

use std::ops::ControlFlow;

use super::ObjectRefusal;
use super::node_path::NodePath;
use crate::kube_wire::grammar::Grammar;
use crate::kube_wire::json::Value;
use crate::policy::error::{PolicyError, Warnings};
use crate::policy::located::{Located, Object};
use crate::policy::v2::check::{Check, Unlisted};
use crate::policy::v2::finding::{Findings, Place};
use crate::policy::v2::permit::in_tree::InTreeRule;
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

/// What may stand behind a claim.
#[derive(Clone, Debug)]
pub(super) struct VolumeSources {
    drivers: Vec<String>,
    local: Vec<NodePath>,
    host: Vec<NodePath>,
    in_tree: InTreeRule,
}

impl VolumeSources {
    pub(super) fn read(at: &Located<'_>, warnings: &mut Warnings) -> Result<Self, PolicyError> {
        let in_tree = |at: &Located<'_>| InTreeRule::read_persistent(at, warnings);
        let sources = at.object(&KEYS)?;
        Ok(Self {
            drivers: entries(&sources, "csi", "drivers", read_driver)?,
            local: entries(&sources, "local", "paths", NodePath::read)?,
            host: entries(&sources, "hostPath", "paths", NodePath::read)?,
            in_tree: sources.read("inTree", in_tree)?.unwrap_or_default(),
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
            other if self.in_tree.is_kind(other) => return self.check_in_tree(other, source),
            other => return refuse(format!("spec.{}: {NOT_PERMITTED}", Quoted(other))),
        };
        if is_permitted {
            return Ok(());
        }
        refuse(format!("spec.{at}: '{}' {NOT_PERMITTED}", Quoted(found)))
    }

    fn check_in_tree(&self, kind: &str, source: Value<'_>) -> Result<(), ObjectRefusal> {
        let mut findings = Findings::first();
        let check = &mut Check { unlisted: Unlisted::Refuse, findings: &mut findings };
        match self.in_tree.check((kind, source), &Place::Top("spec"), check) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => {
                let first = findings.into_kept().into_iter().next();
                let text = first.map(|finding| finding.to_string()).unwrap_or_default();
                Err(ObjectRefusal::VolumeSource(text))
            }
        }
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
