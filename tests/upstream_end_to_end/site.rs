//! A node's directory: authority, certificates and a kubeconfig, on disk as an operator has them.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::BodyExt;
use nodeward::upstream::{
    Lane, PluginTiming, RequestBody, Upstream, UpstreamBody, UpstreamConfig, UpstreamError,
    UpstreamRisks,
};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};

/// Ample for a head on loopback, even on a busy machine.
pub(crate) const HEAD_LIMIT: Duration = Duration::from_secs(8);

pub(crate) struct Authority {
    pub(crate) pem: String,
    issuer: Issuer<'static, KeyPair>,
}

pub(crate) struct Issued {
    pub(crate) certificate: String,
    pub(crate) key: String,
}

impl Authority {
    pub(crate) fn new(name: &str) -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        Self { pem: params.self_signed(&key).unwrap().pem(), issuer: Issuer::new(params, key) }
    }

    pub(crate) fn issue(&self, name: &str) -> Issued {
        let key = KeyPair::generate().unwrap();
        let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
        let mut params = CertificateParams::new(names).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ClientAuth, ExtendedKeyUsagePurpose::ServerAuth];
        let certificate = params.signed_by(&key, &self.issuer).unwrap().pem();
        Issued { certificate, key: key.serialize_pem() }
    }
}

/// Removed with everything in it when dropped.
pub(crate) struct Site {
    dir: tempfile::TempDir,
    pub(crate) authority: Authority,
}

impl Site {
    pub(crate) fn new() -> Self {
        let site = Self { dir: tempfile::tempdir().unwrap(), authority: Authority::new("cluster") };
        site.write("ca.crt", &site.authority.pem);
        site.write_identity("system:node:a");
        site
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    /// As a kubelet has it: certificate and key in one file.
    pub(crate) fn write_identity(&self, name: &str) {
        let issued = self.authority.issue(name);
        self.write("node.pem", &(issued.certificate + &issued.key));
    }

    pub(crate) fn write_kubeconfig(&self, cluster: &str, user: &str) {
        self.write(
            "kubeconfig",
            &format!(
                "current-context: c\ncontexts: [{{name: c, context: {{cluster: c, user: u}}}}]\n\
                 clusters: [{{name: c, cluster: {cluster}}}]\nusers:\n- name: u\n  user: {user}\n"
            ),
        );
    }

    /// `user` is what stands in the kubeconfig's user entry.
    pub(crate) fn upstream_as(&self, server: &str, user: &str, timing: PluginTiming) -> Upstream {
        let cluster = match server.starts_with("https:") {
            true => format!("{{server: \"{server}\", certificate-authority: ca.crt}}"),
            false => format!("{{server: \"{server}\"}}"),
        };
        self.write_kubeconfig(&cluster, user);
        let risks = UpstreamRisks { plain_http: true, ..UpstreamRisks::default() };
        let config = UpstreamConfig::load(&self.path("kubeconfig"), None, risks).unwrap();
        Upstream::new(config, timing).unwrap()
    }

    /// With the node's certificate.
    pub(crate) fn upstream(&self, server: &str) -> Upstream {
        let user = "{client-certificate: node.pem, client-key: node.pem}";
        self.upstream_as(server, user, PluginTiming::default())
    }
}

pub(crate) async fn get(
    upstream: &Upstream,
    lane: Lane,
    path: &str,
) -> Result<Response<UpstreamBody>, UpstreamError> {
    let request = Request::get(path).body(RequestBody::Empty).unwrap();
    upstream.send(lane, request, HEAD_LIMIT).await
}

/// The whole answer as text.
pub(crate) async fn text(response: Response<UpstreamBody>) -> String {
    let body: Bytes = response.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(body.to_vec()).unwrap()
}

/// Polls until the condition holds; fails after five seconds.
pub(crate) async fn eventually(what: &str, condition: impl Fn() -> bool) {
    for _ in 0..500 {
        if condition() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("never: {what}");
}
