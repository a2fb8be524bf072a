//! A restart of the proxy is nobody's business: pods that run keep their containers, pods created
//! meanwhile or afterwards start, and those that the policy denies do not.

use std::thread::scope;

use crate::containers::ContainerWatch;
use crate::node::Node;
use crate::pods::{Violation, allowed, denied, rejected, running, untouched};
use crate::wait::Outcome;

pub(crate) fn check(node: &Node<'_>) -> Outcome {
    let restart = node.options.restart_proxy()?;
    let (before, during) = (node.named("before"), node.named("during"));
    let (fails, after) = (node.named("denied"), node.named("after"));
    let (mut watch, containers) = ContainerWatch::start(node, &before)?;
    scope(|scope| {
        let restarting = scope.spawn(|| restart.run());
        let pods = [allowed(node, &during), denied(node, &fails, Violation::Privileged)];
        let created = node.create(&pods);
        restarting.join().unwrap_or_else(|_| Err("the restart panicked".into()))?;
        created
    })?;
    node.create(&[allowed(node, &after)])?;
    running(node, &during)?;
    running(node, &after)?;
    rejected(node, &fails, &mut watch)?;
    untouched(node, &before, &containers)
}
