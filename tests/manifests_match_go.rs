//! YAML of manifests against kubectl's reader: what is taken here means the same there.
//!
//! It does not ask that we take all that kubectl takes: keys that appear twice, tags and the like are
//! refused on purpose.

#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "test code, which clippy recognises only in unit tests"
)]

#[path = "support/go.rs"]
mod go;

use std::fmt::Write as _;
use std::io::Write as _;
use std::process::{Command, Stdio};

use nodeward::manifest;
use proptest::prelude::Strategy;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::Value;

/// Plain scalars, numbers as long as serde_json reads them exactly: of these characters most numbers, booleans and times of YAML 1.1 and 1.2 are made.
const SCALARS: &str = "[-+]?[0-9a-fxobeE_.:~yYnNtTzZ-]{0,7}|(yes|no|on|off|true|false|null|~|y|n)[a-z]?|(Yes|NO|On|TRUE|Null)|[0-9]{1,4}(Mi|m|Gi|e3)?|0[0-9]{1,4}|0[xob][0-9a-f_]{1,4}|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}|[0-9]{1,2}:[0-9]{2}(:[0-9]{2})?|[-+]?[0-9]{15,18}";

const COUNT: usize = 20_000;

/// Fewer, and the comparison says little.
const LEAST_TAKEN: usize = 18_000;

/// Documents whose structure two readers could take differently.
const DOCUMENTS: [&str; 20] = [
    "a: |\n  x\n   y\n\n",
    "a: |-\n  x\n",
    "a: |+\n  x\n\n",
    "a: >\n  x\n  y\n\n  z\n",
    "a: >-\n  x\n    y\n",
    "a: \"x\\ty\\u00e9\\n\"\n",
    "a: 'it''s'\n",
    "a: x y\n  z\n",
    "a: &x {b: 1}\nc: *x\n",
    "a: &x {b: 1}\nc: {<<: *x, d: 2}\n",
    "a: &x {b: 1}\nc: {<<: [*x, {b: 2, e: 3}]}\n",
    "a: [1, two, {three: 3}]\n",
    "- a\n- b: c\n  d: e\n",
    "a:\n- b\n- c\n",
    "{\"a\": \"b\", c: [d]}\n",
    "a: #comment\n  b\n",
    "a: b#c\n",
    "80: x\n",
    "a: !!str 12\n",
    "a: ? \n",
];

fn documents() -> Vec<String> {
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let scalars = proptest::string::string_regex(SCALARS).unwrap();
    let mut texts: Vec<_> = DOCUMENTS.iter().map(|&document| document.to_owned()).collect();
    texts.resize_with(COUNT, || {
        let scalar = scalars.new_tree(&mut runner).unwrap().current();
        format!("a: {scalar}\n")
    });
    texts
}

/// What kubectl makes of each document; `None` if it refuses it.
fn answers(documents: &[String]) -> Vec<Option<Value>> {
    let mut child = Command::new(go::build("yaml", None, "yaml"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut requests = String::new();
    for document in documents {
        writeln!(requests, "{}", Value::from(document.as_str())).unwrap();
    }
    let mut stdin = child.stdin.take().expect("is piped");
    // It answers while it is asked: one thread alone would wait for it while it waits to be heard.
    let asking = std::thread::spawn(move || stdin.write_all(requests.as_bytes()).unwrap());
    let output = child.wait_with_output().unwrap();
    asking.join().unwrap();
    let lines = String::from_utf8(output.stdout).unwrap();
    let answer =
        |line: &str| line.strip_prefix('+').map(|json| serde_json::from_str(json).unwrap());
    lines.lines().map(answer).collect()
}

#[test]
fn what_is_taken_means_what_it_means_to_kubectl() {
    let documents = documents();
    let answers = answers(&documents);
    assert_eq!(answers.len(), documents.len());
    let mut differences = Vec::new();
    let mut taken = 0;
    for (document, answer) in documents.iter().zip(answers) {
        let Ok(mut found) = manifest::read(document.as_bytes()) else { continue };
        let Some(found) = found.pop() else { continue };
        taken += 1;
        if answer.as_ref() != Some(&found.value) {
            differences.push(format!("{document:?}: {} here, {answer:?} there", found.value));
        }
    }
    assert!(taken >= LEAST_TAKEN, "{taken} of {COUNT}");
    differences.truncate(30);
    assert!(differences.is_empty(), "{differences:#?}");
}
