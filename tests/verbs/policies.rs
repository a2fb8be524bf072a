//! `check-policy`: what a build asks before a node does.

use std::fs;
use std::io::Write;
use std::os::unix::fs::chown;
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::{BINARY, ask, ended, refused, text};

const GOOD: &str = r#"{"name":"n","defaultAction":"deny","rules":[]}"#;

#[test]
fn a_policy_that_would_load_is_named_with_its_digest() {
    let directory = TempDir::new().unwrap();
    let file = directory.path().join("policy.json");
    fs::write(&file, GOOD).unwrap();
    // A build checks files that are not root's, and may not be root itself.
    chown(&file, Some(1000), Some(1000)).unwrap();
    let output = Command::new("sha256sum").arg(&file).output().unwrap();
    let digest = String::from_utf8(output.stdout).unwrap()[..64].to_owned();
    let line = format!("{}: ok, policy n, 0 rules, sha256:{digest}\n", file.display());
    assert_eq!(ask(&["check-policy", text(&file)]), (0, line, String::new()));
}

#[test]
fn shipped_policies_would_load() {
    for name in ["seed-default", "seed-strict"] {
        let file = format!("{}/policies/{name}.json", env!("CARGO_MANIFEST_DIR"));
        let (code, stdout, stderr) = ask(&["check-policy", &file]);
        assert_eq!((code, stderr.as_str()), (0, ""), "{name}");
        assert!(stdout.starts_with(&format!("{file}: ok, policy ")), "{stdout}");
    }
}

#[test]
fn every_file_is_checked_and_one_that_would_not_load_is_bad_configuration() {
    let directory = TempDir::new().unwrap();
    let path = |name: &str| directory.path().join(name);
    fs::write(path("good.json"), GOOD).unwrap();
    fs::write(path("bad.json"), GOOD.replace("rules", "rulez")).unwrap();
    fs::write(path("odd.json"), GOOD.replace("deny", "allow")).unwrap();
    let files = ["missing.json", "bad.json", "odd.json", "good.json"].map(path);
    let (code, stdout, stderr) =
        ask(&["check-policy", text(&files[0]), text(&files[1]), text(&files[2]), text(&files[3])]);
    assert_eq!(code, 78, "{stdout}{stderr}");
    let lines: Vec<_> = stderr.lines().collect();
    assert_eq!(lines.len(), 2, "{stderr}");
    assert!(lines[0].contains("missing.json: No such file"), "{stderr}");
    assert!(lines[1].contains("bad.json: rulez (line 1): "), "{stderr}");
    let lines: Vec<_> = stdout.lines().collect();
    assert_eq!(lines.len(), 3, "{stdout}");
    assert!(lines[0].contains("odd.json: ok, policy n, 0 rules"), "{stdout}");
    assert!(lines[1].contains("odd.json: warning: ") && lines[1].contains("every pod"), "{stdout}");
    assert!(lines[2].contains("good.json: ok"), "{stdout}");
}

#[test]
fn a_dash_is_standard_input() {
    let mut child = Command::new(BINARY)
        .args(["check-policy", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(GOOD.as_bytes()).unwrap();
    let (code, stdout, _) = ended(&child.wait_with_output().unwrap());
    assert_eq!(code, 0);
    assert!(stdout.starts_with("-: ok, policy n, 0 rules, sha256:"), "{stdout}");
}

#[test]
fn what_deceives_a_terminal_is_shown_as_what_it_is() {
    let directory = TempDir::new().unwrap();
    let file = directory.path().join("\u{1b}[2Jsafe\u{202e}.json");
    refused(&ask(&["check-policy", text(&file)]), 78, r"\u{1b}[2Jsafe\u{202e}.json: No such");
}

#[test]
fn an_endless_file_is_refused_at_the_limit() {
    refused(&ask(&["check-policy", "/dev/zero"]), 78, "the limit is 1048576");
}
