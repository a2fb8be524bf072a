//! `docs/reference/verification.md` names tests: each must be there, and no VM test be left out.

use std::collections::BTreeSet;
use std::fs::read_dir;
use std::path::Path;

const PAGE: &str = include_str!("../docs/reference/verification.md");
const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// What stands between backticks in the table, by column from 0.
fn quoted(column: usize) -> BTreeSet<&'static str> {
    let rows = PAGE.lines().filter(|line| line.starts_with("| "));
    let cells = rows.filter_map(|row| row.split(" | ").nth(column));
    cells.flat_map(|cell| cell.split('`').skip(1).step_by(2)).collect()
}

#[test]
fn every_test_that_is_named_is_there() {
    let named: BTreeSet<_> =
        quoted(1).into_iter().filter(|name| name.starts_with("tests/")).collect();
    assert!(named.len() > 5, "{named:?}");
    for name in named {
        assert!(Path::new(ROOT).join(name).exists(), "{name} is not there");
    }
}

#[test]
fn every_vm_test_is_named_and_there() {
    let files = read_dir(Path::new(ROOT).join("vm-tests")).unwrap();
    let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
    let tests: BTreeSet<_> = names
        .filter_map(|name| name.strip_suffix(".nix").map(str::to_owned))
        .filter(|name| !["default", "demo", "promise"].contains(&name.as_str()))
        .collect();
    let checks = ["module-evaluation", "unit-score", "reproducible"];
    let named: BTreeSet<_> =
        quoted(2).into_iter().filter(|name| !checks.contains(name)).map(str::to_owned).collect();
    assert_eq!(named, tests);
}
