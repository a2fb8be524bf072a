//! `check-policy`: would `run` load these policies, and what should their author look at?
//!
//! Reads them with the engine that decides. Whose the files are does not matter here: a build checks a
//! policy in its sandbox, long before root owns it; `run` looks at that.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::exit_code::Exit;
use super::terminal::{complain, say};
use super::verb_error::VerbError;
use crate::policy::{MAX_POLICY_BYTES, Policy};

/// Stands for standard input.
const STANDARD_INPUT: &str = "-";

/// Check policies without running them
///
/// Says of each whether `run` would load it, with its name, number of rules and digest, and warns of
/// what its author may not have meant. Who owns the files does not matter here.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  kubelet-proxy check-policy /etc/kubelet-proxy/policy.json
  generate-policy | kubelet-proxy check-policy -

Exit codes: 0 all would load, 1 some would not, 64 usage.")]
pub(super) struct Arguments {
    /// Policies, JSON; - is standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
}

pub(super) fn execute(arguments: &Arguments) -> Result<Exit, VerbError> {
    let mut exit = Exit::Success;
    for file in &arguments.files {
        let name = file.display();
        let loaded = read(file)
            .map_err(|error| error.to_string())
            .and_then(|text| Policy::parse(&text).map_err(|error| error.to_string()));
        let loaded = match loaded {
            Ok(loaded) => loaded,
            Err(problem) => {
                complain(&format!("{name}: {problem}"));
                exit = Exit::Failure;
                continue;
            }
        };
        let policy = &loaded.policy;
        let rules = policy.rule_count();
        let rules = if rules == 1 { "1 rule".to_owned() } else { format!("{rules} rules") };
        say(&format!("{name}: ok, policy {}, {rules}, sha256:{}", policy.name(), policy.digest()))?;
        for warning in &loaded.warnings {
            say(&format!("{name}: warning: {warning}"))?;
        }
    }
    Ok(exit)
}

/// One byte more than the engine takes, so that it can say what is wrong.
fn read(file: &Path) -> io::Result<Vec<u8>> {
    let reader: Box<dyn Read> = if file == Path::new(STANDARD_INPUT) {
        Box::new(io::stdin())
    } else {
        Box::new(File::open(file)?)
    };
    let limit = u64::try_from(MAX_POLICY_BYTES).unwrap_or(u64::MAX).saturating_add(1);
    let mut text = Vec::new();
    reader.take(limit).read_to_end(&mut text)?;
    Ok(text)
}
