//! A pod that the policy denies is told so, and no container of it ever exists: watched from before
//! the pod does until well after the rejection.

use std::time::Duration;

use crate::containers::ContainerWatch;
use crate::node::Node;
use crate::pods::{Violation, denied, rejected};
use crate::wait::Outcome;

/// How long after the rejection a late container would still be seen.
const AFTERWARDS: Duration = Duration::from_secs(10);

pub(crate) fn check(node: &Node<'_>) -> Outcome {
    let (mut watch, _) = ContainerWatch::start(node, &node.named("witness"))?;
    let pod = |violation: Violation| (node.named(violation.what()), violation);
    let pods = Violation::ALL.map(pod);
    node.create(&pods.each_ref().map(|(name, violation)| denied(node, name, *violation)))?;
    let names = pods.map(|(name, _)| name);
    names.iter().try_for_each(|name| rejected(node, name, &mut watch))?;
    watch.sees_none(&names, AFTERWARDS)
}
