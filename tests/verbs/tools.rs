//! The tools that ask a policy offline, and the examples in their help.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{BINARY, Ended, ask, ended, refused, text};

const DEPLOYMENT: &str = "\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: prod}
spec:
  template:
    spec:
      containers: [{name: app, image: nginx, securityContext: {privileged: true}}]
";

const POLICY: &str = r#"{"name":"p","defaultAction":"allow","rules":[
    {"name":"no-privileged","action":"deny","match":{"security":{"denyPrivileged":true}}}]}"#;

/// Whose signatures count, in what asks for it: no test signs with it.
const SIGNER: &str = "\
-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEoK+YZq/Rlj4POMbABqncXFecQJNI
XuGewRW7+csLIRHU7nXVjffL0qXjzmQLmtrU9ooWCBL36dhCsaAnJfyVeQ==
-----END PUBLIC KEY-----
";

/// A directory with everything that the examples in help texts name.
struct World {
    directory: TempDir,
}

impl World {
    fn new() -> Self {
        let world = Self { directory: TempDir::new().unwrap() };
        world.write("policy.json", POLICY);
        world.write("old.json", &POLICY.replace("denyPrivileged", "denyHostNetwork"));
        world.write("new.json", POLICY);
        world.write("web.yaml", DEPLOYMENT);
        let case = json!({"cases": [
            {"name": "privileged", "expect": "deny", "rule": "no-privileged",
             "manifest": {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}, "spec": {
                "containers": [{"name": "a", "image": "i", "securityContext": {"privileged": true}}]}}}
        ]});
        world.write("policy.test.yaml", &case.to_string());
        fs::create_dir(world.path("policies")).unwrap();
        world.write("policies/policy.json", POLICY);
        world.write("policies/policy.test.json", &case.to_string());
        let record = json!({"decision": "admit", "namespace": "prod", "pod": "web", "uid": UID,
            "reason": "recorded", "policy_digest": ""});
        world.write("records.jsonl", &format!("{record}\n"));
        world.write("pods.json", &json!({"kind": "List", "items": [pod()]}).to_string());
        world.write("signer.crt", SIGNER);
        world
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.directory.path().join(name)
    }

    fn write(&self, name: &str, content: &str) {
        fs::write(self.path(name), content).unwrap();
    }

    /// Runs a verb in this directory; `kubectl` is what [`Self::kubectl`] put there.
    fn ask(&self, words: &[&str]) -> Ended {
        ended(&self.command(Path::new(BINARY)).args(words).output().unwrap())
    }

    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        let path = std::env::var("PATH").unwrap();
        command.current_dir(self.directory.path());
        command.env("PATH", format!("{}:{path}", self.directory.path().display()));
        command
    }

    /// A program that answers as kubectl would, with this text.
    fn kubectl(&self, script: &str) {
        let file = self.path("kubectl");
        fs::write(&file, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
    }
}

const UID: &str = "0b5ec4f2-6c8e-4ea1-8f27-1f8a4d7f2c11";

/// As the API server has it: refused by its node.
fn pod() -> Value {
    json!({"apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": "web", "namespace": "prod", "uid": UID},
        "spec": {"nodeName": "node-1", "containers": [
            {"name": "app", "image": "nginx", "securityContext": {"privileged": true}}]},
        "status": {"phase": "Failed", "reason": "NodeAdmissionRejected",
            "message": "Pod rejected by kubelet-proxy: denied\u{202e} by rule 'no-privileged'",
            "conditions": [{"type": "Ready", "status": "False", "reason": "PodFailed"}]}})
}

#[test]
fn explain_tells_the_field_what_was_found_and_what_was_expected() {
    let world = World::new();
    let (code, stdout, stderr) = world.ask(&["explain", "policy.json", "web.yaml"]);
    assert_eq!((code, stderr.as_str()), (1, ""));
    let lines: Vec<_> = stdout.lines().collect();
    assert_eq!(
        lines,
        [
            "prod/web-zzzzzzzzzz-zzzzz (Deployment web)",
            "  denied: denied by rule 'no-privileged': container 'app' is privileged",
            "  deny rule 'no-privileged' decides",
            "    spec.containers[0].securityContext.privileged",
            "      found    container 'app' is privileged",
            "      expected false, or nothing",
        ]
    );
    let (code, stdout, _) = world.ask(&["explain", "--format", "json", "old.json", "web.yaml"]);
    let told: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!((code, &told["pods"][0]["allowed"]), (0, &json!(true)));
    assert_eq!(told["pods"][0]["rules"][0]["outcome"], "does-not-apply");
}

#[test]
fn every_kind_of_input_is_taken_and_standard_input_too() {
    let world = World::new();
    let documents = format!("{DEPLOYMENT}---\napiVersion: v1\nkind: Service\n---\n{}", pod());
    world.write("all.yaml", &documents);
    let (_, stdout, stderr) = world.ask(&["explain", "policy.json", "all.yaml"]);
    assert_eq!(stderr, "");
    assert!(stdout.contains("(Deployment web)") && stdout.contains("(Pod web)"), "{stdout}");
    let piped = world
        .command(Path::new("sh"))
        .args(["-c", "\"$0\" explain policy.json - < pods.json", BINARY])
        .output()
        .unwrap();
    let (code, stdout, _) = ended(&piped);
    assert!(code == 1 && stdout.starts_with("prod/web (Pod web)\n"), "{stdout}");
}

#[test]
fn a_bad_manifest_is_one_line_with_file_place_and_remedy() {
    let world = World::new();
    for (content, expected) in [
        ("a: 1\na: 2\n", "bad.yaml: line 2: the key \"a\" appears twice; keep one of the two"),
        (
            "kind: Deployment\napiVersion: apps/v1\n",
            "bad.yaml: document 1 (line 1): spec: is missing",
        ),
        ("kind: Service\n", "bad.yaml: no pod in it; give a pod"),
        ("", "bad.yaml: no pod in it"),
    ] {
        world.write("bad.yaml", content);
        refused(&world.ask(&["explain", "policy.json", "bad.yaml"]), 78, expected);
    }
    refused(&world.ask(&["explain", "policy.json", "none.yaml"]), 78, "none.yaml: No such file");
    refused(&world.ask(&["explain", "web.yaml", "web.yaml"]), 78, "web.yaml: line 1, column 1");
    refused(&world.ask(&["explain", "policy.json", "/dev/zero"]), 78, "is longer than 67108864");
    let rollout = format!(
        "{DEPLOYMENT}---\nkind: Rollout\napiVersion: argoproj.io/v1\nmetadata: {{name: r}}\n"
    );
    world.write("more.yaml", &rollout);
    let (_, _, stderr) = world.ask(&["explain", "policy.json", "more.yaml"]);
    assert!(stderr.contains("note: Rollout r is of a kind that is not known here"), "{stderr}");
}

#[test]
fn warnings_are_findings_where_they_are_asked_for() {
    let world = World::new();
    world.write("odd.json", r#"{"defaultAction":"deny","rules":[]}"#);
    assert_eq!(world.ask(&["check-policy", "odd.json"]).0, 0);
    assert_eq!(world.ask(&["check-policy", "--strict", "odd.json"]).0, 1);
    let (_, stdout, _) = world.ask(&["check-policy", "--format", "github", "odd.json"]);
    assert!(stdout.starts_with("::warning file=odd.json,line=1::the policy"), "{stdout}");
    world.write("bad.json", "{\n\"rulez\": []}");
    let (code, stdout, _) = world.ask(&["check-policy", "--format", "github", "bad.json"]);
    assert!(code == 78 && stdout.starts_with("::error file=bad.json,line=2::rulez"), "{stdout}");
    let (_, stdout, _) = world.ask(&["check-policy", "--format", "json", "bad.json", "odd.json"]);
    let told: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!(told["files"][0]["error"]["line"], 2);
    assert_eq!(told["files"][1]["warnings"][0]["line"], 1);
}

#[test]
fn cases_that_fail_are_told_in_each_format() {
    let world = World::new();
    assert_eq!(
        world.ask(&["test", "policies"]),
        (0, "policies/policy.test.json: 1 passed\n".to_owned(), String::new())
    );
    let cases = fs::read_to_string(world.path("policy.test.yaml")).unwrap();
    world.write("policy.test.yaml", &cases.replace("\"deny\"", "\"allow\""));
    for (format, expected) in [
        ("text", "FAIL policy.test.yaml: privileged: decision: expected allow, found deny"),
        ("json", "\"failed\": 1"),
        ("junit", "<testsuite name=\"policy.test.yaml\" tests=\"1\" failures=\"1\">"),
        ("github", "::error file=policy.test.yaml,line=1::privileged: decision"),
    ] {
        let (code, stdout, _) = world.ask(&["test", "--format", format, "policy.test.yaml"]);
        assert!(code == 1 && stdout.contains(expected), "{format}: {stdout}");
    }
    let long = format!("\\ufffe{}", "x".repeat(9000));
    world.write(
        "policy.test.yaml",
        &cases.replace("\"name\":\"privileged\"", &format!("\"name\":\"{long}\"")),
    );
    let (_, stdout, _) = world.ask(&["test", "--format", "junit", "policy.test.yaml"]);
    world.write("report.xml", &stdout);
    let script = "import sys, xml.dom.minidom as dom; dom.parse(sys.argv[1])";
    let parsed = world.command(Path::new("python3")).args(["-c", script, "report.xml"]).output();
    assert!(ended(&parsed.unwrap()).0 == 0, "{stdout}");
    fs::create_dir(world.path("empty")).unwrap();
    refused(&world.ask(&["test", "empty"]), 78, "empty: no case file in it");
    world.write("bad.test.json", r#"{"cases":[{"name":"x","expect":"deny"}]}"#);
    refused(&world.ask(&["test", "bad.test.json"]), 78, "cases[0] (x): names not one pod");
}

#[test]
fn diff_tells_rules_and_pods() {
    let world = World::new();
    let (code, stdout, _) = world.ask(&["diff", "old.json", "policy.json"]);
    assert_eq!(code, 1);
    assert!(stdout.contains("~ rule no-privileged match.security.denyHostNetwork: true → null"));
    let (code, stdout, _) = world.ask(&["diff", "old.json", "policy.json", "web.yaml"]);
    assert_eq!(code, 1);
    assert!(stdout.contains("(Deployment web): admitted → denied\n"), "{stdout}");
    assert!(stdout.ends_with("1 of 1 pods change their verdict\n"), "{stdout}");
    let same = world.ask(&["diff", "--format", "json", "policy.json", "policy.json"]);
    let told: Value = serde_json::from_str(&same.1).unwrap();
    assert_eq!((same.0, &told["differences"]), (0, &json!([])));
}

#[test]
fn replay_tells_what_changes_and_what_cannot_be_told() {
    let world = World::new();
    let (code, stdout, _) =
        world.ask(&["replay", "new.json", "records.jsonl", "--pods", "pods.json"]);
    assert_eq!(code, 1);
    assert!(stdout.starts_with("prod/web: admitted → denied\n  recorded: recorded\n"), "{stdout}");
    assert!(stdout.ends_with("1 would change, 0 stay, 0 cannot be told\n"), "{stdout}");
    let (code, stdout, _) = world.ask(&["replay", "new.json", "records.jsonl"]);
    assert_eq!(code, 0);
    assert!(stdout.contains("prod/web: cannot be told, the pod is not in what"), "{stdout}");
    let payload = pod().to_string().replace("nginx", "[redacted]");
    let line = json!({"message": "pod payload", "payload": payload}).to_string();
    let records = fs::read_to_string(world.path("records.jsonl")).unwrap();
    world.write("payloads.jsonl", &format!("{line}\n{records}"));
    let (_, stdout, _) = world.ask(&["replay", "new.json", "payloads.jsonl"]);
    assert!(stdout.contains("admitted → denied (its log is redacted"), "{stdout}");
    world.write("empty.jsonl", "{}\n");
    refused(&world.ask(&["replay", "new.json", "empty.jsonl"]), 78, "no decision record");
    world.write("text.jsonl", "{}\nINFO pod denied\n");
    refused(
        &world.ask(&["replay", "new.json", "text.jsonl"]),
        78,
        "text.jsonl: line 2: is no JSON",
    );
}

#[test]
fn why_refused_asks_kubectl_and_is_its_plugin() {
    let world = World::new();
    world.kubectl(&format!("echo \"$*\" > asked\ncat <<'END'\n{}\nEND", pod()));
    let plugin = world.path("kubectl-why_refused");
    symlink(BINARY, &plugin).unwrap();
    let output = world.command(&plugin).args(["web", "-n", "prod"]).output().unwrap();
    let (code, stdout, stderr) = ended(&output);
    assert_eq!((code, stderr.as_str()), (1, ""));
    assert!(
        stdout.starts_with("prod/web on node node-1: Failed NodeAdmissionRejected\n"),
        "{stdout}"
    );
    assert!(stdout.contains(r"denied\u{202e} by rule 'no-privileged'"), "{stdout}");
    assert!(stdout.contains("  not Ready: PodFailed\n"), "{stdout}");
    let asked = fs::read_to_string(world.path("asked")).unwrap();
    assert_eq!(asked.trim(), "get pod web --output=json --namespace=prod");
    let (_, stdout, _) = world.ask(&["why-refused", "web", "--policy", "policy.json"]);
    assert!(stdout.contains("deny rule 'no-privileged' decides"), "{stdout}");
    world.kubectl("echo 'Error from server (NotFound): pods \"web\" not found' >&2; exit 1");
    refused(&world.ask(&["why-refused", "web"]), 78, "kubectl: Error from server (NotFound)");
    assert_eq!(world.ask(&["why-refused", "--", "--raw=/"]).0, 64);
    let missing = world.ask(&["why-refused", "web", "--kubectl", "/nonexistent/kubectl"]);
    refused(&missing, 78, "install kubectl, or name it with --kubectl");
}

#[test]
fn what_is_generated_loads_admits_and_is_the_same_each_time() {
    let world = World::new();
    let words = ["generate", "--name", "edge", "web.yaml"];
    let (code, policy, stderr) = world.ask(&words);
    assert_eq!(code, 0, "{stderr}");
    assert!(stderr.starts_with("kubelet-proxy: note: prod/web-"), "{stderr}");
    assert!(stderr.contains("the image nginx has no digest"), "{stderr}");
    assert_eq!(world.ask(&words).1, policy);
    world.write("generated.json", &policy);
    let (code, stdout, _) = world.ask(&["check-policy", "generated.json"]);
    assert!(code == 0 && stdout.contains("ok, policy edge, 1 rule"), "{stdout}");
    let (code, stdout, _) = world.ask(&["explain", "generated.json", "web.yaml"]);
    assert!(code == 0 && stdout.contains("allow rule 'prod-web' decides"), "{stdout}");
    world.write("other.yaml", &DEPLOYMENT.replace("image: nginx,", "image: nginx, args: [a],"));
    let (code, stdout, _) = world.ask(&["explain", "generated.json", "other.yaml"]);
    assert!(code == 1 && stdout.contains("permit.containers[0].args: [\"a\"]"), "{stdout}");
    let windows = DEPLOYMENT
        .replace("spec:\n      containers", "spec:\n      os: {name: windows}\n      containers");
    world.write("windows.yaml", &windows);
    let (code, _, stderr) = world.ask(&["generate", "windows.yaml"]);
    assert!(code == 1 && stderr.contains("cannot be permitted: spec.os.name"), "{stderr}");
}

/// The commands of the pages, one page after the other in a directory of its own, as a reader would.
#[test]
fn every_command_of_the_how_to_pages_runs() {
    for (page, least) in [("write-a-policy", 4), ("debug-a-refusal", 2)] {
        let path = format!("{}/docs/how-to/{page}.md", env!("CARGO_MANIFEST_DIR"));
        let text = fs::read_to_string(path).unwrap();
        let world = World::new();
        world.kubectl(&format!("cat <<'END'\n{}\nEND", pod()));
        symlink(BINARY, world.path("kubelet-proxy")).unwrap();
        let mut count = 0;
        for block in text.split("```sh\n").skip(1) {
            let (script, _) = block.split_once("```").unwrap();
            let output = world.command(Path::new("sh")).args(["-euc", script]).output().unwrap();
            let (code, stdout, stderr) = ended(&output);
            assert_eq!((code, stderr.as_str()), (0, ""), "{page}: {script}{stdout}");
            count += 1;
        }
        assert!(count >= least, "{page}: {count}");
    }
}

/// The files on the page, each beside the policy and the certificate that it names.
#[test]
fn every_case_file_of_the_page_runs() {
    let path = format!("{}/docs/reference/case-files.md", env!("CARGO_MANIFEST_DIR"));
    let page = fs::read_to_string(path).unwrap();
    let blocks: Vec<_> = page.split("```yaml\n").skip(1).collect();
    assert_eq!(blocks.len(), 2);
    for block in blocks {
        let world = World::new();
        world.write("policy.test.yaml", block.split_once("```").unwrap().0);
        let (code, stdout, stderr) = world.ask(&["test", "policy.test.yaml"]);
        assert_eq!((code, stderr.as_str()), (0, ""), "{stdout}");
        assert_eq!(stdout, "policy.test.yaml: 1 passed\n");
    }
}

/// Every line under `Examples:` of these verbs, run by a shell in [`World`].
#[test]
fn every_example_in_the_help_runs() {
    let mut count = 0;
    for verb in ["check-policy", "explain", "test", "generate", "diff", "replay", "why-refused"] {
        let (_, help, _) = ask(&[verb, "--help"]);
        let (_, examples) = help.split_once("Examples:\n").unwrap();
        let (examples, _) = examples.split_once("\n\n").unwrap();
        for example in examples.lines() {
            let world = World::new();
            world.kubectl(&format!("cat <<'END'\n{}\nEND", pod()));
            symlink(BINARY, world.path("kubelet-proxy")).unwrap();
            world.write("journalctl", "#!/bin/sh\ncat records.jsonl\n");
            let mode = fs::Permissions::from_mode(0o755);
            fs::set_permissions(world.path("journalctl"), mode).unwrap();
            let example = example
                .trim()
                .replace("> records.jsonl", "> /dev/null")
                .replace(
                    "ln -s /usr/bin/kubelet-proxy /usr/local/bin/",
                    &format!("ln -s {BINARY} "),
                )
                .replace(
                    "; kubectl why-refused",
                    &format!("; {}/kubectl-why_refused", text(world.directory.path())),
                );
            let output = world.command(Path::new("sh")).args(["-c", &example]).output().unwrap();
            let (code, stdout, stderr) = ended(&output);
            assert!(code == 0 || code == 1, "{example}: {code} {stdout}{stderr}");
            assert!(stderr.lines().all(|line| line.contains(": note: ")), "{example}: {stderr}");
            count += 1;
        }
    }
    assert!(count >= 23, "{count}");
}
