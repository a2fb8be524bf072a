//! The checks of the standards: what they are called, which standards they belong to.
//!
//! Where a restricted check asks more than a baseline one, it takes its place, so that each fault is
//! told once.

use std::ops::ControlFlow;

use super::violation::{Found, Place};
use super::{Level, PodSecurityStandard, Version, confinement, node_access, restricted};
use crate::kube_wire::pod_view::{Container, PodView};

/// One check of `k8s.io/pod-security-admission/policy`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Check {
    /// `appArmorProfile`.
    AppArmorProfile,
    /// `capabilities_baseline`.
    CapabilitiesBaseline,
    /// `hostNamespaces`.
    HostNamespaces,
    /// `hostPathVolumes`.
    HostPathVolumes,
    /// `hostPorts`.
    HostPorts,
    /// `hostProbesAndHostLifecycle`.
    HostProbesAndHostLifecycle,
    /// `privileged`.
    Privileged,
    /// `procMount`.
    ProcMount,
    /// `seLinuxOptions`.
    SeLinuxOptions,
    /// `seccompProfile_baseline`.
    SeccompProfileBaseline,
    /// `sysctls`.
    Sysctls,
    /// `windowsHostProcess`.
    WindowsHostProcess,
    /// `allowPrivilegeEscalation`.
    AllowPrivilegeEscalation,
    /// `capabilities_restricted`.
    CapabilitiesRestricted,
    /// `procMount_restricted`.
    ProcMountRestricted,
    /// `restrictedVolumes`.
    RestrictedVolumes,
    /// `runAsNonRoot`.
    RunAsNonRoot,
    /// `runAsUser`.
    RunAsUser,
    /// `seccompProfile_restricted`.
    SeccompProfileRestricted,
}

/// Takes what a check found, and says whether to go on.
pub(super) type Finds<'s, 'v> = &'s mut dyn FnMut(Place<'v>, Found<'v>) -> ControlFlow<()>;

/// Nothing was found.
pub(super) const GO_ON: ControlFlow<()> = ControlFlow::Continue(());

impl Check {
    /// All: those of the baseline, then those of the restricted level, as the Go module orders them.
    pub const ALL: [Self; 19] = [
        Self::AppArmorProfile,
        Self::CapabilitiesBaseline,
        Self::HostNamespaces,
        Self::HostPathVolumes,
        Self::HostPorts,
        Self::HostProbesAndHostLifecycle,
        Self::Privileged,
        Self::ProcMount,
        Self::SeLinuxOptions,
        Self::SeccompProfileBaseline,
        Self::Sysctls,
        Self::WindowsHostProcess,
        Self::AllowPrivilegeEscalation,
        Self::CapabilitiesRestricted,
        Self::ProcMountRestricted,
        Self::RestrictedVolumes,
        Self::RunAsNonRoot,
        Self::RunAsUser,
        Self::SeccompProfileRestricted,
    ];

    /// The check's id in the Go module.
    pub fn id(self) -> &'static str {
        match self {
            Self::AppArmorProfile => "appArmorProfile",
            Self::CapabilitiesBaseline => "capabilities_baseline",
            Self::HostNamespaces => "hostNamespaces",
            Self::HostPathVolumes => "hostPathVolumes",
            Self::HostPorts => "hostPorts",
            Self::HostProbesAndHostLifecycle => "hostProbesAndHostLifecycle",
            Self::Privileged => "privileged",
            Self::ProcMount => "procMount",
            Self::SeLinuxOptions => "seLinuxOptions",
            Self::SeccompProfileBaseline => "seccompProfile_baseline",
            Self::Sysctls => "sysctls",
            Self::WindowsHostProcess => "windowsHostProcess",
            Self::AllowPrivilegeEscalation => "allowPrivilegeEscalation",
            Self::CapabilitiesRestricted => "capabilities_restricted",
            Self::ProcMountRestricted => "procMount_restricted",
            Self::RestrictedVolumes => "restrictedVolumes",
            Self::RunAsNonRoot => "runAsNonRoot",
            Self::RunAsUser => "runAsUser",
            Self::SeccompProfileRestricted => "seccompProfile_restricted",
        }
    }

    /// Does the standard ask it?
    pub(super) fn is_part_of(self, standard: PodSecurityStandard) -> bool {
        let PodSecurityStandard { level, version } = standard;
        if level == Level::Privileged {
            return false;
        }
        let is_restricted = level == Level::Restricted;
        match self {
            Self::AppArmorProfile
            | Self::HostNamespaces
            | Self::HostPorts
            | Self::Privileged
            | Self::SeLinuxOptions
            | Self::Sysctls
            | Self::WindowsHostProcess => true,
            Self::HostProbesAndHostLifecycle => version >= Version::V1_34,
            // The restricted level asks more by a check of its own.
            Self::CapabilitiesBaseline | Self::HostPathVolumes | Self::SeccompProfileBaseline => {
                !is_restricted
            }
            // So here, since user namespaces relax the baseline.
            Self::ProcMount => !is_restricted || version < Version::V1_35,
            Self::ProcMountRestricted => is_restricted && version >= Version::V1_35,
            Self::AllowPrivilegeEscalation
            | Self::CapabilitiesRestricted
            | Self::RestrictedVolumes
            | Self::RunAsNonRoot
            | Self::RunAsUser
            | Self::SeccompProfileRestricted => is_restricted,
        }
    }

    /// Looks for what it forbids.
    pub(super) fn visit<'v>(
        self,
        version: Version,
        pod: &'v PodView<'v>,
        finds: Finds<'_, 'v>,
    ) -> ControlFlow<()> {
        // Since v1.35, root in a user namespace of its own is no one on the node.
        let is_relaxed = version >= Version::V1_35 && pod.spec.host_users == Some(false);
        match self {
            Self::AppArmorProfile => confinement::app_armor(pod, finds),
            Self::CapabilitiesBaseline => confinement::capabilities(pod, finds),
            Self::HostNamespaces => node_access::host_namespaces(pod, finds),
            Self::HostPathVolumes => node_access::host_path_volumes(pod, finds),
            Self::HostPorts => node_access::host_ports(pod, finds),
            Self::HostProbesAndHostLifecycle => node_access::hosts_of_probes(pod, finds),
            Self::Privileged => confinement::privileged(pod, finds),
            Self::ProcMount if is_relaxed => GO_ON,
            Self::ProcMount | Self::ProcMountRestricted => confinement::proc_mount(pod, finds),
            Self::SeLinuxOptions => confinement::se_linux(pod, finds),
            Self::SeccompProfileBaseline => confinement::seccomp(pod, finds),
            Self::Sysctls => confinement::sysctls(pod, finds),
            Self::WindowsHostProcess => node_access::windows_host_process(pod, finds),
            Self::AllowPrivilegeEscalation => restricted::privilege_escalation(pod, finds),
            Self::CapabilitiesRestricted => restricted::capabilities(pod, finds),
            Self::RestrictedVolumes => restricted::volumes(pod, finds),
            Self::RunAsNonRoot | Self::RunAsUser if is_relaxed => GO_ON,
            Self::RunAsNonRoot => restricted::run_as_non_root(pod, finds),
            Self::RunAsUser => restricted::run_as_user(pod, finds),
            Self::SeccompProfileRestricted => restricted::seccomp(pod, finds),
        }
    }

    /// What it allows, for messages.
    pub fn allowed(self) -> &'static str {
        match self {
            Self::AppArmorProfile => {
                "\"RuntimeDefault\" or \"Localhost\" (in an annotation \"runtime/default\" or \"localhost/…\")"
            }
            Self::CapabilitiesBaseline => confinement::ALLOWED_CAPABILITIES,
            Self::HostNamespaces => "false",
            Self::HostPathVolumes => "any other kind of volume",
            Self::HostPorts => "0",
            Self::HostProbesAndHostLifecycle => "no host",
            Self::Privileged | Self::WindowsHostProcess => "false",
            Self::ProcMount => "\"Default\" (from v1.35 on anything with hostUsers: false)",
            Self::ProcMountRestricted => "\"Default\"",
            Self::SeLinuxOptions => {
                "no user, no role, and a type of container_t, container_init_t, container_kvm_t, \
                 container_engine_t"
            }
            Self::SeccompProfileBaseline => "\"RuntimeDefault\" or \"Localhost\"",
            Self::Sysctls => "a sysctl that is safe by the standard",
            Self::AllowPrivilegeEscalation => "false, said by each container",
            Self::CapabilitiesRestricted => "drop [\"ALL\"], add at most [\"NET_BIND_SERVICE\"]",
            Self::RestrictedVolumes => {
                "configMap, csi, downwardAPI, emptyDir, ephemeral, image, persistentVolumeClaim, \
                 projected or secret"
            }
            Self::RunAsNonRoot => {
                "true, said by the pod or by each container (from v1.35 on anything with \
                 hostUsers: false)"
            }
            Self::RunAsUser => "any user but 0 (from v1.35 on anyone with hostUsers: false)",
            Self::SeccompProfileRestricted => {
                "\"RuntimeDefault\" or \"Localhost\", said by the pod or by each container"
            }
        }
    }
}

/// Asks one thing of every container.
pub(super) fn each_container<'v>(
    pod: &'v PodView<'v>,
    ask: impl FnMut(&'v Container<'v>) -> ControlFlow<()>,
) -> ControlFlow<()> {
    pod.containers.iter().try_for_each(ask)
}
