//! `gen-certificates`: what a kubelet and its proxy need to know each other, and nobody else.
//!
//! For nodes where the proxy alone holds the node's key: the kubelet's certificate is good for the proxy
//! and for nothing else. The authority's key exists in memory only (`tls::issue`).

use std::fs::DirBuilder;
use std::net::IpAddr;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use super::defaults;
use super::exit_code::Exit;
use super::new_file::{Existing, NewFile, refuse_existing};
use super::terminal::say;
use super::verb_error::VerbError;
use crate::kube_wire::grammar::Grammar;
use crate::tls::issue::PassingAuthority;

const OWNER_ONLY: u32 = 0o600;
/// Keys in it are their owner's alone; the policy beside them is read by the service's own user.
const READABLE_DIRECTORY: u32 = 0o755;

/// Make the certificates with which a kubelet and the proxy know each other
///
/// Writes serving.crt and serving.key for the proxy, serving-ca.crt for the kubelet to check them with,
/// kubelet.crt and kubelet.key for the kubelet, and client-ca.crt for the proxy to check those with. Both
/// are signed by an authority whose key is never written. Keys are ECDSA P-256.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  Where the proxy alone holds the node's key:
    kubelet-proxy gen-certificates --node-name worker-1 --directory /etc/kubelet-proxy
  Where the kubelet keeps its own certificate, signed by the cluster:
    kubelet-proxy gen-certificates --serving-only --directory /etc/kubelet-proxy

Exit codes: 0 written, 1 not written, 64 usage.")]
pub(super) struct Arguments {
    /// The node, as the API server knows it
    #[arg(long, value_name = "NAME", value_parser = node_name, required_unless_present = "serving_only")]
    node_name: Option<String>,
    /// Where to write, mode 0600; made if it is not there
    #[arg(long, value_name = "DIR")]
    directory: PathBuf,
    /// How long all are valid
    #[arg(long, value_name = "NUMBER", default_value_t = defaults::CERTIFICATE_DAYS,
          value_parser = clap::value_parser!(u16).range(1..))]
    days: u16,
    /// Where the proxy listens besides 127.0.0.1, ::1 and localhost
    #[arg(long, value_name = "IP", value_parser = one_address)]
    listen_address: Option<IpAddr>,
    /// Only serving.crt, serving.key and serving-ca.crt
    #[arg(long, conflicts_with = "node_name")]
    serving_only: bool,
    /// Replace files that are there
    #[arg(long)]
    force: bool,
}

/// A name that Kubernetes takes for a node; it becomes part of the certificate's subject.
fn node_name(text: &str) -> Result<String, String> {
    if Grammar::DnsSubdomain.matches(text) {
        return Ok(text.to_owned());
    }
    Err("expected the name of a node: lower-case letters, digits, - and . only".to_owned())
}

/// An address that a kubelet can connect to, which "all interfaces" is not.
fn one_address(text: &str) -> Result<IpAddr, String> {
    let address = text.parse().ok().filter(|address: &IpAddr| !address.is_unspecified());
    address.ok_or_else(|| "expected one IP address that the kubelet connects to".to_owned())
}

pub(super) fn execute(arguments: &Arguments) -> Result<Exit, VerbError> {
    let existing = Existing::from(arguments.force);
    let files: Vec<_> = contents(arguments)?
        .into_iter()
        .map(|(name, content)| (arguments.directory.join(name), content))
        .collect();
    make_directory(&arguments.directory)?;
    for (path, _) in &files {
        refuse_existing(path, existing)?;
    }
    // All are on disk before the first is put in its place.
    let written = files
        .iter()
        .map(|(path, content)| NewFile::write(path, content.as_bytes(), OWNER_ONLY))
        .collect::<Result<Vec<_>, _>>()?;
    for file in written {
        file.put(existing)?;
    }
    for (path, _) in &files {
        say(&path.display().to_string())?;
    }
    Ok(Exit::Success)
}

fn contents(arguments: &Arguments) -> Result<Vec<(&'static str, String)>, VerbError> {
    let authority = PassingAuthority::new(arguments.days).map_err(VerbError::failed)?;
    let server = authority.server(arguments.listen_address).map_err(VerbError::failed)?;
    let mut contents = vec![
        ("serving-ca.crt", authority.certificate()),
        ("serving.crt", server.certificate),
        ("serving.key", server.key),
    ];
    if let Some(name) = &arguments.node_name {
        let kubelet = authority.kubelet(name).map_err(VerbError::failed)?;
        contents.push(("client-ca.crt", authority.certificate()));
        contents.push(("kubelet.crt", kubelet.certificate));
        contents.push(("kubelet.key", kubelet.key));
    }
    Ok(contents)
}

fn make_directory(directory: &Path) -> Result<(), VerbError> {
    match DirBuilder::new().mode(READABLE_DIRECTORY).create(directory) {
        Ok(()) => Ok(()),
        Err(_) if directory.is_dir() => Ok(()),
        Err(error) => Err(VerbError::Failed(format!("{}: {error}", directory.display()))),
    }
}
