//! `man`: the manual pages, from the same description as the command line itself.

use std::io;
use std::path::PathBuf;

use clap::Command;

use super::exit_code::Exit;
use super::terminal::give;
use super::verb_error::VerbError;

/// Print the manual page, or write one page a verb
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  kubelet-proxy man | man -l -
  kubelet-proxy man --directory /usr/share/man/man1")]
pub(super) struct Arguments {
    /// Write kubelet-proxy.1 and one page a verb here, in place of what is there
    #[arg(long, value_name = "DIR")]
    directory: Option<PathBuf>,
}

/// Shown at the foot of every page.
const SOURCE: &str = concat!("kubelet-proxy ", env!("CARGO_PKG_VERSION"));

/// Examples and exit codes, as clap_mangen heads them, and as they can be read: line by line.
const AFTER_HELP: &str = ".SH EXTRA\n";
const NOTES: &str = ".SH NOTES\n.nf\n";

pub(super) fn execute(arguments: &Arguments, mut command: Command) -> Result<Exit, VerbError> {
    command.build();
    match &arguments.directory {
        None => give(&page(&command)?)?,
        Some(directory) => {
            for command in std::iter::once(&command).chain(command.get_subcommands()) {
                let path = directory.join(format!("{}.1", name(command)));
                std::fs::write(&path, page(command)?)
                    .map_err(|error| VerbError::Failed(format!("{}: {error}", path.display())))?;
            }
        }
    }
    Ok(Exit::Success)
}

fn page(command: &Command) -> io::Result<Vec<u8>> {
    let mut page = Vec::new();
    clap_mangen::Man::new(command.clone()).source(SOURCE).render(&mut page)?;
    let page = String::from_utf8_lossy(&page).replace(AFTER_HELP, NOTES);
    Ok(page.into_bytes())
}

/// `kubelet-proxy-VERB`, as manual pages of verbs are called.
fn name(command: &Command) -> &str {
    command.get_display_name().unwrap_or(command.get_name())
}
