//! `completions`: what a shell needs to complete command lines.

use clap_complete::Shell;

use super::exit_code::Exit;
use super::terminal::give;
use super::verb_error::VerbError;

/// Print what a shell needs to complete command lines
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  kubelet-proxy completions bash > /usr/share/bash-completion/completions/kubelet-proxy")]
pub(super) struct Arguments {
    /// The shell
    shell: Shell,
}

/// clap_complete 4.6.11 spells the name of a program with a dash in two ways in its script for bash, and
/// then completes the verbs but not their flags.
const MISNAMED: &str = "kubelet__subcmd__proxy";
const NAMED: &str = "kubelet__proxy";

pub(super) fn execute(
    arguments: &Arguments,
    mut command: clap::Command,
) -> Result<Exit, VerbError> {
    let mut script = Vec::new();
    let name = command.get_name().to_owned();
    clap_complete::generate(arguments.shell, &mut command, name, &mut script);
    let script = String::from_utf8_lossy(&script).replace(MISNAMED, NAMED);
    give(script.as_bytes())?;
    Ok(Exit::Success)
}
