//! `hostPath` of a volume: files of the node itself.
//!
//! Only the text of the path is compared: where a link below it leads is the node's own matter. To be
//! mounted read-only does not reach what else is mounted below the path, unless the runtime is asked to.

use serde_json::{Value, json};

use super::Reading;
use super::volume_source::names_of;
use crate::kube_wire::pod_view::{HostPath, VolumeMount};
use crate::policy::error::PolicyError;
use crate::policy::located::Located;
use crate::policy::v2::check::{Check, shown};
use crate::policy::v2::finding::{Fit, Place, finding};
use crate::policy::v2::names::Names;

/// The types that make what is not there.
const CREATING: [&str; 2] = ["DirectoryOrCreate", "FileOrCreate"];

/// Which paths, and what may become of them.
#[derive(Clone, Debug)]
pub(in crate::policy) struct HostPathRule {
    paths: Names,
    access: Access,
    /// Files and directories may be made there, by the kubelet, as root.
    create: Option<bool>,
}

/// How all containers must mount the path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Access {
    Writable,
    ReadOnly,
    /// With all that is mounted below.
    RecursivelyReadOnly,
}

impl HostPathRule {
    pub(super) fn read(at: &Located<'_>, reading: &mut Reading<'_>) -> Result<Self, PolicyError> {
        let block = at.object(&["paths", "readOnly", "create"])?;
        Ok(Self {
            paths: names_of(&block, "paths", reading)?,
            access: block.read("readOnly", Access::read)?.unwrap_or(Access::ReadOnly),
            create: block.read("create", Located::boolean)?,
        })
    }

    /// Does it ask for read-only mounts, and leave open what is mounted below them?
    pub(super) fn is_shallow(&self) -> bool {
        self.access == Access::ReadOnly
    }

    pub(super) fn check<'m, 'v: 'm>(
        &self,
        source: &HostPath<'_>,
        mut mounts: impl Iterator<Item = &'m VolumeMount<'v>>,
        place: &Place<'_>,
        check: &mut Check<'_>,
    ) -> Fit {
        let HostPath { path, type_name } = source;
        check.name(Some(&self.paths), path, &place.field("path"), "hostPath.paths")?;
        let type_name = type_name.unwrap_or_default();
        let made = || {
            finding(&place.field("type"), "one that makes nothing", shown(type_name))
                .fixed_by("hostPath.create", true)
        };
        let is_creating = CREATING.contains(&type_name);
        match self.create {
            Some(may) => check.unless(may || !is_creating, made)?,
            None => check.unlisted(!is_creating, made)?,
        }
        let is_recursive = |mount: &VolumeMount<'_>| {
            mount.read_only && mount.recursive_read_only == Some("Enabled")
        };
        let (fits, expected, found) = match self.access {
            Access::Writable => (true, "", ""),
            Access::ReadOnly => (
                mounts.all(|mount| mount.read_only),
                "mounted read-only everywhere",
                "a mount that may be written",
            ),
            Access::RecursivelyReadOnly => (
                mounts.all(is_recursive),
                "mounted with readOnly and recursiveReadOnly: Enabled everywhere",
                "a mount that may be written, or what is mounted below it",
            ),
        };
        check.unless(fits, || finding(place, expected, found).fixed_by("hostPath.readOnly", false))
    }
}

impl Access {
    fn read(at: &Located<'_>) -> Result<Self, PolicyError> {
        if at.is_string() {
            return match at.string()?.as_str() {
                "recursive" => Ok(Self::RecursivelyReadOnly),
                _ => Err(at.refuse("is not known; write true, false or \"recursive\"")),
            };
        }
        at.boolean().map(|is| if is { Self::ReadOnly } else { Self::Writable })
    }
}

/// The rule that permits this source.
pub(super) fn as_rule(source: &HostPath<'_>) -> Value {
    let HostPath { path, type_name } = source;
    match type_name.is_some_and(|type_name| CREATING.contains(&type_name)) {
        true => json!({ "paths": [path], "create": true }),
        false => json!({ "paths": [path] }),
    }
}
