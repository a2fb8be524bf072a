//! What the seed's format has no word for: denied, unless the local document permits it.

use serde_json::{Value, json};

use super::super::test_keys::Signer;
use super::{annotate, ask, full_pod, here, signed_app};
use crate::policy::{NoCounters, Policy};

/// One thing that a sender adds to a pod whose signature is good, and where the denial says it is.
fn additions() -> Vec<(&'static str, Value, &'static str)> {
    let c = "/spec/containers/0";
    let at = |path: &str| -> &'static str { format!("{c}{path}").leak() };
    let hook = json!({"postStart": {"exec": {"command": ["sh"]}}});
    let probe = json!({"exec": {"command": ["sh"]}, "periodSeconds": 1});
    vec![
        (at("/args"), json!(["evil"]), "spec.containers[0].args"),
        (at("/workingDir"), json!("/tmp"), "spec.containers[0].workingDir"),
        (at("/env/2"), json!({"name": "LD_PRELOAD", "value": "/x"}), "spec.containers[0].env"),
        (
            at("/env/2"),
            json!({"name": "S", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}),
            "spec.containers[0].env",
        ),
        (at("/envFrom"), json!([{"secretRef": {"name": "s"}}]), "spec.containers[0].envFrom"),
        (
            // Of two mounts of one volume the seed looks at the last.
            at("/volumeMounts"),
            json!([{"name": "data", "mountPath": "/bin"},
                {"name": "data", "mountPath": "/data", "readOnly": true}]),
            "spec.containers[0].volumeMounts",
        ),
        (at("/volumeMounts/0/subPath"), json!("x"), "spec.containers[0].volumeMounts"),
        (
            at("/volumeMounts/0/mountPropagation"),
            json!("Bidirectional"),
            "spec.containers[0].volumeMounts",
        ),
        (at("/lifecycle"), hook, "spec.containers[0].lifecycle"),
        (at("/livenessProbe"), probe, "spec.containers[0].livenessProbe"),
        (at("/stdin"), json!(true), "spec.containers[0].stdin"),
        (at("/tty"), json!(true), "spec.containers[0].tty"),
        (at("/ports"), json!([{"containerPort": 80, "hostPort": 80}]), "spec.containers[0].ports"),
        (at("/securityContext/procMount"), json!("Unmasked"), "spec.containers[0].securityContext"),
        (at("/securityContext/runAsUser"), json!(0), "spec.containers[0].securityContext"),
        (
            at("/securityContext/seccompProfile"),
            json!({"type": "Unconfined"}),
            "spec.containers[0].securityContext",
        ),
        ("/spec/hostNetwork", json!(true), "spec.hostNetwork"),
        ("/spec/hostPID", json!(true), "spec.hostPID"),
        ("/spec/hostIPC", json!(true), "spec.hostIPC"),
        ("/spec/shareProcessNamespace", json!(true), "spec.shareProcessNamespace"),
        ("/spec/runtimeClassName", json!("kata"), "spec.runtimeClassName"),
        ("/spec/securityContext", json!({"runAsUser": 0}), "securityContext.runAsUser"),
        (
            "/spec/securityContext",
            json!({"sysctls": [{"name": "kernel.msgmax", "value": "1"}]}),
            "spec.securityContext",
        ),
        ("/spec/hostAliases", json!([{"ip": "10.0.0.1", "hostnames": ["a"]}]), "spec.hostAliases"),
        ("/spec/dnsConfig", json!({"nameservers": ["10.0.0.1"]}), "spec.dnsConfig"),
        ("/spec/hostname", json!("other"), "spec.hostname"),
        ("/spec/imagePullSecrets", json!([{"name": "s"}]), "spec.imagePullSecrets"),
        ("/spec/volumes/0", json!({"name": "data", "hostPath": {"path": "/"}}), "spec.volumes[0]"),
        ("/spec/volumes/0", json!({"name": "data", "configMap": {"name": "x"}}), "spec.volumes[0]"),
        (
            "/spec/volumes/1",
            json!({"name": "kube-api-access-x", "hostPath": {"path": "/"}}),
            "spec.volumes[1]",
        ),
        (
            "/spec/ephemeralContainers",
            json!([{"name": "debug", "image": "busybox:latest"}]),
            "spec.ephemeralContainers[0]",
        ),
        (
            "/metadata/annotations/cdi.k8s.io~1x",
            json!("vendor.com/device=all"),
            "metadata.annotations",
        ),
    ]
}

/// Puts a value at a path, at the end of a list if it is the next one there.
fn put(pod: &mut Value, path: &str, value: Value) {
    let (parent, key) = path.rsplit_once('/').unwrap();
    let parent = pod.pointer_mut(parent).unwrap();
    if let Some(list) = parent.as_array_mut() {
        let index: usize = key.parse().unwrap();
        if index == list.len() { list.push(value) } else { list[index] = value }
    } else {
        parent[key.replace("~1", "/")] = value;
    }
}

fn decide(signer: &Signer, policy: &Policy, pod: Value) -> (bool, String) {
    let mut pod = pod;
    annotate(&mut pod, signer.seed_annotations(&signed_app().to_string()));
    ask(policy, &pod, &here(&NoCounters))
}

#[test]
fn whatever_was_not_signed_is_denied_with_its_path() {
    let signer = Signer::p256();
    let policy = Policy::only_signed(signer.trusted());
    for (path, value, expected) in additions() {
        let mut pod = full_pod();
        put(&mut pod, path, value.clone());
        let (runs, reason) = decide(&signer, &policy, pod);
        assert!(!runs, "{path} {value}");
        assert!(reason.starts_with("pod does not match policy: "), "{path} {value}: {reason}");
        assert!(reason.contains(expected), "{path} {value}: {reason}");
    }
}

#[test]
fn what_every_pod_gets_from_the_api_server_is_permitted() {
    let signer = Signer::p256();
    let mut pod = full_pod();
    for (field, value) in [
        ("serviceAccountName", json!("default")),
        ("serviceAccount", json!("default")),
        ("dnsPolicy", json!("ClusterFirst")),
        ("enableServiceLinks", json!(true)),
        ("restartPolicy", json!("Always")),
        ("schedulerName", json!("default-scheduler")),
        ("securityContext", json!({})),
        ("terminationGracePeriodSeconds", json!(30)),
        ("priority", json!(0)),
        ("preemptionPolicy", json!("PreemptLowerPriority")),
        ("tolerations", json!([{"key": "node.kubernetes.io/not-ready", "operator": "Exists"}])),
    ] {
        pod["spec"][field] = value;
    }
    for (field, value) in [
        ("imagePullPolicy", json!("Always")),
        ("terminationMessagePath", json!("/dev/termination-log")),
        ("terminationMessagePolicy", json!("File")),
        ("resources", json!({"limits": {"memory": "64Mi"}})),
    ] {
        pod["spec"]["containers"][0][field] = value;
    }
    put(&mut pod, "/spec/volumes/1", api_access());
    let mount = json!({"name": "kube-api-access-abcde", "readOnly": true,
        "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount"});
    put(&mut pod, "/spec/containers/0/volumeMounts/1", mount);
    let (runs, reason) = decide(&signer, &Policy::only_signed(signer.trusted()), pod);
    assert!(runs, "{reason}");
}

fn api_access() -> Value {
    json!({"name": "kube-api-access-abcde", "projected": {"defaultMode": 420, "sources": [
        {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}},
        {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
        {"downwardAPI": {"items": [{"path": "namespace",
            "fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.namespace"}}]}},
    ]}})
}

/// A node whose document says this under `signedPods`.
pub(super) fn node(signer: &Signer, signed_pods: Value) -> Policy {
    let document = json!({
        "apiVersion": "nodeward.dev/v2", "kind": "NodePolicy", "name": "n",
        "rules": [{"name": "none", "action": "deny", "match": {"namespaces": ["none"]}}],
        "signedPods": signed_pods,
    });
    Policy::parse(document.to_string().as_bytes()).unwrap().policy.and_signed(signer.trusted())
}

#[test]
fn the_local_document_permits_what_the_format_has_no_word_for() {
    let signer = Signer::p256();
    let permit = json!({"permit": {
        "hostNetwork": true,
        "containers": [
            {"names": ["other"], "args": ["evil"]},
            {"names": ["ap*"], "args": ["--verbose"], "env": [{"name": "EXTRA", "value": "1"}]},
        ],
        "volumes": [{"names": ["data"], "configMap": {"names": ["settings"]}}],
    }});
    let policy = node(&signer, permit);
    for (changes, runs) in [
        (vec![], true),
        (vec![("/spec/containers/0/args", json!(["--verbose"]))], false),
        (
            vec![
                ("/spec/containers/0/args", json!(["--verbose"])),
                ("/spec/containers/0/env/2", json!({"name": "EXTRA", "value": "1"})),
            ],
            true,
        ),
        (vec![("/spec/containers/0/args", json!(["evil"]))], false),
        (vec![("/spec/hostNetwork", json!(true))], true),
        (vec![("/spec/hostPID", json!(true))], false),
        (
            vec![("/spec/volumes/0", json!({"name": "data", "configMap": {"name": "settings"}}))],
            true,
        ),
        (vec![("/spec/volumes/0", json!({"name": "data", "configMap": {"name": "other"}}))], false),
        (vec![("/spec/containers/0/image", json!("nginx"))], false),
        (vec![("/spec/containers/0/securityContext/privileged", json!(true))], false),
    ] {
        let mut pod = full_pod();
        changes.iter().for_each(|(path, value)| put(&mut pod, path, value.clone()));
        let (allowed, reason) = decide(&signer, &policy, pod);
        assert_eq!(allowed, runs, "{changes:?}: {reason}");
    }
}

#[test]
fn what_is_permitted_to_debuggers_is_theirs_alone() {
    let signer = Signer::p256();
    let images = json!({"references": ["debug:1"], "requireDigest": false});
    let policy = node(
        &signer,
        json!({"permit": {"containers": [
            {"kinds": ["ephemeral"], "images": images, "args": ["sh"]},
            {"kinds": ["container"], "names": ["app"], "workingDir": "/work"},
        ]}}),
    );
    let debugger = |image: &str, more: Value| {
        let mut debugger = json!({"name": "debug", "image": image, "args": ["sh"]});
        more.as_object().unwrap().iter().for_each(|(key, value)| debugger[key] = value.clone());
        json!([debugger])
    };
    let debuggers = "/spec/ephemeralContainers";
    for (path, value, runs) in [
        (debuggers, debugger("debug:1", json!({})), true),
        (debuggers, debugger("busybox:latest", json!({})), false),
        (debuggers, debugger("debug:1", json!({"args": ["evil"]})), false),
        (debuggers, debugger("debug:1", json!({"workingDir": "/work"})), false),
        ("/spec/containers/0/workingDir", json!("/work"), true),
        ("/spec/containers/0/args", json!(["sh"]), false),
        ("/spec/containers/0/image", json!("debug:1"), false),
    ] {
        let mut pod = full_pod();
        put(&mut pod, path, value.clone());
        let (allowed, reason) = decide(&signer, &policy, pod);
        assert_eq!(allowed, runs, "{path} {value}: {reason}");
    }
}

#[test]
fn revoked_texts_and_formats_that_are_not_taken_are_denied() {
    let signer = Signer::p256();
    let [(_, text), _] = signer.seed_annotations(&signed_app().to_string());
    let digest = crate::policy::load::hex_sha256(text.as_bytes());
    for (signed_pods, expected) in [
        (json!({"revoked": [digest]}), "the signed policy is revoked on this node"),
        (
            json!({"formats": ["v2"]}),
            "signed policies in annotation kubelet-proxy.io/policy are not accepted on this node",
        ),
        (json!({"formats": ["v1"]}), "pod matches signed policy"),
    ] {
        let (_, reason) = decide(&signer, &node(&signer, signed_pods), full_pod());
        assert_eq!(reason, expected);
    }
}

#[test]
fn what_is_odd_in_signed_pods_does_not_load() {
    let refusal = |signed_pods: Value| {
        let document = json!({
            "apiVersion": "nodeward.dev/v2", "kind": "NodePolicy", "name": "n",
            "rules": [{"name": "none", "action": "deny", "match": {"namespaces": ["none"]}}],
            "signedPods": signed_pods,
        });
        Policy::parse(document.to_string().as_bytes()).unwrap_err().to_string()
    };
    for (signed_pods, expected) in [
        (json!({"permits": {}}), "did you mean `permit`?"),
        (json!({"permit": {"hostnetwork": true}}), "did you mean `hostNetwork`?"),
        (
            json!({"permit": {"containers": [{"images": {"references": ["a:1"]}}]}}),
            "the signature says which image",
        ),
        (json!({"formats": ["v3"]}), "is no format"),
        (json!({"formats": []}), "is empty"),
        (json!({"mayOmit": []}), "is empty"),
        (json!({"mayOmit": ["Debug"]}), "so it can never match"),
        (json!({"initContainers": ["a*b"]}), "is no pattern"),
        (json!({"revoked": ["abc"]}), "is no SHA-256"),
        (json!({"revoked": ["AB".repeat(32)]}), "is no SHA-256"),
        (json!({"minimumCounters": {"web": 1}}), "is not named `<keyId>/<policyId>`"),
        // Under these names no counter is ever looked for.
        (json!({"minimumCounters": {"0123456789ABCDEF/web": 1}}), "is not named `<keyId>/"),
        (json!({"minimumCounters": {"0123/web": 1}}), "is not named `<keyId>/<policyId>`"),
        (json!({"minimumCounters": {"0123456789abcdef/": 1}}), "is not named `<keyId>/"),
        (json!({"minimumCounters": {"0123456789abcdef/web": "1"}}), "whole number"),
    ] {
        let message = refusal(signed_pods);
        assert!(message.starts_with("signedPods") && message.contains(expected), "{message}");
    }
}
