//! A ReplicaSet whose pods the node denies: each Failed pod is replaced at once, usually to the same
//! node, without end (kubernetes/kubernetes#38806). Begun early and looked at two minutes later, with
//! other cases in between.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::expect::REJECT_LIMIT;
use crate::support::wait::{Outcome, ensure, eventually};
use crate::support::world::World;
use crate::support::world::manifest::{Violation, denied};

const NAME: &str = "storm";

/// How long it may rage before it is counted.
const SPAN: Duration = Duration::from_secs(120);

/// Failed pods within the span: some, since it is a storm, and fewer than this.
const MOST: usize = 20;
const FEWEST: usize = 4;

pub(crate) fn begins(world: &mut World) -> Outcome {
    let pod = denied(NAME, Violation::Privileged);
    let set = json!({
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": { "name": NAME },
        "spec": {
            "replicas": 1,
            "selector": { "matchLabels": { "app": NAME } },
            "template": { "metadata": { "labels": { "app": NAME } }, "spec": pod["spec"] },
        },
    });
    world.kubectl.create(&set)?;
    eventually("a second pod of the storm", REJECT_LIMIT, || {
        let pods = pods(world)?;
        ensure(pods.len() > 1, || format!("{} pods", pods.len()))
    })
}

pub(crate) fn stays_small(world: &mut World) -> Outcome {
    if world
        .kubectl
        .run(&["get", "replicaset", NAME, "--ignore-not-found", "-o", "name"])?
        .is_empty()
    {
        begins(world)?;
    }
    let set = world.kubectl.get(&["replicaset", NAME])?;
    let end = time(&set["metadata"]["creationTimestamp"])? + SPAN;
    eventually("two minutes of storm", SPAN, || {
        let left = end.duration_since(Timestamp::now());
        ensure(left < SignedDuration::ZERO, || format!("{left:#} are left"))
    })?;
    let failed = pods(world)?
        .iter()
        .filter(|pod| pod["status"]["phase"] == "Failed")
        .map(failed_at)
        .filter(|at| at.as_ref().map_or(true, |at| *at <= end))
        .collect::<Outcome<Vec<_>>>()?
        .len();
    ensure((FEWEST..MOST).contains(&failed), || format!("{failed} Failed pods in {SPAN:?}"))?;
    world.kubectl.run(&["delete", "replicaset", NAME, "--cascade=orphan"]).map(drop)
}

fn pods(world: &World) -> Outcome<Vec<Value>> {
    let mut pods = world.kubectl.get(&["pods", "--selector", &format!("app={NAME}")])?;
    Ok(pods["items"].as_array_mut().map(std::mem::take).ok_or("no items")?)
}

fn failed_at(pod: &Value) -> Outcome<Timestamp> {
    let conditions = pod["status"]["conditions"].as_array().ok_or("no conditions")?;
    let ready = conditions.iter().find(|condition| condition["type"] == "Ready");
    time(&ready.ok_or("no Ready condition")?["lastTransitionTime"])
}

fn time(value: &Value) -> Outcome<Timestamp> {
    Ok(value.as_str().ok_or("no time")?.parse()?)
}
