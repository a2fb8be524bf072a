//! A pod in full: every field of its spec that decides what runs, typed and borrowed.
//!
//! Where [`Pod`](super::pod::Pod) holds what every pod is asked, this holds everything that a policy
//! may pin, so it is built only when a policy asks. Nothing here says whether a pod is allowed.
//! Fields that only choose place and time are not here but in `place_and_time.rs`; a test walks
//! all tables of `pod_schema` and proves that each field is in one of the two.

mod claim;
mod container;
mod environment;
mod mounts;
mod network;
mod place_and_time;
mod probe;
mod projection;
mod read;
mod resources;
mod room;
mod security;
mod spec;
#[cfg(test)]
mod tests;
mod volume;

pub use self::claim::{
    ClaimTemplate, ClaimTemplateMetadata, ClaimTemplateSpec, DataSource, EphemeralVolume,
    LabelRequirement, LabelSelector, PersistentVolumeClaim, VolumeResources,
};
pub use self::container::{Container, ContainerKind, ContainerPath, ExitCodes, Port, RestartRule};
pub use self::environment::{
    EnvFrom, EnvSource, EnvVar, FieldRef, FileKey, KeyRef, ResourceFieldRef, SourceRef,
};
pub use self::mounts::{VolumeDevice, VolumeMount};
pub use self::network::{DnsConfig, DnsOption, HostAlias};
pub use self::place_and_time::{KEPT_AS_WRITTEN, PLACE_AND_TIME};
pub use self::probe::{Exec, Grpc, Header, Hook, HttpGet, Lifecycle, Probe, Sleep, TcpSocket};
pub use self::projection::{
    ClusterTrustBundle, DownwardApiFile, KeyToPath, PodCertificate, ProjectedDownwardApi,
    ProjectedObject, Projection, ServiceAccountToken,
};
pub use self::read::{Entries, PortReference, Quantity};
pub use self::resources::{ClaimUse, Resources};
pub use self::room::Room;
pub use self::security::{
    Capabilities, ContainerSecurity, PodSecurityContext, Profile, SeLinux, Sysctl, WindowsOptions,
};
pub use self::spec::{Os, PodSpec, ReferredObject, ResourceClaim};
pub use self::volume::{
    Csi, DownwardApiVolume, EmptyDir, HostPath, ImageVolume, InTreeVolume, ObjectVolume,
    ProjectedVolume, Volume, VolumeSource,
};

use self::read::Read;
use super::pod::{Owner, PodIdentity, StringMap};
use super::received_pod::SoundPod;

/// One pod in full.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PodView<'a> {
    /// Who it is.
    pub identity: PodIdentity<'a>,
    /// `metadata.labels`.
    pub labels: &'a StringMap<'a>,
    /// `metadata.annotations`.
    pub annotations: &'a StringMap<'a>,
    /// The owner whose `controller` is true.
    pub controller: Option<Owner<'a>>,
    /// Init, ordinary and ephemeral containers, in that order.
    pub containers: &'a [Container<'a>],
    /// The rest of `spec`.
    pub spec: PodSpec<'a>,
}

impl<'a> PodView<'a> {
    /// Reads a pod that was found sound.
    pub fn of(pod: &'a SoundPod<'a>) -> Self {
        let (containers, spec) = match pod.checked.value().field("spec") {
            Some(spec) => read_spec(spec.position(), pod),
            None => Default::default(),
        };
        Self {
            identity: pod.pod.identity,
            labels: &pod.pod.labels,
            annotations: &pod.pod.annotations,
            controller: pod.pod.controller,
            containers,
            spec,
        }
    }
}

/// A spec: its containers, and the rest.
fn read_spec<'a>(spec: u32, pod: &'a SoundPod<'a>) -> (&'a [Container<'a>], PodSpec<'a>) {
    (container::read_all(spec, pod), PodSpec::read(spec, pod))
}
