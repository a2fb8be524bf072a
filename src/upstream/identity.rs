//! The TLS of this moment towards the API server, and its generation.
//!
//! It does not connect. Every change of CA, certificate or key makes a new generation: connections
//! of an older one take no new requests. Invariant: generation and configuration are swapped
//! together, so a connection is never made with one and counted under the other.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;

use crate::tls::{
    CertificateSummary, ClientTls, KeyPair, Prepared, Reload, Reloaded, ServerTrust, TlsError,
    client_tls,
};

/// TLS towards the API server, reloaded when its files change or a plugin brings a certificate.
pub(super) struct UpstreamIdentity {
    trust: ServerTrust,
    /// The kubeconfig's pair.
    configured: Option<KeyPair>,
    /// The newest plugin's pair; also makes reloads follow one another.
    from_plugin: Mutex<Option<KeyPair>>,
    current: ArcSwap<TlsGeneration>,
}

/// One configuration with its number.
pub(super) struct TlsGeneration {
    pub(super) number: u64,
    pub(super) tls: ClientTls,
}

impl UpstreamIdentity {
    pub(super) fn load(trust: ServerTrust, pair: Option<KeyPair>) -> Result<Self, TlsError> {
        let tls = client_tls(&trust, pair.as_ref())?;
        let current = ArcSwap::from_pointee(TlsGeneration { number: 0, tls });
        Ok(Self { trust, configured: pair, from_plugin: Mutex::new(None), current })
    }

    pub(super) fn current(&self) -> Arc<TlsGeneration> {
        self.current.load_full()
    }

    pub(super) fn number(&self) -> u64 {
        self.current.load().number
    }

    pub(super) fn summary(&self) -> Option<CertificateSummary> {
        self.current.load().tls.identity.clone()
    }

    /// Appears with the plugin's pair from now on; a pair that does not fit changes nothing.
    pub(super) fn use_plugin_pair(&self, pair: Option<&KeyPair>) -> Result<Reloaded, TlsError> {
        let mut from_plugin = self.from_plugin.lock().unwrap_or_else(PoisonError::into_inner);
        let next = self.next(pair.or(self.configured.as_ref()))?;
        *from_plugin = pair.cloned();
        Ok(next.map_or(Reloaded::Unchanged, |next| {
            self.current.store(next);
            Reloaded::Swapped
        }))
    }

    /// The generation that `pair` makes, unless it is the current one. The caller holds the lock on
    /// `from_plugin` until it is stored.
    fn next(&self, pair: Option<&KeyPair>) -> Result<Option<Arc<TlsGeneration>>, TlsError> {
        let tls = client_tls(&self.trust, pair)?;
        let current = self.current.load();
        if tls.digest == current.tls.digest {
            return Ok(None);
        }
        let number = current.number.wrapping_add(1);
        Ok(Some(Arc::new(TlsGeneration { number, tls })))
    }
}

impl Reload for UpstreamIdentity {
    fn subject(&self) -> &'static str {
        "upstream-tls"
    }

    fn files(&self) -> Vec<PathBuf> {
        let pair = self.configured.iter().flat_map(KeyPair::files);
        let authority = match &self.trust {
            ServerTrust::Roots(authority) => authority.path(),
            ServerTrust::SystemRoots | ServerTrust::Unverified => None,
        };
        pair.chain(authority).map(PathBuf::from).collect()
    }

    fn prepare(&self) -> Result<Prepared<'_>, TlsError> {
        let from_plugin = self.from_plugin.lock().unwrap_or_else(PoisonError::into_inner);
        let next = self.next(from_plugin.as_ref().or(self.configured.as_ref()))?;
        Ok(next.map_or_else(Prepared::unchanged, |next| {
            Prepared::change(move || {
                self.current.store(next);
                drop(from_plugin);
            })
        }))
    }
}
