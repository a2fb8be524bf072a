//! What loads as a demand can be held against some pod, and what does not load against none.

use std::sync::LazyLock;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use serde_json::{Value, json};

use super::super::sample::{DIGEST, HERE, document, load, patch, pod, policy, refusal, with_pod};
use crate::policy::Policy;

/// A document that lets everything run that this demand does not object to.
fn demanding(unless: &Value) -> Value {
    let open = json!({ "unlisted": "permit" });
    let rules = json!([{ "name": "a", "action": "allow", "match": {}, "permit": open },
        { "name": "d", "action": "deny", "match": {}, "unless": unless }]);
    document(rules, json!({}))
}

fn allows(policy: &Policy, pod: &Value) -> bool {
    with_pod(pod, |pod| policy.evaluate(pod, &HERE).verdict.is_allow())
}

/// Entries for init containers of these names, and whether they keep their order.
fn ordered(are: bool, names: [&str; 2]) -> Value {
    let entries = names.map(|name| json!({ "names": [name], "kinds": ["init"] }));
    json!({ "orderedInit": are, "containers": entries })
}

#[test]
fn a_demand_that_every_pod_meets_does_not_load() {
    for (unless, place) in [
        (json!({ "unlisted": "permit" }), "unless.unlisted"),
        (json!({ "orderedInit": true }), "unless.orderedInit"),
        (json!({ "orderedInit": false }), "unless.orderedInit"),
        (ordered(false, ["a", "b"]), "unless.containers[0]"),
        (ordered(true, ["a", "*"]), "unless.containers[0]"),
        (ordered(true, ["*", "a"]), "unless.containers[0]"),
        (json!({ "containers": [{ "names": ["a"], "once": true }] }), "unless.containers[0]"),
        (
            json!({ "containers": [{ "devices": [{ "volume": ["*"], "path": { "any": true } }] }] }),
            "unless.containers[0].devices[0]",
        ),
        (json!({ "hostPID": true, "hostNetwork": true }), "unless.hostNetwork"),
        (json!({ "apiAccess": true, "hostUsers": "any" }), "unless.apiAccess"),
        (json!({ "containers": [{}] }), "unless.containers[0]"),
        (json!({ "containers": [{ "names": ["a"], "kinds": ["init"] }] }), "unless.containers[0]"),
        (
            json!({ "containers": [{ "securityContext": { "privileged": true } }] }),
            "unless.containers[0].securityContext.privileged",
        ),
        (json!({ "securityContext": {} }), "unless.securityContext"),
        (json!({ "serviceAccounts": ["app", "*"] }), "unless.serviceAccounts[1]"),
        (json!({ "containers": [{ "args": { "any": true } }] }), "unless.containers[0].args"),
        (
            json!({ "containers": [{ "securityContext": { "capabilities": { "add": ["all"] } } }] }),
            "unless.containers[0].securityContext.capabilities.add",
        ),
        (json!({ "podSecurity": { "level": "privileged", "version": "v1.36" } }), "podSecurity"),
        (json!({ "hostname": { "regex": "(?s)(.*)" } }), "unless.hostname.regex"),
        (
            json!({ "containers": [{ "images": { "requireDigest": true } }, { "tty": true }] }),
            "unless.containers[1]",
        ),
        (
            json!({ "containers": [{ "images": { "requireDigest": false,
                "repositories": ["*"], "registries": ["ghcr.io"] } }] }),
            "images.repositories[0]",
        ),
        (
            json!({ "securityContext": { "runAsNonRoot": true },
                "containers": [{ "securityContext": { "runAsNonRoot": false } }] }),
            "unless.containers[0].securityContext.runAsNonRoot",
        ),
    ] {
        let message = refusal(&demanding(&unless));
        assert!(message.contains(place), "{unless} {message}");
        let problem =
            "so `unless` demands nothing, every pod fits it and the rule denies none; write";
        assert!(message.contains(problem), "{unless} {message}");
    }
}

#[test]
fn a_demand_is_read_before_it_is_weighed() {
    let message = refusal(&demanding(&json!({ "hostPID": false, "updates": ["image"] })));
    assert!(message.contains("is for permits"), "{message}");
    let message = refusal(&demanding(&json!({ "hostPID": true, "hostnam": "a" })));
    assert!(message.contains("did you mean `hostname`?"), "{message}");
}

/// Members of `unless`: what can be held against a pod, and what cannot.
fn of_pods() -> Vec<Value> {
    let texts = [json!("t"), json!({ "any": true }), json!({ "regex": "(?s).*" })];
    let numbers = [json!(1), json!({ "any": true }), json!([1, { "min": 5 }])];
    let names = [json!(["t"]), json!(["t", "*"]), json!(["t*"])];
    let mut all = vec![
        json!({ "unlisted": "permit" }),
        json!({ "unlisted": "refuse" }),
        json!({ "podSecurity": { "level": "privileged", "version": "latest" } }),
        json!({ "podSecurity": { "level": "baseline", "version": "latest" } }),
        json!({ "orderedInit": true }),
        json!({ "hostUsers": "any" }),
        json!({ "hostUsers": true }),
        json!({ "volumes": [{ "emptyDir": {} }] }),
        json!({ "dnsPolicies": ["None"] }),
        json!({ "dnsConfig": { "options": ["*"] } }),
        json!({ "dnsConfig": { "options": ["*"], "searches": ["t"] } }),
        json!({ "hostAliases": [{ "ip": { "any": true }, "hostnames": ["*"] }] }),
        json!({ "hostAliases": [{ "ip": { "any": true }, "hostnames": ["t"] }] }),
        json!({ "annotations": ["cdi.k8s.io/x"] }),
        json!({ "annotations": ["cdi.k8s.io/x", "*"] }),
        json!({ "annotations": [{ "key": "*", "value": "1" }] }),
        json!({ "annotations": [{ "key": "*", "value": { "any": true } }] }),
        json!({ "securityContext": {} }),
        json!({ "securityContext": { "runAsNonRoot": true } }),
        json!({ "securityContext": { "sysctls": [{ "name": "*", "value": { "any": true } }] } }),
        json!({ "securityContext": { "sysctls": [{ "name": "net.*", "value": { "any": true } }] } }),
    ];
    for key in ["hostNetwork", "hostPID", "hostIPC", "shareProcessNamespace", "serviceLinks"]
        .into_iter()
        .chain(["apiAccess", "automountServiceAccountToken", "setHostnameAsFQDN"])
    {
        all.extend([json!({ key: true }), json!({ key: false })]);
    }
    for key in ["hostname", "subdomain", "hostnameOverride"] {
        all.extend(texts.iter().map(|text| json!({ key: text })));
    }
    for key in ["serviceAccounts", "imagePullSecrets", "resourceClaims", "runtimeClasses"] {
        all.extend(names.iter().map(|names| json!({ key: names })));
    }
    for key in ["runAsUser", "runAsGroup", "fsGroup", "supplementalGroups"] {
        all.extend(numbers.iter().map(|number| json!({ "securityContext": { key: number } })));
    }
    all
}

/// Members of an entry of `containers`.
fn of_containers() -> Vec<Value> {
    let security = |security| json!({ "securityContext": security });
    let any = || json!({ "any": true });
    vec![
        json!({}),
        json!({ "unlisted": "permit" }),
        json!({ "unlisted": "refuse", "images": { "registries": ["ghcr.io"] } }),
        json!({ "once": true }),
        json!({ "once": false }),
        json!({ "images": { "requireDigest": true } }),
        json!({ "images": { "requireDigest": false, "repositories": ["*"] } }),
        json!({ "images": { "repositories": ["*"], "references": ["ghcr.io/a/b"] } }),
        json!({ "images": { "registries": ["ghcr.io"] } }),
        json!({ "images": { "digests": [DIGEST] } }),
        json!({ "command": ["/app"] }),
        json!({ "command": any() }),
        json!({ "args": { "oneOf": [["*"]] } }),
        json!({ "args": any() }),
        json!({ "workingDir": any() }),
        json!({ "workingDir": "*" }),
        json!({ "env": [{ "name": "A", "value": any() }] }),
        json!({ "envFrom": [{ "configMap": ["*"], "prefix": any() }, { "secret": ["*"], "prefix": any() }] }),
        json!({ "envFrom": [{ "configMap": ["*"], "prefix": any() }, { "secret": ["*"] }] }),
        json!({ "mounts": [{ "volume": "*", "path": any(), "readOnly": false }] }),
        json!({ "devices": [{ "volume": "*", "path": any() }] }),
        json!({ "devices": [{ "volume": ["*"], "path": "/dev/a" }] }),
        json!({ "ports": [{ "hostPort": any(), "hostIP": any() }] }),
        json!({ "ports": [{ "hostPort": any() }] }),
        json!({ "ports": [{ "hostPort": any(), "hostIP": any(), "protocol": "UDP" }] }),
        security(json!({ "privileged": true })),
        security(json!({ "privileged": false })),
        security(json!({ "capabilities": { "add": ["NET_ADMIN", "CAP_ALL"] } })),
        security(json!({ "capabilities": { "add": ["NET_ADMIN"] } })),
        security(json!({ "capabilities": { "drop": ["ALL"] } })),
        security(json!({ "runAsNonRoot": false })),
        security(json!({ "runAsNonRoot": true })),
        security(json!({ "readOnlyRootFilesystem": false, "allowPrivilegeEscalation": true })),
        security(json!({ "readOnlyRootFilesystem": true })),
        security(json!({ "allowPrivilegeEscalation": false })),
        security(json!({ "procMount": "Unmasked" })),
        security(json!({ "procMount": "Default" })),
        security(json!({ "seccomp": ["RuntimeDefault", { "localhost": ["*"] }] })),
        security(json!({ "seLinux": { "level": any() } })),
        security(json!({ "seLinux": { "level": any(), "type": "t" } })),
        json!({ "lifecycle": { "stopSignal": any(), "preStop": { "sleep": true, "exec": any() } } }),
        json!({ "lifecycle": { "preStop": { "exec": ["/t"] } } }),
        json!({ "probes": { "startup": { "httpGet": { "port": any() } } } }),
        json!({ "probes": { "startup": { "httpGet": { "port": any(), "path": "/t" } } } }),
        json!({ "probes": { "startup": { "httpGet": { "port": any(),
            "headers": [{ "name": "X", "value": any() }] } } } }),
        json!({ "probes": { "startup": { "tcpSocket": { "port": any(), "host": "t" } } } }),
        json!({ "probes": { "startup": { "grpc": { "port": 1 } } } }),
        json!({ "stdin": true, "tty": true, "restartRules": true }),
        json!({ "stdin": true, "tty": false }),
        json!({ "terminationMessagePath": any() }),
        json!({ "terminationMessagePath": { "oneOf": ["*"] } }),
        json!({ "extendedResources": ["*"] }),
        json!({ "extendedResources": ["t/*"] }),
        json!({ "maxResources": { "cpu": "1" } }),
    ]
}

/// Which containers an entry is about.
fn selections() -> Vec<Value> {
    vec![
        json!({}),
        json!({ "names": ["*"] }),
        json!({ "names": ["app", "i*"] }),
        json!({ "names": ["i1"] }),
        json!({ "kinds": ["container"] }),
        json!({ "kinds": ["init", "sidecar", "ephemeral"] }),
        json!({ "kinds": ["init", "sidecar"], "names": ["i2"] }),
    ]
}

static ODD_PODS: LazyLock<Vec<Value>> = LazyLock::new(odd_pods);

/// Pods that are each odd in one way, and some that are in all: each of several entries can refuse those.
fn odd_pods() -> Vec<Value> {
    let of_spec = [
        json!({ "hostNetwork": true }),
        json!({ "hostPID": true }),
        json!({ "hostIPC": true }),
        json!({ "shareProcessNamespace": true }),
        json!({ "hostUsers": false }),
        json!({ "enableServiceLinks": true }),
        json!({ "automountServiceAccountToken": true }),
        json!({ "setHostnameAsFQDN": true }),
        json!({ "hostname": "odd", "subdomain": "odd", "hostnameOverride": "odd" }),
        json!({ "serviceAccountName": "odd" }),
        json!({ "imagePullSecrets": [{ "name": "odd" }] }),
        json!({ "resourceClaims": [{ "name": "odd", "resourceClaimName": "odd" }] }),
        json!({ "runtimeClassName": "odd" }),
        json!({ "dnsPolicy": "Default" }),
        json!({ "dnsConfig": { "searches": ["odd"] } }),
        json!({ "hostAliases": [{ "ip": "10.0.0.1", "hostnames": ["odd"] }] }),
        json!({ "volumes": [{ "name": "v", "hostPath": { "path": "/odd" } }] }),
        json!({ "volumes": [{ "name": "t", "projected": { "sources": [
            { "serviceAccountToken": { "path": "token", "expirationSeconds": 3607 } },
            { "configMap": { "name": "kube-root-ca.crt", "items": [{ "key": "ca.crt", "path": "ca.crt" }] } },
            { "downwardAPI": { "items": [{ "path": "namespace",
                "fieldRef": { "fieldPath": "metadata.namespace" } }] } }] } }] }),
        json!({ "securityContext": { "sysctls": [{ "name": "kernel.odd", "value": "1" }] } }),
        json!({ "securityContext": { "runAsUser": 3, "runAsGroup": 3, "fsGroup": 3 } }),
        json!({ "securityContext": { "supplementalGroups": [3] } }),
        json!({ "initContainers": [{ "name": "i2", "image": "odd" }, { "name": "i1", "image": "odd" }] }),
        json!({ "initContainers": [{ "name": "i1", "image": "odd" }, { "name": "app2", "image": "odd" }] }),
        json!({ "initContainers": [{ "name": "i9", "image": "odd" }, { "name": "i1", "image": "odd" }] }),
    ];
    let of_container = [
        json!({}),
        json!({ "image": "odd" }),
        json!({ "command": ["odd"], "args": ["odd"], "workingDir": "/odd" }),
        json!({ "env": [{ "name": "A", "valueFrom": { "fieldRef": { "fieldPath": "status.podIP" } } }] }),
        json!({ "envFrom": [{ "prefix": "ODD", "secretRef": { "name": "odd" } }] }),
        json!({ "volumeMounts": [{ "name": "v", "mountPath": "/odd", "mountPropagation": "Bidirectional" }] }),
        json!({ "volumeDevices": [{ "name": "odd", "devicePath": "/odd" }] }),
        json!({ "ports": [{ "containerPort": 3, "hostPort": 3, "hostIP": "10.0.0.1" }] }),
        json!({ "securityContext": { "privileged": true } }),
        json!({ "securityContext": { "capabilities": { "add": ["SYS_ODD"] } } }),
        json!({ "securityContext": { "allowPrivilegeEscalation": true, "procMount": "Unmasked" } }),
        json!({ "securityContext": { "seccompProfile": { "type": "Unconfined" } } }),
        json!({ "securityContext": { "seLinuxOptions": { "type": "odd", "level": "odd" } } }),
        json!({ "lifecycle": { "preStop": { "exec": { "command": ["odd"] } } } }),
        json!({ "startupProbe": { "httpGet": { "port": 3, "path": "/odd",
            "httpHeaders": [{ "name": "Odd", "value": "odd" }] } } }),
        json!({ "startupProbe": { "tcpSocket": { "port": 3, "host": "odd" } } }),
        json!({ "startupProbe": { "grpc": { "port": 3 } } }),
        json!({ "stdin": true, "tty": true }),
        json!({ "terminationMessagePath": "/odd" }),
        json!({ "resources": { "limits": { "odd.io/gpu": "1" } } }),
    ];
    let volumes = json!([{ "name": "v", "emptyDir": {} },
        { "name": "odd", "persistentVolumeClaim": { "claimName": "odd" } }]);
    let mut odd: Vec<_> = of_spec.into_iter().map(|spec| pod(spec, json!({}))).collect();
    let odd_in_all = of_container.iter().cloned().fold(json!({}), patch);
    for container in of_container.iter().chain([&odd_in_all]) {
        odd.push(pod(json!({ "volumes": volumes }), container.clone()));
        // The same beside it and in front of it, of each name that a selection has.
        let named = |names: &[&str]| -> Vec<_> {
            let named = |name| patch(json!({ "name": name, "image": "odd" }), container.clone());
            names.iter().map(named).collect()
        };
        let mut beside = pod(json!({ "volumes": volumes }), json!({}));
        beside["spec"]["containers"].as_array_mut().unwrap().extend(named(&["i1", "i2", "y", "z"]));
        odd.push(beside);
        let first = named(&["i1", "i2", "ix", "y"]);
        odd.push(pod(json!({ "volumes": volumes, "initContainers": first }), json!({})));
    }
    let mut noted = pod(json!({}), json!({}));
    noted["metadata"]["annotations"] = json!({ "cdi.k8s.io/odd": "odd" });
    odd.push(noted);
    odd
}

#[test]
fn without_a_demand_every_odd_pod_runs() {
    let mut open = demanding(&json!({ "hostPID": false }));
    open["rules"].as_array_mut().unwrap().remove(1);
    let policy = policy(&open);
    for pod in ODD_PODS.iter() {
        assert!(allows(&policy, pod), "{pod:#}");
    }
}

/// Is what loads a demand, and what does not load none?
fn holds(unless: &Value) -> Result<(), TestCaseError> {
    match load(&demanding(unless)) {
        Ok(loaded) => {
            let denied = ODD_PODS.iter().any(|pod| !allows(&loaded.policy, pod));
            prop_assert!(denied, "loads and denies nothing: {}", unless);
        }
        Err(error) => {
            let message = error.to_string();
            // A strict entry needs images, and digests in their names.
            let is_strict = ["list the images that may run", "has no digest", "names no image"];
            prop_assume!(!is_strict.iter().any(|problem| message.contains(problem)));
            prop_assert!(
                message.contains("so `unless` demands nothing"),
                "{}: {}",
                unless,
                message
            );
            prop_assert!(!message.contains('\n'), "{}", message);
            // An allow rule with the same permit shows what the deny rule would have let pass.
            let mut permit = unless.clone();
            permit["unlisted"] = json!("permit");
            let rules = json!([{ "name": "a", "action": "allow", "match": {}, "permit": permit }]);
            let policy = policy(&document(rules, json!({})));
            for pod in ODD_PODS.iter() {
                prop_assert!(allows(&policy, pod), "would have denied: {} {}", unless, pod);
            }
        }
    }
    Ok(())
}

#[test]
fn each_demand_alone_can_be_held_against_a_pod_or_does_not_load() {
    for unless in of_pods() {
        holds(&unless).unwrap();
    }
    for entry in of_containers() {
        holds(&json!({ "containers": [entry] })).unwrap();
    }
    // Two containers that the first entry leaves over.
    let rest = json!({ "kinds": ["container"], "once": true });
    holds(&json!({ "containers": [{ "names": ["app", "i*"] }, rest] })).unwrap();
}

/// Later members win: halves of two values would be none.
fn with(mut all: Value, more: Value) -> Value {
    all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    all
}

fn entries() -> impl Strategy<Value = Vec<Value>> {
    let entry = (select(selections()), vec(select(of_containers()), 0..3));
    let merged = entry.prop_map(|(about, says)| says.into_iter().fold(about, with));
    vec(merged, 0..4)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn demands_together_can_be_held_against_a_pod_or_do_not_load(
        of_pod in subsequence(of_pods(), 0..3), entries in entries(),
    ) {
        let mut unless = of_pod.into_iter().fold(json!({}), with);
        if !entries.is_empty() {
            unless["containers"] = json!(entries);
        }
        prop_assume!(unless != json!({}));
        holds(&unless)?;
    }
}
