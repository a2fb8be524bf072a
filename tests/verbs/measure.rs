//! `measure`: the line, the prediction, and the call to systemd-pcrextend.
//!
//! The call is answered by a socket that speaks Varlink as systemd 257 does; what its own
//! systemd-pcrextend made of this call with a software TPM is told in
//! `docs/how-to/verify-the-measured-policy.md`, whose example is run here.

use std::fs::{self, Permissions};
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::process::Command;
use std::thread;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{BINARY, ask, ended, refused, text};

const POLICY: &str = r#"{"name":"n","defaultAction":"deny","rules":[]}"#;

fn sha256sum(file: &str) -> String {
    let output = Command::new("sha256sum").arg(file).output().unwrap();
    String::from_utf8(output.stdout).unwrap()[..64].to_owned()
}

fn policy(directory: &TempDir) -> String {
    let file = directory.path().join("policy.json");
    fs::write(&file, POLICY).unwrap();
    text(&file).to_owned()
}

fn word(policy: &str) -> String {
    let (policy, binary) = (sha256sum(policy), sha256sum(BINARY));
    format!("kubelet-proxy:v1:policy=sha256:{policy}:binary=sha256:{binary}")
}

#[test]
fn a_verifier_who_follows_the_page_predicts_the_same_value() {
    let directory = TempDir::new().unwrap();
    let policy = policy(&directory);
    let page = include_str!("../../docs/how-to/verify-the-measured-policy.md");
    let (_, example) = page.split_once("```sh\n# predict").unwrap();
    let (example, _) = example.split_once("```").unwrap();
    let by_hand = Command::new("bash")
        .args(["-euc", &format!("#{example}")])
        .env("policy", &policy)
        .env("binary", BINARY)
        .output()
        .unwrap();
    let printed = ask(&["measure", "--admission-policy", &policy, "--print"]);
    assert_eq!(ended(&by_hand), printed);
    let (code, stdout, _) = printed;
    let lines: Vec<_> = stdout.lines().collect();
    assert_eq!((code, lines.len(), lines[0]), (0, 2, word(&policy).as_str()), "{stdout}");

    // The same from the value before, and for a binary elsewhere.
    let value = lines[1].strip_prefix("pcr 15, sha256 bank: ").unwrap();
    let zero = "0".repeat(64);
    let words = ["measure", "--admission-policy", &policy, "--print", "--binary", BINARY];
    assert_eq!(ask(&[words.as_slice(), &["--before", &zero]].concat()).1, stdout);
    let after = ask(&[words.as_slice(), &["--before", value]].concat()).1;
    assert!(!after.contains(value), "{after}");
}

/// Answers one call, and gives back what was asked.
fn pcrextend(directory: &TempDir, answer: &'static str) -> (String, thread::JoinHandle<Value>) {
    let path = directory.path().join("io.systemd.PCRExtend");
    let listener = UnixListener::bind(&path).unwrap();
    let asked = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut call = Vec::new();
        let mut byte = [0];
        while stream.read_exact(&mut byte).is_ok() && byte[0] != 0 {
            call.push(byte[0]);
        }
        stream.write_all(answer.as_bytes()).unwrap();
        serde_json::from_slice(&call).unwrap()
    });
    (text(&path).to_owned(), asked)
}

#[test]
fn the_line_is_what_systemd_is_asked_to_extend() {
    let directory = TempDir::new().unwrap();
    let policy = policy(&directory);
    let (socket, asked) = pcrextend(&directory, "{\"parameters\":{}}\0");
    let words = ["measure", "--admission-policy", &policy, "--pcrextend-socket", &socket];
    let ended = ask(&[words.as_slice(), &["--pcr", "14"]].concat());
    assert_eq!(ended, (0, format!("{}\n", word(&policy)), String::new()));
    let parameters = json!({"pcr": 14, "text": word(&policy)});
    let call = json!({"method": "io.systemd.PCRExtend.Extend", "parameters": parameters});
    assert_eq!(asked.join().unwrap(), call);
}

#[test]
fn what_was_not_measured_is_told_with_its_reason() {
    let directory = TempDir::new().unwrap();
    let policy = policy(&directory);
    let measure = |socket: &str| {
        ask(&["measure", "--admission-policy", &policy, "--pcrextend-socket", socket])
    };
    refused(&measure("/nonexistent/socket"), 1, "systemd-pcrextend.socket listens only where");
    let no_tpm = "{\"error\":\"io.systemd.System\",\"parameters\":{\"errno\":131}}\0";
    let (socket, asked) = pcrextend(&directory, no_tpm);
    refused(&measure(&socket), 1, "State not recoverable");
    asked.join().unwrap();
    fs::set_permissions(&policy, Permissions::from_mode(0o666)).unwrap();
    refused(&measure(&socket), 78, "others than root can write it");
}

#[test]
fn a_line_is_measured_once_and_one_that_cannot_run_never() {
    let directory = TempDir::new().unwrap();
    let file = policy(&directory);
    let tried = text(&directory.path().join("tried")).to_owned();
    let measure = |socket: &str| {
        let words = ["measure", "--admission-policy", &file, "--pcrextend-socket", socket];
        ask(&[words.as_slice(), &["--remember", &tried]].concat())
    };
    let lines = || fs::read_to_string(&tried).unwrap_or_default();
    refused(&measure("/nonexistent/socket"), 1, "systemd-pcrextend.socket listens only where");
    assert_eq!(lines(), "", "nothing was sent");
    // An error says that nothing was extended; an answer that breaks off says nothing.
    let (socket, asked) = pcrextend(&directory, "{\"error\":\"io.systemd.System\"}\0");
    refused(&measure(&socket), 1, "io.systemd.System");
    asked.join().unwrap();
    assert_eq!(lines(), "");
    fs::remove_file(&socket).unwrap();
    let (socket, asked) = pcrextend(&directory, "{");
    refused(&measure(&socket), 1, "not known whether");
    asked.join().unwrap();
    assert_eq!(lines(), format!("{}\n", word(&file)));
    fs::remove_file(&socket).unwrap();
    let _listens = UnixListener::bind(&socket).unwrap();
    assert_eq!(measure(&socket).0, 0, "it may have been measured, and is not again");
    fs::write(&file, "{").unwrap();
    refused(&measure(&socket), 78, "policy.json: ");
    assert_eq!(lines().lines().count(), 1);
    // Another policy is another line.
    fs::write(&file, POLICY.replace("deny", "allow")).unwrap();
    fs::remove_file(&socket).unwrap();
    let (socket, asked) = pcrextend(&directory, "{\"parameters\":{}}\0");
    assert_eq!(measure(&socket).0, 0);
    asked.join().unwrap();
    assert_eq!(lines().lines().count(), 2);
}
