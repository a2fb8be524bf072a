//! `ports`: which ports of the node a container may take. Ports of the pod open nothing.

use super::Reading;
use crate::kube_wire::pod_view::Port;
use crate::policy::error::PolicyError;
use crate::policy::located::Located;
use crate::policy::v2::check::{Check, NOTHING};
use crate::policy::v2::finding::{Fit, Place, finding};
use crate::policy::v2::number_rule::NumberRule;
use crate::policy::v2::text_rule::{TextRule, read_word};

const KEYS: [&str; 4] = ["containerPort", "hostPort", "hostIP", "protocol"];

const PROTOCOLS: [&str; 3] = ["TCP", "UDP", "SCTP"];

/// One port of the node that a container may take.
#[derive(Clone, Debug)]
pub(in crate::policy) struct PortRule {
    container_port: Option<NumberRule>,
    host_port: NumberRule,
    host_ip: Option<TextRule>,
    protocol: Option<&'static str>,
}

impl PortRule {
    /// Reads one entry.
    pub(super) fn read(at: &Located<'_>, reading: &mut Reading<'_>) -> Result<Self, PolicyError> {
        let block = at.object(&KEYS)?;
        let host_port = block
            .required("hostPort", "write the node's port; ports without one need no permit")?;
        let warnings = &mut *reading.warnings;
        Ok(Self {
            host_port: NumberRule::read(host_port, warnings)?,
            container_port: block.read("containerPort", |at| NumberRule::read(at, warnings))?,
            host_ip: block.read("hostIP", |at| TextRule::read(at, warnings))?,
            protocol: block.read("protocol", |at| read_word(at, &PROTOCOLS))?,
        })
    }

    fn permits(&self, port: &Port<'_>) -> bool {
        let Port { name: _, host_port, container_port, protocol, host_ip } = port;
        let protocol = if protocol.is_empty() { "TCP" } else { protocol };
        self.host_port.matches(Some(*host_port))
            && self.container_port.as_ref().is_none_or(|it| it.matches(Some(*container_port)))
            && self.host_ip.as_ref().map_or(host_ip.is_empty(), |it| it.matches(host_ip))
            && self.protocol.is_none_or(|it| it == protocol)
    }
}

/// Each port of the node must be one of those listed. In the node's own network every port is one
/// of the node's, and the API writes so.
pub(super) fn check_ports(
    rules: Option<&[PortRule]>,
    ports: &[Port<'_>],
    has_host_network: bool,
    place: &Place<'_>,
    check: &mut Check<'_>,
) -> Fit {
    ports.iter().enumerate().try_for_each(|(index, port)| {
        let is_closed = port.host_port == 0 && port.host_ip.is_empty();
        let is_default =
            has_host_network && port.host_port == port.container_port && port.host_ip.is_empty();
        let is_listed = rules.unwrap_or_default().iter().any(|rule| rule.permits(port));
        let found = || {
            let entry = serde_json::json!({ "hostPort": port.host_port });
            finding(&place.element(index).field("hostPort"), NOTHING, port.host_port.to_string())
                .fixed_by("ports", vec![entry])
        };
        match rules {
            Some(_) => check.unless(is_closed || is_default || is_listed, found),
            None => check.unlisted(is_closed || is_default, found),
        }
    })
}
