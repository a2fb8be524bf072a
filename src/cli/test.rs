//! `test`: does a policy say about pods what its author declared? Case files: `docs/reference/case-files.md`.

mod reports;

use std::fs;
use std::path::{Path, PathBuf};

use clap::ValueEnum;

use super::exit_code::Exit;
use super::input;
use super::signers::Signers;
use super::terminal::{give, give_json, say};
use super::verb_error::VerbError;
use crate::manifest::MAX_MANIFEST_BYTES;
use crate::policy_tools::cases::{CaseFile, Outcome};

/// How case files are called.
const ENDINGS: [&str; 3] = [".test.json", ".test.yaml", ".test.yml"];

/// Run the cases that are declared beside policies
///
/// A case file holds pods or manifests and what the policy must say about each. A directory stands for
/// all case files in it: x.test.json, x.test.yaml and x.test.yml; each is for the policy x.json, unless it
/// names another.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  kubelet-proxy test policies
  kubelet-proxy test --format junit policies > report.xml
  kubelet-proxy test --format github policy.test.yaml
  kubelet-proxy test --policy-verification-cert signer.crt policies

Exit codes: 0 all passed, 1 some failed, 64 usage, 78 a file cannot be used.")]
pub(super) struct Arguments {
    /// Case files, or directories of them
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Lines for people, one JSON document, JUnit XML, or annotations of a GitHub workflow
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: Format,
    #[command(flatten)]
    signers: Signers,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Json,
    Junit,
    Github,
}

/// One case file, and how its cases went.
struct Suite {
    file: String,
    outcomes: Vec<Outcome>,
}

pub(super) fn execute(arguments: &Arguments) -> Result<Exit, VerbError> {
    let mut suites = Vec::new();
    for given in &arguments.files {
        for file in case_files(given)? {
            suites.push(run(&file, &arguments.signers)?);
        }
    }
    match arguments.format {
        Format::Text => reports::text(&suites).iter().try_for_each(|line| say(line))?,
        Format::Json => give_json(&reports::json(&suites))?,
        Format::Junit => give(reports::junit(&suites).as_bytes())?,
        Format::Github => reports::github(&suites).iter().try_for_each(|line| say(line))?,
    }
    let have_passed = suites.iter().all(|suite| suite.failed() == 0);
    Ok(if have_passed { Exit::Success } else { Exit::Failure })
}

impl Suite {
    fn failed(&self) -> usize {
        self.outcomes.iter().filter(|outcome| !outcome.failures.is_empty()).count()
    }
}

fn case_files(given: &Path) -> Result<Vec<PathBuf>, VerbError> {
    if !given.is_dir() {
        return Ok(vec![given.to_owned()]);
    }
    let wrong = |problem: &str| VerbError::bad(format!("{}: {problem}", given.display()));
    let entries = fs::read_dir(given).map_err(|error| wrong(&error.to_string()))?;
    let mut files = Vec::new();
    for entry in entries {
        let path = entry.map_err(|error| wrong(&error.to_string()))?.path();
        if stem(&path).is_some() {
            files.push(path);
        }
    }
    files.sort();
    match files.is_empty() {
        true => Err(wrong("no case file in it; name one x.test.json or x.test.yaml")),
        false => Ok(files),
    }
}

/// `x` of `x.test.json`.
fn stem(path: &Path) -> Option<&str> {
    let name = path.file_name()?.to_str()?;
    ENDINGS.iter().find_map(|ending| name.strip_suffix(ending))
}

fn run(path: &Path, signers: &Signers) -> Result<Suite, VerbError> {
    let wrong = |problem: String| VerbError::bad(format!("{}: {problem}", path.display()));
    let file = CaseFile::read(&input::read(path, MAX_MANIFEST_BYTES)?).map_err(wrong)?;
    let cases = file.cases().map_err(wrong)?;
    let policy = match (&file.policy, stem(path)) {
        (Some(policy), _) => path.with_file_name(policy),
        (None, Some(stem)) => path.with_file_name(format!("{stem}.json")),
        (None, None) => {
            let problem = "names no policy; write `policy`, or call the file x.test.json";
            return Err(wrong(problem.to_owned()));
        }
    };
    let now = input::clock();
    let moment = file.now.as_deref().map_or(Ok(now), input::read_time).map_err(wrong)?;
    let certs = file.certs.iter().map(|cert| path.with_file_name(cert));
    let policy = signers.and(certs).policy(&policy, moment)?;
    let outcomes = cases.iter().map(|case| case.run(&policy, &file, now, input::read_time));
    Ok(Suite { file: path.display().to_string(), outcomes: outcomes.collect() })
}
