//! What the restricted level adds: a container must say that it is hardened.
//!
//! Each function is one check of the Go module, here with the place of every fault.

use std::ops::ControlFlow;

use super::check::{Finds, GO_ON, each_container};
use super::confinement::{forbid_added, is_confined};
use super::violation::{Found, Place};
use crate::kube_wire::pod_view::{PodView, VolumeSource};

/// Windows has none of these fields, so its pods need not set them. Such a pod sets them to no
/// effect on Linux, where a kubelet refuses it.
fn is_windows(pod: &PodView<'_>) -> bool {
    pod.spec.os.as_ref().is_some_and(|os| os.name == "windows")
}

/// `allowPrivilegeEscalation`.
pub(super) fn privilege_escalation<'v>(
    pod: &'v PodView<'v>,
    finds: Finds<'_, 'v>,
) -> ControlFlow<()> {
    if is_windows(pod) {
        return GO_ON;
    }
    each_container(pod, |container| {
        let security = container.security_context.as_ref();
        let found = match security.and_then(|security| security.allow_privilege_escalation) {
            Some(false) => return GO_ON,
            Some(true) => Found::Flag(true),
            None => Found::Absent,
        };
        const FIELD: &str = "securityContext.allowPrivilegeEscalation";
        finds(Place::Container(container.path(), FIELD), found)
    })
}

/// `capabilities_restricted`. Names are compared as written: `all` does not drop anything here.
pub(super) fn capabilities<'v>(pod: &'v PodView<'v>, finds: Finds<'_, 'v>) -> ControlFlow<()> {
    if is_windows(pod) {
        return GO_ON;
    }
    each_container(pod, |container| {
        let security = container.security_context.as_ref();
        let capabilities = security.and_then(|security| security.capabilities.as_ref());
        let dropped = capabilities.map(|them| them.drop).unwrap_or_default();
        if dropped.contains(&"ALL") {
            return GO_ON;
        }
        let found = if dropped.is_empty() { Found::Absent } else { Found::Texts(dropped) };
        finds(Place::Container(container.path(), "securityContext.capabilities.drop"), found)
    })?;
    forbid_added(pod, finds, |name| name == "NET_BIND_SERVICE")
}

/// `restrictedVolumes`. What has no source, or one that is not known, is not allowed either.
pub(super) fn volumes<'v>(pod: &'v PodView<'v>, finds: Finds<'_, 'v>) -> ControlFlow<()> {
    pod.spec.volumes.iter().enumerate().try_for_each(|(index, volume)| match &volume.source {
        VolumeSource::EmptyDir(_)
        | VolumeSource::ConfigMap(_)
        | VolumeSource::Secret(_)
        | VolumeSource::DownwardApi(_)
        | VolumeSource::Projected(_)
        | VolumeSource::PersistentVolumeClaim(_)
        | VolumeSource::Ephemeral(_)
        | VolumeSource::Csi(_)
        | VolumeSource::Image(_) => GO_ON,
        VolumeSource::Absent => finds(Place::Volume(index, ""), Found::Absent),
        source @ (VolumeSource::HostPath(_) | VolumeSource::InTree(_)) => {
            finds(Place::Volume(index, source.kind()), Found::Object)
        }
    })
}

/// `runAsNonRoot` without relaxation. A pod that says false is not saved by its containers.
pub(super) fn run_as_non_root<'v>(pod: &'v PodView<'v>, finds: Finds<'_, 'v>) -> ControlFlow<()> {
    const FIELD: &str = "securityContext.runAsNonRoot";
    let of_pod = pod.spec.security_context.and_then(|security| security.run_as_non_root);
    if of_pod == Some(false) {
        finds(Place::Pod(FIELD), Found::Flag(false))?;
    }
    each_container(pod, |container| {
        let security = container.security_context.as_ref();
        let found = match security.and_then(|security| security.run_as_non_root) {
            Some(true) => return GO_ON,
            Some(false) => Found::Flag(false),
            None if of_pod == Some(true) => return GO_ON,
            None => Found::Absent,
        };
        finds(Place::Container(container.path(), FIELD), found)
    })
}

/// `runAsUser` without relaxation.
pub(super) fn run_as_user<'v>(pod: &'v PodView<'v>, finds: Finds<'_, 'v>) -> ControlFlow<()> {
    const FIELD: &str = "securityContext.runAsUser";
    let of_pod = pod.spec.security_context.and_then(|security| security.run_as_user);
    if of_pod == Some(0) {
        finds(Place::Pod(FIELD), Found::Number(0))?;
    }
    each_container(pod, |container| {
        match container.security_context.as_ref().and_then(|security| security.run_as_user) {
            Some(0) => finds(Place::Container(container.path(), FIELD), Found::Number(0)),
            Some(_) | None => GO_ON,
        }
    })
}

/// `seccompProfile_restricted`. A container may inherit from the pod, but only what confines.
pub(super) fn seccomp<'v>(pod: &'v PodView<'v>, finds: Finds<'_, 'v>) -> ControlFlow<()> {
    const FIELD: &str = "securityContext.seccompProfile.type";
    if is_windows(pod) {
        return GO_ON;
    }
    let of_pod = pod.spec.security_context.and_then(|security| security.seccomp.as_ref());
    let inherited = of_pod.is_some_and(is_confined);
    if let (Some(profile), false) = (of_pod, inherited) {
        finds(Place::Pod(FIELD), Found::Text(profile.type_name))?;
    }
    each_container(pod, |container| {
        let security = container.security_context.as_ref();
        let found = match security.and_then(|security| security.seccomp.as_ref()) {
            Some(profile) if is_confined(profile) => return GO_ON,
            Some(profile) => Found::Text(profile.type_name),
            None if inherited => return GO_ON,
            None => Found::Absent,
        };
        finds(Place::Container(container.path(), FIELD), found)
    })
}
