//! Why a rule of the first version applies to a pod or does not, for people.
//!
//! Beside each condition stands the field of the pod that it is about; the conditions themselves are
//! judged in the files beside this one, by the code that decides.

use crate::kube_wire::pod::{Container, ContainerKind, Pod};
use crate::policy::explanation::Finding;
use crate::policy::verdict::Violation;

/// What a condition objects to, and where it stands in the pod.
pub(super) fn finding(violation: Violation<'_>, pod: &Pod<'_>) -> Finding {
    let path = path(violation, pod);
    let found = violation.to_string();
    Finding::of_pod(path, expected(violation), found)
}

fn expected(violation: Violation<'_>) -> String {
    match violation {
        Violation::UnparsableImage(_) => "a reference such as `registry/path:tag`".to_owned(),
        Violation::DeniedImage { pattern, .. } => {
            format!("an image that `{pattern}` does not match")
        }
        Violation::DeniedRegistry { registry, .. } => format!("an image not from `{registry}`"),
        Violation::OutsideAllowedRegistries(_) => {
            "an image from one of `images.allowedRegistries`".to_owned()
        }
        Violation::OutsideAllowedImages(_) => "an image that `images.allowed` matches".to_owned(),
        Violation::ImageWithoutDigest(_) => "an image with `@sha256:…`".to_owned(),
        Violation::HostNetwork | Violation::HostPid | Violation::HostIpc => {
            "false, or nothing".to_owned()
        }
        Violation::HostPath => "a volume of another kind than hostPath".to_owned(),
        Violation::Privileged { .. } => "false, or nothing".to_owned(),
        Violation::RunsAsRoot { .. } => "a user from 1 to 2147483647".to_owned(),
        Violation::MayRunAsRoot { .. } => {
            "`runAsUser` from 1 to 2147483647, or `runAsNonRoot: true`".to_owned()
        }
        Violation::AddsCapability { capability, .. } => format!("no {capability}"),
        Violation::HasAllCapabilities { .. } => {
            "false, or nothing: a privileged container has them all".to_owned()
        }
    }
}

fn path(violation: Violation<'_>, pod: &Pod<'_>) -> String {
    match violation {
        Violation::UnparsableImage(image)
        | Violation::DeniedImage { image, .. }
        | Violation::DeniedRegistry { image, .. }
        | Violation::OutsideAllowedRegistries(image)
        | Violation::OutsideAllowedImages(image)
        | Violation::ImageWithoutDigest(image) => image_path(pod, image),
        Violation::HostNetwork => "spec.hostNetwork".to_owned(),
        Violation::HostPid => "spec.hostPID".to_owned(),
        Violation::HostIpc => "spec.hostIPC".to_owned(),
        Violation::HostPath => pod
            .volumes
            .iter()
            .position(|volume| volume.is_host_path)
            .map_or_else(|| "spec.volumes".to_owned(), |at| format!("spec.volumes[{at}].hostPath")),
        Violation::Privileged { container } | Violation::HasAllCapabilities { container } => {
            security_path(pod, container, "privileged")
        }
        Violation::RunsAsRoot { container } | Violation::MayRunAsRoot { container } => {
            security_path(pod, container, "runAsUser")
        }
        Violation::AddsCapability { container, .. } => {
            security_path(pod, container, "capabilities.add")
        }
    }
}

fn security_path(pod: &Pod<'_>, name: &str, field: &str) -> String {
    let container = container_path(pod, |container| container.name == name);
    format!("{}.securityContext.{field}", container.unwrap_or_else(|| "spec".to_owned()))
}

fn image_path(pod: &Pod<'_>, image: &str) -> String {
    if let Some(container) = container_path(pod, |container| container.image == image) {
        return format!("{container}.image");
    }
    let volume = pod.volumes.iter().position(|volume| volume.image == Some(image));
    volume
        .map_or_else(|| "spec".to_owned(), |index| format!("spec.volumes[{index}].image.reference"))
}

/// Where the first such container stands in its own list.
fn container_path(pod: &Pod<'_>, is_it: impl Fn(&Container<'_>) -> bool) -> Option<String> {
    let at = pod.containers.iter().position(is_it)?;
    let kind = pod.containers.get(at)?.kind;
    let before = pod.containers.iter().take(at).filter(|other| other.kind == kind).count();
    let list = match kind {
        ContainerKind::Ephemeral => "ephemeralContainers",
        ContainerKind::Init => "initContainers",
        ContainerKind::Ordinary => "containers",
    };
    Some(format!("spec.{list}[{before}]"))
}
