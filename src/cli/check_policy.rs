//! `check-policy`: would `run` load these policies, and what should their author look at?
//!
//! Reads them with the engine that decides. Whose the files are does not matter here: a build checks a
//! policy in its sandbox, long before root owns it; `run` looks at that.

use std::path::{Path, PathBuf};

use clap::ValueEnum;
use serde_json::{Value, json};

use super::annotations::{Severity, annotation};
use super::exit_code::Exit;
use super::input;
use super::signers::{Signers, note_missing};
use super::terminal::{complain, give_json, say};
use super::verb_error::VerbError;
use crate::policy::signed::trust::TrustedKeys;
use crate::policy::{LoadedPolicy, MAX_POLICY_BYTES, Policy, PolicyWarning, WarningKind};

/// Check policies without running them
///
/// Says of each whether `run` would load it, with its name, number of rules and digest, and warns of
/// what its author may not have meant: rules that are never reached, patterns that match more than they
/// say, quirks of the seed's language. Who owns the files does not matter here.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  kubelet-proxy check-policy policy.json
  kubelet-proxy check-policy --strict --format github policy.json
  kubelet-proxy check-policy - < policy.json
  kubelet-proxy check-policy --policy-verification-cert signer.crt policy.json

Exit codes: 0 all would load, 1 some warn (with --strict), 64 usage, 78 some would not load.")]
pub(super) struct Arguments {
    /// Policies, JSON; - is standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Warnings are findings too
    #[arg(long)]
    strict: bool,
    /// Lines for people, one JSON document, or annotations of a GitHub workflow
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: Format,
    #[command(flatten)]
    signers: Signers,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Json,
    Github,
}

/// One file and what came of it.
struct Checked {
    file: String,
    loaded: Result<LoadedPolicy, Refused>,
}

/// Why a policy does not load.
struct Refused {
    line: usize,
    problem: String,
}

pub(super) fn execute(arguments: &Arguments) -> Result<Exit, VerbError> {
    let keys = arguments.signers.keys(input::clock())?;
    let checked: Vec<_> = arguments.files.iter().map(|file| check(file, keys.as_ref())).collect();
    match arguments.format {
        Format::Text => checked.iter().try_for_each(Checked::say)?,
        Format::Github => checked.iter().try_for_each(Checked::annotate)?,
        Format::Json => {
            let files: Vec<_> = checked.iter().map(Checked::json).collect();
            give_json(&json!({ "files": files }))?;
        }
    }
    let warns = |one: &Checked| one.loaded.as_ref().is_ok_and(|it| !it.warnings.is_empty());
    // As `run` ends with such a file.
    if checked.iter().any(|one| one.loaded.is_err()) {
        return Ok(Exit::BadConfiguration);
    }
    Ok(if arguments.strict && checked.iter().any(warns) { Exit::Failure } else { Exit::Success })
}

fn check(file: &Path, keys: Option<&TrustedKeys>) -> Checked {
    let name = file.display().to_string();
    let loaded = match input::read(file, MAX_POLICY_BYTES) {
        Ok(text) => Policy::parse(&text)
            .map(|loaded| beside(keys, &name, &text, loaded))
            .map_err(|error| Refused { line: error.line(), problem: error.to_string() }),
        Err(error) => {
            let problem = error.to_string();
            let problem = problem.strip_prefix(&format!("{name}: ")).unwrap_or(&problem);
            Err(Refused { line: 1, problem: problem.to_owned() })
        }
    };
    Checked { file: name, loaded }
}

/// As a node has it that is given these keys.
fn beside(
    keys: Option<&TrustedKeys>,
    file: &str,
    text: &[u8],
    loaded: LoadedPolicy,
) -> LoadedPolicy {
    let LoadedPolicy { policy, mut warnings } = loaded;
    let Some(keys) = keys else {
        note_missing(&policy, file);
        return LoadedPolicy { policy, warnings };
    };
    let policy = policy.and_signed(keys.clone());
    if policy.overrules_default() {
        let key = "defaultAction";
        let text = String::from_utf8_lossy(text);
        let line = text.lines().position(|line| line.contains(&format!("\"{key}\"")));
        warnings.push(PolicyWarning {
            kind: WarningKind::Odd,
            path: key.to_owned(),
            line: line.unwrap_or_default().saturating_add(1),
            problem: "counts as \"deny\" beside the certificates: pods that no rule allows need a \
                      signature; write \"deny\", and rules for the others"
                .to_owned(),
        });
    }
    LoadedPolicy { policy, warnings }
}

impl Checked {
    fn say(&self) -> Result<(), VerbError> {
        let name = &self.file;
        let loaded = match &self.loaded {
            Ok(loaded) => loaded,
            Err(refused) => {
                complain(&format!("{name}: {}", refused.problem));
                return Ok(());
            }
        };
        let policy = &loaded.policy;
        let rules = policy.rule_count();
        let rules = if rules == 1 { "1 rule".to_owned() } else { format!("{rules} rules") };
        say(&format!("{name}: ok, policy {}, {rules}, sha256:{}", policy.name(), policy.digest()))?;
        for warning in &loaded.warnings {
            say(&format!("{name}: warning: {warning}"))?;
        }
        Ok(())
    }

    fn annotate(&self) -> Result<(), VerbError> {
        match &self.loaded {
            Err(refused) => {
                say(&annotation(Severity::Error, &self.file, refused.line, &refused.problem))?;
            }
            Ok(loaded) => {
                for warning in &loaded.warnings {
                    let text = warning.to_string();
                    say(&annotation(Severity::Warning, &self.file, warning.line, &text))?;
                }
            }
        }
        Ok(())
    }

    fn json(&self) -> Value {
        match &self.loaded {
            Err(refused) => json!({"file": self.file, "loads": false,
                "error": {"line": refused.line, "problem": refused.problem}}),
            Ok(loaded) => {
                let warnings = loaded.warnings.iter().map(|warning| {
                    json!({"path": warning.path, "line": warning.line, "problem": warning.problem})
                });
                json!({"file": self.file, "loads": true, "name": loaded.policy.name(),
                    "sha256": loaded.policy.digest(), "rules": loaded.policy.rule_count(),
                    "warnings": warnings.collect::<Vec<_>>()})
            }
        }
    }
}
