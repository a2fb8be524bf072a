//! The table of exit codes in docs/reference/commands.md, cell by cell, asked of the real binary.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{BINARY, ended, text};

const PAGE: &str = include_str!("../../docs/reference/commands.md");

const POLICY: &str = r#"{"name":"p","defaultAction":"deny","rules":[]}"#;

const DASH: &str = "–";

/// A directory with one good file of each kind, and of files in general a malformed and an empty one.
struct World {
    directory: TempDir,
}

impl World {
    fn new() -> Self {
        let world = Self { directory: TempDir::new().unwrap() };
        world.write("empty", "");
        world.write("malformed", "{\"a\": ");
        world.write("policy.json", POLICY);
        world.write("other.json", &POLICY.replace("deny", "allow"));
        world.write("signed.json", r#"[{"name":"a","properties":{"image":"i"}}]"#);
        world.write("pod.json", &pod(json!({})).to_string());
        world.write("windows.json", &pod(json!({"os": {"name": "windows"}})).to_string());
        let case = json!({"policy": "policy.json", "cases":
            [{"name": "a", "expect": "allow", "manifest": pod(json!({}))}]});
        world.write("case.json", &case.to_string());
        let record = json!({"decision": "admit", "namespace": "n", "pod": "p", "uid": UID,
            "reason": "r", "policy_digest": ""});
        world.write("records", &record.to_string());
        world.script("kubectl", &format!("cat <<'END'\n{}\nEND", pod(json!({}))));
        world.script("no-kubectl", "echo no >&2; exit 1");
        world.script("odd-kubectl", "cat malformed");
        world.script("mute-kubectl", "true");
        world.script("plugin", "exit 1");
        world.openssl(&["ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", "key"]);
        let subject = ["-subj", "/CN=s", "-days", "30", "-out", "cert"];
        world.openssl(&[&["req", "-x509", "-key", "key"], &subject[..]].concat());
        let exec = json!({"apiVersion": "client.authentication.k8s.io/v1",
            "command": world.path("plugin"), "interactiveMode": "Never"});
        world.write(
            "kubeconfig",
            &json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "x",
            "clusters": [{"name": "c", "cluster": {"server": "http://127.0.0.1:1"}}],
            "users": [{"name": "u", "user": {"exec": exec}}],
            "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}]})
            .to_string(),
        );
        world.write(
            "plain",
            &fs::read_to_string(world.path("kubeconfig"))
                .unwrap()
                .replace(&format!("\"exec\":{exec}"), "\"token\":\"t\""),
        );
        world
    }

    fn path(&self, name: &str) -> String {
        text(&self.directory.path().join(name)).to_owned()
    }

    fn write(&self, name: &str, content: &str) {
        fs::write(self.path(name), content).unwrap();
        fs::set_permissions(self.path(name), fs::Permissions::from_mode(0o600)).unwrap();
    }

    fn script(&self, name: &str, script: &str) {
        self.write(name, &format!("#!/bin/sh\n{script}\n"));
        fs::set_permissions(self.path(name), fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn openssl(&self, words: &[&str]) {
        let mut openssl = Command::new("openssl");
        let output = openssl.args(words).current_dir(&self.directory).output().unwrap();
        assert!(output.status.success(), "openssl {words:?}");
    }

    /// Ends with this code, and says why on standard error if it is not about the answer.
    #[track_caller]
    fn assert_code(&self, code: &str, line: &str) {
        let mut command = Command::new(BINARY);
        command.current_dir(&self.directory).args(line.split(' '));
        let (found, stdout, stderr) = ended(&command.output().unwrap());
        assert_eq!(found.to_string(), code, "{line}: {stdout}{stderr}");
        assert!(code == "1" || !stderr.is_empty(), "{line}: says nothing");
    }
}

const UID: &str = "0b5ec4f2-6c8e-4ea1-8f27-1f8a4d7f2c11";

fn pod(more: Value) -> Value {
    let mut pod = json!({"apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": "p", "namespace": "n", "uid": UID},
        "spec": {"nodeName": "node-1", "containers": [{"name": "a", "image": "i"}]},
        "status": {"phase": "Failed", "reason": "NodeAdmissionRejected"}});
    pod["spec"].as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    pod
}

/// Command lines of each verb with `FILE` for one that is missing, malformed or empty, and those whose
/// answer is no.
const LINES: [(&str, &[&str], &[&str]); 18] = [
    (
        "run",
        &[
            "run --kubeconfig plain --admission-policy FILE RISKS",
            "run --kubeconfig FILE RISKS --allow-all-pods",
        ],
        &["run --kubeconfig plain --admission-policy policy.json --listen-addr BUSY RISKS"],
    ),
    ("check-policy", &["check-policy FILE"], &["check-policy --strict other.json"]),
    (
        "explain",
        &["explain FILE pod.json", "explain policy.json FILE"],
        &["explain policy.json pod.json"],
    ),
    ("test", &["test FILE"], &["test case.json"]),
    ("generate", &["generate FILE"], &["generate windows.json"]),
    (
        "diff",
        &["diff FILE policy.json", "diff policy.json FILE", "diff policy.json policy.json FILE"],
        &["diff policy.json other.json"],
    ),
    (
        "replay",
        &[
            "replay FILE records",
            "replay policy.json FILE",
            "replay policy.json records --pods FILE",
        ],
        &["replay policy.json records --pods pod.json"],
    ),
    ("digest", &["digest FILE"], &[]),
    (
        "why-refused",
        &["why-refused p --kubectl ./kubectl --policy FILE"],
        &["why-refused p --kubectl ./kubectl"],
    ),
    ("sign", &["sign FILE --key key", "sign signed.json --key FILE"], &[]),
    (
        "verify",
        &[
            "verify --cert FILE pod.json",
            "verify --cert cert FILE",
            "verify --cert cert --admission-policy FILE pod.json",
        ],
        &["verify --cert cert pod.json"],
    ),
    ("gen-certificates", &[], &["gen-certificates --node-name a --directory key"]),
    (
        "gen-kubeconfig",
        &[
            "gen-kubeconfig --certificate-authority FILE --client-certificate cert --client-key key",
            "gen-kubeconfig --certificate-authority cert --client-certificate FILE --client-key key",
            "gen-kubeconfig --certificate-authority cert --client-certificate cert --client-key FILE",
        ],
        &[
            "gen-kubeconfig --certificate-authority cert --client-certificate cert --client-key key --output key",
        ],
    ),
    (
        "fetch-token",
        &["fetch-token --kubeconfig FILE --token-file token --once"],
        &["fetch-token --kubeconfig kubeconfig --token-file token --once"],
    ),
    (
        "measure",
        &["measure --admission-policy FILE"],
        &["measure --admission-policy policy.json --pcrextend-socket missing"],
    ),
    ("status", &[], &["status --admin-socket missing"]),
    ("completions", &[], &[]),
    ("man", &[], &["man --directory key"]),
];

/// The rows of the table: the verb, and the cells behind it.
fn rows() -> Vec<(String, Vec<String>)> {
    let (_, table) = PAGE.split_once("| verb | a file is missing |").unwrap();
    let rows = table.lines().skip(2).take_while(|line| line.starts_with("| `"));
    let cells = |row: &str| -> Vec<_> {
        row.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect()
    };
    let rows = rows.map(cells);
    rows.map(|row| (row[0].trim_matches('`').to_owned(), row[1..].to_vec())).collect()
}

#[test]
fn every_verb_ends_as_the_table_says() {
    let world = World::new();
    let busy = TcpListener::bind("127.0.0.1:0").unwrap();
    let risks = "--allow-plaintext --allow-any-client --allow-http-upstream --allow-system-roots";
    let filled = |line: &str, file: &str| {
        let address = busy.local_addr().unwrap().to_string();
        line.replace("FILE", file).replace("BUSY", &address).replace("RISKS", risks)
    };
    let rows = rows();
    let verbs: Vec<_> = rows.iter().map(|(verb, _)| verb.as_str()).collect();
    assert_eq!(verbs, LINES.map(|(verb, ..)| verb), "the table has every verb");
    for ((verb, cells), (_, of_files, of_answers)) in rows.iter().zip(LINES) {
        assert_eq!(cells.len(), 5, "{verb}");
        let [missing, malformed, empty, answer, flag] = [0, 1, 2, 3, 4].map(|at| &cells[at]);
        for (cell, file) in [(missing, "missing"), (malformed, "malformed"), (empty, "empty")] {
            assert_eq!(cell == DASH, of_files.is_empty(), "{verb}");
            for line in of_files {
                world.assert_code(cell, &filled(line, file));
            }
        }
        assert_eq!(answer == DASH, of_answers.is_empty(), "{verb}");
        for line in of_answers {
            world.assert_code(answer, &filled(line, ""));
        }
        world.assert_code(flag, &format!("{verb} --no-such-flag"));
    }
}

/// What stands for the pod's file there is what kubectl says.
#[test]
fn a_pod_that_cannot_be_asked_about_is_not_one_that_was_refused() {
    let world = World::new();
    for kubectl in ["./missing", "./no-kubectl", "./odd-kubectl", "./mute-kubectl"] {
        world.assert_code("78", &format!("why-refused p --kubectl {kubectl}"));
    }
    assert!(Path::new(&world.path("kubectl")).exists());
    world.assert_code("1", "why-refused p --kubectl ./kubectl");
}
