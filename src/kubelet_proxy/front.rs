//! The side that kubelets see: which certificate is shown, and which one is asked for.
//!
//! Without client authentication, or without TLS, it says so in the log at every start.

use std::sync::Arc;

use super::config::{ClientAuthentication, Front, RunError};
use crate::http::listen::Transport;
use crate::tls::{ClientRule, KeyPair, Material, ServerTls};
use crate::upstream::Upstream;

/// What kubelets are shown and asked for; `None` with `--allow-plaintext`.
pub(super) fn load(front: &Front, upstream: &Upstream) -> Result<Option<Arc<ServerTls>>, RunError> {
    let Front::Tls { certificate, key, clients } = front else {
        tracing::warn!("--allow-plaintext: whoever can connect gets the node's rights");
        return Ok(None);
    };
    let clients = match clients {
        ClientAuthentication::AnyClient => {
            tracing::warn!("--allow-any-client: whoever can connect gets the node's rights");
            None
        }
        ClientAuthentication::Required { ca, name } => {
            let name = name.clone().or_else(|| upstream.client_certificate()?.common_name);
            let common_name = name.ok_or_else(|| {
                RunError::BadConfiguration(
                    "--client-name is required: the kubeconfig has no client certificate to take \
                     the node's name from"
                        .to_owned(),
                )
            })?;
            Some(ClientRule { ca: Material::File(ca.clone()), common_names: vec![common_name] })
        }
    };
    let pair = KeyPair {
        certificate: Material::File(certificate.clone()),
        key: Material::File(key.clone()),
    };
    let tls = ServerTls::load(pair, clients)
        .map_err(|error| RunError::BadConfiguration(error.to_string()))?;
    Ok(Some(Arc::new(tls)))
}

/// For the listener: asked at every connection, so that a reload takes effect.
pub(super) fn transport(server: Option<Arc<ServerTls>>) -> Transport {
    match server {
        Some(tls) => Transport::Tls(Arc::new(move || tls.current())),
        None => Transport::Plaintext,
    }
}
