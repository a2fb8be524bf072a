//! What the program is asked to do: `run`, which may be left out, or one of the verbs beside it.
//!
//! `run` has Go's flag style (`args.rs`), the others are ordinary. A process that serves never builds
//! the description of the other verbs: only their names are looked at.

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

use clap::{Command, CommandFactory, FromArgMatches, Parser, Subcommand};

use super::exit_code::Exit;
use super::terminal::complain;
use super::verb_error::VerbError;
use super::{
    args, check_policy, completions, diff, digest, explain, fetch_token, gen_certificates,
    gen_kubeconfig, generate, man, measure, replay, run, sign, status, test, verify, why_refused,
};
use crate::kubelet_proxy::config::{RunError, RunOptions};
use crate::sandbox::{Needs, Sandboxed};
use crate::systemd::listen_fds::InheritedSockets;

/// The verb that serves, and that is meant where none is written.
const RUN: &str = "run";

/// What the program does under the name of a kubectl plugin.
const KUBECTL_PLUGIN: &str = "kubectl-why_refused";
const WHY_REFUSED: &str = "why-refused";

#[derive(Debug, Parser)]
#[command(
    name = "kubelet-proxy",
    version,
    about = "Decides which pods may run on this node, whatever the API server sends",
    max_term_width = 100
)]
struct Verbs {
    #[command(subcommand)]
    verb: Verb,
}

/// The verbs beside `run`, in the order in which an operator meets them.
#[derive(Debug, Subcommand)]
#[command(disable_help_subcommand = false)]
enum Verb {
    CheckPolicy(check_policy::Arguments),
    Explain(explain::Arguments),
    Test(test::Arguments),
    Generate(generate::Arguments),
    Diff(diff::Arguments),
    Replay(replay::Arguments),
    Digest(digest::Arguments),
    WhyRefused(why_refused::Arguments),
    Sign(sign::Arguments),
    Verify(verify::Arguments),
    GenCertificates(gen_certificates::Arguments),
    GenKubeconfig(gen_kubeconfig::Arguments),
    FetchToken(fetch_token::Arguments),
    Measure(measure::Arguments),
    Status(status::Arguments),
    Completions(completions::Arguments),
    Man(man::Arguments),
}

/// The program: `arguments` with the program's name first, and the role in its two steps, which
/// `run` tells apart.
pub fn main<P, R, S, F>(
    arguments: impl IntoIterator<Item = OsString>,
    prepare: P,
    serve: S,
) -> ExitCode
where
    P: FnOnce(RunOptions, InheritedSockets) -> Result<(R, Needs), RunError>,
    S: FnOnce(R, Sandboxed) -> F,
    F: Future<Output = Result<(), RunError>>,
{
    let arguments = with_verb_of_name(arguments.into_iter().collect());
    let exit = match arguments.first() {
        Some(word) if is_other_verb(word) => other_verb(arguments),
        Some(_) | None => run::execute(arguments, prepare, serve),
    };
    exit.into()
}

/// Arguments without the program's name, or with the verb that the name stands for: kubectl runs a plugin
/// by a file of its name.
fn with_verb_of_name(mut arguments: Vec<OsString>) -> Vec<OsString> {
    let name = arguments.first().map(Path::new).and_then(Path::file_name);
    if name.is_some_and(|name| name == KUBECTL_PLUGIN) {
        arguments.splice(..1, [OsString::from(WHY_REFUSED)]);
    } else if !arguments.is_empty() {
        arguments.remove(0);
    }
    arguments
}

/// A first word that is neither a flag nor `run`. What is not a verb either is for clap to refuse, with
/// a suggestion.
fn is_other_verb(word: &OsString) -> bool {
    word != RUN && !word.as_encoded_bytes().starts_with(b"-") && !word.is_empty()
}

fn other_verb(arguments: Vec<OsString>) -> Exit {
    let mut command = with_run(Verbs::command());
    let name = OsString::from(command.get_name());
    let parsed = command
        .try_get_matches_from_mut(std::iter::once(name).chain(arguments))
        .and_then(|matches| Verbs::from_arg_matches(&matches));
    let done = match parsed {
        Ok(Verbs { verb }) => verb.execute(),
        Err(answer) => {
            // Ignored: nobody is there to be told that nobody is there to be told.
            let _ = answer.print();
            return if answer.use_stderr() { Exit::Usage } else { Exit::Success };
        }
    };
    done.unwrap_or_else(|error| {
        complain(&error.to_string());
        error.exit()
    })
}

impl Verb {
    fn execute(&self) -> Result<Exit, VerbError> {
        match self {
            Self::CheckPolicy(arguments) => check_policy::execute(arguments),
            Self::Explain(arguments) => explain::execute(arguments),
            Self::Test(arguments) => test::execute(arguments),
            Self::Generate(arguments) => generate::execute(arguments),
            Self::Diff(arguments) => diff::execute(arguments),
            Self::Replay(arguments) => replay::execute(arguments),
            Self::Digest(arguments) => digest::execute(arguments),
            Self::WhyRefused(arguments) => why_refused::execute(arguments),
            Self::Sign(arguments) => sign::execute(arguments),
            Self::Verify(arguments) => verify::execute(arguments),
            Self::GenCertificates(arguments) => gen_certificates::execute(arguments),
            Self::GenKubeconfig(arguments) => gen_kubeconfig::execute(arguments),
            Self::FetchToken(arguments) => fetch_token::execute(arguments),
            Self::Measure(arguments) => measure::execute(arguments),
            Self::Status(arguments) => status::execute(arguments),
            Self::Completions(arguments) => completions::execute(arguments, whole()),
            Self::Man(arguments) => man::execute(arguments, whole()),
        }
    }
}

/// `run` among the verbs, for help. It is never parsed here: [`main`] has seen to it.
fn with_run(command: Command) -> Command {
    let run = args::command().name(RUN).about("Serve kubelets; the verb may be left out");
    let verbs: Vec<_> = command.get_subcommands().map(|verb| verb.get_name().to_owned()).collect();
    let mut command = command.subcommand(run.display_order(0));
    for (index, verb) in verbs.into_iter().enumerate() {
        command = command.mut_subcommand(verb, |it| it.display_order(index.saturating_add(1)));
    }
    command
}

/// Everything that can be written, for completions and manual pages: the verbs, and the flags of `run`
/// without it.
fn whole() -> Command {
    let verbs = with_run(Verbs::command());
    let verbs: Vec<_> = verbs.get_subcommands().cloned().collect();
    args::command().subcommands(verbs).disable_help_subcommand(true)
}

#[cfg(test)]
mod tests;
