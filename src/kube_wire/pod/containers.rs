//! Reads a pod's containers: ordinary, init and ephemeral ones alike.
//!
//! Names are unique across the three lists, as the API demands: the kubelet finds containers,
//! statuses and logs by name. Every mount names a volume that the pod declares.

use super::names::{Names, fault, missing};
use super::{Container, ContainerKind};
use crate::kube_wire::json::{Value, ValueFault};

/// The three lists of a spec.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct ContainerLists<'a> {
    pub(super) init: Option<Value<'a>>,
    pub(super) ordinary: Option<Value<'a>>,
    pub(super) ephemeral: Option<Value<'a>>,
}

/// Where a container is, for faults.
#[derive(Clone, Copy)]
struct Place {
    kind: ContainerKind,
    index: usize,
}

impl Place {
    fn member(self, name: &str) -> String {
        let list = match self.kind {
            ContainerKind::Init => "initContainers",
            ContainerKind::Ordinary => "containers",
            ContainerKind::Ephemeral => "ephemeralContainers",
        };
        format!("spec.{list}[{}].{name}", self.index)
    }
}

impl<'a> ContainerLists<'a> {
    /// Init, ordinary and ephemeral containers, in that order.
    pub(super) fn read(self, volumes: &Names<'a>) -> Result<Vec<Container<'a>>, ValueFault> {
        let mut containers = Vec::new();
        for (kind, list) in [
            (ContainerKind::Init, self.init),
            (ContainerKind::Ordinary, self.ordinary),
            (ContainerKind::Ephemeral, self.ephemeral),
        ] {
            for (index, value) in list.iter().flat_map(Value::items).enumerate() {
                containers.push(read_one(value, Place { kind, index }, volumes)?);
            }
        }
        if containers.iter().all(|container| container.kind != ContainerKind::Ordinary) {
            return Err(missing("spec.containers"));
        }
        Names::unique(containers.iter().map(|container| container.name))
            .ok_or_else(|| fault("spec.containers", "two containers have the same name"))?;
        Ok(containers)
    }
}

fn read_one<'a>(
    value: Value<'a>,
    place: Place,
    volumes: &Names<'a>,
) -> Result<Container<'a>, ValueFault> {
    let mut container = Container {
        kind: place.kind,
        name: "",
        image: "",
        privileged: false,
        run_as_user: None,
        run_as_non_root: None,
        added_capabilities: Vec::new(),
    };
    for (key, member) in value.entries() {
        match key {
            "name" => container.name = member.as_str().unwrap_or_default(),
            "image" => container.image = member.as_str().unwrap_or_default(),
            "securityContext" => read_security(member, &mut container),
            "volumeMounts" => {
                require_declared(member, "volumeMounts", "mountPath", place, volumes)?
            }
            "volumeDevices" => {
                require_declared(member, "volumeDevices", "devicePath", place, volumes)?;
            }
            _ => {}
        }
    }
    if container.name.is_empty() {
        return Err(missing(place.member("name")));
    }
    if container.image.is_empty() {
        return Err(missing(place.member("image")));
    }
    Ok(container)
}

fn read_security<'a>(security: Value<'a>, container: &mut Container<'a>) {
    for (key, member) in security.entries() {
        match key {
            "privileged" => container.privileged = member.as_bool().unwrap_or_default(),
            "runAsUser" => container.run_as_user = member.as_i64(),
            "runAsNonRoot" => container.run_as_non_root = member.as_bool(),
            "capabilities" => {
                if let Some(added) = member.field("add") {
                    container.added_capabilities =
                        added.items().filter_map(|capability| capability.as_str()).collect();
                }
            }
            _ => {}
        }
    }
}

/// Each entry names a declared volume and says where it goes.
fn require_declared(
    list: Value<'_>,
    list_name: &str,
    path_name: &str,
    place: Place,
    volumes: &Names<'_>,
) -> Result<(), ValueFault> {
    for (index, entry) in list.items().enumerate() {
        let member = |name: &str| place.member(&format!("{list_name}[{index}].{name}"));
        let (mut volume, mut path) = (None, None);
        for (key, text) in entry.entries() {
            if key == "name" {
                volume = text.as_str();
            } else if key == path_name {
                path = text.as_str();
            }
        }
        if path.is_none() {
            return Err(missing(member(path_name)));
        }
        if !volume.is_some_and(|name| volumes.contains(name)) {
            return Err(fault(member("name"), "names no volume of the pod"));
        }
    }
    Ok(())
}
