//! One object beside pods that decides what a pod runs, as it came from upstream.
//!
//! Read like a pod: against its table, whole, or not at all. Whether it may reach a kubelet is for the
//! policy to say.

use super::json::{Value, ValueFault};
use super::pod_schema::{CONFIG_MAP, PERSISTENT_VOLUME, RUNTIME_CLASS, SECRET, SERVICE};
use super::resource::{Item, Resource};
use super::salvage::{SalvagedIdentity, salvage_identity};
use super::schema::{self, Checked, ObjectSchema};
use super::service;

/// The kinds of objects beside pods that decide what a pod runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ObjectKind {
    /// Names the runtime's configuration that starts a pod.
    RuntimeClass,
    /// What stands behind a claim.
    PersistentVolume,
    /// Files and variables of containers.
    ConfigMap,
    /// The same, and credentials for registries and drivers.
    Secret,
    /// Variables of all containers of its namespace.
    Service,
}

static RUNTIME_CLASSES: Resource = Resource {
    kind: "RuntimeClass",
    list_kind: "RuntimeClassList",
    api_version: "node.k8s.io/v1",
    is_namespaced: false,
};
static PERSISTENT_VOLUMES: Resource = Resource {
    kind: "PersistentVolume",
    list_kind: "PersistentVolumeList",
    api_version: "v1",
    is_namespaced: false,
};
static CONFIG_MAPS: Resource = Resource {
    kind: "ConfigMap",
    list_kind: "ConfigMapList",
    api_version: "v1",
    is_namespaced: true,
};
static SECRETS: Resource =
    Resource { kind: "Secret", list_kind: "SecretList", api_version: "v1", is_namespaced: true };
static SERVICES: Resource =
    Resource { kind: "Service", list_kind: "ServiceList", api_version: "v1", is_namespaced: true };

impl ObjectKind {
    /// How documents name it.
    pub fn resource(self) -> &'static Resource {
        match self {
            Self::RuntimeClass => &RUNTIME_CLASSES,
            Self::PersistentVolume => &PERSISTENT_VOLUMES,
            Self::ConfigMap => &CONFIG_MAPS,
            Self::Secret => &SECRETS,
            Self::Service => &SERVICES,
        }
    }

    /// The plural in paths.
    pub fn plural(self) -> &'static str {
        match self {
            Self::RuntimeClass => "runtimeclasses",
            Self::PersistentVolume => "persistentvolumes",
            Self::ConfigMap => "configmaps",
            Self::Secret => "secrets",
            Self::Service => "services",
        }
    }

    /// Must it be sound whatever the policy speaks of? What a policy does not speak of is passed unread
    /// if a kubelet can do no more with it than the API server permits.
    pub fn is_always_read(self) -> bool {
        match self {
            // A kubelet takes names of variables from it unseen, and ends over one without ports.
            Self::Service => true,
            Self::RuntimeClass | Self::PersistentVolume | Self::ConfigMap | Self::Secret => false,
        }
    }

    fn schema(self) -> &'static ObjectSchema {
        match self {
            Self::RuntimeClass => &RUNTIME_CLASS,
            Self::PersistentVolume => &PERSISTENT_VOLUME,
            Self::ConfigMap => &CONFIG_MAP,
            Self::Secret => &SECRET,
            Self::Service => &SERVICE,
        }
    }

    /// What its table cannot say.
    fn further_fault(self, checked: &Checked<'_>) -> Option<ValueFault> {
        match self {
            Self::RuntimeClass | Self::PersistentVolume => {
                has_namespace(checked).then(in_a_namespace)
            }
            Self::ConfigMap | Self::Secret => None,
            Self::Service => service::fault(checked.value()),
        }
    }
}

/// An object that was read in full, or why it was not.
#[derive(Debug)]
pub enum ReceivedObject<'a> {
    /// Fits its table, and every name fits its grammar.
    Sound(SoundObject<'a>),
    /// Must not reach anyone.
    Faulty {
        /// Who it says it is, if that is well-formed and unambiguous.
        identity: Option<SalvagedIdentity<'a>>,
        /// What is wrong.
        fault: ValueFault,
    },
}

/// An object that may be decided on.
#[derive(Debug)]
pub struct SoundObject<'a> {
    /// What it is.
    pub kind: ObjectKind,
    /// Who it is.
    pub identity: SalvagedIdentity<'a>,
    /// For reading and writing.
    pub checked: Checked<'a>,
}

impl<'a> ReceivedObject<'a> {
    /// Reads an object that should be of this kind.
    pub fn read(item: Item<'a>, kind: ObjectKind) -> Self {
        let Item { value, flaw } = item;
        let identity = salvage_identity(value, kind.resource());
        let checked = match flaw {
            Some(fault) => Err(fault),
            None => schema::check(value, kind.schema()),
        };
        let checked = checked.and_then(|checked| match kind.further_fault(&checked) {
            Some(fault) => Err(fault),
            None => Ok(checked),
        });
        match (checked, identity) {
            (Ok(checked), Some(identity)) => Self::Sound(SoundObject { kind, identity, checked }),
            (Ok(_), None) => Self::Faulty { identity, fault: nameless() },
            (Err(fault), _) => Self::Faulty { identity, fault },
        }
    }
}

impl<'a> SoundObject<'a> {
    /// The object, for reading.
    pub fn value(&self) -> Value<'a> {
        self.checked.value()
    }
}

/// Rules would take it for another object than the kubelet does, which knows it by namespace and name.
fn has_namespace(checked: &Checked<'_>) -> bool {
    let namespace =
        checked.value().field("metadata").and_then(|metadata| metadata.field("namespace"));
    namespace.and_then(|value| value.as_str()).is_some_and(|text| !text.is_empty())
}

fn in_a_namespace() -> ValueFault {
    let problem = "stands on an object that belongs to no namespace".to_owned();
    ValueFault { path: "metadata.namespace".to_owned(), problem }
}

fn nameless() -> ValueFault {
    ValueFault { path: "metadata".to_owned(), problem: "has no name or namespace".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kube_wire::document::read_whole;
    use crate::kube_wire::json::{Limits, Tape};

    const LIMITS: Limits = Limits { depth: 64, nodes: 10_000 };

    /// The object as it would be sent, or its fault after a `!`.
    fn read(kind: ObjectKind, document: &str) -> String {
        let mut tape = Tape::default();
        let flaw = read_whole(document.as_bytes(), &mut tape, LIMITS).unwrap();
        let item = Item { value: tape.root(document.as_bytes()), flaw };
        match ReceivedObject::read(item, kind) {
            ReceivedObject::Sound(sound) => {
                let mut out = Vec::new();
                sound.checked.write(&mut out, &mut Vec::new());
                String::from_utf8(out).unwrap()
            }
            ReceivedObject::Faulty { identity, fault } => {
                format!("!{} {fault}", identity.map_or("", |identity| identity.name))
            }
        }
    }

    #[test]
    fn what_is_written_is_what_was_looked_at() {
        let class = r#"{"kind":"RuntimeClass","apiVersion":"node.k8s.io/v1","metadata":{"name":"kata"},"handler":"kata-qemu"}"#;
        let newer = class.replace("\"handler\"", r#""newer":{"runsWhat":"else"},"handler""#);
        assert_eq!(read(ObjectKind::RuntimeClass, &newer), class);
        let map = r#"{"metadata":{"name":"a","namespace":"n"},"data":{"k":"v"}}"#;
        assert_eq!(read(ObjectKind::ConfigMap, map), map);
        let service = r#"{"metadata":{"name":"a","namespace":"n"},"spec":{"ports":[{"name":"p","protocol":"TCP","port":80}],"clusterIP":"10.0.0.1","clusterIPs":["10.0.0.1"]}}"#;
        let whole = service
            .replace("\"port\":80", r#""appProtocol":"x","port":80,"targetPort":"web""#)
            .replace("\"clusterIP\"", r#""selector":{"app":"a"},"clusterIP""#);
        assert_eq!(read(ObjectKind::Service, &whole), service);
    }

    #[test]
    fn what_two_readers_could_read_in_two_ways_is_faulty() {
        let map = |rest: &str| format!(r#"{{"metadata":{{"name":"a","namespace":"n"}}{rest}}}"#);
        for (kind, document, expected) in [
            (ObjectKind::ConfigMap, map(r#","data":{"k":"v"},"data":{}"#), "!a data: "),
            (ObjectKind::ConfigMap, map(r#","data":{"k":"v","k":"w"}"#), "!a data.k: "),
            (ObjectKind::ConfigMap, map(r#","Data":{"k":"v"}"#), "!a Data: "),
            (ObjectKind::ConfigMap, map(r#","data":{"k":null}"#), "!a data.k: "),
            (ObjectKind::ConfigMap, map(r#","kind":"Secret""#), "!a kind: "),
            (ObjectKind::Secret, map(r#","apiVersion":"v2""#), "!a apiVersion: "),
            (ObjectKind::Secret, r#"{"metadata":{"name":"a"}}"#.to_owned(), "! metadata: "),
            (
                ObjectKind::PersistentVolume,
                map(r#","spec":{"newSource":{"path":"/"}}"#),
                "!a spec.newSource: unknown field",
            ),
            (
                ObjectKind::PersistentVolume,
                map(r#","spec":{"local":{"path":"/mnt/../etc"}}"#),
                "!a spec.local.path: ",
            ),
            (ObjectKind::RuntimeClass, map(r#","handler":"../x""#), "!a handler: "),
            (ObjectKind::RuntimeClass, map(r#","handler":"kata""#), "!a metadata.namespace: "),
            (ObjectKind::PersistentVolume, map(""), "!a metadata.namespace: "),
            (ObjectKind::Service, map(r#","spec":{"clusterIP":"x"}"#), "!a spec.clusterIP: "),
            (ObjectKind::Service, map(r#","spec":{"clusterIP":"::1"}"#), "!a spec.ports: "),
            (
                ObjectKind::Service,
                map(r#","spec":{"ports":[{"port":1,"name":"P"}]}"#),
                "!a spec.ports[0].name: ",
            ),
            (
                ObjectKind::Service,
                map(r#","spec":{"ports":[{"port":1},{"protocol":"UDP"}]}"#),
                "!a spec.ports[1].port: must be from 1",
            ),
            (
                ObjectKind::Service,
                map(r#","spec":{"ports":[{"port":1,"protocol":"Udp"}]}"#),
                "!a spec.ports[0].protocol: ",
            ),
            (
                ObjectKind::Service,
                r#"{"metadata":{"name":"a.b","namespace":"n"}}"#.to_owned(),
                "!a.b metadata.name: ",
            ),
            (
                ObjectKind::Service,
                r#"{"metadata":{"name":"PATH=.:","namespace":"n"}}"#.to_owned(),
                "! metadata.name: ",
            ),
        ] {
            let found = read(kind, &document);
            assert!(found.starts_with(expected), "{document}: {found}");
        }
    }
}
