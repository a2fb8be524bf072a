//! The seed's checks on whole pods, with its reasons.

mod beside_rules;
mod bound;
mod expressions;
mod signed_set;
mod tampering;
mod unsigned_fields;

use serde_json::{Value, json};

use super::test_keys::{NOW, Signer};
use crate::kube_wire::document::read_whole;
use crate::kube_wire::json::{Limits, Tape};
use crate::kube_wire::received_pod::ReceivedPod;
use crate::policy::{Circumstances, Counters, NoCounters, Policy};

const LIMITS: Limits = Limits { depth: 64, nodes: 100_000 };

/// What `policy` says to a pod: whether it may run, and why.
pub(super) fn ask(policy: &Policy, pod: &Value, at: &Circumstances<'_>) -> (bool, String) {
    let json = pod.to_string();
    let mut tape = Tape::default();
    let flaw = read_whole(json.as_bytes(), &mut tape, LIMITS).unwrap();
    match ReceivedPod::read(tape.root(json.as_bytes()), flaw) {
        ReceivedPod::Sound(sound) => {
            let decision = policy.evaluate(&sound, at);
            let records = decision.verdict.recorded_reason().to_string();
            assert!(!records.contains("s3cret"), "{records}");
            (decision.verdict.is_allow(), decision.verdict.reason().to_string())
        }
        ReceivedPod::Faulty(faulty) => (false, faulty.fault.to_string()),
    }
}

pub(super) fn here(counters: &dyn Counters) -> Circumstances<'_> {
    Circumstances { now: NOW, node: "node-1", counters }
}

pub(super) fn pod(container: Value) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": "web", "namespace": "shop", "resourceVersion": "1",
            "uid": "0b5ec4f2-6c8e-4ea1-8f27-1f8a4d7f2c11", "annotations": {},
        },
        "spec": { "nodeName": "node-1", "containers": [container] },
    })
}

pub(super) fn annotate(pod: &mut Value, annotations: [(String, String); 2]) {
    for (key, value) in annotations {
        pod["metadata"]["annotations"][key] = value.into();
    }
}

fn app() -> Value {
    json!({
        "name": "app", "image": "busybox:latest", "command": ["/bin/myapp"],
        "env": [{"name": "APP_ENV", "value": "production"}, {"name": "LOG", "value": "debug"}],
        "volumeMounts": [{"name": "data", "mountPath": "/data", "readOnly": true}],
        "securityContext": {"privileged": false, "capabilities": {"add": ["NET_ADMIN", "chown"]}},
    })
}

pub(super) fn signed_app() -> Value {
    json!([{"name": "app", "properties": {
        "image": "busybox:latest",
        "command": ["/bin/myapp"],
        "environmentVariables": [
            {"name": "APP_ENV", "value": "production"},
            {"name": "LOG", "value": "debug|info", "regex": true},
        ],
        "volumeMounts": [{"name": "data", "mountPath": "/data", "mountType": "", "readOnly": true}],
        "privileged": false,
        "capabilities": ["CHOWN", "NET_ADMIN"],
    }}])
}

pub(super) fn full_pod() -> Value {
    let mut pod = pod(app());
    pod["spec"]["volumes"] = json!([{"name": "data", "emptyDir": {}}]);
    pod
}

/// A pod that carries a policy signed by a key that is trusted.
fn signed_by(signer: &Signer, mut pod: Value, policy: &str) -> (bool, String) {
    annotate(&mut pod, signer.seed_annotations(policy));
    ask(&Policy::only_signed(signer.trusted()), &pod, &here(&NoCounters))
}

#[test]
fn a_signed_pod_runs_and_every_difference_has_the_seeds_reason() {
    let signer = Signer::p256();
    let policy = signed_app().to_string();
    let run = signed_by(&signer, full_pod(), &policy);
    assert_eq!(run, (true, "pod matches signed policy".to_owned()));
    for (path, value, expected) in [
        ("/image", json!("nginx"), "image 'nginx' does not match policy image 'busybox:latest'"),
        (
            "/command",
            json!(["/bin/sh", "-c"]),
            "command [/bin/sh -c] does not match policy command [/bin/myapp]",
        ),
        ("/command", json!(null), "command [] does not match policy command [/bin/myapp]"),
        (
            "/env/0/value",
            json!("s3cret"),
            "env var 'APP_ENV' value 's3cret' does not match policy value 'production'",
        ),
        (
            "/env/1/value",
            json!("debugs3cret"),
            "env var 'LOG' value 'debugs3cret' does not match policy regex 'debug|info'",
        ),
        ("/env", json!(null), "env var 'APP_ENV' required by policy but not found in pod"),
        (
            "/env/0",
            json!({"name": "APP_ENV", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}),
            "env var 'APP_ENV' required by policy but not found in pod",
        ),
        (
            "/volumeMounts/0/mountPath",
            json!("/etc"),
            "volume mount 'data' mountPath '/etc' does not match policy '/data'",
        ),
        (
            "/volumeMounts/0/readOnly",
            json!(false),
            "volume mount 'data' readOnly=false does not match policy readOnly=true",
        ),
        ("/volumeMounts", json!([]), "volume mount 'data' required by policy but not found in pod"),
        (
            "/securityContext/privileged",
            json!(true),
            "privileged=true does not match policy privileged=false",
        ),
        (
            "/securityContext/capabilities/add",
            json!(["NET_ADMIN"]),
            "capabilities [NET_ADMIN] do not match policy capabilities [CHOWN NET_ADMIN]",
        ),
        (
            "/securityContext/capabilities/add",
            json!(["CHOWN", "CHOWN"]),
            "capabilities [CHOWN CHOWN] do not match policy capabilities [CHOWN NET_ADMIN]",
        ),
    ] {
        let mut pod = full_pod();
        *pod["spec"]["containers"][0].pointer_mut(path).unwrap() = value;
        let expected = format!("pod does not match policy: containers 'app': {expected}");
        assert_eq!(signed_by(&signer, pod, &policy), (false, expected));
    }
}

#[test]
fn a_mount_like_that_of_the_api_server_is_never_the_signed_one() {
    let signer = Signer::p256();
    let path = "/var/run/secrets/kubernetes.io/serviceaccount";
    for (name, path) in [("kube-api-access-x", "/data"), ("data", path)] {
        let mounts = json!([{"name": name, "mountPath": path, "readOnly": true}]);
        let (mut pod, mut policy) = (full_pod(), signed_app());
        pod["spec"]["volumes"][0]["name"] = name.into();
        pod["spec"]["containers"][0]["volumeMounts"] = mounts.clone();
        policy[0]["properties"]["volumeMounts"] = mounts;
        let (runs, reason) = signed_by(&signer, pod, &policy.to_string());
        let expected = format!("volume mount '{name}' required by policy but not found in pod");
        assert!(!runs && reason.ends_with(&expected), "{reason}");
    }
}

#[test]
fn containers_outside_the_policy_have_the_seeds_reason() {
    let signer = Signer::p256();
    let policy = signed_app().to_string();
    let mut init = full_pod();
    init["spec"]["initContainers"] = json!([{"name": "setup", "image": "x"}]);
    let mut other = full_pod();
    other["spec"]["containers"][0]["name"] = json!("main");
    for (pod, expected) in [
        (init, "pod does not match policy: initContainers 'setup' not found in policy"),
        (other, "pod does not match policy: containers 'main' not found in policy"),
    ] {
        assert_eq!(signed_by(&signer, pod, &policy), (false, expected.to_owned()));
    }
}

#[test]
fn what_is_wrong_with_annotations_is_said_in_the_seeds_order() {
    let signer = Signer::p256();
    let good = signer.seed_annotations(&signed_app().to_string());
    let [(_, text), (_, signature)] = good;
    let no_policy =
        "pod policy required but not found (missing annotation: kubelet-proxy.io/policy)";
    let no_signature =
        "pod signature required but not found (missing annotation: kubelet-proxy.io/signature)";
    let encoding = "invalid policy encoding: must be base64";
    let json = "invalid policy JSON: ";
    let signature_encoding = "invalid signature encoding: must be base64";
    let failed = "policy signature verification failed: ECDSA signature verification failed";
    for (policy, signature, expected) in [
        (None, None, no_policy),
        (None, Some(signature.as_str()), no_policy),
        (Some(text.as_str()), None, no_signature),
        (Some("%"), None, no_signature),
        (Some("%"), Some("%"), encoding),
        (Some("e30="), Some("%"), json),
        (Some("bm8="), Some("aW52YWxpZHNpZ25hdHVyZWRhdGE="), json),
        (Some(text.as_str()), Some("%"), signature_encoding),
        (Some(text.as_str()), Some("aW52YWxpZHNpZ25hdHVyZWRhdGE="), failed),
        // What the seed reads although we would not: the signature is what is wrong with it.
        (Some("W3sidHlwbyI6MX1d"), Some(signature.as_str()), failed),
    ] {
        let mut pod = full_pod();
        for (key, value) in [("policy", policy), ("signature", signature)] {
            if let Some(value) = value {
                pod["metadata"]["annotations"][format!("kubelet-proxy.io/{key}")] = value.into();
            }
        }
        let (runs, reason) = ask(&Policy::only_signed(signer.trusted()), &pod, &here(&NoCounters));
        assert!(!runs && reason.starts_with(expected), "{reason}, not {expected}");
    }
}

#[test]
fn a_signed_policy_that_is_not_clear_is_refused() {
    let signer = Signer::p256();
    let one = |more: &str| {
        format!(r#"[{{"name":"app","properties":{{"image":"busybox:latest"{more}}}}}]"#)
    };
    let twice = format!("[{0},{0}]", one("").trim_matches(['[', ']']));
    for (policy, expected) in [
        (one(r#","imagePolicy":"x""#), "unknown key"),
        (one(r#","image":"other""#), "key appears twice"),
        (one(r#","privileged":"true""#), "is a string; it must be true or false"),
        (one(r#","command":"x""#), "is a string; it must be a list"),
        (twice, "has the name of an earlier entry"),
        (r#"[{"name":"app"}]"#.to_owned(), "is missing"),
        (r#"[{"name":"app","properties":{}}]"#.to_owned(), "[0].properties.image"),
        ("{}".to_owned(), "is an object; it must be a list"),
        (one("") + " x", "trailing characters"),
    ] {
        let (runs, reason) = signed_by(&signer, full_pod(), &policy);
        assert!(!runs && reason.starts_with("invalid policy JSON: "), "{reason}");
        assert!(reason.contains(expected) && !reason.contains('\n'), "{reason}");
    }
}

#[test]
fn null_is_what_gos_encoder_writes_for_nothing() {
    let signer = Signer::p256();
    let policy = r#"[{"name":"app","properties":{"image":"x","command":null,"capabilities":null,
        "environmentVariables":null,"volumeMounts":null,"privileged":null}}]"#;
    let pod = pod(json!({"name": "app", "image": "x"}));
    assert_eq!(signed_by(&signer, pod, policy).1, "pod matches signed policy");
}

#[test]
fn the_signed_text_is_that_of_the_seeds_vector() {
    use base64::Engine as _;
    let policy = r#"[{"name":"test","properties":{"command":[],"environmentVariables":[],"image":"nginx:latest","volumeMounts":[]}}]"#;
    let text = base64::engine::general_purpose::STANDARD.encode(policy);
    assert_eq!(
        text,
        "W3sibmFtZSI6InRlc3QiLCJwcm9wZXJ0aWVzIjp7ImNvbW1hbmQiOltdLCJlbnZpcm9ubWVudFZhcmlhYmxlcyI6\
         W10sImltYWdlIjoibmdpbng6bGF0ZXN0Iiwidm9sdW1lTW91bnRzIjpbXX19XQ=="
    );
    assert_eq!(
        crate::policy::load::hex_sha256(text.as_bytes()),
        "e45a48e31a946bc848a9735281d80aaabb5669d12c541bff1dbf570ae42838ca"
    );
    let signer = Signer::p256();
    let pod = pod(json!({"name": "test", "image": "nginx:latest"}));
    assert!(signed_by(&signer, pod, policy).0);
}
