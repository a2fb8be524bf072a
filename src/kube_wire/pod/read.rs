//! Reads a pod from a checked value, each object in one pass over its members.
//!
//! Kinds and grammars were checked before; here is what spans several fields: what must be there,
//! what must be unique, what must refer to something. A fault means that the pod cannot be decided.

use super::containers::ContainerLists;
use super::names::missing;
use super::{Owner, Pod, PodIdentity, PodSecurity, StringMap, volumes};
use crate::kube_wire::json::{Value, ValueFault};
use crate::kube_wire::schema::Checked;

/// On the API's copy of a static pod (`k8s.io/kubernetes/pkg/kubelet/types.ConfigMirrorAnnotationKey`).
const MIRROR_ANNOTATION: &str = "kubernetes.io/config.mirror";

impl<'a> Pod<'a> {
    /// Reads a value that was checked against [`POD`](crate::kube_wire::pod_schema::POD).
    ///
    /// # Errors
    /// A part of the identity, the node's name, a container's name or image, a volume's name is
    /// missing; names clash; a mount names no volume; a volume has two sources.
    pub fn read(checked: &Checked<'a>) -> Result<Self, ValueFault> {
        let (mut metadata, mut spec, mut status) = (None, None, None);
        for (key, member) in checked.value().entries() {
            match key {
                "metadata" => metadata = Some(Metadata::read(member)),
                "spec" => spec = Some(Spec::read(member)),
                "status" => status = Some(Status::read(member)),
                _ => {}
            }
        }
        let metadata = metadata.ok_or_else(|| missing("metadata"))?;
        let spec = spec.ok_or_else(|| missing("spec"))?;
        let status = status.unwrap_or_default();
        let identity = metadata.identity()?;
        let (volumes, volume_names) = volumes::read(spec.volumes)?;
        Ok(Self {
            identity,
            resource_version: metadata.resource_version,
            is_mirror: metadata.annotations.lookup(MIRROR_ANNOTATION).is_some(),
            labels: metadata.labels,
            annotations: metadata.annotations,
            controller: metadata.controller,
            is_being_deleted: metadata.is_being_deleted,
            node_name: spec.node_name.ok_or_else(|| missing("spec.nodeName"))?,
            host_network: spec.host_network,
            host_pid: spec.host_pid,
            host_ipc: spec.host_ipc,
            security: spec.security,
            containers: spec.containers.read(&volume_names)?,
            volumes,
            phase: status.phase,
            status_reason: status.reason,
            has_started: status.has_started,
            is_running: status.is_running,
        })
    }
}

#[derive(Default)]
struct Metadata<'a> {
    namespace: Option<&'a str>,
    name: Option<&'a str>,
    uid: Option<&'a str>,
    resource_version: &'a str,
    labels: StringMap<'a>,
    annotations: StringMap<'a>,
    controller: Option<Owner<'a>>,
    is_being_deleted: bool,
}

impl<'a> Metadata<'a> {
    fn read(value: Value<'a>) -> Self {
        let mut metadata = Self::default();
        for (key, member) in value.entries() {
            match key {
                "namespace" => metadata.namespace = member.as_str(),
                "name" => metadata.name = member.as_str(),
                "uid" => metadata.uid = member.as_str(),
                "resourceVersion" => metadata.resource_version = text(member),
                "labels" => metadata.labels = string_map(member),
                "annotations" => metadata.annotations = string_map(member),
                "deletionTimestamp" => metadata.is_being_deleted = !member.is_null(),
                "ownerReferences" => metadata.controller = member.items().find_map(read_controller),
                _ => {}
            }
        }
        metadata
    }

    fn identity(&self) -> Result<PodIdentity<'a>, ValueFault> {
        Ok(PodIdentity {
            namespace: self.namespace.ok_or_else(|| missing("metadata.namespace"))?,
            name: self.name.ok_or_else(|| missing("metadata.name"))?,
            uid: self.uid.ok_or_else(|| missing("metadata.uid"))?,
        })
    }
}

fn read_controller(reference: Value<'_>) -> Option<Owner<'_>> {
    let mut owner = Owner { kind: "", name: "", uid: "" };
    let mut controls = false;
    for (key, member) in reference.entries() {
        match key {
            "kind" => owner.kind = text(member),
            "name" => owner.name = text(member),
            "uid" => owner.uid = text(member),
            "controller" => controls = member.as_bool().unwrap_or_default(),
            _ => {}
        }
    }
    controls.then_some(owner)
}

#[derive(Default)]
struct Spec<'a> {
    node_name: Option<&'a str>,
    host_network: bool,
    host_pid: bool,
    host_ipc: bool,
    security: PodSecurity,
    volumes: Option<Value<'a>>,
    containers: ContainerLists<'a>,
}

impl<'a> Spec<'a> {
    fn read(value: Value<'a>) -> Self {
        let mut spec = Self::default();
        for (key, member) in value.entries() {
            match key {
                "volumes" => spec.volumes = Some(member),
                "initContainers" => spec.containers.init = Some(member),
                "containers" => spec.containers.ordinary = Some(member),
                "ephemeralContainers" => spec.containers.ephemeral = Some(member),
                "nodeName" => spec.node_name = member.as_str(),
                "hostNetwork" => spec.host_network = member.as_bool().unwrap_or_default(),
                "hostPID" => spec.host_pid = member.as_bool().unwrap_or_default(),
                "hostIPC" => spec.host_ipc = member.as_bool().unwrap_or_default(),
                "securityContext" => spec.security = read_security(member),
                _ => {}
            }
        }
        spec
    }
}

fn read_security(value: Value<'_>) -> PodSecurity {
    let mut security = PodSecurity::default();
    for (key, member) in value.entries() {
        match key {
            "runAsUser" => security.run_as_user = member.as_i64(),
            "runAsNonRoot" => security.run_as_non_root = member.as_bool(),
            _ => {}
        }
    }
    security
}

#[derive(Default)]
struct Status<'a> {
    phase: &'a str,
    reason: &'a str,
    has_started: bool,
    is_running: bool,
}

impl<'a> Status<'a> {
    fn read(value: Value<'a>) -> Self {
        let mut status = Self::default();
        for (key, member) in value.entries() {
            match key {
                "phase" => status.phase = text(member),
                "reason" => status.reason = text(member),
                "containerStatuses" | "initContainerStatuses" | "ephemeralContainerStatuses" => {
                    member.items().for_each(|container| status.note(container));
                }
                _ => {}
            }
        }
        status
    }

    fn note(&mut self, container: Value<'_>) {
        for (key, member) in container.entries() {
            match key {
                "state" | "lastState" => {
                    let is_set = |name| member.field(name).is_some();
                    self.is_running |= key == "state" && is_set("running");
                    self.has_started |= is_set("running") || is_set("terminated");
                }
                "restartCount" => self.has_started |= member.as_i64().is_some_and(|n| n > 0),
                _ => {}
            }
        }
    }
}

fn text(value: Value<'_>) -> &str {
    value.as_str().unwrap_or_default()
}

fn string_map(value: Value<'_>) -> StringMap<'_> {
    value.entries().filter_map(|(key, member)| Some((key, member.as_str()?))).collect()
}
