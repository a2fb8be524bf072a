//! A real Kubernetes node and its control plane, with the proxy between the two.
//!
//! etcd, API server, controller manager, scheduler, containerd and kubelet, all unmodified, in
//! namespaces of their own. The kubelet's only kubeconfig points to the proxy. Nothing is left when
//! a world is dropped, or when the process that made it is killed.

pub(crate) mod caller;
pub(crate) mod containers;
pub(crate) mod control_plane;
pub(crate) mod guard;
pub(crate) mod image;
pub(crate) mod janitor;
pub(crate) mod kubectl;
pub(crate) mod manifest;
pub(crate) mod namespace;
pub(crate) mod node;
pub(crate) mod proxy;
pub(crate) mod service;

use std::fs::create_dir_all;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use self::caller::Caller;
use self::containers::{ContainerWatch, running};
use self::control_plane::{API_SERVER, Authorities, ControlPlane, kubeconfig};
use self::janitor::Janitor;
use self::kubectl::Kubectl;
use self::namespace::{Inside, Namespace};
use self::node::{KUBELET_CERTIFICATES, NODE, Node, node_identity, node_identity_valid};
use self::proxy::{LISTEN, Place, Proxy};
use self::service::Service;
use crate::support::pki::Validity;
use crate::support::wait::{Outcome, ensure};

/// Measured: 2 s on an idle machine.
const READY_LIMIT: Duration = Duration::from_secs(90);

/// The script that prints where Kubernetes' components are, and builds them if need be.
const BUNDLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/go/kubernetes/build");

/// Which server the kubelet is told to talk to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Route {
    /// The proxy, with a certificate that only the proxy accepts.
    Proxy,
    /// The API server itself: what the node would do without us.
    Direct,
}

/// A cluster of one node.
pub(crate) struct World {
    pub(crate) authorities: Authorities,
    pub(crate) control_plane: ControlPlane,
    pub(crate) node: Node,
    pub(crate) proxy: Proxy,
    pub(crate) kubectl: Kubectl,
    pub(crate) containers: ContainerWatch,
    pub(crate) inside: Inside,
    namespace: Option<Namespace>,
    janitor: Janitor,
}

impl World {
    /// Boots control plane and containerd, then the proxy at `place` with `policy`, then the kubelet
    /// behind it, until the node is Ready. `step` is told what comes next.
    pub(crate) fn boot(
        place: Place<'_>,
        policy: &Value,
        step: &mut dyn FnMut(&str),
    ) -> Outcome<Self> {
        let mut world = Self::boot_control_plane(place, policy, step)?;
        step("kubelet-proxy");
        world.proxy.start(world.inside)?;
        step("kubelet, until the node is Ready");
        world.start_kubelet(Route::Proxy)?;
        world.wait_node_ready()?;
        Ok(world)
    }

    /// The first half of [`World::boot`]: neither proxy nor kubelet run yet.
    pub(crate) fn boot_control_plane(
        place: Place<'_>,
        policy: &Value,
        step: &mut dyn FnMut(&str),
    ) -> Outcome<Self> {
        step("Kubernetes' components (built once, about 5 minutes)");
        let bundle = bundle()?;
        let janitor = Janitor::hire()?;
        let (files, logs) = (janitor.dir(), janitor.dir().join("logs"));
        create_dir_all(&logs)?;
        let authorities = Authorities::new();
        let mut control_plane = ControlPlane::new(files, &logs, &bundle, &authorities)?;
        let notice = janitor.notice().ok_or("the janitor has gone")?;
        let proxy = Proxy::new(files, &logs, place, notice, &authorities, policy)?;
        let mut node = Node::new(files, &logs, &bundle, &authorities)?;

        step("namespaces, etcd, API server, containerd");
        let namespace = Namespace::create()?;
        let inside = namespace.inside();
        let kubectl = Kubectl::new(inside, &bundle, files);
        control_plane.start(inside)?;
        node.start_containerd(inside)?;
        let containers = ContainerWatch::start(inside, &janitor)?;
        step("controller manager, scheduler");
        control_plane.finish(inside, &kubectl)?;
        let namespace = Some(namespace);
        Ok(Self {
            authorities,
            control_plane,
            node,
            proxy,
            kubectl,
            containers,
            inside,
            namespace,
            janitor,
        })
    }

    /// Starts the kubelet with a kubeconfig for `route` and the identity that is accepted there.
    pub(crate) fn start_kubelet(&mut self, route: Route) -> Outcome {
        self.start_kubelet_with(route, Validity::Current)
    }

    /// [`World::start_kubelet`] with a certificate of that validity. Certificates that an earlier
    /// run of it asked for are removed: it would prefer them.
    pub(crate) fn start_kubelet_with(&mut self, route: Route, validity: Validity) -> Outcome {
        let authorities = &self.authorities;
        let (authority, server) = match route {
            Route::Proxy => (&authorities.kubelets, format!("https://{LISTEN}")),
            Route::Direct => (&authorities.nodes, API_SERVER.to_owned()),
        };
        let identity =
            node_identity_valid(authority, validity).write(self.janitor.dir(), "kubelet");
        kubeconfig(self.janitor.dir(), "kubelet", &server, &identity)?;
        let removed = self.inside.command("rm").args(["-rf", KUBELET_CERTIFICATES]).status()?;
        ensure(removed.success(), || format!("rm -rf {KUBELET_CERTIFICATES}: {removed}"))?;
        self.node.kubelet.start(self.inside)
    }

    /// Waits until the API server has heard from the kubelet that the node is Ready.
    pub(crate) fn wait_node_ready(&mut self) -> Outcome {
        let kubectl = &self.kubectl;
        let ready = self.node.kubelet.eventually("Ready", READY_LIMIT, || {
            let node = kubectl.get(&["node", NODE])?;
            let ready = condition(&node, "Ready");
            ensure(ready == Some("True"), || format!("Ready is {ready:?}"))
        });
        ready.map_err(|error| format!("{error}\n{}", self.proxy.tail()).into())
    }

    /// Where everybody's files are: configuration, credentials, logs.
    pub(crate) fn dir(&self) -> &Path {
        self.janitor.dir()
    }

    /// A caller with the kubelet's identity: what a kubelet can do, it can.
    pub(crate) fn kubelet_caller(&self) -> Outcome<Caller> {
        let identity = node_identity(&self.authorities.kubelets);
        Caller::new(&self.authorities.servers, Some(&identity))
    }

    /// The ids of the containers that run for the pod of that name, its sandbox included.
    pub(crate) fn running_containers(&self, pod: &str) -> Outcome<Vec<String>> {
        running(self.inside, pod)
    }

    /// An error that names the first component that has died.
    pub(crate) fn check_running(&mut self) -> Outcome {
        self.containers.check_running()?;
        self.proxy.check_running()?;
        self.services().into_iter().try_for_each(Service::check_running)
    }

    /// The ends of the logs that explain most failures.
    pub(crate) fn tails(&self) -> String {
        let services = [&self.node.kubelet, &self.node.containerd].map(Service::tail);
        format!("{}\n{}", self.proxy.tail(), services.join("\n"))
    }

    fn services(&mut self) -> Vec<&mut Service> {
        let mut services = Vec::from(self.control_plane.services());
        services.extend([&mut self.node.containerd, &mut self.node.kubelet]);
        services
    }
}

impl Drop for World {
    fn drop(&mut self) {
        drop(self.namespace.take());
        self.services().into_iter().for_each(Service::reap);
        self.proxy.reap();
        self.containers.reap();
    }
}

/// The status of the condition `kind` of a node or pod.
pub(crate) fn condition<'a>(object: &'a Value, kind: &str) -> Option<&'a str> {
    let conditions = object["status"]["conditions"].as_array()?;
    conditions.iter().find(|condition| condition["type"] == kind)?["status"].as_str()
}

fn bundle() -> Outcome<PathBuf> {
    let output = Command::new(BUNDLE).stdin(Stdio::null()).stderr(Stdio::inherit()).output()?;
    ensure(output.status.success(), || format!("{BUNDLE}: {}", output.status))?;
    Ok(PathBuf::from(String::from_utf8(output.stdout)?.trim()))
}
