//! `measure`: the policy and the binary, told to the TPM before the proxy runs.
//!
//! What is measured is one line of text (`systemd::measurement`), and systemd-pcrextend does it.
//! `--print` says what would be measured, for a verifier who has neither the node nor a TPM.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::exit_code::Exit;
use super::terminal::say;
use super::verb_error::VerbError;
use crate::kubelet_proxy::trusted_file;
use crate::policy::{MAX_POLICY_BYTES, Policy};
use crate::systemd::measurement::{Measurement, Sha256};
use crate::systemd::pcr_extend::{self, ExtendError};

/// Measure policy and binary into a register of the TPM
///
/// Computes the SHA-256 of the policy and of this binary, prints the line that is measured, and has
/// systemd-pcrextend extend a platform configuration register (PCR) by it.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  Before the proxy starts, on the node:
    kubelet-proxy measure --admission-policy /etc/kubelet-proxy/policy.json
  Anywhere, to know what to expect of a node:
    kubelet-proxy measure --admission-policy policy.json --binary ./kubelet-proxy --print

Exit codes: 0 measured or printed, 1 not measured (no TPM, no socket), 64 usage, 78 policy unusable.")]
pub(super) struct Arguments {
    /// The policy that `run` is given; nobody but root may be able to write it
    #[arg(long, value_name = "FILE")]
    admission_policy: PathBuf,
    /// The register, 0 to 23
    #[arg(long, value_name = "NUMBER", default_value_t = 15,
          value_parser = clap::value_parser!(u8).range(0..=23))]
    pcr: u8,
    /// Extend nothing; print the line and the register's value after it
    #[arg(long)]
    print: bool,
    /// With --print: the binary to measure in place of this one
    #[arg(long, value_name = "FILE", requires = "print")]
    binary: Option<PathBuf>,
    /// With --print: the register's value before, 64 hexadecimal digits [default: all zero]
    #[arg(long, value_name = "HEX", requires = "print")]
    before: Option<Sha256>,
    /// Lines tried since the machine started; one that is in this file is not measured again
    #[arg(long, value_name = "FILE", conflicts_with = "print")]
    remember: Option<PathBuf>,
    /// Where systemd-pcrextend listens
    #[arg(long, value_name = "SOCKET", default_value = pcr_extend::SOCKET)]
    pcrextend_socket: PathBuf,
}

pub(super) fn execute(arguments: &Arguments) -> Result<Exit, VerbError> {
    let word = measure(arguments)?.word();
    say(&word)?;
    if arguments.print {
        let before = arguments.before.unwrap_or(Sha256::ZERO);
        say(&format!("pcr {}, sha256 bank: {}", arguments.pcr, before.extended_by(&word)))?;
        return Ok(Exit::Success);
    }
    let pcrextend = pcr_extend::connect(&arguments.pcrextend_socket).map_err(VerbError::failed)?;
    let Some(remember) = &arguments.remember else {
        pcrextend.extend(arguments.pcr, &word).map_err(VerbError::failed)?;
        return Ok(Exit::Success);
    };
    let at = |error: io::Error| VerbError::Failed(format!("{}: {error}", remember.display()));
    let known = known_lines(remember).map_err(at)?;
    if known.lines().any(|line| line == word) {
        return Ok(Exit::Success);
    }
    // Written before the call: one whose answer is lost may have extended the register.
    fs::write(remember, format!("{known}{word}\n")).map_err(at)?;
    let extended = pcrextend.extend(arguments.pcr, &word);
    if let Err(ExtendError::Refused(_)) = &extended {
        fs::write(remember, &known).map_err(at)?;
    }
    extended.map(|()| Exit::Success).map_err(VerbError::failed)
}

fn known_lines(file: &Path) -> io::Result<String> {
    match fs::read_to_string(file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(String::new()),
        read => read,
    }
}

fn measure(arguments: &Arguments) -> Result<Measurement, VerbError> {
    let path = &arguments.admission_policy;
    let policy = match arguments.print {
        true => of_file(path)?,
        // What others can write may be another policy by the time `run` reads it.
        // What cannot be understood never runs, and is not measured.
        false => trusted_file::read(path, MAX_POLICY_BYTES)
            .map_err(VerbError::bad)
            .and_then(|text| understood(path, text))
            .and_then(|text| Sha256::of(text.as_slice()).map_err(VerbError::failed))?,
    };
    let binary = match &arguments.binary {
        Some(path) => of_file(path)?,
        None => Sha256::of_running_binary()
            .map_err(|error| VerbError::Failed(format!("this binary: {error}")))?,
    };
    Ok(Measurement { policy, binary })
}

fn understood(path: &Path, text: Vec<u8>) -> Result<Vec<u8>, VerbError> {
    match Policy::parse(&text) {
        Ok(_) => Ok(text),
        Err(error) => Err(VerbError::BadConfiguration(format!("{}: {error}", path.display()))),
    }
}

fn of_file(path: &Path) -> Result<Sha256, VerbError> {
    Sha256::of_file(path)
        .map_err(|error| VerbError::BadConfiguration(format!("{}: {error}", path.display())))
}
