//! A storm of pods that the policy denies does not silence the node: its lease is renewed as on any
//! other day, and the node stays Ready.

use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

use crate::containers::throughout;
use crate::node::Node;
use crate::pods::{REJECT_LIMIT, Violation, denied, is_rejected};
use crate::wait::{Outcome, ensure, eventually};

/// The issue's own number.
const STORM: usize = 50;

/// A kubelet takes its lease as soon as it is registered.
const FIRST_LEASE: Duration = Duration::from_secs(60);

/// A kubelet renews after every quarter of the lease: twice in this share of it.
const WATCHED: (u64, u64) = (5, 8);
const RENEWALS: usize = 2;

/// When the lease has run out the node counts as lost. Half of it is always to be left.
const SILENCE: (u64, u64) = (1, 2);

pub(crate) fn check(node: &Node<'_>) -> Outcome {
    let storm = (0..STORM).map(|index| {
        let violation = Violation::ALL[index % Violation::ALL.len()];
        denied(node, &node.named(&format!("storm-{index}")), violation)
    });
    let storm = storm.collect::<Vec<_>>();
    let first = eventually("lease of the node", FIRST_LEASE, || lease(node))?;
    let share = |(some, of)| first.duration * some / of;
    let (watched, silence) =
        (Duration::from_secs(share(WATCHED)), Duration::from_secs(share(SILENCE)));
    node.create(&storm)?;
    let (mut last, mut heard, mut renewals) = (lease(node)?.renewed, Instant::now(), 0);
    throughout(watched, || {
        let now = lease(node)?.renewed;
        if now != last {
            (last, heard, renewals) = (now, Instant::now(), renewals + 1);
        }
        let silent = heard.elapsed();
        ensure(silent < silence, || format!("the lease was last renewed {silent:?} ago"))
    })?;
    ensure(renewals >= RENEWALS, || format!("{renewals} renewals of the lease in {watched:?}"))?;
    eventually("whole storm rejected", REJECT_LIMIT, || {
        let pods = node.own_pods()?;
        ensure(pods.len() == STORM, || format!("{} pods of {STORM}", pods.len()))?;
        pods.iter().try_for_each(is_rejected)
    })?;
    let object = node.get(&["node", node.name])?;
    let conditions =
        object["status"]["conditions"].as_array().ok_or("a node without conditions")?;
    let ready = |condition: &Value| condition["type"] == "Ready" && condition["status"] == "True";
    ensure(conditions.iter().any(ready), || format!("the node is not Ready: {conditions:?}"))
}

/// What keeps a node from counting as lost.
struct Lease {
    renewed: String,
    /// In seconds.
    duration: u64,
}

fn lease(node: &Node<'_>) -> Outcome<Lease> {
    let lease = node.get(&["lease", node.name, "--namespace", "kube-node-lease"])?;
    let renewed = lease["spec"]["renewTime"].as_str().ok_or("a lease without renewTime")?;
    let duration = lease["spec"]["leaseDurationSeconds"].as_u64().ok_or("a lease for ever")?;
    Ok(Lease { renewed: renewed.to_owned(), duration })
}
