//! Without the proxy the kubelet learns of no pod: none starts, those that run go on. When the proxy
//! is back, what was created meanwhile starts.

use std::time::Duration;

use crate::containers::{ContainerWatch, running_containers, throughout};
use crate::node::Node;
use crate::pods::{allowed, running, untouched};
use crate::wait::{Outcome, ensure};

/// A kubelet starts a pod within 8 s of its creation.
const SPAN: Duration = Duration::from_secs(20);

pub(crate) fn check(node: &Node<'_>) -> Outcome {
    let (stop, start) = (node.options.stop_proxy()?, node.options.start_proxy()?);
    let (before, meanwhile) = (node.named("before"), node.named("meanwhile"));
    let (mut watch, containers) = ContainerWatch::start(node, &before)?;
    let outcome = stop.run().and_then(|_| {
        node.create(&[allowed(node, &meanwhile)])?;
        throughout(SPAN, || {
            watch.saw_none(&meanwhile)?;
            let now = running_containers(node, &before)?;
            ensure(now == containers, || {
                format!("pod {before}: containers {containers:?} became {now:?}")
            })
        })?;
        let phase = &node.pod(&meanwhile)?["status"]["phase"];
        ensure(phase == "Pending", || format!("without the proxy {meanwhile} is {phase}"))
    });
    // Also after a failure: the node is not ours to leave without its proxy.
    start.run()?;
    outcome?;
    running(node, &meanwhile)?;
    untouched(node, &before, &containers)
}
