//! Help, completions and manual pages: what the program says of itself.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use tempfile::TempDir;

use crate::{BINARY, ask, ended, refused, text};

const VERBS: [&str; 18] = [
    "check-policy",
    "completions",
    "diff",
    "digest",
    "explain",
    "fetch-token",
    "gen-certificates",
    "gen-kubeconfig",
    "generate",
    "man",
    "measure",
    "replay",
    "run",
    "sign",
    "status",
    "test",
    "verify",
    "why-refused",
];

#[test]
fn help_lists_every_verb_and_knows_each() {
    let (code, stdout, _) = ask(&["help"]);
    assert_eq!(code, 0);
    for verb in VERBS {
        assert!(stdout.contains(&format!("\n  {verb} ")), "{verb}: {stdout}");
        let (code, own, _) = ask(&[verb, "--help"]);
        assert_eq!((code, own.contains("Usage: kubelet-proxy")), (0, true), "{verb}");
        assert_eq!(ask(&["help", verb]).0, 0, "{verb}");
    }
    assert!(ask(&["-h"]).1.contains("kubelet-proxy help"));
}

#[test]
fn a_verb_that_is_none_exits_64_with_the_one_that_was_meant() {
    let (code, _, stderr) = ask(&["statsu"]);
    assert_eq!(code, 64);
    assert!(stderr.contains("'statsu'") && stderr.contains("'status'"), "{stderr}");
    let (code, _, stderr) = ask(&["status", "--admin-sock", "x"]);
    assert_eq!(code, 64);
    assert!(stderr.contains("--admin-socket"), "{stderr}");
}

#[test]
fn bash_completes_verbs_and_flags() {
    let directory = TempDir::new().unwrap();
    let script = directory.path().join("completion");
    let (code, stdout, _) = ask(&["completions", "bash"]);
    assert_eq!(code, 0);
    fs::write(&script, stdout).unwrap();
    for (line, expected) in [
        ("kubelet-proxy check", "check-policy"),
        ("kubelet-proxy gen-", "gen-certificates gen-kubeconfig"),
        ("kubelet-proxy --admission", "--admission-policy"),
        ("kubelet-proxy run --admission", "--admission-policy"),
        ("kubelet-proxy gen-kubeconfig --lay", "--layout"),
    ] {
        let complete = "source \"$1\"; COMP_WORDS=($2); COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
            of=$(complete -p kubelet-proxy); of=${of##*-F }; ${of%% *} kubelet-proxy \"${COMP_WORDS[COMP_CWORD]}\"
            echo ${COMPREPLY[@]}";
        let bash = Command::new("bash").args(["-c", complete, "-", text(&script), line]).output();
        let (code, stdout, stderr) = ended(&bash.unwrap());
        assert_eq!((code, stdout.trim(), stderr.as_str()), (0, expected, ""), "{line}");
    }
    for shell in ["elvish", "fish", "powershell", "zsh"] {
        let (code, stdout, _) = ask(&["completions", shell]);
        assert!(code == 0 && stdout.contains("check-policy"), "{shell}");
    }
}

#[test]
fn every_verb_has_a_manual_page_that_is_the_same_each_time() {
    let directory = TempDir::new().unwrap();
    let into = text(directory.path());
    assert_eq!(ask(&["man", "--directory", into]), (0, String::new(), String::new()));
    let name = |entry: std::io::Result<fs::DirEntry>| entry.unwrap().file_name().into_string();
    let found: BTreeSet<_> =
        fs::read_dir(into).unwrap().map(|entry| name(entry).unwrap()).collect();
    let verbs = VERBS.iter().map(|verb| format!("kubelet-proxy-{verb}.1"));
    let expected: BTreeSet<_> = verbs.chain(["kubelet-proxy.1".to_owned()]).collect();
    assert_eq!(found, expected);
    let read = || found.iter().map(|name| fs::read(directory.path().join(name)).unwrap());
    let first: Vec<_> = read().collect();
    assert_eq!(ask(&["man", "--directory", into]).0, 0);
    assert!(read().eq(first.clone()), "a page holds no date");
    let foot = format!("\"kubelet-proxy {}\"", env!("CARGO_PKG_VERSION"));
    for page in first {
        let page = String::from_utf8(page).unwrap();
        assert!(page.contains(".TH kubelet-proxy") && page.contains(&foot), "{page}");
        assert!(!page.contains(".SH EXTRA") && page.contains(".nf\n"), "{page}");
    }
    let own = fs::read_to_string(directory.path().join("kubelet-proxy.1")).unwrap();
    assert_eq!(ask(&["man"]).1, own);
    let missing = ask(&["man", "--directory", "/nonexistent"]);
    refused(&missing, 1, "/nonexistent/kubelet-proxy.1: No such file");
}

#[test]
fn an_answer_that_nobody_reads_is_a_failure() {
    let full = fs::File::options().write(true).open("/dev/full").unwrap();
    let output = Command::new(BINARY).arg("man").stdout(full).output().unwrap();
    let (code, _, stderr) = ended(&output);
    assert_eq!(code, 1);
    assert!(stderr.contains("standard output: No space left"), "{stderr}");
}
