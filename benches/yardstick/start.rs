//! How long a start takes with the largest policy there may be: from the program's start to its first
//! accepted connection, with a policy of version 2 of just under 1 MB.

use std::fmt::Write as _;

use nodeward::policy::MAX_POLICY_BYTES;
use tokio::time::Instant;

use crate::Failure;
use crate::arguments::{Arguments, Target};
use crate::pki::write_private;
use crate::report::{Report, Row};
use crate::stage::{Stage, free_address};

/// As many as a document may have.
const RULES: usize = 1000;
/// One rule in so many has an expression, and one a regular expression.
const EXPRESSION_EVERY: usize = 10;
const REGEX_EVERY: usize = 4;
const FILE: &str = "large.json";

/// Starts the proxy once per round.
pub(crate) fn measure(
    stage: &Stage,
    arguments: &Arguments,
    report: &mut Report,
) -> Result<(), Failure> {
    const MICROSECONDS: f64 = 1e6;
    let policy = policy()?;
    eprintln!("yardstick: starting with a policy of {} bytes", policy.len());
    write_private(&stage.dir, FILE, &policy);
    let server = stage.api_server(1, 0)?;
    for _ in 0..arguments.rounds {
        let address = free_address()?;
        let start = Instant::now();
        let mut program = stage.kubelet_proxy(address, server.address, FILE)?;
        program.wait_listening(address)?;
        report.add(Row::Start, Target::OursV2, start.elapsed().as_secs_f64() * MICROSECONDS);
        program.stop()?;
    }
    Ok(())
}

/// Rules as long as the limits of document and number of rules let them be.
fn policy() -> Result<String, std::fmt::Error> {
    let mut rules = String::new();
    for number in 0..RULES {
        let separator = if number == 0 { "" } else { "," };
        if number % EXPRESSION_EVERY == 0 {
            write!(
                rules,
                r#"{separator}{{"name":"deny-{number}","action":"deny","match":{{"namespaces":["team-{number}"]}},"cel":[{{"expression":"object.spec.containers.exists(c, has(c.args) && c.args.exists(a, a.startsWith('--{number}')))"}}]}}"#
            )?;
            continue;
        }
        let value = if number % REGEX_EVERY == 1 {
            format!(r#"{{"regex":"[a-z]{{1,20}}-{number}"}}"#)
        } else {
            format!(r#""value-{number}""#)
        };
        let mut env = String::new();
        for variable in 0..16 {
            let comma = if variable == 0 { "" } else { "," };
            let value = if variable == 0 { value.as_str() } else { r#""one of many values""# };
            write!(env, r#"{comma}{{"name":"VARIABLE_{variable:03}","value":{value}}}"#)?;
        }
        write!(
            rules,
            r#"{separator}{{"name":"allow-{number}","action":"allow","match":{{"namespaces":["team-{number}"]}},"permit":{{"containers":[{{"images":{{"repositories":["registry.example/team-{number}/*"]}},"env":[{env}]}}]}}}}"#
        )?;
    }
    let text = format!(
        r#"{{"apiVersion":"nodeward.dev/v2","kind":"NodePolicy","name":"large","rules":[{rules}]}}"#
    );
    assert!(text.len() <= MAX_POLICY_BYTES, "{} bytes", text.len());
    Ok(text)
}
