//! One policy on one pod that comes as JSON.

use serde_json::Value;

use crate::kube_wire::document::read_whole;
use crate::kube_wire::json::{Limits, Tape};
use crate::kube_wire::received_pod::{ReceivedPod, SoundPod};
use crate::policy::{Circumstances, Decision, Explanation, NoCounters, Policy};

/// As the proxy's own: depth and number of values of one pod.
const LIMITS: Limits = Limits { depth: 64, nodes: 1 << 20 };

/// Where and when a pod would run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Moment {
    /// Seconds since 1970, UTC.
    pub now: i64,
    /// The node; without one each pod is judged on the node that it names.
    pub node: Option<String>,
}

/// What was decided about a pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judgement {
    /// May it run?
    pub is_allowed: bool,
    /// The rule that decided.
    pub rule: Option<String>,
    /// Why, in words.
    pub reason: String,
    /// Rules that would have denied it, but only observe, each with its reason.
    pub observed: Vec<(Option<String>, String)>,
    /// The exceptions that let it through: those that lift deny rules, and the one that permits it.
    pub exceptions: Vec<String>,
}

/// Decides on a pod.
pub fn judge(policy: &Policy, pod: &Value, moment: &Moment) -> Judgement {
    let decided = with_pod(pod, moment, |sound, at| {
        let decision = policy.evaluate(sound, at);
        let observed = decision.observed.iter();
        Judgement {
            is_allowed: decision.verdict.is_allow(),
            rule: decision.verdict.rule().map(str::to_owned),
            reason: decision.verdict.reason().to_string(),
            observed: observed
                .map(|one| (one.rule().map(str::to_owned), one.reason().to_string()))
                .collect(),
            exceptions: named_once(&decision),
        }
    });
    decided.unwrap_or_else(|fault| Judgement {
        is_allowed: false,
        rule: None,
        reason: format!("pod is not sound: {fault}"),
        observed: Vec::new(),
        exceptions: Vec::new(),
    })
}

/// One may lift several rules.
fn named_once(decision: &Decision<'_>) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for used in &decision.exceptions {
        if names.iter().all(|name| name != used.name) {
            names.push(used.name.to_owned());
        }
    }
    names
}

/// What each rule says about a pod, or why no rule is asked.
pub fn explain(policy: &Policy, pod: &Value, moment: &Moment) -> Result<Explanation, String> {
    with_pod(pod, moment, |sound, at| policy.explain(sound, at))
}

/// The pod as the proxy would read it.
fn with_pod<T>(
    pod: &Value,
    moment: &Moment,
    ask: impl FnOnce(&SoundPod<'_>, &Circumstances<'_>) -> T,
) -> Result<T, String> {
    let bytes = pod.to_string().into_bytes();
    let mut tape = Tape::default();
    let flaw = read_whole(&bytes, &mut tape, LIMITS).map_err(|fault| fault.to_string())?;
    match ReceivedPod::read(tape.root(&bytes), flaw) {
        ReceivedPod::Faulty(faulty) => Err(faulty.fault.to_string()),
        ReceivedPod::Sound(sound) => {
            let node = moment.node.as_deref().unwrap_or(sound.pod.node_name);
            Ok(ask(&sound, &Circumstances { now: moment.now, node, counters: &NoCounters }))
        }
    }
}

/// `namespace/name` of a pod, for people.
pub fn title(pod: &Value) -> String {
    let field = |name: &str| pod.pointer(&format!("/metadata/{name}")).and_then(Value::as_str);
    format!("{}/{}", field("namespace").unwrap_or("?"), field("name").unwrap_or("?"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_pod_that_is_not_sound_is_denied_with_the_place() {
        let policy = Policy::allow_all();
        let mut pod = json!({"apiVersion": "v1", "kind": "Pod",
            "metadata": {"namespace": "n", "name": "p", "uid": "0b5ec4f2-6c8e-4ea1-8f27-1f8a4d7f2c11"},
            "spec": {"nodeName": "node-1", "containers": [{"name": "a", "image": "i"}]}});
        let moment = Moment::default();
        assert!(judge(&policy, &pod, &moment).is_allowed);
        assert_eq!(title(&pod), "n/p");
        pod["spec"]["hostNetwrok"] = json!(true);
        let judgement = judge(&policy, &pod, &moment);
        assert!(!judgement.is_allowed);
        assert!(judgement.reason.starts_with("pod is not sound: "), "{}", judgement.reason);
        assert!(judgement.reason.contains("hostNetwrok"), "{}", judgement.reason);
        assert!(explain(&policy, &pod, &moment).is_err());
    }
}
