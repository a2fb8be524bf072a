//! Row 69: a policy that cannot be trusted keeps the proxy from starting.
//!
//! It ends with 78 and one line that names the file, and never listens, not even for a moment: the
//! address is watched while it starts.

use std::io::Read;
use std::net::TcpStream;
use std::os::unix::fs::{chown, symlink};
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::Duration;

use libtest_mimic::Trial;
use tokio::time::Instant;

use super::pods::POLICY;
use super::proxy::{free_address, set_mode};
use super::world::World;
use crate::support::hostile_api_server::Protocols;
use crate::support::hostile_api_server::script::Script;

/// `EX_CONFIG`.
const BAD_CONFIGURATION: i32 = 78;

const STRANGER: u32 = 1000;

/// What the file holds.
const CONTENTS: &[(&str, &[u8])] = &[
    ("empty", b""),
    ("blank", b" \n\t\n"),
    ("null", b"null"),
    ("a list", b"[]"),
    ("text", b"\"allow\""),
    ("an empty object", b"{}"),
    ("cut short", b"{\"name\": \"x\", \"defaultAction\": \"deny\""),
    ("two documents", b"{\"defaultAction\":\"deny\"}{\"defaultAction\":\"allow\"}"),
    ("a byte order mark", b"\xef\xbb\xbf{\"defaultAction\":\"deny\"}"),
    ("bad UTF-8", b"{\"name\":\"\xff\",\"defaultAction\":\"deny\"}"),
    ("NULs", b"\0\0\0\0"),
    ("yaml", b"defaultAction: deny\n"),
    ("no default action", br#"{"name":"x","rules":[]}"#),
    ("an unknown default action", br#"{"name":"x","defaultAction":"Allow"}"#),
    ("a key twice", br#"{"name":"x","defaultAction":"deny","defaultAction":"allow"}"#),
    ("a key in another case", br#"{"name":"x","defaultAction":"deny","DefaultAction":"allow"}"#),
    ("an unknown key", br#"{"name":"x","defaultAction":"allow","rulez":[]}"#),
];

/// What one rule of an otherwise good policy says.
const RULES: &[(&str, &str, &str)] = &[
    ("a misspelt condition", "deny", r#"{"security":{"denyPriviledged":true}}"#),
    ("a condition of the wrong type", "deny", r#"{"security":{"denyPrivileged":"true"}}"#),
    ("a bad expression", "deny", r#"{"namespaceRegex":"("}"#),
    ("a bad pattern", "deny", r#"{"images":{"denied":["a*b*c"]}}"#),
    ("an allow rule with violations", "allow", r#"{"security":{"denyPrivileged":true}}"#),
    ("an unknown action", "audit", "{}"),
];

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = Vec::new();
    for (name, content) in CONTENTS {
        let write = move |path: &Path| std::fs::write(path, content).expect("write");
        trials.push(trial(&format!("policy that is {name}"), write));
    }
    for (name, action, condition) in RULES {
        let rule = format!(r#"{{"name":"r","action":"{action}","match":{condition}}}"#);
        let text = format!(r#"{{"name":"x","defaultAction":"deny","rules":[{rule}]}}"#);
        let write = move |path: &Path| std::fs::write(path, &text).expect("write");
        trials.push(trial(&format!("policy with {name}"), write));
    }
    trials.extend(files());
    trials.extend(permissions());
    trials.push(Trial::test("row_69_control_the_same_files_start_it", || {
        let world = World::new(Protocols::Http1, Script::new());
        let _listens = world.proxy();
        Ok(())
    }));
    trials
}

/// What is wrong with the file and not with its content.
fn files() -> Vec<Trial> {
    let remove = |path: &Path| std::fs::remove_file(path).expect("remove");
    let linked = move |path: &Path, target: &str| {
        remove(path);
        symlink(target, path).expect("link");
    };
    vec![
        trial("policy over a megabyte", |path| {
            std::fs::write(path, POLICY.to_owned() + &" ".repeat(1 << 20)).expect("write");
        }),
        trial("policy that is missing", remove),
        trial("policy that is a directory", move |path| {
            remove(path);
            std::fs::create_dir(path).expect("a directory");
        }),
        trial("policy that is a pipe", move |path| {
            remove(path);
            let mode = rustix::fs::Mode::from_raw_mode(0o600);
            let fifo = rustix::fs::FileType::Fifo;
            rustix::fs::mknodat(rustix::fs::CWD, path, fifo, mode, 0).expect("mkfifo");
        }),
        trial("policy that is a dangling link", move |path| linked(path, "/nonexistent")),
        trial("policy that never ends", move |path| linked(path, "/dev/zero")),
    ]
}

/// Whoever can write the file, or replace it or a link on the way to it, makes the policy.
fn permissions() -> Vec<Trial> {
    let given_away = |path: &Path| chown(path, Some(STRANGER), None).expect("chown");
    let file = [0o664, 0o646, 0o666, 0o777]
        .map(|mode| trial(&format!("policy of mode {mode:o}"), move |path| set_mode(path, mode)));
    let directory = [0o775, 0o757, 0o777].map(|mode| {
        let name = format!("policy in a directory of mode {mode:o}");
        trial(&name, move |path| set_mode(&moved_down(path), mode))
    });
    let owners = [
        trial("policy of another owner", given_away),
        trial("policy in a directory of another owner", move |path| given_away(&moved_down(path))),
        trial("policy linked to by another owner's link", move |path| {
            let directory = path.with_file_name("links");
            std::fs::create_dir(&directory).expect("a directory");
            let real = path.with_file_name("real-policy.json");
            std::fs::rename(path, &real).expect("rename");
            symlink(&real, directory.join("policy.json")).expect("link");
            symlink(directory.join("policy.json"), path).expect("link");
            given_away(&directory);
        }),
    ];
    file.into_iter().chain(directory).chain(owners).collect()
}

/// Moves the policy one directory down and puts a link in its place; gives the directory.
fn moved_down(path: &Path) -> PathBuf {
    let directory = path.with_file_name("policies");
    std::fs::create_dir(&directory).expect("a directory");
    std::fs::rename(path, directory.join("policy.json")).expect("rename");
    symlink(directory.join("policy.json"), path).expect("link");
    directory
}

fn trial(name: &str, spoil: impl Fn(&Path) + Send + 'static) -> Trial {
    Trial::test(format!("row_69_{name}").replace(' ', "_"), move || {
        let world = World::new(Protocols::Http1, Script::new());
        spoil(&world.files.policy);
        let (status, said) = refused(&world);
        assert_eq!(status.code(), Some(BAD_CONFIGURATION), "{status}: {said}");
        let lines: Vec<&str> = said.lines().filter(|line| !line.trim().is_empty()).collect();
        assert_eq!(lines.len(), 1, "more or less than one line:\n{said}");
        let named = said.contains("policy.json:") || said.contains("--admission-policy: /");
        assert!(named, "neither flag nor offending path is named: {said}");
        Ok(())
    })
}

/// Runs the proxy to its end, and sees to it that nothing listens meanwhile.
fn refused(world: &World) -> (ExitStatus, String) {
    const PATIENCE: Duration = Duration::from_secs(20);
    let address = free_address();
    let mut child = world.files.command(address, free_address()).spawn().expect("the proxy starts");
    let deadline = Instant::now() + PATIENCE;
    let status = loop {
        let listens = TcpStream::connect(address).is_ok();
        let ended = child.try_wait().expect("state of a child");
        if listens || (ended.is_none() && Instant::now() > deadline) {
            child.kill().expect("a living child");
            child.wait().expect("the proxy ends");
            panic!(
                "the proxy {} in spite of its policy",
                if listens { "listens" } else { "hangs" }
            );
        }
        if let Some(status) = ended {
            break status;
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    let mut said = String::new();
    child.stderr.take().expect("piped").read_to_string(&mut said).expect("UTF-8");
    (status, said)
}
