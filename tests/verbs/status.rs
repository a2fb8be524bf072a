//! `status`: the admin socket's answer, and what stands in its way.

use std::fs::{self, Permissions};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::thread;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::certificates::made;
use crate::proxy::Proxy;
use crate::{BINARY, ask, ended, refused, text};

/// Serves one answer at a socket of this name; gives back the request line.
fn admin(directory: &TempDir, status: &str, body: &str) -> (String, thread::JoinHandle<String>) {
    let path = directory.path().join("admin.sock");
    // Ignored: there is none before the first answer.
    let _ = fs::remove_file(&path);
    let listener = UnixListener::bind(&path).unwrap();
    let length = body.len();
    let answer = format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\n\r\n{body}");
    let asked = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut head = BufReader::new(stream.try_clone().unwrap()).lines();
        let request = head.next().unwrap().unwrap();
        while head.next().is_some_and(|line| !line.unwrap().is_empty()) {}
        stream.write_all(answer.as_bytes()).unwrap();
        request
    });
    (text(&path).to_owned(), asked)
}

#[test]
fn a_running_proxy_tells_what_it_is() {
    let (_keep, directory) = made("a");
    let _proxy = Proxy::start(&directory, "a");
    let socket = directory.join("admin.sock");
    let (code, stdout, stderr) = ask(&["status", "--admin-socket", text(&socket)]);
    assert_eq!((code, stderr.as_str()), (0, ""));
    for beginning in [
        &format!("version       {}, ", env!("CARGO_PKG_VERSION")),
        "policy        allow-all-pods, 0 rules, sha256:",
        "upstream      127.0.0.1:1, down",
        "sandbox       best-effort, no_new_privs set",
        "capabilities  none left",
        "last reload   none",
        "watchdog      not enabled",
    ] {
        assert!(stdout.lines().any(|line| line.starts_with(beginning)), "{beginning}: {stdout}");
    }
    let (code, stdout, _) = ask(&["status", "--admin-socket", text(&socket), "--output", "json"]);
    let status: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!((code, &status["policy"]["name"]), (0, &json!("allow-all-pods")));
}

#[test]
fn the_answer_is_told_in_lines_or_as_it_came() {
    let directory = TempDir::new().unwrap();
    let object = json!({
        "version": "0.1.0",
        "policy": {"name": "n\u{202e}\u{1b}[2J", "sha256": "aa", "rules": 2, "immutable": false},
        "lastReload": {"outcome": "none"}
    });
    let (socket, asked) = admin(&directory, "200 OK", &object.to_string());
    let (code, stdout, stderr) = ask(&["status", "--admin-socket", &socket]);
    assert_eq!((code, stderr.as_str()), (0, ""));
    assert_eq!(asked.join().unwrap(), "GET /status HTTP/1.1");
    let line = r"policy        n\u{202e}\u{1b}[2J, 2 rules, sha256:aa, reloadable";
    assert!(stdout.lines().any(|found| found == line), "{stdout}");
    assert!(stdout.lines().any(|found| found == "last reload   none"), "{stdout}");

    let (socket, asked) = admin(&directory, "200 OK", &object.to_string());
    let (code, stdout, _) = ask(&["status", "--admin-socket", &socket, "-o", "json"]);
    asked.join().unwrap();
    assert_eq!(code, 0);
    assert!(!stdout.contains(['\u{202e}', '\u{1b}']), "{stdout}");
    assert_eq!(serde_json::from_str::<Value>(&stdout).unwrap(), object);
}

#[test]
fn an_answer_that_is_none_is_a_failure() {
    let directory = TempDir::new().unwrap();
    for (status, body, expected) in
        [("404 Not Found", "", "answered with status 404"), ("200 OK", "ok", "not JSON")]
    {
        let (socket, asked) = admin(&directory, status, body);
        refused(&ask(&["status", "--admin-socket", &socket]), 1, expected);
        asked.join().unwrap();
    }
}

#[test]
fn what_stands_in_the_way_is_named_with_the_remedy() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("admin.sock");
    let socket = text(&path);
    let status = |socket| ask(&["status", "--admin-socket", socket]);
    refused(&status(socket), 1, "is kubelet-proxy-admin.socket started?");
    let listener = UnixListener::bind(&path).unwrap();
    // As systemd makes it, for root and its group; the directory lets everybody see it.
    fs::set_permissions(&path, Permissions::from_mode(0o660)).unwrap();
    fs::set_permissions(directory.path(), Permissions::from_mode(0o755)).unwrap();
    let nobody = 65534;
    let mut command = Command::new(BINARY);
    let output =
        command.args(["status", "--admin-socket", socket]).uid(nobody).gid(nobody).output();
    refused(&ended(&output.unwrap()), 1, "only root and the group kubelet-proxy-admin may ask");
    drop(listener);
    refused(&status(socket), 1, "nobody listens");
}
