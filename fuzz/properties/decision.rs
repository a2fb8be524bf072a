//! Any pod, and what the shipped policies decide on it.

use std::sync::LazyLock;

use nodeward::kube_wire::document::read_whole;
use nodeward::kube_wire::json::Tape;
use nodeward::kube_wire::received_pod::{ReceivedPod, SoundPod};
use nodeward::policy::{Circumstances, NoCounters, Policy, RuleEffect, RuleOutcome};
use serde_json::Value;

use super::LIMITS;

/// 2026-11-21, as seconds since 1970.
pub(super) const NOW: i64 = 1_795_000_000;
pub(super) const NODE: &str = "node-1";

/// A shipped policy, and whether it keeps pods off the node's own namespaces and devices.
struct Shipped {
    policy: Policy,
    keeps_off: bool,
}

static SHIPPED: LazyLock<Vec<Shipped>> = LazyLock::new(|| {
    let shipped = |text: &str, keeps_off| {
        let policy = Policy::parse(text.as_bytes()).expect("a shipped policy").policy;
        Shipped { policy, keeps_off }
    };
    vec![
        shipped(include_str!("../../policies/baseline.json"), true),
        shipped(include_str!("../../policies/restricted.json"), true),
        shipped(include_str!("../../policies/confidential-node.json"), true),
        shipped(include_str!("../../policies/k3s-node.json"), false),
        shipped(include_str!("../../policies/seed-strict.json"), false),
    ]
});

/// Every sound pod gets one verdict from each policy, the same for what the kubelet would be shown.
pub(crate) fn pod_decision(input: &[u8]) {
    for Shipped { policy, keeps_off } in SHIPPED.iter() {
        let Some((is_admitted, shown)) = decided(policy, input) else { return };
        assert!(!(is_admitted && *keeps_off && reaches_the_node(&shown)), "{}", policy.name());
    }
}

/// Whether the pod runs, and what the kubelet would be shown; `None` if it is at fault.
pub(super) fn decided(policy: &Policy, pod: &[u8]) -> Option<(bool, Value)> {
    let mut tape = Tape::default();
    let flaw = read_whole(pod, &mut tape, LIMITS).ok()?;
    let ReceivedPod::Sound(sound) = ReceivedPod::read(tape.root(pod), flaw) else { return None };
    let verdict = verdict(policy, &sound);
    let mut shown = Vec::new();
    sound.checked.write(&mut shown, &mut Vec::new());
    let mut tape = Tape::default();
    let flaw = read_whole(&shown, &mut tape, LIMITS).expect("what is shown is JSON");
    let ReceivedPod::Sound(again) = ReceivedPod::read(tape.root(&shown), flaw) else {
        panic!("what is shown is not sound");
    };
    assert_eq!(verdict, self::verdict(policy, &again), "what is shown is judged otherwise");
    let shown = serde_json::from_slice(&shown).expect("what is shown is JSON");
    Some((verdict.0, shown))
}

/// Whether the pod runs, and why. Deciding and explaining are two ways through the rules, and agree.
fn verdict(policy: &Policy, pod: &SoundPod<'_>) -> (bool, String) {
    let here = Circumstances { now: NOW, node: NODE, counters: &NoCounters };
    let decision = policy.evaluate(pod, &here);
    let reason = decision.verdict.reason().to_string();
    assert!(!reason.is_empty() && !reason.chars().any(char::is_control), "{reason:?}");
    let is_admitted = decision.verdict.is_allow();
    let explanation = policy.explain(pod, &here);
    let mut deciding = explanation.rules.iter().filter(|rule| rule.outcome == RuleOutcome::Decides);
    match deciding.next() {
        Some(rule) => assert_eq!(rule.effect == RuleEffect::Allow, is_admitted, "{reason}"),
        None => assert!(!is_admitted, "admitted, and no rule says so: {reason}"),
    }
    assert!(deciding.next().is_none(), "two rules decide");
    (is_admitted, reason)
}

/// What the Pod Security Standards forbid at every level, as another reader finds it.
fn reaches_the_node(pod: &Value) -> bool {
    let spec = &pod["spec"];
    let list = |name: &str| spec[name].as_array().into_iter().flatten();
    let mut containers =
        ["containers", "initContainers", "ephemeralContainers"].into_iter().flat_map(list);
    ["hostNetwork", "hostPID", "hostIPC"].iter().any(|flag| spec[flag] == true)
        || containers.any(|container| container["securityContext"]["privileged"] == true)
        || list("volumes").any(|volume| volume["hostPath"].is_object())
}
