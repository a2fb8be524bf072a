//! containerd with a bridge network, and the kubelet: the node that the proxy protects.
//!
//! The kubelet knows one server only, the one given to it. Its settings are those that this kind of
//! host needs (no systemd, cgroups of either version, no registry); admission is left untouched.

use std::fs::{create_dir_all, write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::json;

use super::control_plane::{Authorities, path};
use super::image::{IMAGE, write_archive};
use super::namespace::{Inside, NODE_ADDRESS, STATE};
use super::service::Service;
use crate::support::pki::{Authority, Identity, Validity, write_private};
use crate::support::wait::{Outcome, ensure};

/// The node's name.
pub(crate) const NODE: &str = "node-1";

/// Where containerd listens, inside.
pub(crate) const CONTAINERD: &str = "/run/containerd/containerd.sock";

/// Where the kubelet keeps the certificates that it asked for, inside.
pub(crate) const KUBELET_CERTIFICATES: &str = "/run/nodeward/kubelet-pki";

/// Where Debian puts the CNI plugins.
const CNI_PLUGINS: &str = "/usr/lib/cni";

/// containerd answers within a second; a busy machine is given more.
const START_LIMIT: Duration = Duration::from_secs(60);

/// containerd and kubelet.
pub(crate) struct Node {
    pub(crate) containerd: Service,
    pub(crate) kubelet: Service,
    archive: PathBuf,
}

impl Node {
    /// Writes the configuration below `dir`, all but the kubelet's kubeconfig: whom it talks to is
    /// decided when it starts.
    pub(crate) fn new(
        dir: &Path,
        logs: &Path,
        bundle: &Path,
        authorities: &Authorities,
    ) -> Outcome<Self> {
        create_dir_all(dir.join("cni"))?;
        write(dir.join("containerd.toml"), containerd_config(&dir.join("cni")))?;
        write(dir.join("cni/10-bridge.conflist"), cni_config().to_string())?;
        write_private(dir, "operators.crt", &authorities.operators.pem());
        let serving =
            authorities.servers.server(&[NODE_ADDRESS, NODE]).write(dir, "kubelet-serving");
        let config = json!({
            "apiVersion": "kubelet.config.k8s.io/v1beta1",
            "kind": "KubeletConfiguration",
            "containerRuntimeEndpoint": format!("unix://{CONTAINERD}"),
            "tlsCertFile": serving.certificate,
            "tlsPrivateKeyFile": serving.key,
            "authentication": { "x509": { "clientCAFile": dir.join("operators.crt") } },
            "rotateCertificates": true,
            "cgroupDriver": "cgroupfs",
            "cgroupsPerQOS": false,
            "enforceNodeAllocatable": [],
            "failCgroupV1": false,
            "failSwapOn": false,
            "localStorageCapacityIsolation": false,
            "evictionHard": {},
            "resolvConf": "",
            "podLogsDir": format!("{STATE}/pods"),
            // As on a large node, so that a burst is not stretched by the client's own limit.
            "kubeAPIQPS": 100,
            "kubeAPIBurst": 200,
            "maxPods": 110,
            // Half of the usual, so that tests see renewals twice as often: every 5 s.
            "nodeLeaseDurationSeconds": 20,
        });
        write(dir.join("kubelet.json"), config.to_string())?;
        Ok(Self {
            containerd: Service::new("containerd", Path::new("containerd"), logs)
                .arg("--config")
                .arg(path(&dir.join("containerd.toml"))),
            kubelet: Service::new("kubelet", &bundle.join("kubelet"), logs).flags(&[
                ("config", path(&dir.join("kubelet.json"))),
                ("kubeconfig", path(&dir.join("kubelet.kubeconfig"))),
                ("hostname-override", NODE.into()),
                ("node-ip", NODE_ADDRESS.into()),
                ("root-dir", format!("{STATE}/kubelet")),
                ("cert-dir", KUBELET_CERTIFICATES.into()),
            ]),
            archive: write_archive(dir)?,
        })
    }

    /// Starts containerd and gives it the image. The kubelet is started by its owner.
    pub(crate) fn start_containerd(&mut self, inside: Inside) -> Outcome {
        self.containerd.start(inside)?;
        self.containerd.eventually("up", START_LIMIT, || ctr(inside, &["version"]).map(drop))?;
        ctr(inside, &["images", "import", "--no-unpack", &path(&self.archive)])?;
        let images = ctr(inside, &["images", "list", "--quiet"])?;
        ensure(images.contains(IMAGE), || format!("{IMAGE} is not among {images}"))
    }
}

/// A certificate for this node's name from `authority`.
pub(crate) fn node_identity(authority: &Authority) -> Identity {
    node_identity_valid(authority, Validity::Current)
}

/// [`node_identity`] with a validity of the caller's choice.
pub(crate) fn node_identity_valid(authority: &Authority, validity: Validity) -> Identity {
    authority.client_valid(&format!("system:node:{NODE}"), Some("system:nodes"), validity)
}

/// Runs containerd's own client, in the namespace of images and containers that kubelets use.
pub(crate) fn ctr(inside: Inside, arguments: &[&str]) -> Outcome<String> {
    let output = inside
        .command("ctr")
        .args(["--address", CONTAINERD, "--namespace", "k8s.io"])
        .args(arguments)
        .output()?;
    let complaint = String::from_utf8_lossy(&output.stderr);
    ensure(output.status.success(), || {
        format!("ctr {}: {}", arguments.join(" "), complaint.trim())
    })?;
    Ok(String::from_utf8(output.stdout)?)
}

fn containerd_config(cni: &Path) -> String {
    format!(
        r#"version = 2
root = "{STATE}/containerd"
state = "/run/containerd/state"
[grpc]
  address = "{CONTAINERD}"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{IMAGE}"
  disable_apparmor = true
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "{CNI_PLUGINS}"
    conf_dir = "{}"
"#,
        cni.display()
    )
}

fn cni_config() -> serde_json::Value {
    json!({ "cniVersion": "0.4.0", "name": "nodeward", "plugins": [{
        "type": "bridge",
        "bridge": "cni0",
        "isGateway": true,
        "ipam": {
            "type": "host-local",
            "dataDir": format!("{STATE}/addresses"),
            "ranges": [[{ "subnet": "10.88.0.0/16", "rangeStart": "10.88.1.0" }]],
        },
    }] })
}
