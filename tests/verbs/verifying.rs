//! `verify`: what a node would say of pods that were signed here.

use std::fs;
use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{ask, refused, text};

/// A key, its certificate, and a Deployment whose pods carry a policy signed with it.
struct Workload {
    directory: TempDir,
}

impl Workload {
    fn new() -> Self {
        let workload = Self { directory: TempDir::new().unwrap() };
        let policy = json!([{"name": "web", "properties": {"image": "nginx:latest"}}]);
        fs::write(workload.file("policy.json"), policy.to_string()).unwrap();
        workload.openssl(&["ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", "key"]);
        let subject = ["-subj", "/CN=signer", "-days", "30", "-out", "signer.crt"];
        workload.openssl(&[&["req", "-x509", "-key", "key"], &subject[..]].concat());
        workload
    }

    fn file(&self, name: &str) -> String {
        text(&self.directory.path().join(name)).to_owned()
    }

    fn openssl(&self, words: &[&str]) {
        let status =
            Command::new("openssl").args(words).current_dir(&self.directory).output().unwrap();
        assert!(status.status.success(), "openssl {words:?}");
    }

    fn annotations(&self) -> Value {
        let words = ["sign", &self.file("policy.json"), "--key", &self.file("key")];
        let (code, patch, stderr) = ask(&words);
        assert_eq!(code, 0, "{stderr}");
        let patch: Value = serde_json::from_str(&patch).unwrap();
        patch["metadata"]["annotations"].clone()
    }

    /// Writes the Deployment with this container.
    fn deployment(&self, container: &Value) -> String {
        let deployment = json!({
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"},
            "spec": {"selector": {"matchLabels": {"app": "web"}}, "template": {
                "metadata": {"labels": {"app": "web"}, "annotations": self.annotations()},
                "spec": {"containers": [container]},
            }},
        });
        let file = self.file("deployment.json");
        fs::write(&file, deployment.to_string()).unwrap();
        file
    }
}

#[test]
fn pods_of_a_workload_are_verified_and_the_reason_is_the_nodes() {
    let workload = Workload::new();
    let cert = workload.file("signer.crt");
    for (container, code, expected) in [
        (json!({"name": "web", "image": "nginx:latest"}), 0, "ok, pod matches signed policy"),
        (
            json!({"name": "web", "image": "busybox"}),
            1,
            "denied, pod does not match policy: containers 'web': image 'busybox' does not match \
             policy image 'nginx:latest'",
        ),
        (
            json!({"name": "web", "image": "nginx:latest", "args": ["evil"]}),
            1,
            "denied, pod does not match policy: spec.containers[0].args",
        ),
    ] {
        let file = workload.deployment(&container);
        let (found, stdout, stderr) = ask(&["verify", "--cert", &cert, &file]);
        assert_eq!((found, stderr.as_str()), (code, ""), "{stdout}");
        assert!(stdout.contains("(Deployment web): ") && stdout.contains(expected), "{stdout}");
    }
}

#[test]
fn time_and_other_keys_are_taken_into_account() {
    let (workload, other) = (Workload::new(), Workload::new());
    let file = workload.deployment(&json!({"name": "web", "image": "nginx:latest"}));
    let (own, foreign) = (workload.file("signer.crt"), other.file("signer.crt"));
    let (code, stdout, _) = ask(&["verify", "--cert", &foreign, &file]);
    assert_eq!(code, 1);
    assert!(stdout.contains("policy signature verification failed: ECDSA"), "{stdout}");
    assert_eq!(ask(&["verify", "--cert", &foreign, "--cert", &own, &file]).0, 0);
    let late = ["verify", "--cert", &own, "--now", "2100-01-01T00:00:00Z", &file];
    refused(&ask(&late), 78, "signer.crt: the certificate expired at ");
}

#[test]
fn rules_of_a_policy_decide_first() {
    let workload = Workload::new();
    let file = workload.deployment(&json!({"name": "web", "image": "nginx:latest"}));
    let rules = json!({"name": "n", "defaultAction": "allow", "rules": [
        {"name": "no-pods", "action": "deny", "match": {"namespaces": ["default"]}}]});
    fs::write(workload.file("rules.json"), rules.to_string()).unwrap();
    let cert = workload.file("signer.crt");
    let words = ["verify", "--cert", &cert, "--admission-policy", &workload.file("rules.json")];
    let (code, stdout, _) = ask(&[&words[..], &[&file]].concat());
    assert_eq!(code, 1);
    assert!(stdout.contains("denied, denied by rule 'no-pods': "), "{stdout}");
}

#[test]
fn files_that_are_no_keys_are_named() {
    let workload = Workload::new();
    let file = workload.deployment(&json!({"name": "web", "image": "nginx:latest"}));
    let key = workload.file("key");
    refused(&ask(&["verify", "--cert", &key, &file]), 78, "key: holds a private key");
    let missing = workload.file("missing");
    refused(&ask(&["verify", "--cert", &missing, &file]), 78, "missing: ");
    assert_eq!(ask(&["verify", &file]).0, 64);
    // A node reads no more of such a file than this.
    let mut long = fs::read_to_string(workload.file("signer.crt")).unwrap();
    long.push_str(&"#\n".repeat(32 * 1024));
    fs::write(workload.file("long.crt"), long).unwrap();
    let long = workload.file("long.crt");
    refused(&ask(&["verify", "--cert", &long, &file]), 78, "long.crt: is larger than 65536 bytes");
}
