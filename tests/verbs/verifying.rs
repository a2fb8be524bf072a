//! `verify`: what a node would say of pods that were signed here.

use std::fs;
use std::os::unix::fs::PermissionsExt;
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

/// A policy that lets every unsigned pod run where nobody's signatures count.
fn open_policy(workload: &Workload) -> String {
    let file = workload.file("open.json");
    fs::write(&file, r#"{"name":"open","defaultAction":"allow","rules":[]}"#).unwrap();
    file
}

/// The pod that a node would get, signed or not.
fn pod(workload: &Workload, annotations: &Value) -> String {
    let pod = json!({"apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": "web", "namespace": "prod", "annotations": annotations,
            "uid": "0b5ec4f2-6c8e-4ea1-8f27-1f8a4d7f2c11"},
        "spec": {"nodeName": "node-1", "containers": [{"name": "web", "image": "nginx:latest"}]},
        "status": {"phase": "Running"}});
    let file = workload.file("pod.json");
    fs::write(&file, pod.to_string()).unwrap();
    file
}

#[test]
fn each_tool_judges_as_a_node_does_that_has_the_certificate() {
    let workload = Workload::new();
    let (policy, cert) = (open_policy(&workload), workload.file("signer.crt"));
    let [unsigned, signed] = [json!({}), workload.annotations()].map(|annotations| {
        let file = pod(&workload, &annotations);
        let name = workload.file(if annotations == json!({}) { "unsigned" } else { "signed" });
        fs::copy(file, &name).unwrap();
        name
    });
    let record = json!({"decision": "admit", "namespace": "prod", "pod": "web", "reason": "r",
        "uid": "0b5ec4f2-6c8e-4ea1-8f27-1f8a4d7f2c11", "policy_digest": ""});
    let records = workload.file("records");
    fs::write(&records, record.to_string()).unwrap();
    let kubectl = |pod: &str| {
        let file = workload.file("kubectl");
        fs::write(&file, format!("#!/bin/sh\ncat {pod}\n")).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
        file
    };
    let certs = ["--policy-verification-cert", &cert];
    for (pod, code, told) in [
        (&unsigned, 1, "pod policy required but not found"),
        (&signed, 0, "pod matches signed policy"),
    ] {
        let explain = ["explain", &policy, pod];
        assert_eq!(ask(&explain).0, 0, "without certificates the default holds");
        let (found, stdout, _) = ask(&[&explain[..], &certs].concat());
        assert_eq!(found, code, "{stdout}");
        assert!(stdout.contains(told), "{stdout}");
        let replay = ["replay", &policy, &records, "--pods", pod];
        assert_eq!(ask(&replay).0, 0);
        let (found, stdout, _) = ask(&[&replay[..], &certs].concat());
        assert_eq!(found, code, "{stdout}");
        let kubectl = kubectl(pod);
        let why = ["why-refused", "web", "--kubectl", &kubectl];
        let (found, stdout, _) = ask(&[&why[..], &["--policy", &policy], &certs].concat());
        assert!(found == 0 && stdout.contains(told), "{stdout}");
        let (found, stdout, _) = ask(&[&why[..], &certs].concat());
        assert!(found == 0 && stdout.contains(told), "certificates alone: {stdout}");
        let strict = workload.file("strict.json");
        fs::write(&strict, r#"{"name":"strict","defaultAction":"deny","rules":[]}"#).unwrap();
        let diff = ["diff", &policy, &strict, pod];
        assert_eq!(ask(&diff).0, 1);
        // Beside certificates both deny what is not signed.
        assert_eq!(ask(&[&diff[..], &certs].concat()).0, 0);
    }
    let (code, stdout, _) = ask(&["check-policy", "--strict", &policy, "--cert", &cert]);
    assert!(code == 1 && stdout.contains("defaultAction (line 1): counts as \"deny\""), "{stdout}");
    let other = ["--signature-verification-cert", &workload.file("missing")];
    for words in [&["explain", &policy, &signed][..], &["check-policy", &policy]] {
        refused(&ask(&[words, &other].concat()), 78, "missing: No such file");
    }
}

#[test]
fn cases_name_the_certificates_beside_them() {
    let workload = Workload::new();
    open_policy(&workload);
    let pod = |annotations: Value, image: &str| {
        json!({"apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": "web", "annotations": annotations},
            "spec": {"containers": [{"name": "web", "image": image}]}})
    };
    let case = |name: &str, expect: &str, manifest: Value| json!({"name": name, "expect": expect, "manifest": manifest});
    let cases = json!({"certs": ["signer.crt"], "cases": [
        case("signed", "allow", pod(workload.annotations(), "nginx:latest")),
        case("another image", "deny", pod(workload.annotations(), "busybox")),
        case("unsigned", "deny", pod(json!({}), "nginx:latest"))]});
    let file = workload.file("open.test.json");
    fs::write(&file, cases.to_string()).unwrap();
    let (code, stdout, stderr) = ask(&["test", &file]);
    assert_eq!((code, stderr.as_str()), (0, ""), "{stdout}");
    let without = cases.to_string().replace("signer.crt", "missing.crt");
    fs::write(&file, without).unwrap();
    refused(&ask(&["test", &file]), 78, "missing.crt: No such file");
    let without = cases.to_string().replace(r#""certs":["signer.crt"]"#, r#""certs":[]"#);
    fs::write(&file, without).unwrap();
    let (code, stdout, _) = ask(&["test", &file]);
    assert!(code == 1 && stdout.contains("1 passed, 2 failed"), "{stdout}");
    assert_eq!(ask(&["test", "--cert", &workload.file("signer.crt"), &file]).0, 0);
}

#[test]
fn a_document_about_signatures_that_is_judged_without_them_says_so() {
    let workload = Workload::new();
    let document = json!({"apiVersion": "nodeward.dev/v2", "kind": "NodePolicy", "name": "n",
        "rules": [], "signedPods": {"formats": ["v2"]}});
    let policy = workload.file("v2.json");
    fs::write(&policy, document.to_string()).unwrap();
    let pod = pod(&workload, &json!({}));
    let records = workload.file("records");
    fs::write(&records, r#"{"decision":"deny","namespace":"a","pod":"b","uid":"c","reason":"d"}"#)
        .unwrap();
    let cases = json!({"policy": "v2.json", "cases": [{"name": "a", "expect": "deny",
        "manifest": {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "w"},
            "spec": {"containers": [{"name": "a", "image": "i"}]}}}]});
    let cases_file = workload.file("cases.json");
    fs::write(&cases_file, cases.to_string()).unwrap();
    let kubectl = workload.file("kubectl");
    fs::write(&kubectl, format!("#!/bin/sh\ncat {pod}\n")).unwrap();
    fs::set_permissions(&kubectl, fs::Permissions::from_mode(0o755)).unwrap();
    let cert = workload.file("signer.crt");
    for words in [
        &["explain", &policy, &pod] as &[&str],
        &["diff", &policy, &policy],
        &["replay", &policy, &records],
        &["test", &cases_file],
        &["why-refused", "web", "--kubectl", &kubectl, "--policy", &policy],
        &["check-policy", &policy],
    ] {
        let (_, stdout, stderr) = ask(words);
        let note = "v2.json: note: signedPods has no effect without --policy-verification-cert\n";
        assert!(stderr.contains(note), "{words:?}: {stdout}{stderr}");
        let (_, _, stderr) = ask(&[words, &["--cert", &cert]].concat());
        assert_eq!(stderr, "", "{words:?}");
    }
}
