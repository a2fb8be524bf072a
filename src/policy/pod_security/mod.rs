//! The Pod Security Standards, decided as `k8s.io/pod-security-admission` decides them.
//!
//! What an API server may have waved through is asked again here, of all containers alike, ephemeral
//! ones among them. The rules are those of the module's release 0.36, whose latest set is that of
//! v1.36; `tests/pod_security_matches_go.rs` holds them against the module itself.
//!
//! The standards say nothing about images, commands, environment, runtime classes or devices: they
//! bound what a pod may do to its node, not what it is.

mod check;
mod confinement;
mod node_access;
mod restricted;
#[cfg(test)]
mod tests;
mod violation;

use std::ops::ControlFlow;

pub use self::check::Check;
pub use self::violation::{Found, Violation, ViolationPath};
use crate::kube_wire::pod_view::PodView;

/// One level of one version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PodSecurityStandard {
    /// How much it forbids.
    pub level: Level,
    /// Whose rules.
    pub version: Version,
}

/// How much a standard forbids.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Nothing.
    Privileged,
    /// Known ways out of a container.
    Baseline,
    /// All but what hardened workloads need.
    Restricted,
}

/// The Kubernetes release whose rules are asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Version {
    /// v1.33.
    V1_33,
    /// v1.34: probes and hooks must not name a host.
    V1_34,
    /// v1.35: a user namespace relaxes what concerns the user and `/proc`.
    V1_35,
    /// v1.36: as v1.35.
    V1_36,
}

impl Level {
    /// All, by how much they forbid.
    pub const ALL: [Self; 3] = [Self::Privileged, Self::Baseline, Self::Restricted];

    /// As written in policies and in the labels of namespaces.
    pub fn name(self) -> &'static str {
        match self {
            Self::Privileged => "privileged",
            Self::Baseline => "baseline",
            Self::Restricted => "restricted",
        }
    }

    /// The level of a name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.name() == name)
    }
}

impl Version {
    /// All, in order.
    pub const ALL: [Self; 4] = [Self::V1_33, Self::V1_34, Self::V1_35, Self::V1_36];

    /// What `latest` means. It is fixed for each release of nodeward: a policy must not change its
    /// meaning unless the program does.
    pub const LATEST: Self = Self::V1_36;

    /// As written in policies and in the labels of namespaces.
    pub fn name(self) -> &'static str {
        match self {
            Self::V1_33 => "v1.33",
            Self::V1_34 => "v1.34",
            Self::V1_35 => "v1.35",
            Self::V1_36 => "v1.36",
        }
    }

    /// The version of a name, `latest` among them.
    pub fn named(name: &str) -> Option<Self> {
        if name == "latest" {
            return Some(Self::LATEST);
        }
        Self::ALL.into_iter().find(|version| version.name() == name)
    }
}

/// Takes violations one by one and says whether to go on.
type Sink<'s, 'v> = &'s mut dyn FnMut(Violation<'v>) -> ControlFlow<()>;

impl PodSecurityStandard {
    /// Tells `sink` how the pod violates the standard until it has heard enough.
    pub fn visit<'v>(self, pod: &'v PodView<'v>, sink: Sink<'_, 'v>) -> ControlFlow<()> {
        Check::ALL.into_iter().filter(|check| check.is_part_of(self)).try_for_each(|check| {
            check.visit(self.version, pod, &mut |place, found| {
                sink(Violation { check, place, found })
            })
        })
    }

    /// The first violation, `None` if the standard allows the pod.
    pub fn first_violation<'v>(self, pod: &'v PodView<'v>) -> Option<Violation<'v>> {
        let mut first = None;
        let _ = self.visit(pod, &mut |violation| {
            first = Some(violation);
            ControlFlow::Break(())
        });
        first
    }

    /// All violations, in the order of the checks.
    pub fn violations<'v>(self, pod: &'v PodView<'v>) -> Vec<Violation<'v>> {
        let mut violations = Vec::new();
        let _ = self.visit(pod, &mut |violation| {
            violations.push(violation);
            ControlFlow::Continue(())
        });
        violations
    }
}
