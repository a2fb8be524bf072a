//! `verify`: would a node that trusts these keys run these pods by what they carry?
//!
//! Offline, with the engine that decides. Which node and when can be said; by default it is the pod's
//! own node, now.

use std::path::PathBuf;

use super::exit_code::Exit;
use super::input::PodSetting;
use super::signers::Signers;
use super::terminal::say;
use super::verb_error::VerbError;
use crate::policy_tools::judge::{self, judge};

/// Verify the signed policies that pods carry
///
/// Says of each pod whether a node that trusts the certificates would run it, or why not, in the words
/// that the pod's status would show. With a policy, its rules decide first, as on the node.
#[derive(Debug, clap::Args)]
#[command(mut_arg("certs", |certs| certs.required(true).hide_short_help(false)))]
#[command(after_long_help = "\
Examples:
  kubelet-proxy verify --cert signer.crt pod.yaml
  kubectl get deployment web -o json | kubelet-proxy verify --cert signer.crt -
  On another node, next year:
    kubelet-proxy verify --cert signer.crt --node edge-2 --now 2027-11-01T00:00:00Z pod.yaml

Exit codes: 0 all pods would run, 1 some would not, 64 usage, 78 a file cannot be used.")]
pub(super) struct Arguments {
    /// Manifests, YAML or JSON; - is standard input
    #[arg(required = true, value_name = "MANIFEST")]
    manifests: Vec<PathBuf>,
    #[command(flatten)]
    signers: Signers,
    /// The policy that the node has beside the certificates [default: none]
    #[arg(long, value_name = "FILE")]
    admission_policy: Option<PathBuf>,
    #[command(flatten)]
    setting: PodSetting,
}

pub(super) fn execute(arguments: &Arguments) -> Result<Exit, VerbError> {
    let moment = arguments.setting.moment();
    let policy = match &arguments.admission_policy {
        Some(file) => arguments.signers.policy(file, moment.now)?,
        None => arguments.signers.alone(moment.now)?,
    };
    let mut exit = Exit::Success;
    for offered in arguments.setting.pods(&arguments.manifests)? {
        let judgement = judge(&policy, &offered.pod, &moment);
        let title = judge::title(&offered.pod);
        let word = if judgement.is_allowed { "ok" } else { "denied" };
        say(&format!("{title} ({}): {word}, {}", offered.source, judgement.reason))?;
        if !judgement.is_allowed {
            exit = Exit::Failure;
        }
    }
    Ok(exit)
}
