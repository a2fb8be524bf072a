//! `extendedResources` and `maxResources`: devices by name, and how much of the rest.
//!
//! `cpu` and `memory` choose how much, and may be bounded. `nvidia.com/gpu` is a device of the node:
//! it has to be listed.

use super::quantity::Amount;
use crate::kube_wire::pod_view::{ClaimUse, Quantity, Resources};
use crate::policy::error::PolicyError;
use crate::policy::located::Located;
use crate::policy::v2::check::{Check, NOTHING};
use crate::policy::v2::finding::{Fit, Place, finding};
use crate::policy::v2::names::Names;
use crate::policy::v2::text_rule::quoted;

/// Names of resources, each with the most of it.
#[derive(Clone, Debug, Default)]
pub(in crate::policy) struct MaxResources(Vec<(String, String, Amount)>);

impl MaxResources {
    /// Says it nothing?
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Reads the map.
    pub(super) fn read(at: &Located<'_>) -> Result<Self, PolicyError> {
        let mut most = Vec::new();
        for (name, value) in at.members()? {
            let written = value.filled_string()?;
            let amount = Amount::parse(&written).ok_or_else(|| {
                value.refuse("is no amount; write a quantity such as \"500m\" or \"4Gi\"")
            })?;
            most.push((name, written, amount));
        }
        match most.is_empty() {
            true => Err(at.refuse("is empty, so it checks nothing; fill it or remove the key")),
            false => Ok(Self(most)),
        }
    }
}

/// Devices must be listed, and limits must be set where there is a bound, and be within it.
pub(super) fn check_resources(
    extended: Option<&Names>,
    max: &MaxResources,
    resources: Option<&Resources<'_>>,
    place: &Place<'_>,
    check: &mut Check<'_>,
) -> Fit {
    let empty = Resources::default();
    // Claims are entries of the pod's own list, which has a permit of its own.
    let Resources { limits, requests, claims } = resources.unwrap_or(&empty);
    let _: &&[ClaimUse<'_>] = claims;
    for (list, name) in [(limits, "limits"), (requests, "requests")] {
        let place = place.field(name);
        for (resource, _) in list.iter().filter(|(resource, _)| is_extended(resource)) {
            let found = || {
                finding(&place.key(resource), NOTHING, quoted(resource))
                    .fixed_by("extendedResources", vec![*resource])
            };
            match extended {
                Some(names) => check.unless(names.match_name(resource), found)?,
                None => check.unlisted(false, found)?,
            }
        }
    }
    let place = place.field("limits");
    max.0.iter().try_for_each(|(resource, written, most)| {
        let limit = limits.iter().find(|(name, _)| name == resource).map(|(_, limit)| *limit);
        // To a kubelet and a runtime a limit of 0, or below, is none.
        let is_limit = |limit: &Amount| limit.is_positive() && limit.is_at_most(most);
        let is_within = limit.and_then(Amount::of).as_ref().is_some_and(is_limit);
        check.unless(is_within, || {
            let found = limit.map_or_else(|| NOTHING.to_owned(), text);
            finding(&place.key(resource), format!("at most {written}"), found)
        })
    })
}

/// Devices of plugins have a domain in front; the kubelet's own resources have none, or its own.
fn is_extended(resource: &str) -> bool {
    resource.split_once('/').is_some_and(|(domain, _)| domain != "kubernetes.io")
}

fn text(quantity: Quantity<'_>) -> String {
    match quantity {
        Quantity::Text(text) | Quantity::Number(text) => quoted(text),
        Quantity::Integer(number) => number.to_string(),
    }
}
