//! A pod as policies see it: typed, borrowed, complete for the fields they may ask about.
//!
//! It is read from a checked value alone, so every name in it matched its grammar. Nothing here
//! says whether a pod is allowed. Reading is in `pod/read.rs`; what is left of a pod that cannot be
//! read, in `salvage`.

mod containers;
mod names;
mod read;
mod volumes;

/// Who a pod is. Every part matched its grammar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PodIdentity<'a> {
    /// DNS label.
    pub namespace: &'a str,
    /// DNS subdomain.
    pub name: &'a str,
    /// UUID text.
    pub uid: &'a str,
}

/// A pod, read from a checked value.
#[derive(Debug)]
pub struct Pod<'a> {
    /// Who it is.
    pub identity: PodIdentity<'a>,
    /// `metadata.resourceVersion`, opaque; empty when absent.
    pub resource_version: &'a str,
    /// `metadata.labels`.
    pub labels: StringMap<'a>,
    /// `metadata.annotations`.
    pub annotations: StringMap<'a>,
    /// The owner whose `controller` is true.
    pub controller: Option<Owner<'a>>,
    /// `metadata.deletionTimestamp` is set.
    pub is_being_deleted: bool,
    /// The annotation that marks the API's copy of a static pod is set; the kubelet never runs
    /// such a pod.
    pub is_mirror: bool,
    /// `spec.nodeName`.
    pub node_name: &'a str,
    /// `spec.hostNetwork`.
    pub host_network: bool,
    /// `spec.hostPID`.
    pub host_pid: bool,
    /// `spec.hostIPC`.
    pub host_ipc: bool,
    /// `spec.securityContext`.
    pub security: PodSecurity,
    /// Init, ordinary and ephemeral containers, in that order.
    pub containers: Vec<Container<'a>>,
    /// `spec.volumes`.
    pub volumes: Vec<Volume<'a>>,
    /// `status.phase`; empty when absent.
    pub phase: &'a str,
    /// `status.reason`; empty when absent.
    pub status_reason: &'a str,
    /// Some container status says that a container runs or ran.
    pub has_started: bool,
    /// Some container status says that a container runs.
    pub is_running: bool,
}

/// `metadata.ownerReferences[]` that controls the pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Owner<'a> {
    /// For instance `ReplicaSet`.
    pub kind: &'a str,
    /// The owner's name.
    pub name: &'a str,
    /// The owner's UID.
    pub uid: &'a str,
}

/// What the pod's security context says for all containers.
#[derive(Clone, Copy, Debug, Default)]
pub struct PodSecurity {
    /// `runAsUser`, if set.
    pub run_as_user: Option<i64>,
    /// `runAsNonRoot`, if set.
    pub run_as_non_root: Option<bool>,
}

/// Which of the pod's lists a container is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContainerKind {
    /// `spec.initContainers`.
    Init,
    /// `spec.containers`.
    Ordinary,
    /// `spec.ephemeralContainers`.
    Ephemeral,
}

/// One container, with its own security context only.
#[derive(Debug)]
pub struct Container<'a> {
    /// The list it is in.
    pub kind: ContainerKind,
    /// DNS label.
    pub name: &'a str,
    /// The image reference as written, never empty.
    pub image: &'a str,
    /// `securityContext.privileged`.
    pub privileged: bool,
    /// `securityContext.runAsUser`, if set.
    pub run_as_user: Option<i64>,
    /// `securityContext.runAsNonRoot`, if set.
    pub run_as_non_root: Option<bool>,
    /// `securityContext.capabilities.add`, as written.
    pub added_capabilities: Vec<&'a str>,
}

/// One volume.
#[derive(Debug)]
pub struct Volume<'a> {
    /// DNS label.
    pub name: &'a str,
    /// The source is `hostPath`.
    pub is_host_path: bool,
    /// The source is `image`: its reference counts as an image of the pod.
    pub image: Option<&'a str>,
}

/// A string map of the pod, borrowed; keys are unique.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StringMap<'a> {
    entries: Vec<(&'a str, &'a str)>,
}

impl<'a> FromIterator<(&'a str, &'a str)> for StringMap<'a> {
    fn from_iter<I: IntoIterator<Item = (&'a str, &'a str)>>(entries: I) -> Self {
        Self { entries: entries.into_iter().collect() }
    }
}

impl<'a> StringMap<'a> {
    /// The value of a key, `None` when absent.
    pub fn lookup(&self, key: &str) -> Option<&'a str> {
        self.entries.iter().find(|(known, _)| *known == key).map(|(_, value)| *value)
    }
    /// All entries.
    pub fn iter(&self) -> impl Iterator<Item = (&'a str, &'a str)> + use<'a, '_> {
        self.entries.iter().copied()
    }
}

#[cfg(test)]
mod tests;
