//! What the baseline level forbids of a container's confinement: none of it may be taken off.
//!
//! Each function is one check of the Go module, here with the place of every fault.

use std::ops::ControlFlow;

use super::check::{Finds, GO_ON, each_container};
use super::violation::{Found, Place};
use crate::kube_wire::pod_view::{PodView, Profile, SeLinux};

/// Before the fields of v1.30, profiles were annotations. Kubelets still obey them.
const APP_ARMOR_ANNOTATION: &str = "container.apparmor.security.beta.kubernetes.io/";

/// `appArmorProfile`.
pub(super) fn app_armor<'v>(pod: &'v PodView<'v>, finds: Finds<'_, 'v>) -> ControlFlow<()> {
    const FIELD: &str = "securityContext.appArmorProfile.type";
    let of_pod = pod.spec.security_context.and_then(|security| security.app_armor.as_ref());
    forbid_profile(of_pod, Place::Pod(FIELD), finds)?;
    each_container(pod, |container| {
        let security = container.security_context.as_ref();
        let profile = security.and_then(|security| security.app_armor.as_ref());
        forbid_profile(profile, Place::Container(container.path(), FIELD), finds)
    })?;
    pod.annotations.iter().try_for_each(|(key, value)| {
        let is_allowed =
            value.is_empty() || value == "runtime/default" || value.starts_with("localhost/");
        if key.starts_with(APP_ARMOR_ANNOTATION) && !is_allowed {
            finds(Place::Annotation(key), Found::Text(value))?;
        }
        GO_ON
    })
}

/// A profile must be the runtime's or the node's, if there is one. An empty type is no type.
fn forbid_profile<'v>(
    profile: Option<&'v Profile<'v>>,
    place: Place<'v>,
    finds: Finds<'_, 'v>,
) -> ControlFlow<()> {
    match profile {
        Some(profile) if !is_confined(profile) => finds(place, Found::Text(profile.type_name)),
        Some(_) | None => GO_ON,
    }
}

/// Is it a profile that confines?
pub(super) fn is_confined(profile: &Profile<'_>) -> bool {
    matches!(profile.type_name, "RuntimeDefault" | "Localhost")
}

/// For messages; the check below reads the list.
pub(super) const ALLOWED_CAPABILITIES: &str = "AUDIT_WRITE, CHOWN, DAC_OVERRIDE, FOWNER, FSETID, \
    KILL, MKNOD, NET_BIND_SERVICE, SETFCAP, SETGID, SETPCAP, SETUID or SYS_CHROOT";

/// `capabilities_baseline`. Names are compared as written: another spelling is not allowed.
pub(super) fn capabilities<'v>(pod: &'v PodView<'v>, finds: Finds<'_, 'v>) -> ControlFlow<()> {
    forbid_added(pod, finds, |name| {
        matches!(
            name,
            "AUDIT_WRITE"
                | "CHOWN"
                | "DAC_OVERRIDE"
                | "FOWNER"
                | "FSETID"
                | "KILL"
                | "MKNOD"
                | "NET_BIND_SERVICE"
                | "SETFCAP"
                | "SETGID"
                | "SETPCAP"
                | "SETUID"
                | "SYS_CHROOT"
        )
    })
}

/// Finds added capabilities that are not allowed.
pub(super) fn forbid_added<'v>(
    pod: &'v PodView<'v>,
    finds: Finds<'_, 'v>,
    is_allowed: fn(&str) -> bool,
) -> ControlFlow<()> {
    each_container(pod, |container| {
        let security = container.security_context.as_ref();
        let capabilities = security.and_then(|security| security.capabilities.as_ref());
        let added = capabilities.map(|capabilities| capabilities.add);
        added.unwrap_or_default().iter().enumerate().try_for_each(|(index, name)| {
            if is_allowed(name) {
                return GO_ON;
            }
            const LIST: &str = "securityContext.capabilities.add";
            finds(Place::Element(container.path(), LIST, index, ""), Found::Text(name))
        })
    })
}

/// `privileged`.
pub(super) fn privileged<'v>(pod: &'v PodView<'v>, finds: Finds<'_, 'v>) -> ControlFlow<()> {
    each_container(pod, |container| {
        match container.security_context.as_ref().and_then(|security| security.privileged) {
            Some(true) => {
                let place = Place::Container(container.path(), "securityContext.privileged");
                finds(place, Found::Flag(true))
            }
            Some(false) | None => GO_ON,
        }
    })
}

/// `procMount` without relaxation, which is `procMount_restricted`. Empty text is not `Default`.
pub(super) fn proc_mount<'v>(pod: &'v PodView<'v>, finds: Finds<'_, 'v>) -> ControlFlow<()> {
    each_container(pod, |container| {
        match container.security_context.as_ref().and_then(|security| security.proc_mount) {
            Some("Default") | None => GO_ON,
            Some(other) => {
                let place = Place::Container(container.path(), "securityContext.procMount");
                finds(place, Found::Text(other))
            }
        }
    })
}

/// `seLinuxOptions`.
pub(super) fn se_linux<'v>(pod: &'v PodView<'v>, finds: Finds<'_, 'v>) -> ControlFlow<()> {
    let of_pod = pod.spec.security_context.and_then(|security| security.se_linux.as_ref());
    forbid_label(of_pod, Place::Pod, finds)?;
    each_container(pod, |container| {
        let security = container.security_context.as_ref();
        let label = security.and_then(|security| security.se_linux.as_ref());
        forbid_label(label, |field| Place::Container(container.path(), field), finds)
    })
}

fn forbid_label<'v>(
    label: Option<&'v SeLinux<'v>>,
    place: impl Fn(&'static str) -> Place<'v>,
    finds: Finds<'_, 'v>,
) -> ControlFlow<()> {
    let Some(label) = label else { return GO_ON };
    let is_allowed = matches!(
        label.type_name,
        "" | "container_t" | "container_init_t" | "container_kvm_t" | "container_engine_t"
    );
    if !is_allowed {
        finds(place("securityContext.seLinuxOptions.type"), Found::Text(label.type_name))?;
    }
    if !label.user.is_empty() {
        finds(place("securityContext.seLinuxOptions.user"), Found::Text(label.user))?;
    }
    if !label.role.is_empty() {
        finds(place("securityContext.seLinuxOptions.role"), Found::Text(label.role))?;
    }
    GO_ON
}

/// `seccompProfile_baseline`.
pub(super) fn seccomp<'v>(pod: &'v PodView<'v>, finds: Finds<'_, 'v>) -> ControlFlow<()> {
    const FIELD: &str = "securityContext.seccompProfile.type";
    let of_pod = pod.spec.security_context.and_then(|security| security.seccomp.as_ref());
    forbid_profile(of_pod, Place::Pod(FIELD), finds)?;
    each_container(pod, |container| {
        let security = container.security_context.as_ref();
        let profile = security.and_then(|security| security.seccomp.as_ref());
        forbid_profile(profile, Place::Container(container.path(), FIELD), finds)
    })
}

/// `sysctls`, with the set of v1.32. A sysctl spelt with slashes is not in it.
pub(super) fn sysctls<'v>(pod: &'v PodView<'v>, finds: Finds<'_, 'v>) -> ControlFlow<()> {
    let sysctls = pod.spec.security_context.map(|security| security.sysctls);
    sysctls.unwrap_or_default().iter().enumerate().try_for_each(|(index, sysctl)| {
        let is_safe = matches!(
            sysctl.name,
            "kernel.shm_rmid_forced"
                | "net.ipv4.ip_local_port_range"
                | "net.ipv4.ip_local_reserved_ports"
                | "net.ipv4.ip_unprivileged_port_start"
                | "net.ipv4.ping_group_range"
                | "net.ipv4.tcp_fin_timeout"
                | "net.ipv4.tcp_keepalive_intvl"
                | "net.ipv4.tcp_keepalive_probes"
                | "net.ipv4.tcp_keepalive_time"
                | "net.ipv4.tcp_rmem"
                | "net.ipv4.tcp_syncookies"
                | "net.ipv4.tcp_wmem"
        );
        if is_safe { GO_ON } else { finds(Place::Sysctl(index), Found::Text(sysctl.name)) }
    })
}
