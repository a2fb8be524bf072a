//! The shape of the source, checked by reading it: who may use whom, and who alone may use what.
//!
//! Reads text, not types: a `use` line or a path is enough to cross a boundary, so that is what is
//! looked for. The rules are the table in `src/lib.rs` and section "Invariants" of ARCHITECTURE.md.

#![expect(
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    reason = "a check that cannot read the source must fail"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use regex::Regex;

/// Longest file, tests included: what a reader can hold.
const MAX_LINES: usize = 500;

/// Longest binary: it may call a role and nothing else.
const MAX_BINARY_LINES: usize = 40;

/// Names that say nothing about what is inside.
const EMPTY_NAMES: [&str; 9] =
    ["common", "data", "handler", "helper", "info", "manager", "misc", "process", "util"];

/// Rooms that decide and parse: what they say may depend on their arguments alone.
const PURE_ROOMS: [&str; 4] = ["kube_wire", "manifest", "policy", "policy_tools"];

/// What a pure room must not name.
/// Of `std::net` only what opens sockets or asks DNS: its addresses are plain values.
const IMPURE: [&str; 15] = [
    "async",
    "hyper",
    "Instant",
    "rustix",
    "std::env",
    "std::fs",
    "std::process",
    "std::thread",
    "SystemTime",
    "TcpListener",
    "TcpStream",
    "tokio",
    "ToSocketAddrs",
    "tracing",
    "UdpSocket",
];

/// Who alone may name a thing: a file or a room.
const SOLE_USERS: [(&str, &str); 16] = [
    ("cel::", "src/policy/expressions/"),
    ("caps", "src/sandbox/capabilities.rs"),
    ("clap", "src/cli/"),
    ("clap_complete", "src/cli/completions.rs"),
    ("clap_mangen", "src/cli/man.rs"),
    ("granit_parser", "src/manifest/yaml.rs"),
    ("libc", "src/sandbox/"),
    ("miniz_oxide", "src/kubelet_api/spdy/"),
    ("prometheus_client", "src/metrics/"),
    ("rcgen", "src/tls/"),
    ("rustls_pemfile", "src/tls/pem.rs"),
    ("sd_notify", "src/systemd/"),
    ("seccompiler", "src/sandbox/"),
    ("tracing_journald", "src/systemd/journal.rs"),
    ("tracing_subscriber", "src/systemd/journal.rs"),
    ("use landlock", "src/sandbox/landlock.rs"),
];

/// One source file.
struct Source {
    /// From the package root, with slashes.
    path: String,
    /// The directory or file below `src` that it belongs to.
    room: String,
    /// All of it.
    text: String,
    /// What is compiled into the program: no comment lines, no unit tests.
    code: String,
    /// Unit tests in a file of their own.
    is_test: bool,
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    collect(&root.join("src"), &mut files);
    assert!(files.len() > 50, "only {} files found: is this the package?", files.len());
    files.iter().map(|file| Source::read(root, file)).collect()
}

fn collect(directory: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, into);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            into.push(path);
        }
    }
}

impl Source {
    fn read(root: &Path, file: &Path) -> Self {
        let path = file.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
        let text = fs::read_to_string(file).unwrap();
        let room = path.split('/').nth(1).unwrap().trim_end_matches(".rs").to_owned();
        let is_test = path.ends_with("/tests.rs") || path.contains("/tests/");
        let compiled =
            if is_test { "" } else { text.split("\n#[cfg(test)]\nmod ").next().unwrap() };
        let code = compiled
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"))
            .collect::<Vec<_>>()
            .join("\n");
        Self { path, room, text, code, is_test }
    }

    /// Does the code name this path, as a word of its own and not as the end of a longer path?
    fn names(&self, path: &str) -> bool {
        self.code.match_indices(path).any(|(at, _)| {
            let before = self.code[..at].chars().next_back();
            let after = self.code[at + path.len()..].chars().next();
            !before.is_some_and(|c| is_word(c) || c == ':') && !after.is_some_and(is_word)
        })
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Collects violations, so that one run shows all of them.
fn check(rule: &str, violations: Vec<String>) {
    assert!(violations.is_empty(), "{rule}:\n  {}", violations.join("\n  "));
}

/// Rooms and what each may use, read from the table in `src/lib.rs`.
fn table() -> BTreeMap<String, BTreeSet<String>> {
    let row = Regex::new(r"^//! \| \[`(\w+)`\] \| .* \| (.+) \|$").unwrap();
    let mut table = BTreeMap::new();
    let mut above = BTreeSet::new();
    for line in include_str!("../src/lib.rs").lines() {
        let Some(found) = row.captures(line) else { continue };
        let uses = match &found[2] {
            "–" => BTreeSet::new(),
            "all above" => above.clone(),
            named => named.trim_matches('`').split(' ').map(str::to_owned).collect(),
        };
        above.insert(found[1].to_owned());
        table.insert(found[1].to_owned(), uses);
    }
    table
}

/// Rooms named after `crate::`, alone or in braces.
fn rooms_used(code: &str) -> BTreeSet<String> {
    static SINGLE: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\bcrate::(\w+)").unwrap());
    static SEVERAL: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"(?s)\bcrate::\{(.*?)\};").unwrap());
    static FIRST_WORDS: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"(?:^|,)\s*(\w+)").unwrap());
    let mut rooms: BTreeSet<_> = SINGLE.captures_iter(code).map(|c| c[1].to_owned()).collect();
    for group in SEVERAL.captures_iter(code) {
        rooms.extend(FIRST_WORDS.captures_iter(&group[1]).map(|c| c[1].to_owned()));
    }
    rooms
}

#[test]
fn the_table_lists_every_room() {
    let table = table();
    let declared = Regex::new(r"(?m)^pub mod (\w+);").unwrap();
    let declared: BTreeSet<_> = declared
        .captures_iter(include_str!("../src/lib.rs"))
        .map(|found| found[1].to_owned())
        .collect();
    assert_eq!(table.keys().cloned().collect::<BTreeSet<_>>(), declared);
}

#[test]
fn rooms_use_only_what_the_table_lets_them() {
    let table = table();
    let mut violations = Vec::new();
    for source in sources().iter().filter(|source| table.contains_key(&source.room)) {
        for used in rooms_used(&source.code) {
            let is_room = table.contains_key(&used);
            if is_room && used != source.room && !table[&source.room].contains(&used) {
                violations.push(format!("{} uses {used}", source.path));
            }
        }
    }
    check("an arrow points the wrong way", violations);
}

#[test]
fn the_reader_of_use_lines_sees_every_spelling() {
    let code = "use crate::net::drain;\nuse crate::{\n    tls::pem,\n    http,\n};\nlet x = crate::audit::y();";
    let seen: Vec<_> = rooms_used(code).into_iter().collect();
    assert_eq!(seen, ["audit", "http", "net", "tls"]);
}

#[test]
fn pure_rooms_reach_for_nothing_outside_their_arguments() {
    let mut violations = Vec::new();
    for source in sources() {
        if PURE_ROOMS.contains(&source.room.as_str()) {
            let named = IMPURE.iter().filter(|thing| source.names(thing));
            violations.extend(named.map(|thing| format!("{} names {thing}", source.path)));
        }
    }
    check("a pure room is not pure", violations);
}

#[test]
fn some_packages_have_a_sole_user() {
    let mut violations = Vec::new();
    for source in sources() {
        for (thing, user) in SOLE_USERS {
            if source.names(thing) && !source.path.starts_with(user) {
                violations
                    .push(format!("{} names {thing}, which is for {user} alone", source.path));
            }
        }
    }
    check("a package is used outside its place", violations);
}

#[test]
fn unsafe_code_has_one_place() {
    let word = Regex::new(r"\bunsafe\s*(\{|fn\b|impl\b|extern\b|trait\b)").unwrap();
    let users: Vec<_> = sources()
        .into_iter()
        .filter(|source| word.is_match(&source.text))
        .map(|source| source.path)
        .collect();
    assert_eq!(users, ["src/systemd/listen_fds.rs"]);
}

#[test]
fn metric_names_are_written_in_one_file() {
    let literal = Regex::new(r#""kubelet_proxy_\w"#).unwrap();
    let mut violations = Vec::new();
    for source in sources() {
        let is_home = source.path == "src/metrics/names.rs";
        for line in source.code.lines().filter(|line| !is_home && literal.is_match(line)) {
            violations.push(format!("{}: {}", source.path, line.trim()));
        }
    }
    check("a metric's name is written outside src/metrics/names.rs", violations);
}

#[test]
fn exceptions_from_lints_give_their_reason() {
    let exception = Regex::new(r"(?s)#!?\[(?:allow|expect)\(.*?\)\]").unwrap();
    let mut violations = Vec::new();
    for source in sources() {
        for found in exception.find_iter(&source.text) {
            if !found.as_str().contains("reason = \"") || found.as_str().contains("[allow(") {
                violations.push(format!("{}: {}", source.path, found.as_str()));
            }
        }
    }
    check(
        "an exception without a reason, or `allow` where `expect` would notice its end",
        violations,
    );
}

#[test]
fn files_are_named_after_what_they_hold_short_and_introduced() {
    let mut violations = Vec::new();
    for source in sources() {
        let path = &source.path;
        let words = path.trim_end_matches(".rs").split(['/', '_']);
        for word in words.filter(|word| EMPTY_NAMES.contains(&word.trim_end_matches('s'))) {
            violations.push(format!("{path}: '{word}' says nothing"));
        }
        let lines = source.text.lines().count();
        let limit = if source.room == "bin" { MAX_BINARY_LINES } else { MAX_LINES };
        if lines > limit {
            violations.push(format!("{path}: {lines} lines, more than {limit}"));
        }
        if !source.is_test && !source.text.starts_with("//! ") {
            violations.push(format!("{path}: does not begin by saying what it does"));
        }
    }
    check("a file is hard to find or to read", violations);
}
