//! `gen-kubeconfig`: the kubeconfig that sends a kubelet through the proxy.
//!
//! It is written only when the kubelet could use it: the CA, the certificate and the key behind its
//! paths are read first. It names files and holds no secret itself.

use std::path::{Path, PathBuf};

use clap::ValueEnum;

use super::defaults;
use super::exit_code::Exit;
use super::new_file::{Existing, NewFile, refuse_existing};
use super::terminal::give;
use super::verb_error::VerbError;
use crate::tls::{KeyPair, Material, ServerTrust, client_tls};
use crate::upstream::Endpoint;

const OWNER_ONLY: u32 = 0o600;

/// Write the kubelet's kubeconfig that points to the proxy
///
/// The files it names must be there and fit each other. A layout fills in what is not given.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Layouts:
  kubeadm   --output /etc/kubernetes/kubelet-via-proxy.conf
            --client-certificate, --client-key /var/lib/kubelet/pki/kubelet-client-current.pem
  aks-flex  --output /var/lib/kubelet/kubelet-via-proxy.conf
            --client-certificate /etc/kubelet-proxy/kubelet.crt
            --client-key /etc/kubelet-proxy/kubelet.key
  both      --certificate-authority /etc/kubelet-proxy/serving-ca.crt

Exit codes: 0 written, 1 not written, 64 usage, 78 a file is missing, unusable or does not fit.")]
pub(super) struct Arguments {
    /// Where the proxy listens
    #[arg(long, value_name = "URL", default_value = defaults::SERVER_URL)]
    server: String,
    /// CA that signed the certificate the proxy shows (--tls-cert), PEM
    #[arg(long, value_name = "FILE", required_unless_present = "layout")]
    certificate_authority: Option<PathBuf>,
    /// The kubelet's certificate, PEM
    #[arg(long, value_name = "FILE", required_unless_present = "layout")]
    client_certificate: Option<PathBuf>,
    /// Key of that certificate, PEM
    #[arg(long, value_name = "FILE", required_unless_present = "layout")]
    client_key: Option<PathBuf>,
    /// Where to write, mode 0600 [default: standard output, or the layout's]
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Paths of a kind of node
    #[arg(long, value_name = "NAME")]
    layout: Option<Layout>,
    /// Replace the file that is there
    #[arg(long)]
    force: bool,
}

/// Where a kind of node keeps its files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Layout {
    /// kubeadm join
    Kubeadm,
    /// AKS flex node
    AksFlex,
}

/// The paths of a layout.
struct Places {
    /// The kubeconfig that the kubelet has now: its absence means that this is another kind of node.
    present: &'static str,
    output: &'static str,
    client_certificate: &'static str,
    client_key: &'static str,
}

/// Where `gen-certificates` puts it.
const SERVING_CA: &str = "/etc/kubelet-proxy/serving-ca.crt";

impl Layout {
    fn places(self) -> Places {
        match self {
            Self::Kubeadm => Places {
                present: "/etc/kubernetes/kubelet.conf",
                output: "/etc/kubernetes/kubelet-via-proxy.conf",
                client_certificate: "/var/lib/kubelet/pki/kubelet-client-current.pem",
                client_key: "/var/lib/kubelet/pki/kubelet-client-current.pem",
            },
            // The kubelet's own credential there is a token of a plugin, which no proxy can check.
            Self::AksFlex => Places {
                present: "/var/lib/kubelet/kubeconfig",
                output: "/var/lib/kubelet/kubelet-via-proxy.conf",
                client_certificate: "/etc/kubelet-proxy/kubelet.crt",
                client_key: "/etc/kubelet-proxy/kubelet.key",
            },
        }
    }
}

pub(super) fn execute(arguments: &Arguments) -> Result<Exit, VerbError> {
    let existing = Existing::from(arguments.force);
    let kubeconfig = Kubeconfig::of(arguments)?;
    if let Some(output) = &kubeconfig.output {
        refuse_existing(output, existing)?;
    }
    kubeconfig.check()?;
    let text = kubeconfig.text()?;
    match &kubeconfig.output {
        Some(output) => NewFile::write(output, text.as_bytes(), OWNER_ONLY)?.put(existing)?,
        None => give(text.as_bytes())?,
    }
    Ok(Exit::Success)
}

/// What is to be written, and where.
struct Kubeconfig {
    server: String,
    authority: PathBuf,
    certificate: PathBuf,
    key: PathBuf,
    output: Option<PathBuf>,
}

impl Kubeconfig {
    fn of(arguments: &Arguments) -> Result<Self, VerbError> {
        let places = arguments.layout.map(Layout::places);
        if let Some(places) = &places {
            let is_other = arguments.output.is_none() && !Path::new(places.present).exists();
            if is_other {
                return Err(VerbError::BadConfiguration(format!(
                    "{}: not there, so this node has another layout; give the paths one by one",
                    places.present
                )));
            }
        }
        let place = |given: &Option<PathBuf>, of: fn(&Places) -> &'static str| {
            given.clone().or_else(|| places.as_ref().map(of).map(PathBuf::from))
        };
        let absolute = |path: Option<PathBuf>| {
            // clap requires it unless there is a layout, which has it.
            let path = path.unwrap_or_default();
            std::path::absolute(&path).map_err(|error| {
                VerbError::BadConfiguration(format!("{}: {error}", path.display()))
            })
        };
        Ok(Self {
            server: arguments.server.clone(),
            authority: absolute(place(&arguments.certificate_authority, |_| SERVING_CA))?,
            certificate: absolute(place(&arguments.client_certificate, |it| {
                it.client_certificate
            }))?,
            key: absolute(place(&arguments.client_key, |it| it.client_key))?,
            output: place(&arguments.output, |it| it.output),
        })
    }

    /// Would a kubelet get through with it, as far as can be told from here?
    fn check(&self) -> Result<(), VerbError> {
        let wrong = |reason| VerbError::BadConfiguration(format!("--server: {reason}"));
        let endpoint = Endpoint::parse(&self.server, None).map_err(wrong)?;
        if !endpoint.is_tls() {
            return Err(wrong("must be https: the kubelet shows its certificate over TLS only"));
        }
        let pair = KeyPair {
            certificate: Material::File(self.certificate.clone()),
            key: Material::File(self.key.clone()),
        };
        let trust = ServerTrust::Roots(Material::File(self.authority.clone()));
        client_tls(&trust, Some(&pair)).map(drop).map_err(VerbError::bad)
    }

    /// YAML, whose quoted texts are those of JSON.
    fn text(&self) -> Result<String, VerbError> {
        let quoted = |path: &Path| match path.to_str() {
            Some(path) => Ok(serde_json::Value::from(path).to_string()),
            None => {
                let path = path.display();
                Err(VerbError::BadConfiguration(format!("{path}: the path must be UTF-8")))
            }
        };
        let server = serde_json::Value::from(self.server.as_str());
        let (authority, certificate, key) =
            (quoted(&self.authority)?, quoted(&self.certificate)?, quoted(&self.key)?);
        Ok(format!(
            "\
apiVersion: v1
kind: Config
clusters:
- name: kubelet-proxy
  cluster:
    server: {server}
    certificate-authority: {authority}
users:
- name: kubelet
  user:
    client-certificate: {certificate}
    client-key: {key}
contexts:
- name: kubelet-proxy
  context:
    cluster: kubelet-proxy
    user: kubelet
current-context: kubelet-proxy
"
        ))
    }
}
