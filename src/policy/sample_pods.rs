//! Pods for the unit tests of this room: one harmless pod that each test spoils in one way.

use super::{Document, Policy, Verdict};
use crate::kube_wire::pod::{
    Container, ContainerKind, Pod, PodIdentity, PodSecurity, StringMap, Volume,
};

/// What a policy of the first version says about a pod that was never JSON.
pub(super) fn verdict<'v>(policy: &'v Policy, pod: &'v Pod<'v>) -> Verdict<'v> {
    match &policy.document {
        Document::V1(rules) => rules.first_match(pod).unwrap_or_else(|| rules.default_verdict()),
        Document::V2(_) => panic!("a policy of the second version decides on sound pods"),
    }
}

/// A digest that is no one's.
pub(super) const DIGEST: &str =
    "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

/// Runs `nginx` as an ordinary user, in the namespace `default`.
pub(super) fn harmless_pod() -> Pod<'static> {
    Pod {
        identity: PodIdentity {
            namespace: "default",
            name: "web",
            uid: "0b5ec4f2-6c8e-4ea1-8f27-1f8a4d7f2c11",
        },
        resource_version: "1",
        labels: StringMap::default(),
        annotations: StringMap::default(),
        controller: None,
        is_being_deleted: false,
        is_mirror: false,
        node_name: "node-1",
        host_network: false,
        host_pid: false,
        host_ipc: false,
        security: PodSecurity { run_as_user: Some(1000), run_as_non_root: None },
        containers: vec![container("nginx")],
        volumes: Vec::new(),
        phase: "Pending",
        status_reason: "",
        has_started: false,
        is_running: false,
    }
}

/// An ordinary container named `app`.
pub(super) fn container(image: &str) -> Container<'_> {
    Container {
        kind: ContainerKind::Ordinary,
        name: "app",
        image,
        privileged: false,
        run_as_user: None,
        run_as_non_root: None,
        added_capabilities: Vec::new(),
    }
}

/// The harmless pod with another image.
pub(super) fn pod_with_image(image: &str) -> Pod<'_> {
    Pod { containers: vec![container(image)], ..harmless_pod() }
}

/// The harmless pod with its container changed.
pub(super) fn pod_with_container(change: impl FnOnce(&mut Container<'static>)) -> Pod<'static> {
    let mut container = container("nginx");
    change(&mut container);
    Pod { containers: vec![container], ..harmless_pod() }
}

/// A volume named `data`.
pub(super) fn volume(is_host_path: bool, image: Option<&str>) -> Volume<'_> {
    Volume { name: "data", is_host_path, image }
}
