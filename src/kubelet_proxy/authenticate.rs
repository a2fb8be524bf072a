//! Phase 1: who is calling. The TLS handshake has refused everybody else by now.
//!
//! What is left here is to name the caller for the log; rights are never derived from the name.

use crate::http::listen::Peer;
use crate::tls::common_name_of;

/// A caller that was let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Caller {
    /// It showed a certificate that the client CA signed, with this common name.
    Named(String),
    /// `--allow-any-client` or `--allow-plaintext`: anybody on this machine.
    Anybody,
}

impl Caller {
    /// `None` refuses: a certificate was verified, yet its name cannot be read.
    pub(super) fn of(peer: &Peer) -> Option<Self> {
        match peer.certificates.first() {
            Some(certificate) => common_name_of(certificate).ok().map(Self::Named),
            None => Some(Self::Anybody),
        }
    }

    /// For logs.
    pub(super) fn name(&self) -> &str {
        match self {
            Self::Named(name) => name,
            Self::Anybody => "anybody",
        }
    }
}
