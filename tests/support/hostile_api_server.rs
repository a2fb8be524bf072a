//! An API server that answers as its script says, with every byte under the script's control.
//!
//! HTTP/1.1 is written by hand, so that a script can break it; HTTP/2 comes from hyper and is always
//! well formed. Every request that arrives is recorded, whatever it is answered. The server judges
//! nothing and keeps no objects.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

use super::pki::{Authority, Identity};

pub(crate) mod answer;
mod http1;
mod http2;
pub(crate) mod request;
pub(crate) mod script;

use request::Recorded;
use script::Script;

/// What the server speaks: HTTP/1.1 without TLS, or what it offers in its TLS handshake.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Protocols {
    Plaintext,
    Http1,
    Http1And2,
}

/// A running server. Dropping it closes its listener and every connection.
pub(crate) struct HostileApiServer {
    address: SocketAddr,
    scheme: &'static str,
    state: Arc<State>,
    accepting: JoinHandle<()>,
}

/// What all connections share.
struct State {
    script: Mutex<Script>,
    recorded: Mutex<Vec<Recorded>>,
    connections: Mutex<Vec<JoinHandle<()>>>,
}

impl HostileApiServer {
    /// Listens on a free loopback port and asks clients for a certificate that `clients` signed.
    pub(crate) async fn start(
        identity: &Identity,
        clients: &Authority,
        protocols: Protocols,
        script: Script,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        Self::serve(listener, identity, clients, protocols, script)
    }

    /// As [`HostileApiServer::start`], on a port that an earlier server has left.
    pub(crate) async fn start_at(
        address: SocketAddr,
        identity: &Identity,
        clients: &Authority,
        protocols: Protocols,
        script: Script,
    ) -> Self {
        let listener = TcpListener::bind(address).await.expect("the port is free again");
        Self::serve(listener, identity, clients, protocols, script)
    }

    fn serve(
        listener: TcpListener,
        identity: &Identity,
        clients: &Authority,
        protocols: Protocols,
        script: Script,
    ) -> Self {
        let address = listener.local_addr().expect("address of a listener");
        let acceptor = tls(identity, clients, protocols);
        let scheme = if acceptor.is_some() { "https" } else { "http" };
        let state = Arc::new(State {
            script: Mutex::new(script),
            recorded: Mutex::default(),
            connections: Mutex::default(),
        });
        let accepting = Handle::current().spawn(accept(listener, acceptor, state.clone()));
        Self { address, scheme, state, accepting }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn url(&self) -> String {
        format!("{}://{}", self.scheme, self.address)
    }

    /// Every request so far, in the order of arrival.
    pub(crate) fn recorded(&self) -> Vec<Recorded> {
        self.state.recorded.lock().unwrap().clone()
    }

    /// Replaces what will be answered from now on; answers under way go on.
    pub(crate) fn rewrite(&self, script: Script) {
        *self.state.script.lock().unwrap() = script;
    }

    /// Cuts every open connection, as a crash of the server does.
    pub(crate) fn cut_connections(&self) {
        for connection in self.state.connections.lock().unwrap().drain(..) {
            connection.abort();
        }
    }
}

impl Drop for HostileApiServer {
    fn drop(&mut self) {
        self.accepting.abort();
        self.cut_connections();
    }
}

impl State {
    /// Records a request and looks up its answer.
    fn answer(&self, request: Recorded) -> answer::Answer {
        let answer = self.script.lock().unwrap().answer(&request);
        self.recorded.lock().unwrap().push(request);
        answer
    }
}

async fn accept(listener: TcpListener, acceptor: Option<TlsAcceptor>, state: Arc<State>) {
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        let connection = tokio::spawn(connection(stream, acceptor.clone(), state.clone()));
        let mut connections = state.connections.lock().unwrap();
        connections.retain(|task| !task.is_finished());
        connections.push(connection);
    }
}

async fn connection(stream: TcpStream, acceptor: Option<TlsAcceptor>, state: Arc<State>) {
    if stream.set_nodelay(true).is_err() {
        return;
    }
    let Some(acceptor) = acceptor else { return http1::serve(stream, state).await };
    let Ok(stream) = acceptor.accept(stream).await else { return };
    if stream.get_ref().1.alpn_protocol() == Some(b"h2") {
        http2::serve(stream, state).await;
    } else {
        http1::serve(stream, state).await;
    }
}

fn tls(identity: &Identity, clients: &Authority, protocols: Protocols) -> Option<TlsAcceptor> {
    let alpn: &[&[u8]] = match protocols {
        Protocols::Plaintext => return None,
        Protocols::Http1 => &[b"http/1.1"],
        Protocols::Http1And2 => &[b"h2", b"http/1.1"],
    };
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut roots = rustls::RootCertStore::empty();
    let authority = CertificateDer::from_pem_slice(clients.pem().as_bytes()).expect("PEM");
    roots.add(authority).expect("authority of the clients");
    let verifier = rustls::server::WebPkiClientVerifier::builder_with_provider(
        Arc::new(roots),
        provider.clone(),
    )
    .build()
    .expect("verifier of client certificates");
    let certificate = CertificateDer::from_pem_slice(identity.certificate.as_bytes()).expect("PEM");
    let key = PrivateKeyDer::from_pem_slice(identity.key.as_bytes()).expect("PEM");
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("protocol versions")
        .with_client_cert_verifier(verifier)
        .with_single_cert(vec![certificate], key)
        .expect("identity of the server");
    config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
    Some(TlsAcceptor::from(Arc::new(config)))
}
