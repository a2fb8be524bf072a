//! `sign`: a policy for a pod and a private key, turned into the annotations that carry both.
//!
//! For a build machine, not for a node: who has the key decides what runs on every node that trusts it.

mod signing_key;

use std::path::{Path, PathBuf};

use clap::ValueEnum;
use serde_json::json;

use super::exit_code::Exit;
use super::input::read;
use super::terminal::{complain, give};
use super::verb_error::VerbError;
use crate::policy::MAX_POLICY_BYTES;
use crate::policy::signed::signing::Unsigned;
use signing_key::SigningKey;

/// Sign a policy for a pod
///
/// Reads a policy of either format (an array is the seed's, an object the bound one), checks it as a
/// node would, and prints the two annotations that a pod has to carry.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  Annotate a pod that is not created yet:
    kubelet-proxy sign policy.json --key key.pem | \\
      kubectl patch --local -f pod.json --type merge --patch-file /dev/stdin -o json
  The same for the pods of a Deployment:
    kubelet-proxy sign policy.json --key key.pem --output template-patch

Keys: ECDSA on P-256 or P-521, RSA of 2048 bits or more; PEM, not encrypted.
Exit codes: 0 signed, 64 usage, 78 policy or key unusable.")]
pub(super) struct Arguments {
    /// The policy, JSON; - is standard input
    #[arg(value_name = "FILE")]
    policy: PathBuf,
    /// The private key, PEM
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// What is printed
    #[arg(long, value_name = "FORM", default_value = "patch")]
    output: Form,
}

/// How the annotations are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Form {
    /// A merge patch for a Pod
    Patch,
    /// A merge patch for what has a pod template
    TemplatePatch,
    /// One KEY=VALUE a line, as kubectl annotate takes them
    Annotations,
}

pub(super) fn execute(arguments: &Arguments) -> Result<Exit, VerbError> {
    let Arguments { policy, key, output } = arguments;
    let at = |path: &Path| format!("{}: ", path.display());
    let key = SigningKey::read(key)?;
    let text = read(policy, MAX_POLICY_BYTES)?;
    let unsigned = Unsigned::new(&text, key.id())
        .map_err(|error| VerbError::BadConfiguration(at(policy) + &error.to_string()))?;
    let annotations = unsigned.annotations(&key.sign(unsigned.message())?);
    complain(&format!("signed by key {}, policy sha256:{}", key.id(), unsigned.digest()));
    give(output.print(&annotations).as_bytes())?;
    Ok(Exit::Success)
}

impl Form {
    fn print(self, annotations: &[(&str, String); 2]) -> String {
        let [(policy, text), (key, signature)] = annotations;
        let metadata = json!({ "metadata": { "annotations": { *policy: text, *key: signature } } });
        match self {
            Self::Patch => format!("{metadata}\n"),
            Self::TemplatePatch => {
                let template = json!({ "spec": { "template": metadata } });
                format!("{template}\n")
            }
            Self::Annotations => format!("{policy}={text}\n{key}={signature}\n"),
        }
    }
}
