//! One case's world: a hostile API server, the real proxy in front of it, and a kubelet's reflector.
//!
//! A world without a proxy is the control: what a script does to a kubelet that nothing protects.
//! Dropping a world ends every process and connection in it.

use std::sync::{LazyLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio::time::Instant;

use super::client::RawClient;
use super::pods::{NODE, POLICY};
use super::proxy::{Files, NODE_USER, Proxy};
use super::reflector::{Reflector, Target};
use crate::support::hostile_api_server::request::Recorded;
use crate::support::hostile_api_server::script::Script;
use crate::support::hostile_api_server::{HostileApiServer, Protocols};
use crate::support::pki::{Authority, IdentityFiles};

/// Runs every hostile server and raw client of the process. It has more workers than a machine has
/// cores, so that a server which sends without end delays no other, nor what measures delays.
pub(crate) static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(8)
        .enable_all()
        .build()
        .expect("a runtime")
});

/// Longer than any retry that a case waits for.
const PATIENCE: Duration = Duration::from_secs(15);

/// Held by every world, and by one alone that must not be disturbed.
static MACHINE: RwLock<()> = RwLock::new(());

/// A world's part of the machine.
enum Share {
    Shared { _guard: RwLockReadGuard<'static, ()> },
    Alone { _guard: RwLockWriteGuard<'static, ()> },
}

/// The server and the files; the proxy is started from it.
pub(crate) struct World {
    pub(crate) server: HostileApiServer,
    pub(crate) files: Files,
    pub(crate) authority: Authority,
    pub(crate) kubelet: IdentityFiles,
    pub(crate) dir: TempDir,
    _share: Share,
}

impl World {
    pub(crate) fn new(protocols: Protocols, script: Script) -> Self {
        let guard = MACHINE.read().unwrap_or_else(PoisonError::into_inner);
        Self::make(protocols, script, Share::Shared { _guard: guard })
    }

    /// A world that has the machine to itself, for what is measured.
    pub(crate) fn alone(protocols: Protocols, script: Script) -> Self {
        let guard = MACHINE.write().unwrap_or_else(PoisonError::into_inner);
        Self::make(protocols, script, Share::Alone { _guard: guard })
    }

    fn make(protocols: Protocols, script: Script, share: Share) -> Self {
        let dir = tempfile::Builder::new().prefix("hostile-").tempdir().expect("a directory");
        let authority = Authority::new("the test's authority");
        let identity = authority.server(&["127.0.0.1"]);
        let starting = HostileApiServer::start(&identity, &authority, protocols, script);
        let server = RUNTIME.block_on(starting);
        let files = Files::write(dir.path(), &server.url(), &authority, POLICY);
        let kubelet = authority.client(NODE_USER, Some("system:nodes"));
        let kubelet = kubelet.write(dir.path(), "kubelet");
        Self { server, files, authority, kubelet, dir, _share: share }
    }

    pub(crate) fn proxy(&self) -> Proxy {
        Proxy::start(&self.files)
    }

    /// A kubelet that talks to the proxy.
    pub(crate) fn guarded(&self, minor: u8, proxy: &Proxy, arguments: &[&str]) -> Reflector {
        Reflector::start(minor, &self.target(proxy.url()), arguments)
    }

    /// A client that watches once. The proxy lets nobody watch who has not listed, so the list that a
    /// reflector begins with is asked for in its name.
    pub(crate) fn guarded_watch(&self, minor: u8, proxy: &Proxy) -> Reflector {
        let target = format!("/api/v1/pods?fieldSelector=spec.nodeName%3D{NODE}");
        RUNTIME.block_on(async {
            let mut client = self.client(proxy).await.expect("an invited client");
            let agent = "User-Agent: kubelet/reflector-test\r\n";
            let list = client.request("GET", &target, agent, b"").await.expect("an answer");
            assert_eq!(list.status, 200, "{list:?}");
        });
        self.guarded(minor, proxy, &["watch"])
    }

    /// A kubelet that talks to the hostile server itself.
    pub(crate) fn unguarded(&self, minor: u8, arguments: &[&str]) -> Reflector {
        Reflector::start(minor, &self.target(self.server.url()), arguments)
    }

    /// An invited client that writes its requests itself.
    pub(crate) async fn client(&self, proxy: &Proxy) -> std::io::Result<RawClient> {
        let authority = &self.files.client_authority;
        RawClient::connect(proxy.address, authority, Some(&self.kubelet)).await
    }

    /// Waits for the server to have had a request.
    pub(crate) fn wait_for_request(&self, wanted: impl Fn(&Recorded) -> bool) -> Recorded {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let recorded = self.server.recorded();
            if let Some(request) = recorded.iter().find(|request| wanted(request)) {
                return request.clone();
            }
            assert!(Instant::now() < deadline, "no such request in {}", brief(&recorded));
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    fn target(&self, url: String) -> Target {
        Target {
            url,
            authority: self.files.client_authority.clone(),
            identity: self.kubelet.clone(),
        }
    }
}

fn brief(recorded: &[Recorded]) -> String {
    let lines = recorded.iter().map(|request| format!("\n{} {}", request.method, request.target));
    lines.collect()
}
