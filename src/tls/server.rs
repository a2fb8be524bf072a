//! TLS towards local clients: which certificate we show and which client we let in.
//!
//! It neither listens nor accepts; `http::listen` takes [`ServerTls::current`] for each connection,
//! so a reload reaches new connections only. Invariant: a configuration is served only when its key
//! belongs to its certificate.

use std::path::PathBuf;
use std::sync::Arc;

use arc_swap::ArcSwap;
use rustls::ServerConfig;
use rustls::server::{NoServerSessionStorage, WantsServerCert};
use rustls::sign::SingleCertAndKey;

use super::client_verifier::NamedClientVerifier;
use super::reload::{MaterialDigest, Prepared, Reload};
use super::{KeyPair, Material, TLS_VERSIONS, TlsError, alpn_protocols, client, provider};

/// Which clients may connect, such as `--client-ca` and `--client-name`.
#[derive(Clone, Debug)]
pub struct ClientRule {
    /// The authority that signed the client's certificate.
    pub ca: Material,
    /// The common names of which the certificate must carry one, compared exactly.
    pub common_names: Vec<String>,
}

/// The server's TLS, reloaded when its files change.
#[derive(Debug)]
pub struct ServerTls {
    pair: KeyPair,
    clients: Option<ClientRule>,
    current: ArcSwap<Loaded>,
}

#[derive(Debug)]
struct Loaded {
    config: Arc<ServerConfig>,
    digest: MaterialDigest,
    not_after_seconds: i64,
}

impl ServerTls {
    /// Loads certificate and key, and the client rule unless any client is accepted.
    ///
    /// # Errors
    /// [`TlsError`] naming the file that is unreadable, malformed or does not match.
    pub fn load(pair: KeyPair, clients: Option<ClientRule>) -> Result<Self, TlsError> {
        let loaded = Loaded::new(&pair, clients.as_ref())?;
        Ok(Self { pair, clients, current: ArcSwap::from_pointee(loaded) })
    }

    /// The configuration for the next connection.
    pub fn current(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.current.load().config)
    }

    /// End of validity of the serving certificate, seconds since the Unix epoch.
    pub fn not_after_seconds(&self) -> i64 {
        self.current.load().not_after_seconds
    }
}

impl Reload for ServerTls {
    fn subject(&self) -> &'static str {
        "serving-tls"
    }

    fn files(&self) -> Vec<PathBuf> {
        let ca = self.clients.iter().filter_map(|rule| rule.ca.path());
        self.pair.files().chain(ca).map(PathBuf::from).collect()
    }

    fn prepare(&self) -> Result<Prepared<'_>, TlsError> {
        let loaded = Loaded::new(&self.pair, self.clients.as_ref())?;
        if loaded.digest == self.current.load().digest {
            return Ok(Prepared::unchanged());
        }
        Ok(Prepared::change(|| self.current.store(Arc::new(loaded))))
    }
}

impl Loaded {
    fn new(pair: &KeyPair, clients: Option<&ClientRule>) -> Result<Self, TlsError> {
        let mut digest = MaterialDigest::default();
        let certified = client::certified_key(pair, &mut digest)?;
        let not_after_seconds = client::summary(&certified, pair)?.not_after_seconds;
        let mut config = builder(clients, &mut digest)?
            .with_cert_resolver(Arc::new(SingleCertAndKey::from(certified)));
        config.alpn_protocols = alpn_protocols();
        // A resumed session is not verified again: an expired or withdrawn client certificate would
        // live on. Kubelets keep their connections, so a full handshake each time costs nothing.
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        Ok(Self { config: Arc::new(config), digest, not_after_seconds })
    }
}

type Builder = rustls::ConfigBuilder<ServerConfig, WantsServerCert>;

fn builder(clients: Option<&ClientRule>, digest: &mut MaterialDigest) -> Result<Builder, TlsError> {
    let versions = ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(TLS_VERSIONS)
        .map_err(|source| TlsError::Rustls { origin: "TLS versions".to_owned(), source })?;
    let Some(rule) = clients else {
        return Ok(versions.with_no_client_auth());
    };
    let roots = client::roots(&rule.ca, digest)?;
    let verifier = NamedClientVerifier::new(roots, &rule.common_names, &rule.ca.origin())?;
    Ok(versions.with_client_cert_verifier(verifier))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tls::test_pki::{Authority, Issued};
    use crate::tls::{ServerTrust, client_tls};
    use tokio_rustls::{TlsAcceptor, TlsConnector};

    /// One handshake and one byte in memory, as TLS 1.3 tells a client of refusal only on read.
    async fn handshake(server: &ServerTls, ca: &Authority, client: Option<&Issued>) -> bool {
        let (near, far) = tokio::io::duplex(1 << 16);
        let trust = ServerTrust::Roots(ca.material());
        let pair = client.map(Issued::pair);
        let config = client_tls(&trust, pair.as_ref()).unwrap().config;
        let acceptor = TlsAcceptor::from(server.current());
        let accepted = acceptor.accept(far);
        let name = "localhost".try_into().unwrap();
        let connector = TlsConnector::from(config);
        let connected = connector.connect(name, near);
        let (accepted, _connected) = tokio::join!(accepted, connected);
        accepted.is_ok()
    }

    #[tokio::test]
    async fn only_a_certificate_of_the_ca_with_the_name_gets_through_the_handshake() {
        let (serving, clients, foreign) =
            (Authority::new("serving"), Authority::new("clients"), Authority::new("foreign"));
        let rule =
            ClientRule { ca: clients.material(), common_names: vec!["system:node:a".to_owned()] };
        let server = ServerTls::load(serving.issue("proxy").pair(), Some(rule)).unwrap();
        let cases = [
            (Some(clients.issue("system:node:a")), true),
            (Some(clients.issue("system:node:b")), false),
            (Some(clients.issue("system:node:a ")), false),
            (Some(clients.issue_with_names(&["system:node:a", "system:node:b"])), false),
            (Some(foreign.issue("system:node:a")), false),
            (None, false),
        ];
        for (number, (client, expected)) in cases.iter().enumerate() {
            let through = handshake(&server, &serving, client.as_ref()).await;
            assert_eq!(through, *expected, "case {number}");
        }
    }

    #[tokio::test]
    async fn without_a_client_rule_any_client_connects() {
        let serving = Authority::new("serving");
        let server = ServerTls::load(serving.issue("proxy").pair(), None).unwrap();
        assert!(handshake(&server, &serving, None).await);
    }

    #[test]
    fn a_key_of_another_certificate_is_refused_by_name() {
        let authority = Authority::new("ca");
        let (one, two) = (authority.issue("one").pair(), authority.issue("two").pair());
        let mixed = KeyPair { certificate: one.certificate, key: two.key };
        let error = ServerTls::load(mixed, None).unwrap_err().to_string();
        assert!(error.contains("does not belong to the certificate in certificate"), "{error}");
    }
}
