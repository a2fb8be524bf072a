//! `annotations`: those that runtimes, network plugins and device plugins obey.
//!
//! To the API an annotation is a note. To a runtime it can be a device (`cdi.k8s.io/…`), another
//! kernel (`io.katacontainers.…`) or another network (`k8s.v1.cni.cncf.io/networks`). The others
//! are nobody's orders on a node and pass.

use super::Reading;
use crate::kube_wire::pod::StringMap;
use crate::policy::error::PolicyError;
use crate::policy::located::Located;
use crate::policy::v2::check::{Check, NOTHING, Unlisted};
use crate::policy::v2::finding::{Fit, Place, finding};
use crate::policy::v2::names::Names;
use crate::policy::v2::text_rule::TextRule;

/// Beginnings of keys that something on a node reads as an order.
const READ_BY_NODES: [&str; 30] = [
    "cni.cilium.io/",
    "cni.projectcalico.org/allowedSourcePrefixes",
    "cni.projectcalico.org/floatingIPs",
    "cni.projectcalico.org/hwAddr",
    "cni.projectcalico.org/ipAddrs",
    "cni.projectcalico.org/ipv4pools",
    "cni.projectcalico.org/ipv6pools",
    "container.apparmor.security.beta.kubernetes.io/",
    "container.seccomp.security.alpha.kubernetes.io/",
    "dev.gvisor.",
    "io.cilium.",
    "io.containerd.",
    "io.katacontainers.",
    "io.kubernetes.cri-o.",
    "io.kubernetes.cri.",
    "io.microsoft.",
    "io.podman.",
    "k8s.ovn.org/",
    "k8s.v1.cni.cncf.io/networks",
    "kubernetes.io/egress-bandwidth",
    "kubernetes.io/ingress-bandwidth",
    "module.wasm.image/",
    "org.criu.",
    // CVE-2024-3154: a property of the container's systemd unit, such as a command on the node.
    "org.systemd.property.",
    "ovn.kubernetes.io/",
    "policy.cilium.io/",
    "run.oci.",
    "seccomp.security.alpha.kubernetes.io/",
    "security.alpha.kubernetes.io/",
    "v1.multus-cni.io/",
];

/// Domains whose subdomains are orders too: `irq-load-balancing.crio.io`, `devices.nri.io/…`,
/// `nvidia.cdi.k8s.io/…`.
const DOMAINS: [&str; 4] = ["cdi.k8s.io", "crio.io", "nri.io", "cri-o.io"];

/// What Multus writes about the networks that a pod has got begins like what orders them.
const REPORTS: [&str; 1] = ["k8s.v1.cni.cncf.io/networks-status"];

/// Annotations that a pod may have although something on the node obeys them.
#[derive(Clone, Debug, Default)]
pub(in crate::policy) struct AnnotationRules(Option<Vec<(Names, Option<TextRule>)>>);

impl AnnotationRules {
    /// Reads the list: keys, patterns of keys, or `{"key": …, "value": …}`.
    pub(super) fn read(at: &Located<'_>, reading: &mut Reading<'_>) -> Result<Self, PolicyError> {
        let entries = at.elements()?;
        entries
            .iter()
            .map(|at| read_entry(at, reading))
            .collect::<Result<_, _>>()
            .map(|it| Self(Some(it)))
    }

    pub(super) fn check(&self, annotations: &StringMap<'_>, check: &mut Check<'_>) -> Fit {
        if self.0.is_none() && check.unlisted == Unlisted::Permit {
            return Fit::Continue(());
        }
        let metadata = Place::Top("metadata");
        let place = metadata.field("annotations");
        annotations.iter().filter(|(key, _)| is_order(key)).try_for_each(|(key, value)| {
            // Values may hold anything; the key says enough.
            let found =
                || finding(&place.key(key), NOTHING, "a value").fixed_by("annotations", vec![key]);
            let permits = |(names, rule): &(Names, Option<TextRule>)| {
                names.match_name(key) && rule.as_ref().is_none_or(|rule| rule.matches(value))
            };
            match &self.0 {
                Some(rules) => check.unless(rules.iter().any(permits), found),
                None => check.unlisted(false, found),
            }
        })
    }
}

fn read_entry(
    at: &Located<'_>,
    reading: &mut Reading<'_>,
) -> Result<(Names, Option<TextRule>), PolicyError> {
    if !at.is_object() {
        return Ok((Names::read_one(at)?, None));
    }
    let block = at.object(&["key", "value"])?;
    let key = block.required("key", "write the annotation's key")?;
    let key_names = Names::read_one(key)?;
    let value = block.required("value", "write the value, or a rule for it")?;
    Ok((key_names, Some(TextRule::read(value, reading.warnings)?)))
}

/// Does something on a node obey it?
fn is_order(key: &str) -> bool {
    let domain = key.split_once('/').map_or(key, |(domain, _)| domain);
    let is_below = |parent: &&str| {
        domain.strip_suffix(*parent).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    };
    // Most keys begin like none of them: a byte tells.
    let first = key.as_bytes().first();
    let mut alike = READ_BY_NODES.iter().filter(|it| it.as_bytes().first() == first);
    let begins = alike.any(|beginning| key.starts_with(beginning));
    !REPORTS.contains(&key) && (begins || DOMAINS.iter().any(is_below))
}

#[cfg(test)]
mod tests {
    use super::is_order;

    #[test]
    fn orders_are_told_from_notes() {
        for key in [
            "cdi.k8s.io/gpu",
            "io.katacontainers.config.hypervisor.kernel_params",
            "io.kubernetes.cri-o.userns-mode",
            "irq-load-balancing.crio.io",
            "cpu-quota.crio.io/app",
            "devices.nri.io/container.app",
            "nri.io",
            "k8s.v1.cni.cncf.io/networks",
            "container.apparmor.security.beta.kubernetes.io/app",
            "seccomp.security.alpha.kubernetes.io/pod",
            "kubernetes.io/ingress-bandwidth",
            "run.oci.handler",
        ] {
            assert!(is_order(key), "{key}");
        }
        for key in [
            "prometheus.io/scrape",
            "kubectl.kubernetes.io/restartedAt",
            "k8s.v1.cni.cncf.io/networks-status",
            "k8s.v1.cni.cncf.io/network-status",
            "cni.projectcalico.org/podIP",
            "notnri.io",
            "nri.io.example.com/x",
            "example.com/crio.io",
        ] {
            assert!(!is_order(key), "{key}");
        }
    }
}
