use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Generated, generate};
use crate::manifest::{self, Setting};
use crate::policy::Policy;
use crate::policy_tools::judge::{Moment, judge};

/// A bit of everything that a pod may say and a policy may permit.
const MANIFEST: &str = include_str!("sample.yaml");

fn moment() -> Moment {
    Moment { now: 0, node: Some("node-1".to_owned()) }
}

fn none() -> BTreeMap<String, String> {
    BTreeMap::new()
}

fn pods(text: &str) -> Vec<Value> {
    let setting =
        Setting { node: "node-1".to_owned(), namespace: "default".to_owned(), as_written: false };
    let documents = manifest::read(text.as_bytes()).unwrap();
    let found = manifest::pods(&documents, &setting).unwrap();
    found.pods.into_iter().map(|offered| offered.pod).collect()
}

fn loaded(generated: &Generated) -> Policy {
    Policy::parse(generated.policy.to_string().as_bytes()).unwrap().policy
}

/// Fields that choose place and time, or describe: no rule is about them.
const HARMLESS: [&str; 35] = [
    "/activeDeadlineSeconds",
    "/affinity",
    "/divisor",
    "/dnsPolicy",
    "/enableServiceLinks",
    "/failureThreshold",
    "/fieldRef/apiVersion",
    "/fsGroupChangePolicy",
    // Of those that make nothing each mounts what is there.
    "/hostPath/type",
    "/imagePullPolicy",
    "/initialDelaySeconds",
    "/metadata/annotations",
    "/metadata/labels",
    "/metadata/name",
    "/metadata/ownerReferences",
    "/metadata/uid",
    "/nodeSelector",
    "/periodSeconds",
    "/preemptionPolicy",
    "/priority",
    "/protocol",
    "/pullPolicy",
    "/readinessGates",
    "/resources",
    "/restartPolicy",
    "/schedulerName",
    "/scheme",
    "/seconds",
    "/sizeLimit",
    "/successThreshold",
    "/terminationGracePeriodSeconds",
    "/terminationMessagePolicy",
    "/timeoutSeconds",
    "/tolerations",
    "/topologySpreadConstraints",
];

/// What a pod may have less of than the one that the policy was made of: permits are no duties, but for
/// containers, probes, hooks, variables, mounts and what a pod gives up. An element that is there twice is the same element.
const MAY_BE_LESS: [&str; 18] = [
    "/apiVersion",
    "/capabilities/add",
    "/capabilities/drop",
    "/dnsConfig",
    "/downwardAPI/items",
    "/emptyDir/medium",
    "/expirationSeconds",
    "/hostAliases",
    "/imagePullSecrets",
    "/items/0/mode",
    "/kind",
    "/nodePublishSecretRef",
    "/optional",
    "/ports",
    "/projected/sources",
    "/securityContext/supplementalGroups",
    "/sysctls",
    "/terminationMessagePath",
];

fn is_exempt(place: &str) -> bool {
    let names = |list: &[&str]| list.iter().any(|part| place.contains(part));
    names(&HARMLESS)
        || place == "removed /spec/serviceAccount"
        // What the API writes there means the same as nothing; the mode of the secret is another.
        || (place.starts_with("removed")
            && place.ends_with("/defaultMode")
            && !place.contains("/secret/"))
        || (place.starts_with("doubled") && (place.ends_with("/items") || place.ends_with("/envFrom")))
        // It is true in the sample: an object that must be there is no more than one that may be missing.
        || (place.starts_with("changed") && place.ends_with("/optional"))
        // All that it mounts is the access to the API.
        || (place.starts_with("removed /spec/initContainers/") && place.ends_with("/volumeMounts"))
        || (place.starts_with("doubled") && names(&MAY_BE_LESS))
        || (place.starts_with("removed") && names(&MAY_BE_LESS) && !place.ends_with("/drop"))
}

/// Every pod that differs from this one in one place: a value changed, a member left out, an element
/// left out or doubled. Each with its place.
fn perturbed(pod: &Value) -> Vec<(String, Value)> {
    let mut places = Vec::new();
    collect(pod, String::new(), &mut places);
    let mut all = Vec::new();
    for place in places {
        let mut add = |what: &str, change: &dyn Fn(&mut Value)| {
            let mut other = pod.clone();
            change(other.pointer_mut(&place).unwrap());
            if other != *pod {
                all.push((format!("{what} {place}"), other));
            }
        };
        add("changed", &|value| match value {
            Value::String(text) => text.push('x'),
            Value::Number(number) => *value = number.as_i64().unwrap().saturating_add(1).into(),
            Value::Bool(is) => *is = !*is,
            Value::Null | Value::Array(_) | Value::Object(_) => {}
        });
        add("doubled", &|value| {
            if let Value::Array(items) = value {
                items.extend(items.last().cloned());
            }
        });
        add("removed", &|value| *value = Value::Null);
    }
    all
}

fn collect(value: &Value, path: String, places: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                let key = key.replace('~', "~0").replace('/', "~1");
                collect(value, format!("{path}/{key}"), places);
            }
        }
        Value::Array(items) => {
            for (index, value) in items.iter().enumerate() {
                collect(value, format!("{path}/{index}"), places);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
    places.push(path);
}

#[test]
fn what_it_was_made_of_is_admitted_and_nothing_that_differs_in_one_place() {
    let pods = pods(MANIFEST);
    let generated = generate("g", &pods, &none(), &moment());
    assert_eq!(generated.notes, [""; 0], "{:#}", generated.policy);
    let policy = loaded(&generated);
    let mut admitted = Vec::new();
    let mut count = 0;
    for pod in &pods {
        let judgement = judge(&policy, pod, &moment());
        assert!(judgement.is_allowed, "{}", judgement.reason);
        for (place, other) in perturbed(pod) {
            if is_exempt(&place) {
                continue;
            }
            count += 1;
            if judge(&policy, &other, &moment()).is_allowed {
                admitted.push(place);
            }
        }
    }
    assert!(count > 200, "{count}");
    assert!(admitted.is_empty(), "{admitted:#?}\n{:#}", generated.policy);
}

#[test]
fn pods_of_one_workload_share_a_rule_unless_they_differ() {
    let one = "apiVersion: v1\nkind: Pod\nmetadata: {name: a, namespace: shop}\n\
        spec: {containers: [{name: a, image: i, args: [one]}]}\n";
    let two = one.replace("args: [one]", "args: [two]");
    let generated = generate("g", &pods(&format!("{one}---\n{one}---\n{two}")), &none(), &moment());
    let rules = generated.policy["rules"].as_array().unwrap();
    let names: Vec<_> = rules.iter().map(|rule| rule["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["shop-a", "shop-a-2"]);
    assert!(generated.notes[0].contains("shop/a: the image i has no digest"), "{generated:?}");
}

#[test]
fn a_numbered_pod_stands_for_its_set() {
    let set = "apiVersion: apps/v1\nkind: StatefulSet\nmetadata: {name: db, namespace: shop}\n\
        spec:\n  serviceName: db\n  volumeClaimTemplates: [{metadata: {name: data}}]\n  template:\n    \
        spec: {containers: [{name: a, image: i, volumeMounts: [{name: data, mountPath: /d}]}]}\n";
    let made = pods(set);
    let policy = loaded(&generate("g", &made, &none(), &moment()));
    let other = |number: &str| {
        let text = made[0].to_string().replace("db-0", number);
        judge(&policy, &serde_json::from_str(&text).unwrap(), &moment()).is_allowed
    };
    assert!(other("db-7") && !other("dc-0") && !other("db-x"));
}

#[test]
fn a_pod_that_cannot_be_permitted_is_named() {
    let windows = "apiVersion: v1\nkind: Pod\nmetadata: {name: w, namespace: shop}\n\
        spec: {os: {name: windows}, containers: [{name: a, image: i}]}\n";
    let generated = generate("g", &pods(windows), &none(), &moment());
    assert!(generated.is_partial && generated.policy["rules"] == json!([]), "{generated:?}");
    assert!(generated.notes.iter().any(|note| note.starts_with("shop/w: cannot be permitted: ")));
}

#[test]
fn a_runtime_class_is_permitted_with_its_handler_or_not_at_all() {
    let classed = "apiVersion: v1\nkind: Pod\nmetadata: {name: k, namespace: shop}\n\
        spec: {runtimeClassName: kata, containers: [{name: a, image: i}]}\n";
    let made = pods(classed);
    let generated = generate("g", &made, &none(), &moment());
    assert!(generated.is_partial);
    assert!(generated.notes[0].contains("with --runtime-class kata=HANDLER"), "{generated:?}");
    let classes = BTreeMap::from([("kata".to_owned(), "kata-qemu".to_owned())]);
    let generated = generate("g", &made, &classes, &moment());
    assert!(!generated.is_partial && generated.policy["runtimeClasses"]["kata"] == "kata-qemu");
    let policy = loaded(&generated);
    assert!(judge(&policy, &made[0], &moment()).is_allowed);
    let mut other = made[0].clone();
    other["spec"]["runtimeClassName"] = json!("runc");
    assert!(!judge(&policy, &other, &moment()).is_allowed);
}

#[test]
fn a_capability_that_is_dropped_in_vain_is_named() {
    let vain = "apiVersion: v1\nkind: Pod\nmetadata: {name: c, namespace: shop}\n\
        spec: {containers: [{name: a, image: i, securityContext: {capabilities: {drop: [CAP_KILL, chown, MKNOD], add: [CAP_MKNOD]}}}]}\n";
    let made = pods(vain);
    let generated = generate("g", &made, &none(), &moment());
    assert!(judge(&loaded(&generated), &made[0], &moment()).is_allowed);
    assert!(generated.notes.iter().any(|note| note.contains("drops CAP_KILL")), "{generated:?}");
    let drop = "/rules/0/permit/containers/0/securityContext/capabilities/drop";
    assert_eq!(generated.policy.pointer(drop), Some(&json!(["CHOWN"])));
}
