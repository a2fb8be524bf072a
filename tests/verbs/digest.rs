//! `digest`: what an operator writes under `pinned`.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{BINARY, ask, ended, refused, text};

const SETTINGS: &str = "\
apiVersion: v1
kind: ConfigMap
metadata: {name: settings, namespace: prod}
data: {b: \"2\", a: \"ü\\n\"}
---
apiVersion: v1
kind: Secret
metadata: {name: token}
stringData: {k: v}
";

/// SHA-256 by another program.
fn sha256(text: &str) -> String {
    let script = "printf %s \"$0\" | sha256sum | cut -d' ' -f1";
    let output = Command::new("sh").args(["-c", script, text]).output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

fn pins() -> Value {
    let settings = sha256(r#"{"binaryData":{},"data":{"a":"ü\n","b":"2"}}"#);
    let token = sha256(r#"{"binaryData":{},"data":{"k":"dg=="}}"#);
    json!({
        "configMaps": [{"namespace": "prod", "name": "settings", "sha256": settings}],
        "secrets": [{"namespace": "default", "name": "token", "sha256": token}],
    })
}

#[test]
fn pins_are_printed_as_a_policy_takes_them() {
    let directory = TempDir::new().unwrap();
    let file = directory.path().join("settings.yaml");
    fs::write(&file, SETTINGS).unwrap();
    let (code, stdout, stderr) = ask(&["digest", text(&file)]);
    assert_eq!((code, stderr.as_str()), (0, ""));
    assert_eq!(serde_json::from_str::<Value>(&stdout).unwrap(), pins());
}

#[test]
fn what_cannot_be_pinned_is_one_line() {
    let directory = TempDir::new().unwrap();
    let file = directory.path().join("bad.yaml");
    for (content, code, expected) in [
        ("kind: Pod\n", 78, "no config map and no secret in it"),
        ("a: 1\na: 2\n", 78, "bad.yaml: line 2: "),
        (
            "kind: ConfigMap\nmetadata: {name: c}\ndata: {a: 1}\n",
            78,
            "bad.yaml: document 1 (line 1): data.a: expected a string",
        ),
    ] {
        fs::write(&file, content).unwrap();
        refused(&ask(&["digest", text(&file)]), code, expected);
    }
}

#[test]
fn every_example_in_the_help_runs() {
    let directory = TempDir::new().unwrap();
    let path = |name: &str| directory.path().join(name);
    fs::write(path("settings.yaml"), SETTINGS).unwrap();
    fs::write(path("kubectl"), "#!/bin/sh\ncat settings.yaml\n").unwrap();
    fs::set_permissions(path("kubectl"), fs::Permissions::from_mode(0o755)).unwrap();
    symlink(BINARY, path("kubelet-proxy")).unwrap();
    let (_, help, _) = ask(&["digest", "--help"]);
    let (_, examples) = help.split_once("Examples:\n").unwrap();
    let (examples, _) = examples.split_once("\n\n").unwrap();
    for example in examples.lines() {
        let mut command = Command::new("sh");
        let found = format!("{}:{}", text(directory.path()), std::env::var("PATH").unwrap());
        command.current_dir(directory.path()).env("PATH", found).args(["-c", example]);
        let (code, stdout, stderr) = ended(&command.output().unwrap());
        assert_eq!((code, stderr.as_str()), (0, ""), "{example}");
        assert_eq!(serde_json::from_str::<Value>(&stdout).unwrap(), pins(), "{example}");
    }
}
