//! `sign`: annotations that OpenSSL verifies, and keys and policies that it refuses.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{ask, refused, text};

const POLICY: &str = r#"[{"name":"test","properties":{"image":"nginx:latest","command":[],
    "environmentVariables":[],"volumeMounts":[]}}]"#;

struct Signer {
    directory: TempDir,
}

impl Signer {
    fn new() -> Self {
        let signer = Self { directory: TempDir::new().unwrap() };
        fs::write(signer.file("policy.json"), POLICY).unwrap();
        signer
    }

    fn file(&self, name: &str) -> String {
        text(&self.directory.path().join(name)).to_owned()
    }

    fn openssl(&self, words: &[&str]) -> String {
        let output =
            Command::new("openssl").args(words).current_dir(&self.directory).output().unwrap();
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "openssl {words:?}: {complaint}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// A key that its owner alone can read.
    fn key(&self, words: &[&str]) -> String {
        self.openssl(&[words, &["-out", "key.pem"]].concat());
        let file = self.file("key.pem");
        fs::set_permissions(&file, Permissions::from_mode(0o600)).unwrap();
        file
    }

    fn p256(&self) -> String {
        self.key(&["ecparam", "-name", "prime256v1", "-genkey", "-noout"])
    }

    /// What OpenSSL says of a signature over this message.
    fn verify(&self, message: &str, signature: &str) -> String {
        fs::write(self.file("message"), message).unwrap();
        fs::write(self.file("signature"), STANDARD.decode(signature).unwrap()).unwrap();
        fs::write(self.file("public.pem"), self.openssl(&["pkey", "-in", "key.pem", "-pubout"]))
            .unwrap();
        let verify = ["dgst", "-sha256", "-verify", "public.pem", "-signature", "signature"];
        self.openssl(&[&verify[..], &["message"]].concat())
    }
}

fn annotation(patch: &Value, key: &str) -> String {
    patch["metadata"]["annotations"][key].as_str().unwrap().to_owned()
}

#[test]
fn openssl_verifies_what_is_signed_with_each_kind_of_key() {
    let signer = Signer::new();
    for words in [
        &["ecparam", "-name", "prime256v1", "-genkey", "-noout"] as &[&str],
        &["ecparam", "-name", "secp521r1", "-genkey", "-noout"],
        &["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
        &["genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
        &["genrsa", "-traditional"],
    ] {
        let key = signer.key(words);
        let (code, stdout, stderr) = ask(&["sign", &signer.file("policy.json"), "--key", &key]);
        assert_eq!(code, 0, "{words:?}: {stderr}");
        let patch: Value = serde_json::from_str(&stdout).unwrap();
        let policy = annotation(&patch, "kubelet-proxy.io/policy");
        let verified = signer.verify(&policy, &annotation(&patch, "kubelet-proxy.io/signature"));
        assert_eq!(verified, "Verified OK\n");
        // The seed's vector, whatever order and white space the file has.
        let vector = "e45a48e31a946bc848a9735281d80aaabb5669d12c541bff1dbf570ae42838ca";
        assert!(stderr.starts_with("kubelet-proxy: signed by key "), "{stderr}");
        assert!(stderr.ends_with(&format!(", policy sha256:{vector}\n")), "{stderr}");
    }
}

#[test]
fn a_bound_policy_gets_its_key_and_its_domain() {
    let signer = Signer::new();
    let key = signer.p256();
    let policy = json!({
        "apiVersion": "nodeward.dev/v2", "kind": "SignedPodPolicy", "policyId": "p", "counter": 1,
        "bind": {"namespace": "n", "serviceAccount": "s", "podName": "*", "nodes": ["*"]},
        "notBefore": "2026-01-01T00:00:00Z", "notAfter": "2027-01-01T00:00:00Z",
        "permit": {"containers": [{"images": {"references": ["x:1"], "requireDigest": false}}]},
    });
    fs::write(signer.file("policy.json"), policy.to_string()).unwrap();
    let (code, stdout, stderr) =
        ask(&["sign", &signer.file("policy.json"), "--key", &key, "--output", "template-patch"]);
    assert_eq!(code, 0, "{stderr}");
    let patch: Value = serde_json::from_str(&stdout).unwrap();
    let patch = &patch["spec"]["template"];
    let text = annotation(patch, "nodeward.dev/policy");
    let message = format!("nodeward.dev/v2 pod policy\n{text}");
    let verified = signer.verify(&message, &annotation(patch, "nodeward.dev/signature"));
    assert_eq!(verified, "Verified OK\n");
    let signed: Value = serde_json::from_slice(&STANDARD.decode(text).unwrap()).unwrap();
    let key_id = signed["keyId"].as_str().unwrap();
    assert!(stderr.contains(&format!("signed by key {key_id}, ")), "{stderr}");
}

#[test]
fn annotations_can_be_had_as_kubectl_annotate_takes_them() {
    let signer = Signer::new();
    let key = signer.p256();
    let words = ["sign", &signer.file("policy.json"), "--key", &key, "--output", "annotations"];
    let (code, stdout, _) = ask(&words);
    let lines: Vec<_> = stdout.lines().collect();
    assert_eq!((code, lines.len()), (0, 2), "{stdout}");
    assert!(lines[0].starts_with("kubelet-proxy.io/policy=W3si"), "{stdout}");
    assert!(lines[1].starts_with("kubelet-proxy.io/signature=ME"), "{stdout}");
}

#[test]
fn keys_that_cannot_sign_are_refused_and_never_shown() {
    let signer = Signer::new();
    let policy = signer.file("policy.json");
    for (words, expected) in [
        (&["genpkey", "-algorithm", "ed25519"] as &[&str], "no ECDSA key on P-256 or P-521"),
        (&["ecparam", "-name", "secp384r1", "-genkey", "-noout"], "openssl dgst -sha256 -sign"),
        (
            &["genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024"],
            "no ECDSA key on P-256 or P-521 and no RSA key from 2048 bits",
        ),
        (
            &[
                "genpkey",
                "-algorithm",
                "EC",
                "-pkeyopt",
                "ec_paramgen_curve:P-256",
                "-aes256",
                "-pass",
                "pass:x",
            ],
            "expected unencrypted PEM",
        ),
    ] {
        let key = signer.key(words);
        let content = fs::read_to_string(&key).unwrap();
        let ended = ask(&["sign", &policy, "--key", &key]);
        refused(&ended, 78, expected);
        let secret = content.lines().nth(1).unwrap();
        assert!(!ended.2.contains(secret), "{}", ended.2);
    }
    refused(&ask(&["sign", &policy, "--key", &signer.file("none.pem")]), 78, "none.pem: ");
}

#[test]
fn a_key_that_others_can_read_is_warned_of() {
    let signer = Signer::new();
    let key = signer.p256();
    fs::set_permissions(&key, Permissions::from_mode(0o640)).unwrap();
    let (code, _, stderr) = ask(&["sign", &signer.file("policy.json"), "--key", &key]);
    assert_eq!(code, 0);
    assert!(stderr.contains("others may read this key (mode 640); run: chmod 600 "), "{stderr}");
}

#[test]
fn a_policy_that_no_node_takes_is_not_signed() {
    let signer = Signer::new();
    let key = signer.p256();
    for (policy, expected) in [
        ("[{}]", "[0].properties (line 1): is missing"),
        (r#"[{"name":"a","properties":{"imagee":"x"}}]"#, "did you mean `image`?"),
        (r#"{"kind":"SignedPodPolicy"}"#, "is missing"),
        ("", "is empty"),
    ] {
        let file = signer.file("policy.json");
        fs::write(&file, policy).unwrap();
        let ended = ask(&["sign", &file, "--key", &key]);
        refused(&ended, 78, expected);
        assert!(ended.1.is_empty(), "{}", ended.1);
    }
}
