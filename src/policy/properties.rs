//! What must hold for every pod and policy, tried on random ones.
//!
//! Rules come from a pool that uses each condition at least once; pods hold both arbitrary text and
//! text that the pool is about, so that rules do match.

use proptest::collection::vec;
use proptest::prelude::*;

use super::sample_pods::{DIGEST, container, harmless_pod, verdict, volume};
use super::{Policy, Verdict};
use crate::kube_wire::pod::{Container, ContainerKind, Pod, PodSecurity};

const DENY_RULES: [&str; 9] = [
    r#"{}"#,
    r#"{"namespaces":["prod*","*-x","*a*"]}"#,
    r#"{"namespaceRegex":"^(prod|a).*$","security":{"denyPrivileged":true}}"#,
    r#"{"labels":{"a":"b"},"images":{"requireDigest":true}}"#,
    r#"{"images":{"allowedRegistries":["gcr.io/org","docker.io/library"]}}"#,
    r#"{"images":{"denied":["nginx*","*evil*"],"deniedRegistries":["evil.io"]}}"#,
    r#"{"images":{"allowed":["nginx:*","gcr.io/*"]},"security":{"denyHostPath":true}}"#,
    r#"{"security":{"denyRunAsRoot":true,"deniedCapabilities":["SYS_ADMIN"]}}"#,
    r#"{"security":{"denyHostNetwork":true,"denyHostPID":true,"denyHostIPC":true}}"#,
];

const ALLOW_RULES: [&str; 3] =
    [r#"{"namespaces":["prod-1"]}"#, r#"{"labels":{"a":"b"}}"#, r#"{"namespaceRegex":"a"}"#];

/// The texts of a pod, owned: a [`Pod`] borrows them.
#[derive(Clone, Debug)]
struct Texts {
    namespace: String,
    label: (String, String),
    containers: Vec<(String, String, bool, Option<i64>)>,
    capability: String,
    volume_image: Option<String>,
    flags: [bool; 4],
}

impl Texts {
    fn pod(&self) -> Pod<'_> {
        let mut pod: Pod<'_> = harmless_pod();
        pod.identity.namespace = &self.namespace;
        pod.labels = [(self.label.0.as_str(), self.label.1.as_str())].into_iter().collect();
        pod.security = PodSecurity::default();
        [pod.host_network, pod.host_pid, pod.host_ipc, _] = self.flags;
        pod.volumes = vec![volume(self.flags[3], self.volume_image.as_deref())];
        pod.containers = self.containers.iter().map(|texts| self.container(texts)).collect();
        pod
    }

    fn container<'t>(&'t self, texts: &'t (String, String, bool, Option<i64>)) -> Container<'t> {
        let (name, image, privileged, run_as_user) = texts;
        Container {
            kind: ContainerKind::Init,
            name,
            privileged: *privileged,
            run_as_user: *run_as_user,
            added_capabilities: vec![&self.capability],
            ..container(image)
        }
    }
}

fn image() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "(gcr\\.io/org/|docker\\.io/|evil\\.io/)?(nginx|app|evil)(:[a-z0-9.]{1,4})?",
        Just(format!("nginx@{DIGEST}")),
    ]
}

fn texts() -> impl Strategy<Value = Texts> {
    let name = prop_oneof![any::<String>(), "(prod|a)?(-1|-x)?"];
    let label = ("[ab]{0,2}", "[ab]{0,2}");
    let user = proptest::option::of(prop_oneof![Just(0), Just(7), any::<i64>()]);
    let containers = vec((any::<String>(), image(), any::<bool>(), user), 0..4);
    let capability = prop_oneof![any::<String>(), "(CAP_)?(SYS_ADMIN|ALL|kill)"];
    (name, label, containers, capability, proptest::option::of(image()), any::<[bool; 4]>())
        .prop_map(|(namespace, label, containers, capability, volume_image, flags)| Texts {
            namespace,
            label,
            containers,
            capability,
            volume_image,
            flags,
        })
}

fn deny_rule() -> impl Strategy<Value = String> {
    proptest::sample::select(&DENY_RULES[..]).prop_map(|matching| rule("deny", matching))
}

fn any_rule() -> impl Strategy<Value = String> {
    let allow =
        proptest::sample::select(&ALLOW_RULES[..]).prop_map(|matching| rule("allow", matching));
    prop_oneof![deny_rule(), allow]
}

fn rule(action: &str, matching: &str) -> String {
    format!(r#"{{"name":"r","action":"{action}","match":{matching}}}"#)
}

fn policy(rules: &[String], denies_by_default: bool) -> Policy {
    let default = if denies_by_default { "deny" } else { "allow" };
    let rules = rules.join(",");
    let text = format!(r#"{{"name":"p","defaultAction":"{default}","rules":[{rules}]}}"#);
    Policy::parse(text.as_bytes()).unwrap().policy
}

proptest! {
    #[test]
    fn evaluation_never_panics_and_always_has_a_reason(
        texts in texts(), rules in vec(any_rule(), 0..6), default in any::<bool>(),
    ) {
        let (policy, pod) = (policy(&rules, default), texts.pod());
        let decided = verdict(&policy, &pod);
        let reason = decided.reason().to_string();
        prop_assert!(!reason.chars().any(char::is_control), "{:?}", reason);
        prop_assert!(reason.len() < 16 * 1024);
    }

    #[test]
    fn a_deny_rule_in_front_never_turns_deny_into_allow(
        texts in texts(), rules in vec(any_rule(), 0..6), first in deny_rule(),
        default in any::<bool>(),
    ) {
        let pod = texts.pod();
        let before = policy(&rules, default);
        let longer: Vec<_> = [first].into_iter().chain(rules).collect();
        let after = policy(&longer, default);
        prop_assert!(verdict(&before, &pod).is_allow() || !verdict(&after, &pod).is_allow());
    }

    #[test]
    fn another_container_never_turns_deny_into_allow(
        texts in texts(), rules in vec(any_rule(), 0..6), default in any::<bool>(),
        added in ("[a-z]{1,3}", image(), any::<bool>(), proptest::option::of(any::<i64>())),
        position in any::<proptest::sample::Index>(),
    ) {
        let policy = policy(&rules, default);
        let mut longer = texts.clone();
        longer.containers.insert(position.index(longer.containers.len().saturating_add(1)), added);
        let (pod, longer) = (texts.pod(), longer.pod());
        prop_assert!(verdict(&policy, &pod).is_allow() || !verdict(&policy, &longer).is_allow());
    }

    #[test]
    fn loading_arbitrary_bytes_never_panics(bytes in vec(any::<u8>(), 0..200)) {
        let _ = Policy::parse(&bytes);
    }

    #[test]
    fn a_policy_cut_short_never_loads(rules in vec(any_rule(), 1..4), cut in any::<prop::sample::Index>()) {
        let rules = rules.join(",");
        let text = format!(r#"{{"defaultAction":"allow","rules":[{rules}]}}"#);
        prop_assert!(Policy::parse(&text.as_bytes()[..cut.index(text.len())]).is_err());
    }
}

#[test]
fn the_pool_reaches_both_verdicts() {
    let pod = harmless_pod();
    let all: Vec<_> = DENY_RULES[1..].iter().map(|matching| rule("deny", matching)).collect();
    assert!(matches!(verdict(&policy(&all, false), &pod), Verdict::Deny(_)));
    assert!(matches!(verdict(&policy(&all[8 - 1..], false), &pod), Verdict::Allow(_)));
}
