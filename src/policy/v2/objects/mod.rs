//! The objects beside pods that decide what a pod runs: which of them may reach the kubelet.
//!
//! A pod that is admitted by name of a runtime class, a claim or a config map is only as good as what
//! the API server gives the kubelet under that name. Each object is judged by itself whenever it is
//! shown, so it makes no difference that it was another one before.

mod content_digest;
mod node_path;
mod pins;
mod runtime_classes;
mod volume_sources;

use thiserror::Error;

use crate::kube_wire::received_object::{ObjectKind, SoundObject};
use crate::policy::error::{PolicyError, Warnings};
use crate::policy::located::Object;

pub use content_digest::ContentDigest;
use pins::Pins;
use runtime_classes::RuntimeClasses;
use volume_sources::VolumeSources;

/// What a document says of other objects than pods. What it does not speak of is not looked at.
#[derive(Clone, Debug)]
pub struct ObjectRules {
    runtime_classes: Option<RuntimeClasses>,
    volume_sources: Option<VolumeSources>,
    pins: Option<Pins>,
}

/// Why an object must not reach the kubelet. Never holds content.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum ObjectRefusal {
    /// The document does not name the class.
    #[error("this runtime class is not among the policy's runtimeClasses")]
    UnlistedClass,
    /// The class stands for something else than the document says.
    #[error("handler: found '{found}', expected '{expected}'")]
    OtherHandler {
        /// Of the object, escaped.
        found: String,
        /// Of the document.
        expected: String,
    },
    /// What is behind the claim.
    #[error("{0}")]
    VolumeSource(String),
    /// The content is not what was pinned.
    #[error("content has sha256 {found}, which the policy does not pin for it")]
    OtherContent {
        /// Of the object.
        found: ContentDigest,
    },
    /// The same of a secret: whoever reads a digest can try out short secrets.
    #[error("content is not what the policy pins for it")]
    OtherSecret,
    /// No pin, and the document asks for one.
    #[error("the policy pins no content for it, and refuses what is not pinned")]
    Unpinned,
    /// Fields that only a writer may send.
    #[error("stringData: is not for reading; no API server sends it")]
    NotReadable,
}

impl ObjectRules {
    /// The keys of a document that this room reads.
    pub(in crate::policy) const KEYS: [&'static str; 3] =
        ["runtimeClasses", "persistentVolumes", "pinned"];

    /// Reads them; `None` if there is none of them.
    pub(in crate::policy) fn read(
        document: &Object<'_>,
        warnings: &mut Warnings,
    ) -> Result<Option<Self>, PolicyError> {
        let [classes, volumes, pinned] = Self::KEYS.map(|key| document.find(key));
        let rules = Self {
            runtime_classes: classes.map(RuntimeClasses::read).transpose()?,
            volume_sources: volumes.map(|at| VolumeSources::read(at, warnings)).transpose()?,
            pins: pinned.map(Pins::read).transpose()?,
        };
        let Self { runtime_classes, volume_sources, pins } = &rules;
        let is_silent = runtime_classes.is_none() && volume_sources.is_none() && pins.is_none();
        Ok((!is_silent).then_some(rules))
    }

    /// Does the document speak of these objects?
    pub fn cover(&self, kind: ObjectKind) -> bool {
        match kind {
            ObjectKind::RuntimeClass => self.runtime_classes.is_some(),
            ObjectKind::PersistentVolume => self.volume_sources.is_some(),
            ObjectKind::ConfigMap | ObjectKind::Secret => {
                self.pins.as_ref().is_some_and(|pins| pins.cover(kind))
            }
            // Sound or not is all that there is to say of one.
            ObjectKind::Service => false,
        }
    }

    /// May the object reach the kubelet?
    ///
    /// # Errors
    /// Why not.
    pub fn check(&self, object: &SoundObject<'_>) -> Result<(), ObjectRefusal> {
        let name = object.identity.name;
        match object.kind {
            ObjectKind::RuntimeClass => {
                self.runtime_classes.as_ref().map(|it| it.check(name, object.value()))
            }
            ObjectKind::PersistentVolume => {
                self.volume_sources.as_ref().map(|it| it.check(object.value()))
            }
            ObjectKind::ConfigMap | ObjectKind::Secret => {
                self.pins.as_ref().map(|it| it.check(object))
            }
            ObjectKind::Service => None,
        }
        .unwrap_or(Ok(()))
    }
}

#[cfg(test)]
mod tests;
