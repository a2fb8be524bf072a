//! The flags of the guard in front of the kubelet's own API, and what they must say together.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;

use super::args::path;
use super::defaults;
use super::flag_values;
use super::refusals::{
    DENY_WITH_GUARD, GUARD_FLAGS_WITHOUT_LISTENER, GUARD_UPSTREAM_NOT_LOCAL, MISSING_GUARD_FLAGS,
};
use crate::kubelet_proxy::config::{GuardOptions, KubeletApiOptions};

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "The kubelet's own API")]
pub(super) struct KubeletApiFlags {
    /// Where callers of the kubelet's own API connect [default: there is no guard]
    ///
    /// The node's address and the kubelet's port, where the API server connects; the kubelet itself
    /// listens on loopback. Not used where systemd passes a socket named kubelet-api, but still what
    /// switches the guard on.
    #[arg(long, value_name = "ADDR", hide_short_help = true,
          value_parser = flag_values::listen_address)]
    kubelet_api_listen: Option<SocketAddr>,
    /// Certificate shown to these callers, PEM
    #[arg(long, value_name = "FILE", hide_short_help = true)]
    kubelet_api_tls_cert: Option<OsString>,
    /// Key of that certificate, PEM
    #[arg(long, value_name = "FILE", hide_short_help = true)]
    kubelet_api_tls_key: Option<OsString>,
    /// CA that signs these callers' certificates, PEM
    #[arg(long, value_name = "FILE", hide_short_help = true)]
    kubelet_api_client_ca: Option<OsString>,
    /// Common names that these callers may have, between commas
    #[arg(long, value_name = "CN,...", hide_short_help = true)]
    kubelet_api_client_name: Option<String>,
    /// The kubelet, on loopback
    #[arg(long, value_name = "ADDR", hide_short_help = true,
          default_value = defaults::KUBELET_ADDRESS, value_parser = flag_values::listen_address)]
    kubelet_api_upstream: SocketAddr,
    /// CA that signed the kubelet's serving certificate, PEM
    #[arg(long, value_name = "FILE", hide_short_help = true)]
    kubelet_api_upstream_ca: Option<OsString>,
    /// Name in that certificate [default: that of this node]
    #[arg(long, value_name = "NAME", hide_short_help = true)]
    kubelet_api_upstream_name: Option<String>,
    /// The guard's own certificate, shown to the kubelet, PEM
    #[arg(long, value_name = "FILE", hide_short_help = true)]
    kubelet_api_guard_cert: Option<OsString>,
    /// Key of that certificate, PEM
    #[arg(long, value_name = "FILE", hide_short_help = true)]
    kubelet_api_guard_key: Option<OsString>,
    /// Have the kubelet's own API serve nobody, kubectl logs included
    #[arg(long, default_value_t = defaults::DENY_KUBELET_API, hide_short_help = true)]
    deny_kubelet_api: bool,
}

impl KubeletApiFlags {
    pub(super) fn checked(&self) -> Result<KubeletApiOptions, String> {
        let Some(listen_address) = self.kubelet_api_listen else {
            if self.files().iter().any(|(_, file)| file.is_some()) {
                return Err(GUARD_FLAGS_WITHOUT_LISTENER.to_owned());
            }
            return Ok(match self.deny_kubelet_api {
                true => KubeletApiOptions::DenyAll,
                false => KubeletApiOptions::AsUpstreamSays,
            });
        };
        if self.deny_kubelet_api {
            return Err(DENY_WITH_GUARD.to_owned());
        }
        if !self.kubelet_api_upstream.ip().is_loopback() {
            return Err(GUARD_UPSTREAM_NOT_LOCAL.to_owned());
        }
        let client_names: Vec<String> = self.names();
        let missing = self.files().into_iter().filter(|(_, file)| file.is_none());
        let mut missing: Vec<&str> = missing.map(|(flag, _)| flag).collect();
        if client_names.is_empty() {
            missing.push("--kubelet-api-client-name");
        }
        let [
            (_, Some(certificate)),
            (_, Some(key)),
            (_, Some(client_ca)),
            (_, Some(upstream_ca)),
            (_, Some(guard_certificate)),
            (_, Some(guard_key)),
        ] = self.files()
        else {
            return Err(format!("{}: {MISSING_GUARD_FLAGS}", missing.join(", ")));
        };
        if client_names.is_empty() {
            return Err(format!("{}: {MISSING_GUARD_FLAGS}", missing.join(", ")));
        }
        Ok(KubeletApiOptions::Guarded(Box::new(GuardOptions {
            listen_address,
            certificate,
            key,
            client_ca,
            client_names,
            upstream: self.kubelet_api_upstream,
            upstream_name: self.kubelet_api_upstream_name.clone().filter(|name| !name.is_empty()),
            upstream_ca,
            guard_certificate,
            guard_key,
        })))
    }

    fn files(&self) -> [(&'static str, Option<PathBuf>); 6] {
        [
            ("--kubelet-api-tls-cert", path(&self.kubelet_api_tls_cert)),
            ("--kubelet-api-tls-key", path(&self.kubelet_api_tls_key)),
            ("--kubelet-api-client-ca", path(&self.kubelet_api_client_ca)),
            ("--kubelet-api-upstream-ca", path(&self.kubelet_api_upstream_ca)),
            ("--kubelet-api-guard-cert", path(&self.kubelet_api_guard_cert)),
            ("--kubelet-api-guard-key", path(&self.kubelet_api_guard_key)),
        ]
    }

    fn names(&self) -> Vec<String> {
        let names = self.kubelet_api_client_name.as_deref().unwrap_or_default().split(',');
        names.map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect()
    }
}
