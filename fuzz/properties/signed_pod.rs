//! Pods that carry a signed policy, as an attacker who has seen some sends them: with other annotations,
//! and with what was signed on another pod.

use std::sync::LazyLock;

use aws_lc_rs::agreement::{ECDH_P256, PrivateKey};
use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use nodeward::policy::Policy;
use nodeward::policy::signed::trust::{TrustedKey, TrustedKeys};
use serde_json::{Value, json};

use super::decision::{NODE, NOW, decided};

/// What the fixture signs in one format, and where a pod carries it.
struct Format {
    policy_key: &'static str,
    signature_key: &'static str,
    /// In front of the text in what is signed.
    domain: &'static str,
    /// The policy that was signed, before base64; `KEY` stands for the key's name.
    signed: &'static str,
}

static SEED: Format = Format {
    policy_key: "kubelet-proxy.io/policy",
    signature_key: "kubelet-proxy.io/signature",
    domain: "",
    signed: r#"[{"name":"app","properties":{"image":"busybox:1","command":["/bin/app"],"environmentVariables":[{"name":"MODE","value":"on"}],"volumeMounts":[{"name":"data","mountPath":"/data","mountType":"","readOnly":true}],"privileged":false,"capabilities":["CHOWN"]}}]"#,
};

static BOUND: Format = Format {
    policy_key: "nodeward.dev/policy",
    signature_key: "nodeward.dev/signature",
    domain: "nodeward.dev/v2 pod policy\n",
    signed: r#"{"apiVersion":"nodeward.dev/v2","kind":"SignedPodPolicy","policyId":"fixture","keyId":"KEY","counter":7,"bind":{"namespace":"shop","serviceAccount":"default","podName":"web-*","nodes":["node-1"]},"notBefore":"2026-01-01T00:00:00Z","notAfter":"2027-01-01T00:00:00Z","permit":{"serviceLinks":true,"volumes":[{"names":["data"],"emptyDir":{}}],"containers":[{"names":["app"],"images":{"references":["busybox:1"],"requireDigest":false},"command":["/bin/app"],"env":[{"name":"MODE","value":"on"}],"mounts":[{"volume":"data","path":"/data","readOnly":true}],"securityContext":{"capabilities":{"add":["CHOWN"]}}}]}}"#,
};

/// The pod that both were signed for.
const SPEC: &str = r#"{"nodeName":"node-1","containers":[{"name":"app","image":"busybox:1","command":["/bin/app"],"env":[{"name":"MODE","value":"on"}],"volumeMounts":[{"name":"data","mountPath":"/data","readOnly":true}],"securityContext":{"capabilities":{"add":["CHOWN"]}}}],"volumes":[{"name":"data","emptyDir":{}}]}"#;

const DENY_RULE: &str = r#"{"apiVersion":"nodeward.dev/v2","kind":"NodePolicy","name":"deny","rules":[{"name":"no","action":"deny","match":{"namespaces":["shop"]}}]}"#;

/// A key for nothing but this, the same in every run: kept inputs hold signatures of it.
struct Signer {
    key: EcdsaKeyPair,
    key_id: String,
    /// Signatures alone decide.
    alone: Policy,
    /// A deny rule is about every pod that is tried here.
    beside_deny: Policy,
}

static SIGNER: LazyLock<Signer> = LazyLock::new(|| {
    const SECRET: [u8; 32] = [7; 32];
    let private = PrivateKey::from_private_key(&ECDH_P256, &SECRET).expect("a scalar");
    let public = private.compute_public_key().expect("a point");
    let algorithm = &ECDSA_P256_SHA256_ASN1_SIGNING;
    let key = EcdsaKeyPair::from_private_key_and_public_key(algorithm, &SECRET, public.as_ref())
        .expect("a key");
    let der = key.public_key().as_der().expect("a public key");
    let trusted = TrustedKey::read("PUBLIC KEY", der.as_ref()).expect("a key that is taken");
    let key_id = trusted.id().to_owned();
    let trusted = TrustedKeys::new(vec![trusted], NOW).expect("one key");
    let deny = Policy::parse(DENY_RULE.as_bytes()).expect("a policy").policy;
    let beside_deny = deny.and_signed(trusted.clone());
    Signer { key, key_id, alone: Policy::only_signed(trusted), beside_deny }
});

/// The first byte says which format, and what the rest is: both annotations, a text that the fixture
/// signs, or the spec of a pod that carries what the fixture signed.
pub(crate) fn signed_pod(input: &[u8]) {
    let Some((choice, rest)) = input.split_first() else { return };
    let Ok(text) = std::str::from_utf8(rest) else { return };
    let format = if choice & 1 == 0 { &SEED } else { &BOUND };
    match choice & 6 {
        0 => carried(format, text),
        2 => signed(format, text),
        _ => on_another_pod(format, text),
    }
}

/// Whatever is admitted carries, to the letter, what was signed.
fn carried(format: &Format, annotations: &str) {
    let (policy, signature) = annotations.split_once('\0').unwrap_or((annotations, ""));
    if admits(format, policy, signature, SPEC).is_some() {
        assert_eq!(policy, STANDARD.encode(format.text()), "admitted by what nobody signed");
    }
}

/// A signer can write anything. What admits the pod says so to another reader as well.
fn signed(format: &Format, text: &str) {
    let policy = STANDARD.encode(text);
    if admits(format, &policy, &format.sign(&policy), SPEC).is_none() {
        return;
    }
    let read: Value = serde_json::from_str(text).expect("what admits is JSON");
    if format.domain.is_empty() {
        let entries = read.as_array().expect("what admits is a list");
        let app = entries.iter().find(|entry| entry["name"] == "app").expect("the container");
        let properties = &app["properties"];
        assert_eq!(properties["image"], "busybox:1");
        assert_eq!(properties["command"], json!(["/bin/app"]));
        assert_ne!(properties["privileged"], true);
    } else {
        assert_eq!(read["kind"], "SignedPodPolicy");
        assert_eq!(read["keyId"], SIGNER.key_id.as_str());
        assert_eq!(read["bind"]["namespace"], "shop");
        assert_eq!(read["bind"]["serviceAccount"], "default");
        assert!(read["counter"].is_u64() && read["permit"].is_object());
    }
}

/// What was signed admits no other containers, and nothing that it has no word for.
fn on_another_pod(format: &Format, spec: &str) {
    let policy = STANDARD.encode(format.text());
    let Some(pod) = admits(format, &policy, &format.sign(&policy), spec) else { return };
    let spec = &pod["spec"];
    assert_eq!(spec["nodeName"], NODE);
    for flag in ["hostNetwork", "hostPID", "hostIPC", "shareProcessNamespace"] {
        assert_ne!(spec[flag], true, "{flag}");
    }
    for list in ["ephemeralContainers", "hostAliases"] {
        assert!(is_nothing(&spec[list]), "{list}");
    }
    for container in list(&spec["containers"]).chain(list(&spec["initContainers"])) {
        assert_eq!(container["name"], "app");
        assert_eq!(container["image"], "busybox:1");
        assert_eq!(container["command"], json!(["/bin/app"]));
        assert!(is_nothing(&container["args"]) && is_nothing(&container["lifecycle"]));
        assert!(is_nothing(&container["envFrom"]) && is_nothing(&container["volumeDevices"]));
        assert_ne!(container["securityContext"]["privileged"], true);
        let variables: Vec<_> = list(&container["env"]).collect();
        assert!(variables.iter().all(|it| it["name"] == "MODE" && it["value"] == "on"));
        let added: Vec<_> = list(&container["securityContext"]["capabilities"]["add"]).collect();
        assert!(added.iter().all(|it| it.as_str().is_some_and(|it| it.ends_with("CHOWN"))));
    }
    for volume in list(&spec["volumes"]) {
        assert!(volume["emptyDir"].is_object() || volume["projected"].is_object(), "{volume}");
    }
}

/// The pod as the kubelet would get it, if it runs.
fn admits(format: &Format, policy: &str, signature: &str, spec: &str) -> Option<Value> {
    let annotations = json!({ format.policy_key: policy, format.signature_key: signature });
    let pod = format!(
        r#"{{"metadata":{{"name":"web-1","namespace":"shop","uid":"0fcb5d1e-4ad9-4a06-8f7e-5c9a3d8e1f00","annotations":{annotations}}},"spec":{spec}}}"#
    );
    let (runs_although_denied, _) = decided(&SIGNER.beside_deny, pod.as_bytes())?;
    assert!(!runs_although_denied, "a deny rule wins over any signature");
    let (is_admitted, shown) = decided(&SIGNER.alone, pod.as_bytes())?;
    is_admitted.then_some(shown)
}

impl Format {
    fn text(&self) -> String {
        self.signed.replace("KEY", &SIGNER.key_id)
    }

    fn sign(&self, policy: &str) -> String {
        let message = [self.domain, policy].concat();
        let signature = SIGNER.key.sign(&SystemRandom::new(), message.as_bytes());
        STANDARD.encode(signature.expect("a signature"))
    }
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn is_nothing(value: &Value) -> bool {
    value.is_null() || value.as_array().is_some_and(Vec::is_empty)
}

/// Without this the properties could hold because nothing is ever admitted.
pub(crate) fn what_was_signed_is_admitted() {
    for format in [&SEED, &BOUND] {
        let policy = STANDARD.encode(format.text());
        assert!(admits(format, &policy, &format.sign(&policy), SPEC).is_some());
    }
}
