//! One object beside pods that decides what a pod runs, as it came from upstream.
//!
//! Read like a pod: against its table, whole, or not at all. Whether it may reach a kubelet is for the
//! policy to say.

use super::json::{Value, ValueFault};
use super::pod_schema::{CONFIG_MAP, PERSISTENT_VOLUME, RUNTIME_CLASS, SECRET};
use super::resource::{Item, Resource};
use super::salvage::{SalvagedIdentity, salvage_identity};
use super::schema::{self, Checked, ObjectSchema};

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

impl ObjectKind {
    /// How documents name it.
    pub fn resource(self) -> &'static Resource {
        match self {
            Self::RuntimeClass => &RUNTIME_CLASSES,
            Self::PersistentVolume => &PERSISTENT_VOLUMES,
            Self::ConfigMap => &CONFIG_MAPS,
            Self::Secret => &SECRETS,
        }
    }

    /// The plural in paths.
    pub fn plural(self) -> &'static str {
        match self {
            Self::RuntimeClass => "runtimeclasses",
            Self::PersistentVolume => "persistentvolumes",
            Self::ConfigMap => "configmaps",
            Self::Secret => "secrets",
        }
    }

    fn schema(self) -> &'static ObjectSchema {
        match self {
            Self::RuntimeClass => &RUNTIME_CLASS,
            Self::PersistentVolume => &PERSISTENT_VOLUME,
            Self::ConfigMap => &CONFIG_MAP,
            Self::Secret => &SECRET,
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
        match (checked, identity) {
            (Ok(checked), Some(_)) if !kind.resource().is_namespaced && has_namespace(&checked) => {
                Self::Faulty { identity, fault: in_a_namespace() }
            }
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
        ] {
            let found = read(kind, &document);
            assert!(found.starts_with(expected), "{document}: {found}");
        }
    }
}
