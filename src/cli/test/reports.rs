//! How cases went, for people and for the machines that show it to them.

use serde_json::{Value, json};

use super::Suite;
use crate::audit::escape::escaped;
use crate::cli::annotations::{Severity, annotation};

/// Longer than any name or failure that says something. Cut before it is quoted, never after: half an
/// attribute is no XML.
const MAX_ATTRIBUTE_CHARS: usize = 2000;

/// A line a file, a line a failure, and the total.
pub(super) fn text(suites: &[Suite]) -> Vec<String> {
    let mut lines = Vec::new();
    for suite in suites {
        for outcome in &suite.outcomes {
            for failure in &outcome.failures {
                lines.push(format!("FAIL {}: {}: {failure}", suite.file, outcome.name));
            }
        }
    }
    for suite in suites {
        lines.push(format!("{}: {}", suite.file, count(suite.outcomes.len(), suite.failed())));
    }
    if suites.len() > 1 {
        let (all, failed) = total(suites);
        lines.push(format!("total: {}", count(all, failed)));
    }
    lines
}

/// The whole report in one document.
pub(super) fn json(suites: &[Suite]) -> Value {
    let (all, failed) = total(suites);
    let files = suites.iter().map(|suite| {
        let cases = suite.outcomes.iter().map(|outcome| {
            json!({"name": outcome.name, "passed": outcome.failures.is_empty(),
                "failures": outcome.failures})
        });
        json!({"file": suite.file, "cases": cases.collect::<Vec<_>>()})
    });
    json!({"cases": all, "failed": failed, "files": files.collect::<Vec<_>>()})
}

/// An annotation a failure; case files are not searched for the line.
pub(super) fn github(suites: &[Suite]) -> Vec<String> {
    let failures = suites.iter().flat_map(|suite| {
        suite.outcomes.iter().flat_map(move |outcome| {
            outcome.failures.iter().map(move |failure| {
                let message = format!("{}: {failure}", outcome.name);
                annotation(Severity::Error, &suite.file, 1, &message)
            })
        })
    });
    failures.collect()
}

/// JUnit's XML, whole.
pub(super) fn junit(suites: &[Suite]) -> String {
    let (all, failed) = total(suites);
    let mut lines = vec![
        r#"<?xml version="1.0" encoding="UTF-8"?>"#.to_owned(),
        format!(r#"<testsuites tests="{all}" failures="{failed}">"#),
    ];
    for suite in suites {
        let (file, all, failed) = (xml(&suite.file), suite.outcomes.len(), suite.failed());
        lines.push(format!(r#"  <testsuite name="{file}" tests="{all}" failures="{failed}">"#));
        for outcome in &suite.outcomes {
            let case = format!(r#"    <testcase classname="{file}" name="{}""#, xml(&outcome.name));
            if outcome.failures.is_empty() {
                lines.push(format!("{case}/>"));
                continue;
            }
            lines.push(format!("{case}>"));
            for failure in &outcome.failures {
                lines.push(format!(r#"      <failure message="{}"/>"#, xml(failure)));
            }
            lines.push("    </testcase>".to_owned());
        }
        lines.push("  </testsuite>".to_owned());
    }
    lines.push("</testsuites>\n".to_owned());
    lines.join("\n")
}

fn total(suites: &[Suite]) -> (usize, usize) {
    let all = suites.iter().map(|suite| suite.outcomes.len()).sum();
    (all, suites.iter().map(Suite::failed).sum())
}

fn count(all: usize, failed: usize) -> String {
    match failed {
        0 => format!("{all} passed"),
        _ => format!("{} passed, {failed} failed", all.saturating_sub(failed)),
    }
}

/// Text for an attribute, cut and escaped for whoever looks at it. Characters that XML has no way to
/// write become `?`.
fn xml(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in escaped(text, MAX_ATTRIBUTE_CHARS).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\u{fffe}' | '\u{ffff}' => out.push('?'),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy_tools::cases::Outcome;

    fn suites() -> Vec<Suite> {
        let outcome = |name: &str, failures: &[&str]| Outcome {
            name: name.to_owned(),
            failures: failures.iter().map(|&failure| failure.to_owned()).collect(),
        };
        let outcomes = vec![outcome("a", &[]), outcome("b \"<\u{1}", &["x & y"])];
        vec![Suite { file: "p.test.json".to_owned(), outcomes }]
    }

    #[test]
    fn each_report_tells_what_failed() {
        let suites = suites();
        let lines = text(&suites);
        assert_eq!(lines[0], "FAIL p.test.json: b \"<\u{1}: x & y");
        assert_eq!(lines[1], "p.test.json: 1 passed, 1 failed");
        assert_eq!(json(&suites)["failed"], 1);
        assert_eq!(json(&suites)["files"][0]["cases"][1]["failures"][0], "x & y");
        assert!(github(&suites)[0].starts_with("::error file=p.test.json,line=1::b "));
    }

    #[test]
    fn no_text_leaves_its_attribute() {
        let lines = junit(&suites());
        assert!(lines.contains(r#"name="b &quot;&lt;\u{1}">"#), "{lines}");
        assert!(lines.contains(r#"<failure message="x &amp; y"/>"#), "{lines}");
        assert!(lines.contains(r#"tests="2" failures="1""#), "{lines}");
    }

    #[test]
    fn what_is_long_or_no_character_of_xml_leaves_the_document_whole() {
        let long = format!("{}\u{fffe}\u{ffff}\u{202e}{}", "\"".repeat(1000), "<".repeat(5000));
        let outcomes = vec![Outcome { name: long.clone(), failures: vec![long] }];
        let document = junit(&[Suite { file: "p".to_owned(), outcomes }]);
        assert!(document.ends_with("</testsuites>\n"), "{document}");
        assert!(document.contains(r"&quot;??\u{202e}&lt;"), "{document}");
        for line in document.lines() {
            let quotes = line.matches('"').count();
            assert!(quotes % 2 == 0 && line.ends_with('>'), "{line}");
        }
    }
}
