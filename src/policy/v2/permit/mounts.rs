//! `mounts` and `devices`: what of the pod's volumes a container sees, and where.
//!
//! Each mount is listed with its place: one over `/proc`, `/dev` or the image's own files fits no
//! rule by accident. The volumes themselves are permitted in `volumes`.

use std::collections::HashSet;

use serde_json::{Map, Value};

use super::Reading;
use super::expansion::Pinned;
use crate::kube_wire::pod_view::{VolumeDevice, VolumeMount};
use crate::policy::error::PolicyError;
use crate::policy::explanation::Finding;
use crate::policy::located::Located;
use crate::policy::v2::check::{Check, NOTHING, Unlisted, shown};
use crate::policy::v2::finding::{Fit, Place, finding};
use crate::policy::v2::names::Names;
use crate::policy::v2::text_rule::{TextRule, list, quoted, read_word};

const KEYS: [&str; 9] = [
    "volume",
    "path",
    "readOnly",
    "subPath",
    "subPathExpr",
    "propagation",
    "recursiveReadOnly",
    "bindMountOptions",
    "optional",
];

/// What `mountPropagation` may say.
const PROPAGATIONS: [&str; 3] = ["None", "HostToContainer", "Bidirectional"];

/// What `recursiveReadOnly` may say.
const RECURSIONS: [&str; 3] = ["Disabled", "IfPossible", "Enabled"];

/// One mount that a container may have.
#[derive(Clone, Debug)]
pub(in crate::policy) struct MountRule {
    volume: Names,
    path: TextRule,
    read_only: bool,
    sub_path: Option<TextRule>,
    sub_path_expr: Option<TextRule>,
    propagation: &'static str,
    recursive_read_only: Option<&'static str>,
    bind_mount_options: Vec<String>,
    optional: bool,
}

impl MountRule {
    /// Reads one entry.
    pub(super) fn read(at: &Located<'_>, reading: &mut Reading<'_>) -> Result<Self, PolicyError> {
        let block = at.object(&KEYS)?;
        let warnings = &mut *reading.warnings;
        let volume = block.required("volume", "name the volume, or give a pattern")?;
        let path = block.required("path", "write where the volume is mounted")?;
        Ok(Self {
            volume: if volume.is_list() { Names::read(volume)? } else { Names::read_one(volume)? },
            path: TextRule::read(path, warnings)?,
            read_only: block.read("readOnly", Located::boolean)?.unwrap_or(true),
            sub_path: block.read("subPath", |at| TextRule::read(at, warnings))?,
            sub_path_expr: block.read("subPathExpr", |at| TextRule::read(at, warnings))?,
            propagation: block
                .read("propagation", |at| read_word(at, &PROPAGATIONS))?
                .unwrap_or("None"),
            recursive_read_only: block
                .read("recursiveReadOnly", |at| read_word(at, &RECURSIONS))?,
            bind_mount_options: block
                .list("bindMountOptions", Located::filled_string)?
                .unwrap_or_default(),
            optional: block
                .read("optional", Located::boolean)?
                .unwrap_or(reading.unlisted == Unlisted::Permit),
        })
    }

    /// Does it permit mounts of a volume with one of these names (`None` is any) and leave open what may
    /// be written below them?
    pub(super) fn is_shallow_for(&self, volumes: Option<&Names>) -> bool {
        volumes.is_none_or(|names| names.may_share(&self.volume))
            && self.recursive_read_only != Some("Enabled")
    }

    fn is_about(&self, mount: &VolumeMount<'_>) -> bool {
        self.volume.match_name(mount.volume) && self.path.matches(mount.mount_path)
    }

    fn check(
        &self,
        mount: &VolumeMount<'_>,
        pinned: Pinned<'_>,
        place: &Place<'_>,
        check: &mut Check<'_>,
    ) -> Fit {
        let VolumeMount {
            volume: _,
            mount_path: _,
            read_only,
            recursive_read_only,
            sub_path,
            mount_propagation,
            sub_path_expr,
            bind_mount_options,
        } = mount;
        check.unless(*read_only || !self.read_only, || {
            finding(&place.field("readOnly"), "true", "false")
        })?;
        check.text(self.sub_path.as_ref(), sub_path, &place.field("subPath"), "subPath")?;
        let expr = place.field("subPathExpr");
        check.text(self.sub_path_expr.as_ref(), sub_path_expr, &expr, "subPathExpr")?;
        if self.sub_path_expr.as_ref().is_some_and(TextRule::pins) {
            pinned.check(sub_path_expr, &expr, check)?;
        }
        let propagation = mount_propagation.unwrap_or("None");
        check.unless(propagation == "None" || propagation == self.propagation, || {
            finding(&place.field("mountPropagation"), self.propagation, shown(propagation))
        })?;
        let recursion = recursive_read_only.unwrap_or("Disabled");
        let recursion_fits = match self.recursive_read_only {
            Some(wanted) => recursion == wanted,
            // Each of them only takes rights away.
            None => RECURSIONS.contains(&recursion),
        };
        check.unless(recursion_fits, || {
            let expected = self.recursive_read_only.unwrap_or("Disabled, IfPossible or Enabled");
            finding(&place.field("recursiveReadOnly"), expected, shown(recursion))
        })?;
        let listed = |option: &&str| self.bind_mount_options.iter().any(|it| it == option);
        check.unless(bind_mount_options.iter().all(listed), || {
            let expected = list(&self.bind_mount_options);
            finding(&place.field("bindMountOptions"), expected, list(bind_mount_options))
        })
    }
}

/// Each mount must be one of those listed, and each of those must be there.
pub(super) fn check_mounts(
    rules: Option<&[MountRule]>,
    mounts: &[VolumeMount<'_>],
    is_free: impl Fn(&VolumeMount<'_>) -> bool,
    pinned: Pinned<'_>,
    place: &Place<'_>,
    check: &mut Check<'_>,
) -> Fit {
    let mut paths = Paths::of(mounts);
    for (index, mount) in mounts.iter().enumerate() {
        let place = place.element(index);
        check.unless(paths.is_new(index, mount), || {
            let path = place.field("mountPath");
            finding(&path, "each path once", quoted(mount.mount_path))
        })?;
        if is_free(mount) {
            continue;
        }
        let about = rules.unwrap_or_default().iter().filter(|rule| rule.is_about(mount));
        if about.clone().next().is_none() {
            check.unlisted(false, || unlisted(mount, &place))?;
            continue;
        }
        let unlisted_is = check.unlisted;
        check.findings.one_of(
            about,
            |rule, findings| {
                let mut check = Check { unlisted: unlisted_is, findings };
                rule.check(mount, pinned, &place, &mut check)
            },
            || unlisted(mount, &place),
        )?;
    }
    let is_missing =
        |rule: &&MountRule| !rule.optional && !mounts.iter().any(|mount| rule.is_about(mount));
    rules.unwrap_or_default().iter().filter(is_missing).try_for_each(|rule| {
        check.add(|| {
            let (volume, path) = (rule.volume.describe(), rule.path.describe());
            finding(place, format!("a mount of {volume} at {path}"), NOTHING)
        })
    })
}

/// The paths of mounts that were looked at.
enum Paths<'v> {
    /// So few that comparing them is faster than hashing.
    Few(&'v [VolumeMount<'v>]),
    Many(HashSet<&'v str>),
}

impl<'v> Paths<'v> {
    const FEW: usize = 16;

    fn of(mounts: &'v [VolumeMount<'v>]) -> Self {
        match mounts.len() <= Self::FEW {
            true => Self::Few(mounts),
            false => Self::Many(HashSet::with_capacity(mounts.len())),
        }
    }

    /// Has none in front of it this path?
    fn is_new(&mut self, index: usize, mount: &VolumeMount<'v>) -> bool {
        match self {
            Self::Few(mounts) => {
                mounts.iter().take(index).all(|other| other.mount_path != mount.mount_path)
            }
            Self::Many(paths) => paths.insert(mount.mount_path),
        }
    }
}

fn unlisted(mount: &VolumeMount<'_>, place: &Place<'_>) -> Finding {
    let (volume, path) = (mount.volume, mount.mount_path);
    let found = format!("a mount of {} at {}", quoted(volume), quoted(path));
    let texts = [("volume", volume), ("path", path), ("subPath", mount.sub_path)];
    let set = texts.into_iter().filter(|(_, text)| !text.is_empty());
    let mut entry: Map<_, _> = set.map(|(key, text)| (key.to_owned(), text.into())).collect();
    if !mount.read_only {
        entry.insert("readOnly".to_owned(), false.into());
    }
    finding(place, NOTHING, found).fixed_by("mounts", vec![Value::Object(entry)])
}

const DEVICE_KEYS: [&str; 2] = ["volume", "path"];

/// One raw device that a container may have.
#[derive(Clone, Debug)]
pub(in crate::policy) struct DeviceRule {
    volume: Names,
    path: TextRule,
}

impl DeviceRule {
    /// Reads one entry.
    pub(super) fn read(at: &Located<'_>, reading: &mut Reading<'_>) -> Result<Self, PolicyError> {
        let block = at.object(&DEVICE_KEYS)?;
        let volume = block.required("volume", "name the volume, or give a pattern")?;
        let path = block.required("path", "write where the device appears")?;
        Ok(Self {
            volume: if volume.is_list() { Names::read(volume)? } else { Names::read_one(volume)? },
            path: TextRule::read(path, reading.warnings)?,
        })
    }
}

/// Each device must be one of those listed.
pub(super) fn check_devices(
    rules: Option<&[DeviceRule]>,
    devices: &[VolumeDevice<'_>],
    place: &Place<'_>,
    check: &mut Check<'_>,
) -> Fit {
    devices.iter().enumerate().try_for_each(|(index, device)| {
        let VolumeDevice { volume, device_path } = device;
        let is_listed = rules
            .unwrap_or_default()
            .iter()
            .any(|rule| rule.volume.match_name(volume) && rule.path.matches(device_path));
        let found = || {
            let found = format!("the volume {} as {}", quoted(volume), quoted(device_path));
            let entry = serde_json::json!({ "volume": volume, "path": device_path });
            finding(&place.element(index), NOTHING, found).fixed_by("devices", vec![entry])
        };
        match rules {
            Some(_) => check.unless(is_listed, found),
            None => check.unlisted(false, found),
        }
    })
}
