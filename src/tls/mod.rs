//! PEM, server and client TLS, who the peer is, and reload of the files behind them.
//!
//! It does not open sockets and does not decide what a peer may do. Every configuration names the
//! aws-lc-rs provider itself, so no process-wide default can weaken it, and every configuration is
//! replaced whole: a session of the old one is never resumed under the new.
//! Start at `server.rs` for the kubelet's side, at `client.rs` for the API server's.

mod client;
mod client_verifier;
mod error;
pub mod issue;
mod material;
mod peer_identity;
mod pem;
mod reload;
mod server;
#[cfg(test)]
pub(crate) mod test_pki;

pub use client::{ClientTls, ServerTrust, client_tls};
pub use error::TlsError;
pub use material::{KeyPair, MAX_MATERIAL_BYTES, Material};
pub use peer_identity::{CertificateSummary, common_name_of};
pub use pem::{first_pem_block, private_key_der};
pub use reload::{FileFollower, POLL_INTERVAL, Prepared, Reload, ReloadReport, Reloaded};
pub use server::{ClientRule, ServerTls};

use std::sync::Arc;

use rustls::crypto::CryptoProvider;

/// ALPN names in order of preference, on both sides: HTTP/2 carries many watches on one connection.
pub const ALPN_PROTOCOLS: [&[u8]; 2] = [b"h2", b"http/1.1"];

/// TLS 1.2 stays because API servers of managed clusters may still end at it; nothing older.
const TLS_VERSIONS: &[&rustls::SupportedProtocolVersion] =
    &[&rustls::version::TLS13, &rustls::version::TLS12];

/// The only cryptography of the program: aws-lc-rs with rustls' own choice of cipher suites.
fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}

fn alpn_protocols() -> Vec<Vec<u8>> {
    ALPN_PROTOCOLS.iter().map(|name| name.to_vec()).collect()
}
