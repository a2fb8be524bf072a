//! Containers, init containers, sidecars and ephemeral containers alike.

use std::fmt;

use super::environment::{EnvFrom, EnvVar};
use super::mounts::{VolumeDevice, VolumeMount};
use super::probe::{Lifecycle, Probe};
use super::read::{Read, view};
use super::resources::Resources;
use super::security::ContainerSecurity;
use crate::kube_wire::json::Value;
use crate::kube_wire::pod_schema::container::{
    CONTAINER, CONTAINER_PORT, CONTAINER_RESTART_RULE, CONTAINER_RESTART_RULE_ON_EXIT_CODES,
    EPHEMERAL_CONTAINER,
};
use crate::kube_wire::pod_schema::spec::POD_SPEC;
use crate::kube_wire::received_pod::SoundPod;
use crate::kube_wire::schema::{Holding, ObjectSchema};

view! {
    /// One container, with its own security context only.
    #[derive(Debug)]
    Container<'a> of [CONTAINER, EPHEMERAL_CONTAINER] {
        "name" name: &'a str,
        "image" image: &'a str,
        "command" command: &'a [&'a str],
        "args" args: &'a [&'a str],
        "workingDir" working_dir: &'a str,
        "ports" ports: &'a [Port<'a>],
        "envFrom" env_from: &'a [EnvFrom<'a>],
        "env" env: &'a [EnvVar<'a>],
        "resources" resources: Option<&'a Resources<'a>>,
        /// `Always` makes a sidecar of an init container.
        "restartPolicy" restart_policy: Option<&'a str>,
        "restartPolicyRules" restart_rules: &'a [RestartRule<'a>],
        "volumeMounts" mounts: &'a [VolumeMount<'a>],
        "volumeDevices" devices: &'a [VolumeDevice<'a>],
        "livenessProbe" liveness_probe: Option<&'a Probe<'a>>,
        "readinessProbe" readiness_probe: Option<&'a Probe<'a>>,
        "startupProbe" startup_probe: Option<&'a Probe<'a>>,
        "lifecycle" lifecycle: Option<&'a Lifecycle<'a>>,
        "terminationMessagePath" termination_message_path: &'a str,
        "securityContext" security_context: Option<&'a ContainerSecurity<'a>>,
        "stdin" stdin: bool,
        "stdinOnce" stdin_once: bool,
        "tty" tty: bool,
        /// Of ephemeral containers alone: whose process namespace they join.
        "targetContainerName" target_container_name: &'a str,
    }
    and {
        /// What kind of container it is.
        kind: ContainerKind,
        /// Its place in its list.
        index: usize,
    }
}

/// What kind of container: where it is listed, and whether it stays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ContainerKind {
    /// `spec.containers`.
    #[default]
    Container,
    /// `spec.initContainers`, run to its end before the next one.
    Init,
    /// `spec.initContainers` with `restartPolicy: Always`: runs as long as the pod.
    Sidecar,
    /// `spec.ephemeralContainers`, added to a pod that runs.
    Ephemeral,
}

impl ContainerKind {
    /// As policies write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Container => "container",
            Self::Init => "init",
            Self::Sidecar => "sidecar",
            Self::Ephemeral => "ephemeral",
        }
    }
}

/// Displays as the path of a container, for instance `spec.initContainers[1]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ContainerPath {
    kind: ContainerKind,
    index: usize,
}

impl fmt::Display for ContainerPath {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = match self.kind {
            ContainerKind::Container => "containers",
            ContainerKind::Init | ContainerKind::Sidecar => "initContainers",
            ContainerKind::Ephemeral => "ephemeralContainers",
        };
        write!(out, "spec.{list}[{}]", self.index)
    }
}

impl Container<'_> {
    /// Where it is, formatted when displayed.
    pub fn path(&self) -> ContainerPath {
        ContainerPath { kind: self.kind, index: self.index }
    }
}

view! {
    /// `ports[]`.
    #[derive(Debug)]
    Port<'a> of [CONTAINER_PORT] {
        "name" name: &'a str,
        "hostPort" host_port: i64,
        "containerPort" container_port: i64,
        "protocol" protocol: &'a str,
        "hostIP" host_ip: &'a str,
    }
}

view! {
    /// `restartPolicyRules[]`.
    #[derive(Debug)]
    RestartRule<'a> of [CONTAINER_RESTART_RULE] {
        "action" action: &'a str,
        "exitCodes" exit_codes: Option<ExitCodes<'a>>,
    }
}

view! {
    /// `restartPolicyRules[].exitCodes`.
    #[derive(Debug)]
    ExitCodes<'a> of [CONTAINER_RESTART_RULE_ON_EXIT_CODES] {
        "operator" operator: &'a str,
        "values" values: &'a [i64],
    }
}

/// All containers of a spec: init, ordinary and ephemeral ones, in that order.
pub(super) fn read_all<'a>(spec: u32, pod: &'a SoundPod<'a>) -> &'a [Container<'a>] {
    const INIT: u8 = ObjectSchema::index_in(&[&POD_SPEC], "initContainers");
    const ORDINARY: u8 = ObjectSchema::index_in(&[&POD_SPEC], "containers");
    const EPHEMERAL: u8 = ObjectSchema::index_in(&[&POD_SPEC], "ephemeralContainers");
    const fn holds(list: &str) -> bool {
        ObjectSchema::holds(&[&POD_SPEC], list, Container::TABLES, Holding::List)
    }
    const {
        assert!(holds("initContainers"));
        assert!(holds("containers"));
        assert!(holds("ephemeralContainers"));
    }
    let [mut init, mut ordinary, mut ephemeral] = [None; 3];
    for (index, list) in pod.checked.members(spec) {
        match index {
            INIT => init = Some(pod.checked.at(list)),
            ORDINARY => ordinary = Some(pod.checked.at(list)),
            EPHEMERAL => ephemeral = Some(pod.checked.at(list)),
            _ => {}
        }
    }
    let lists = [
        (init, ContainerKind::Init),
        (ordinary, ContainerKind::Container),
        (ephemeral, ContainerKind::Ephemeral),
    ];
    let length = lists.iter().filter_map(|(list, _)| *list).map(|list| list.items().count()).sum();
    pod.room.keep_pushed(length, |containers| {
        for (list, kind) in lists {
            for (index, value) in list.iter().flat_map(Value::items).enumerate() {
                containers.push(read_one(value, pod, (kind, index)));
            }
        }
    })
}

fn read_one<'a>(
    value: Value<'a>,
    pod: &'a SoundPod<'a>,
    (list, index): (ContainerKind, usize),
) -> Container<'a> {
    let mut container = Container::read(value.position(), pod);
    container.index = index;
    container.kind = match (list, container.restart_policy) {
        (ContainerKind::Init, Some("Always")) => ContainerKind::Sidecar,
        (list, _) => list,
    };
    container
}
