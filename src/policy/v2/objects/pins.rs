//! `pinned`: what config maps and secrets must hold when they reach the kubelet.
//!
//! Content becomes files and variables of a container that was admitted for other content. Several pins
//! of one object are alternatives, so that a rotation can be prepared on the node first.

use super::{ContentDigest, ObjectRefusal};
use crate::kube_wire::grammar::Grammar;
use crate::kube_wire::received_object::{ObjectKind, SoundObject};
use crate::policy::error::PolicyError;
use crate::policy::located::Located;
use crate::policy::pattern::Pattern;

const KEYS: [&str; 3] = ["configMaps", "secrets", "unpinned"];

const PIN_KEYS: [&str; 3] = ["namespace", "name", "sha256"];

/// All pins, and what becomes of objects without one.
#[derive(Clone, Debug)]
pub(super) struct Pins {
    config_maps: Vec<Pin>,
    secrets: Vec<Pin>,
    refuses_unpinned: bool,
}

#[derive(Clone, Debug)]
struct Pin {
    namespace: Pattern,
    name: String,
    content: ContentDigest,
}

impl Pins {
    pub(super) fn read(at: &Located<'_>) -> Result<Self, PolicyError> {
        let pinned = at.object(&KEYS)?;
        let pins = |key| match pinned.find(key) {
            Some(list) => list.elements()?.iter().map(Pin::read).collect::<Result<_, _>>(),
            None => Ok(Vec::new()),
        };
        let pins = Self {
            config_maps: pins("configMaps")?,
            secrets: pins("secrets")?,
            refuses_unpinned: pinned.find("unpinned").map_or(Ok(false), read_unpinned)?,
        };
        if !pins.cover(ObjectKind::ConfigMap) && !pins.cover(ObjectKind::Secret) {
            return Err(at.refuse("pins nothing; add a pin or remove the key"));
        }
        Ok(pins)
    }

    pub(super) fn cover(&self, kind: ObjectKind) -> bool {
        self.refuses_unpinned || !self.of(kind).is_empty()
    }

    pub(super) fn check(&self, object: &SoundObject<'_>) -> Result<(), ObjectRefusal> {
        let identity = &object.identity;
        let is_meant =
            |pin: &&Pin| pin.name == identity.name && pin.namespace.matches(identity.namespace);
        let mut pins = self.of(object.kind).iter().filter(is_meant).peekable();
        if pins.peek().is_none() {
            return if self.refuses_unpinned { Err(ObjectRefusal::Unpinned) } else { Ok(()) };
        }
        let found = ContentDigest::of(object.value())?;
        if pins.any(|pin| pin.content == found) {
            return Ok(());
        }
        Err(match object.kind {
            ObjectKind::Secret => ObjectRefusal::OtherSecret,
            ObjectKind::ConfigMap
            | ObjectKind::RuntimeClass
            | ObjectKind::PersistentVolume
            | ObjectKind::Service => ObjectRefusal::OtherContent { found },
        })
    }

    fn of(&self, kind: ObjectKind) -> &[Pin] {
        match kind {
            ObjectKind::ConfigMap => &self.config_maps,
            ObjectKind::Secret => &self.secrets,
            ObjectKind::RuntimeClass | ObjectKind::PersistentVolume | ObjectKind::Service => &[],
        }
    }
}

impl Pin {
    fn read(at: &Located<'_>) -> Result<Self, PolicyError> {
        let pin = at.object(&PIN_KEYS)?;
        let part = |key: &str, remedy: &str| pin.find(key).ok_or_else(|| at.missing(key, remedy));
        let is_allowed = |character: char| {
            character.is_ascii_lowercase() || character.is_ascii_digit() || character == '-'
        };
        let allowed = "lower-case letters, digits and dashes";
        let namespace = part("namespace", "name its namespace")?;
        let name = part("name", "name the object")?;
        let content = part("sha256", "write what `kubelet-proxy digest FILE` prints")?;
        let named = name.filled_string()?;
        if !Grammar::DnsSubdomain.matches(&named) {
            return Err(name.refuse("is no name of an object; write it as it is in the cluster"));
        }
        let hash = ContentDigest::parse(&content.filled_string()?);
        Ok(Self {
            namespace: Pattern::read(namespace, is_allowed, allowed)?,
            name: named,
            content: hash.ok_or_else(|| {
                content.refuse(
                    "is no SHA-256 in lower-case hexadecimal; write what `kubelet-proxy digest \
                     FILE` prints",
                )
            })?,
        })
    }
}

fn read_unpinned(at: &Located<'_>) -> Result<bool, PolicyError> {
    match at.string()?.as_str() {
        "refuse" => Ok(true),
        "pass" => Ok(false),
        _ => Err(at.refuse("says what becomes of other objects; write \"pass\" or \"refuse\"")),
    }
}
