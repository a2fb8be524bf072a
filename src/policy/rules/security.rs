//! `security`: what a pod and its containers must not be allowed to do.
//!
//! All containers count, init and ephemeral ones too. The user of a container is its own
//! `runAsUser`, else the pod's; if neither is set the image decides, which nobody here has seen,
//! so that only an effective `runAsNonRoot: true` (which the kubelet enforces) is good enough.

use std::ops::RangeInclusive;

use crate::kube_wire::pod::{Container, Pod, PodSecurity};
use crate::policy::capability::{DeniedCapabilities, known_names};
use crate::policy::error::PolicyError;
use crate::policy::located::{Located, Object, suggest};
use crate::policy::verdict::Violation;

const KEYS: [&str; 7] = [
    "denyPrivileged",
    "denyHostNetwork",
    "denyHostPID",
    "denyHostIPC",
    "denyRunAsRoot",
    "deniedCapabilities",
    "denyHostPath",
];

/// The users that the API admits, but for root. Beyond them a runtime could wrap around to 0.
const ORDINARY_USERS: RangeInclusive<i64> = 1..=i32::MAX as i64;

/// The conditions of one rule; at least one of them is set.
#[derive(Clone, Debug)]
pub(super) struct SecurityConditions {
    deny_privileged: bool,
    deny_host_network: bool,
    deny_host_pid: bool,
    deny_host_ipc: bool,
    deny_run_as_root: bool,
    deny_host_path: bool,
    denied_capabilities: DeniedCapabilities,
}

impl SecurityConditions {
    /// Reads the block. `false` is no condition.
    pub(super) fn read(at: &Located<'_>) -> Result<Self, PolicyError> {
        let block = at.object(&KEYS)?;
        let flag = |key| block.find(key).map_or(Ok(false), Located::boolean);
        let conditions = Self {
            deny_privileged: flag("denyPrivileged")?,
            deny_host_network: flag("denyHostNetwork")?,
            deny_host_pid: flag("denyHostPID")?,
            deny_host_ipc: flag("denyHostIPC")?,
            deny_run_as_root: flag("denyRunAsRoot")?,
            deny_host_path: flag("denyHostPath")?,
            denied_capabilities: read_capabilities(&block)?,
        };
        if conditions.is_empty() {
            return Err(at.refuse(format!(
                "sets no condition, so it checks nothing; set one of {} or remove it",
                KEYS.join(", ")
            )));
        }
        Ok(conditions)
    }

    /// The first violation: of the pod, then container by container.
    pub(super) fn violation<'v>(&'v self, pod: &'v Pod<'v>) -> Option<Violation<'v>> {
        self.violations(pod).next()
    }

    /// All violations of the pod itself, and the first of each container.
    pub(super) fn violations<'v>(
        &'v self,
        pod: &'v Pod<'v>,
    ) -> impl Iterator<Item = Violation<'v>> {
        let of_pod = [
            (self.deny_host_network && pod.host_network, Violation::HostNetwork),
            (self.deny_host_pid && pod.host_pid, Violation::HostPid),
            (self.deny_host_ipc && pod.host_ipc, Violation::HostIpc),
            (self.deny_host_path && has_host_path(pod), Violation::HostPath),
        ];
        let of_pod = of_pod.into_iter().filter(|(is_violated, _)| *is_violated);
        let containers = pod.containers.iter();
        let of_containers =
            containers.filter_map(|container| self.violation_of(container, pod.security));
        of_pod.map(|(_, what)| what).chain(of_containers)
    }

    fn violation_of<'v>(
        &'v self,
        container: &'v Container<'v>,
        pod: PodSecurity,
    ) -> Option<Violation<'v>> {
        let name = container.name;
        if self.deny_privileged && container.privileged {
            return Some(Violation::Privileged { container: name });
        }
        let root = self.deny_run_as_root.then(|| root_violation(container, pod)).flatten();
        root.or_else(|| self.capability_violation(container))
    }

    fn capability_violation<'v>(&'v self, container: &'v Container<'v>) -> Option<Violation<'v>> {
        let name = container.name;
        let mut added = container.added_capabilities.iter();
        if let Some(capability) = added.find(|added| self.denied_capabilities.deny(added)) {
            return Some(Violation::AddsCapability { container: name, capability });
        }
        // A privileged container has them all without asking.
        (container.privileged && !self.denied_capabilities.is_empty())
            .then_some(Violation::HasAllCapabilities { container: name })
    }

    fn is_empty(&self) -> bool {
        !self.deny_privileged
            && !self.deny_host_network
            && !self.deny_host_pid
            && !self.deny_host_ipc
            && !self.deny_run_as_root
            && !self.deny_host_path
            && self.denied_capabilities.is_empty()
    }
}

fn has_host_path(pod: &Pod<'_>) -> bool {
    pod.volumes.iter().any(|volume| volume.is_host_path)
}

fn root_violation<'v>(container: &Container<'v>, pod: PodSecurity) -> Option<Violation<'v>> {
    let user = container.run_as_user.or(pod.run_as_user);
    let is_non_root = container.run_as_non_root.or(pod.run_as_non_root) == Some(true);
    let container = container.name;
    match user {
        Some(user) if ORDINARY_USERS.contains(&user) => None,
        Some(_) => Some(Violation::RunsAsRoot { container }),
        None if is_non_root => None,
        None => Some(Violation::MayRunAsRoot { container }),
    }
}

fn read_capabilities(block: &Object<'_>) -> Result<DeniedCapabilities, PolicyError> {
    let mut denied = DeniedCapabilities::default();
    let elements = block.find("deniedCapabilities").map_or(Ok(Vec::new()), Located::elements)?;
    for element in elements {
        let written = element.filled_string()?;
        denied.insert(&written).map_err(|_| {
            let known: Vec<_> = known_names().collect();
            element.refuse(format!("is no Linux capability; {}", suggest(&written, &known)))
        })?;
    }
    Ok(denied)
}
