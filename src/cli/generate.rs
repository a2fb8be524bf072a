//! `generate`: a policy of the second version, made of the pods that shall run.

use std::path::PathBuf;

use super::exit_code::Exit;
use super::input::PodSetting;
use super::terminal::{complain, give};
use super::verb_error::VerbError;
use crate::audit::escape;
use crate::policy_tools::generate::generate;

mod layout;

/// Make a policy that admits given pods and as little else as it can
///
/// One allow rule for each workload, with every image, command, argument, variable, mount and volume as
/// the pods have them. Images stay as they are written: where one has no digest, a note says so. The
/// policy goes to standard output, notes to standard error.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  kubelet-proxy generate web.yaml > policy.json
  kubectl get pods -A -o json | kubelet-proxy generate --node node-1 - > policy.json

Exit codes: 0 it admits all pods, 1 some cannot be permitted, 64 usage, 78 a file cannot be used.")]
pub(super) struct Arguments {
    /// Manifests, YAML or JSON; - is standard input
    #[arg(required = true, value_name = "MANIFEST")]
    manifests: Vec<PathBuf>,
    /// The policy's name
    #[arg(long, value_name = "NAME", default_value = "generated")]
    name: String,
    /// Handler of a runtime class that pods name; may be repeated
    #[arg(long, value_name = "CLASS=HANDLER", value_parser = read_class)]
    runtime_class: Vec<(String, String)>,
    #[command(flatten)]
    setting: PodSetting,
}

fn read_class(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((class, handler)) if !class.is_empty() && !handler.is_empty() => {
            Ok((class.to_owned(), handler.to_owned()))
        }
        Some(_) | None => Err("write CLASS=HANDLER, as the RuntimeClass object says".to_owned()),
    }
}

pub(super) fn execute(arguments: &Arguments) -> Result<Exit, VerbError> {
    let offered = arguments.setting.pods(&arguments.manifests)?;
    let pods: Vec<_> = offered.into_iter().map(|offered| offered.pod).collect();
    let classes = arguments.runtime_class.iter().cloned().collect();
    let generated = generate(&arguments.name, &pods, &classes, &arguments.setting.moment());
    for note in &generated.notes {
        complain(&format!("note: {note}"));
    }
    give(escape::json_escaped(&layout::laid_out(&generated.policy)).as_bytes())?;
    Ok(if generated.is_partial { Exit::Failure } else { Exit::Success })
}
