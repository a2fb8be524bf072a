//! A node whose kubelet listens on loopback, with the proxy's guard where the kubelet used to be.
//!
//! The port stays the kubelet's: the node tells the API server its own address and port 10250, and the
//! guard listens there. Only the kubelet's `address` and its `clientCAFile` change.

use std::fs::{read, write};
use std::path::Path;

use serde_json::{Value, json};

use super::control_plane::path;
use super::namespace::NODE_ADDRESS;
use super::node::NODE;
use super::proxy::Place;
use super::{Route, World};
use crate::support::pki::{Authority, write_private};
use crate::support::wait::Outcome;

/// Where the kubelet listens, inside: what k3s's tunnel connects to.
pub(crate) const KUBELET: &str = "127.0.0.1:10250";

/// Where the guard listens, inside: what an API server connects to.
pub(crate) const GUARD: &str = "10.88.0.1:10250";

/// The common name of the API server's certificate for kubelets.
pub(crate) const API_SERVER_NAME: &str = "kube-apiserver";

/// The common name of the guard's certificate for its kubelet.
pub(crate) const GUARD_NAME: &str = "nodeward-guard";

impl World {
    /// [`World::boot`] of such a node.
    pub(crate) fn boot_guarded(
        program: &Path,
        policy: &Value,
        step: &mut dyn FnMut(&str),
    ) -> Outcome<Self> {
        let mut world = Self::boot_control_plane(Place::Process(program), policy, step)?;
        step("kubelet on loopback, guard in its place, until the node is Ready");
        let guards = Authority::new("guards");
        world.move_kubelet_to_loopback(&guards)?;
        let flags = world.guard_flags(&guards);
        world.proxy.add_flags(&flags)?;
        world.proxy.start(world.inside)?;
        world.start_kubelet(Route::Proxy)?;
        world.wait_node_ready()?;
        Ok(world)
    }

    /// From its next start on the kubelet listens on loopback, and trusts the authority of the guard too.
    pub(crate) fn move_kubelet_to_loopback(&self, guards: &Authority) -> Outcome {
        let dir = self.dir();
        let mut config: Value = serde_json::from_slice(&read(dir.join("kubelet.json"))?)?;
        config["address"] = json!("127.0.0.1");
        write(dir.join("kubelet.json"), config.to_string())?;
        // As a cluster has it: whoever its authority signed still gets through the handshake.
        let trusted = self.authorities.operators.pem() + &guards.pem();
        write_private(dir, "operators.crt", &trusted);
        Ok(())
    }

    /// Takes that back, from its next start on.
    pub(crate) fn move_kubelet_back(&self) -> Outcome {
        let dir = self.dir();
        let mut config: Value = serde_json::from_slice(&read(dir.join("kubelet.json"))?)?;
        config["address"] = Value::Null;
        write(dir.join("kubelet.json"), config.to_string())?;
        write_private(dir, "operators.crt", &self.authorities.operators.pem());
        Ok(())
    }

    fn guard_flags(&self, guards: &Authority) -> Vec<(&'static str, String)> {
        let dir = self.dir();
        let serving = self.authorities.servers.server(&[NODE_ADDRESS]).write(dir, "guard-serving");
        let own = guards.client(GUARD_NAME, None).write(dir, "guard");
        let callers = write_private(dir, "callers.crt", &self.authorities.operators.pem());
        vec![
            ("kubelet-api-listen", GUARD.into()),
            ("kubelet-api-tls-cert", path(&serving.certificate)),
            ("kubelet-api-tls-key", path(&serving.key)),
            ("kubelet-api-client-ca", path(&callers)),
            ("kubelet-api-client-name", API_SERVER_NAME.into()),
            ("kubelet-api-upstream-ca", path(&dir.join("servers.crt"))),
            ("kubelet-api-upstream-name", NODE.into()),
            ("kubelet-api-guard-cert", path(&own.certificate)),
            ("kubelet-api-guard-key", path(&own.key)),
        ]
    }
}
