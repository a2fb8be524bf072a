//! What must hold for every strict permit and every pod, tried on random ones.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::{Value, json};

use super::sample::{document, patch, permit, permitting, pod, ruling};

/// What may be added to a pod, and what then has to be added to its permit.
struct Addition {
    spec: Value,
    container: Value,
    permit: Value,
    entry: Value,
}

fn additions() -> Vec<Addition> {
    let none = || json!({});
    let spec = |spec, permit| Addition { spec, permit, container: none(), entry: none() };
    let container = |container, entry| Addition { container, entry, spec: none(), permit: none() };
    vec![
        spec(json!({ "hostNetwork": true }), json!({ "hostNetwork": true })),
        spec(json!({ "hostPID": true }), json!({ "hostPID": true })),
        spec(json!({ "hostIPC": true }), json!({ "hostIPC": true })),
        spec(json!({ "hostname": "h" }), json!({ "hostname": "h" })),
        spec(json!({ "serviceAccountName": "s" }), json!({ "serviceAccounts": ["s"] })),
        spec(json!({ "runtimeClassName": "r" }), json!({ "runtimeClasses": ["r"] })),
        spec(
            json!({ "volumes": [{ "name": "v", "emptyDir": {} }] }),
            json!({ "volumes": [{ "emptyDir": {} }] }),
        ),
        spec(
            json!({ "imagePullSecrets": [{ "name": "p" }] }),
            json!({ "imagePullSecrets": ["p"] }),
        ),
        container(
            json!({ "env": [{ "name": "A", "value": "1" }] }),
            json!({ "env": [{ "name": "A", "value": "1" }] }),
        ),
        container(json!({ "workingDir": "/w" }), json!({ "workingDir": "/w" })),
        container(json!({ "tty": true }), json!({ "tty": true })),
        container(
            json!({ "securityContext": { "privileged": true } }),
            json!({ "securityContext": { "privileged": true } }),
        ),
        container(
            json!({ "ports": [{ "hostPort": 80, "containerPort": 80 }] }),
            json!({ "ports": [{ "hostPort": 80 }] }),
        ),
        container(
            json!({ "lifecycle": { "stopSignal": "SIGINT" } }),
            json!({ "lifecycle": { "stopSignal": "SIGINT" } }),
        ),
        container(
            json!({ "livenessProbe": { "exec": { "command": ["/p"] } } }),
            json!({ "probes": { "liveness": { "exec": ["/p"] } } }),
        ),
    ]
}

/// A pod with some additions, and a permit with some.
fn built(pod_has: &[usize], permit_has: &[usize]) -> (Value, Value) {
    let additions = additions();
    let gather = |indexes: &[usize], part: fn(&Addition) -> &Value| {
        indexes.iter().fold(json!({}), |all, index| patch(all, part(&additions[*index]).clone()))
    };
    let pod = pod(gather(pod_has, |it| &it.spec), gather(pod_has, |it| &it.container));
    let permit = permit(gather(permit_has, |it| &it.permit), gather(permit_has, |it| &it.entry));
    (pod, permit)
}

fn chosen() -> impl Strategy<Value = Vec<usize>> {
    let all: Vec<_> = (0..additions().len()).collect();
    vec(select(all), 0..5)
}

fn allowed(permit: Value, pod: &Value) -> bool {
    ruling(&permitting(permit), pod).0
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn what_is_listed_and_no_more_is_permitted(has in chosen()) {
        let (pod, permit) = built(&has, &has);
        prop_assert!(allowed(permit, &pod), "{:?}", has);
    }

    #[test]
    fn removing_a_permit_never_admits_more(has in chosen(), listed in chosen(), cut in any::<Index>()) {
        prop_assume!(!listed.is_empty());
        let mut fewer = listed.clone();
        let removed = fewer.remove(cut.index(listed.len()));
        // A runtime class that is listed has to be there: without it the permit is a wider one.
        prop_assume!(removed != 5 && !demands(removed));
        let (pod, all) = built(&has, &listed);
        let (_, some) = built(&has, &fewer);
        prop_assert!(allowed(all, &pod) || !allowed(some, &pod), "{:?} {:?}", has, listed);
    }

    #[test]
    fn adding_a_field_never_admits_a_pod(has in chosen(), listed in chosen(), added in any::<Index>()) {
        let added = added.index(additions().len());
        prop_assume!(!demands(added));
        let (before, permit) = built(&has, &listed);
        let longer: Vec<_> = has.iter().copied().chain([added]).collect();
        let (after, _) = built(&longer, &listed);
        prop_assert!(allowed(permit.clone(), &before) || !allowed(permit, &after));
    }

    #[test]
    fn deny_always_wins_and_order_among_deny_rules_does_not_matter(
        has in chosen(), listed in chosen(), denied in vec(select(vec!["prod", "dev", "*"]), 0..4),
        position in any::<Index>(),
    ) {
        let (pod, permit) = built(&has, &listed);
        let allow = json!({ "name": "allow", "action": "allow", "match": {}, "permit": permit });
        let rule = |(index, namespace): (usize, &&str)| {
            json!({ "name": format!("d{index}"), "action": "deny", "match": { "namespaces": [namespace] } })
        };
        let mut rules: Vec<_> = denied.iter().enumerate().map(rule).collect();
        let mut reversed: Vec<_> = rules.iter().rev().cloned().collect();
        let place = position.index(rules.len().saturating_add(1));
        rules.insert(place, allow.clone());
        reversed.push(allow);
        let is_denied = denied.iter().any(|namespace| *namespace != "dev");
        let forwards = ruling(&document(json!(rules), json!({})), &pod).0;
        let backwards = ruling(&document(json!(reversed), json!({})), &pod).0;
        prop_assert_eq!(forwards, backwards);
        prop_assert!(!(is_denied && forwards));
    }

    #[test]
    fn another_container_never_admits_a_pod(has in chosen(), listed in chosen(), image in "[a-z]{1,9}") {
        let (before, permit) = built(&has, &listed);
        let mut after = before.clone();
        after["spec"]["containers"].as_array_mut().unwrap().push(json!({ "name": "two", "image": image }));
        prop_assert!(allowed(permit.clone(), &before) || !allowed(permit, &after));
    }
}

/// Rules that also demand what they list: a text, a class, a variable, a service account.
fn demands(addition: usize) -> bool {
    matches!(addition, 3 | 4 | 5 | 8 | 9 | 13)
}
