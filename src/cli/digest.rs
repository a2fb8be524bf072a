//! `digest`: what to write under `pinned` for the config maps and secrets of manifests.

use std::path::PathBuf;

use super::exit_code::Exit;
use super::input;
use super::terminal::give_json;
use super::verb_error::VerbError;
use crate::manifest::{self, MAX_MANIFEST_BYTES};
use crate::policy_tools::content;

/// Digest config maps and secrets, to pin their content in a policy
///
/// Prints the entries for the policy's `pinned`. The digest is over what the API server stores: data and
/// binaryData, neither labels nor type. Objects of other kinds are passed over.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  kubelet-proxy digest settings.yaml
  kubectl get configmap,secret -n prod -o yaml | kubelet-proxy digest -

Exit codes: 0 printed, 64 usage, 78 a file cannot be used, or there is nothing to pin.")]
pub(super) struct Arguments {
    /// Manifests, YAML or JSON; - is standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Namespace of objects that name none
    #[arg(short, long, value_name = "NAME", default_value = "default")]
    namespace: String,
}

pub(super) fn execute(arguments: &Arguments) -> Result<Exit, VerbError> {
    let mut documents = Vec::new();
    for file in &arguments.files {
        let wrong = |problem: String| VerbError::bad(format!("{}: {problem}", file.display()));
        let text = input::read(file, MAX_MANIFEST_BYTES)?;
        let found = manifest::read(&text).map_err(|error| wrong(error.to_string()))?;
        // Only to be told of the file: what is wrong with one document is wrong with it alone.
        content::pins(&found, &arguments.namespace).map_err(|error| wrong(error.to_string()))?;
        documents.extend(found);
    }
    let pins = content::pins(&documents, &arguments.namespace).map_err(VerbError::bad)?;
    if pins.as_object().is_none_or(serde_json::Map::is_empty) {
        return Err(VerbError::bad("no config map and no secret in it; give one"));
    }
    give_json(&pins)?;
    Ok(Exit::Success)
}
