//! `docs/reference/assurance.md` names a test for each past fail-open: each must be there.

use std::fs::read_to_string;
use std::path::Path;

const PAGE: &str = include_str!("../docs/reference/assurance.md");
const REFERENCE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/reference");

/// The rows of all tables, as cells.
fn rows() -> Vec<Vec<&'static str>> {
    let rows =
        PAGE.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| what let"));
    rows.map(|row| row.trim_matches('|').split(" | ").map(str::trim).collect()).collect()
}

/// The links of a cell: text and target.
fn links(cell: &str) -> Vec<(&str, &str)> {
    let links = cell.split("[").skip(1);
    links.filter_map(|link| link.strip_suffix(", ").unwrap_or(link).split_once("](")).collect()
}

#[test]
fn every_row_names_a_test_and_every_test_is_there() {
    let rows = rows();
    assert!(rows.len() > 30, "{}", rows.len());
    for row in rows {
        let [_, _, tests] = row.as_slice() else { panic!("not three cells: {row:?}") };
        let named = links(tests);
        assert!(!named.is_empty(), "no test in {row:?}");
        for (name, target) in named {
            let file = Path::new(REFERENCE).join(target.trim_end_matches(')'));
            let text =
                read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
            let found = [format!("fn {name}("), format!("\"{name}\"")]
                .iter()
                .any(|as_written| text.contains(as_written));
            assert!(found, "{} has no test {name}", file.display());
        }
    }
}
