//! Runs the cases that every policy in `policies/` ships with.
//!
//! `<name>.test.json` lists pods as the API server would send them, and what `<name>.json` must say
//! about each. They run as `kubelet-proxy test` runs them.

#![expect(clippy::unwrap_used, reason = "a test stops at what it cannot read")]

use std::fs;
use std::path::{Path, PathBuf};

use nodeward::policy::Policy;
use nodeward::policy_tools::cases::{CaseFile, Expected};

/// All policies, each with its cases.
fn policies() -> Vec<(PathBuf, PathBuf)> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("policies");
    let files = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let is_policy = |path: &PathBuf| {
        let name = path.file_name().unwrap().to_string_lossy();
        name.ends_with(".json") && !name.ends_with(".test.json")
    };
    let cases = |path: &PathBuf| {
        let endings = ["test.json", "test.yaml"].map(|ending| path.with_extension(ending));
        endings.into_iter().find(|path| path.exists()).unwrap()
    };
    let mut policies: Vec<_> = files.filter(is_policy).map(|path| (cases(&path), path)).collect();
    policies.sort();
    policies.into_iter().map(|(cases, policy)| (policy, cases)).collect()
}

/// No case here depends on the time, unless it says which.
const NOW: i64 = 0;

fn read_time(text: &str) -> Result<i64, String> {
    let time: jiff::Timestamp = text.parse().map_err(|error| format!("{error}"))?;
    Ok(time.as_second())
}

#[test]
fn every_policy_decides_its_cases_as_declared() {
    let mut failures = Vec::new();
    for (path, cases) in policies() {
        let policy = Policy::parse(&fs::read(&path).unwrap()).unwrap().policy;
        let file = CaseFile::read(&fs::read(&cases).unwrap()).unwrap();
        for case in file.cases().unwrap() {
            let outcome = case.run(&policy, &file, NOW, read_time);
            if !outcome.failures.is_empty() {
                failures.push(format!("{}: {outcome:?}", path.display()));
            }
        }
    }
    assert!(failures.is_empty(), "{failures:#?}");
}

/// What the shipped policies warn of, on purpose: a standard forbids and permits all else; k3s is upgraded, so
/// that its images go by repository, and the arguments of its charts change with each version.
const WARNINGS: [(&str, &[&str]); 3] = [
    ("baseline.json", &["permits whatever the permit does not list"]),
    ("k3s-node.json", &["permits tags, which may", "permits any command line"]),
    ("restricted.json", &["permits whatever the permit does not list"]),
];

fn is_expected(path: &Path, warning: &str) -> bool {
    WARNINGS.iter().any(|(name, expected)| {
        path.ends_with(name) && expected.iter().any(|part| warning.contains(part))
    })
}

#[test]
fn every_policy_has_cases_for_both_verdicts_and_warns_of_what_is_known() {
    let policies = policies();
    assert!(policies.len() >= 6, "{policies:?}");
    for (path, cases) in policies {
        let loaded = Policy::parse(&fs::read(&path).unwrap()).unwrap();
        for warning in &loaded.warnings {
            assert!(is_expected(&path, &warning.problem), "{}: {warning}", path.display());
        }
        let cases = CaseFile::read(&fs::read(&cases).unwrap()).unwrap().cases().unwrap();
        for verdict in [Expected::Allow, Expected::Deny] {
            assert!(cases.iter().any(|case| case.expect == verdict), "{}", path.display());
        }
    }
}

#[test]
fn the_seed_policies_are_the_seeds_own_bytes() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("policies");
    for (name, digest) in [
        ("seed-default.json", "cea288973edf4a2b8bebf0cf8fd93dd9260d4dce785ebd1e8fab2e2340010368"),
        ("seed-strict.json", "5127c3de5c0c648d8bb94520e4320dcb2fa860c3ca17b314f9c9eeea5279750e"),
    ] {
        let policy = Policy::parse(&fs::read(directory.join(name)).unwrap()).unwrap().policy;
        assert_eq!(policy.digest(), digest, "{name}");
    }
}

/// The reference page of the policy language.
fn reference() -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/reference/policy.md"))
        .unwrap()
}

/// All sources of the room, in one text.
fn sources(directory: &Path) -> String {
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let read = |path: PathBuf| match path.is_dir() {
        true => sources(&path),
        false => fs::read_to_string(path).unwrap(),
    };
    entries.map(read).collect()
}

#[test]
fn every_test_that_the_reference_names_exists() {
    let sources = sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/policy"));
    let reference = reference();
    let is_test = |word: &&str| {
        word.matches('_').count() >= 3 && word.bytes().all(|b| b == b'_' || b.is_ascii_lowercase())
    };
    let named: Vec<_> = reference.split('`').filter(is_test).collect();
    assert!(named.len() > 25, "{named:?}");
    for name in named {
        assert!(sources.contains(&format!("fn {name}(")), "{name}");
    }
}

#[test]
fn the_example_in_the_reference_loads_without_warnings() {
    let reference = reference();
    let mut examples = reference.split("```json\n").skip(1).peekable();
    assert!(examples.peek().is_some());
    for example in examples {
        let text = example.split("```").next().unwrap();
        assert_eq!(Policy::parse(text.as_bytes()).unwrap().warnings, []);
    }
}
