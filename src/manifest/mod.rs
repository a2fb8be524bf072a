//! Manifests as operators keep them, turned into the pods that a kubelet would get. Pure.
//!
//! [`read`] takes YAML or JSON apart as kubectl does, [`pods`] makes of every workload the pod that its
//! controller and the API server would make. Nothing is guessed silently: what is filled in is listed in
//! `docs/reference/manifests.md`, and a value that two readers of YAML take differently is refused.

mod api_server;
mod controllers;
mod documents;
mod error;
mod json;
mod kinds;
mod scalar;
mod service_account;
mod yaml;

pub use api_server::Setting;
pub use documents::{Document, MAX_MANIFEST_BYTES, read};
pub use error::ManifestError;
pub use kinds::{FoundPods, OfferedPod, pods};
