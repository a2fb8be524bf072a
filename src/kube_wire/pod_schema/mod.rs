//! Every type reachable from a Kubernetes pod, and from the objects beside it that decide what it runs,
//! as tables: the union of k8s.io/api v0.33 to v0.37.
//!
//! What a table does not know is refused below `spec`, where an unknown field may decide what runs,
//! and left out of metadata and status, which describe. Nothing here decides whether a pod is
//! allowed. `tests/pod_schema_matches_go.rs` holds the tables against Go's own types.

mod answer;
mod attached;
pub(super) mod claim;
pub(super) mod container;
mod container_status;
pub(super) mod environment;
pub(super) mod metadata;
mod objects;
mod persistent_volume;
pub(super) mod probe;
pub(super) mod projection;
pub(super) mod resources;
pub(super) mod scheduling;
pub(super) mod security;
mod service;
pub(super) mod spec;
mod status;
mod table;
pub(super) mod volume;

use self::answer::STATUS;
use self::metadata::{LIST_META, OBJECT_META};
use self::spec::POD_SPEC;
use self::status::POD_STATUS;
use self::table::{mutable, named, object, strict};
use super::grammar::Grammar;
use super::schema::ObjectSchema;

pub use self::objects::{CONFIG_MAP, PERSISTENT_VOLUME, RUNTIME_CLASS, SECRET};
pub use self::service::SERVICE;

/// `core/v1.Pod`.
///
/// All but `spec` is marked as changeable, so that what is not is the spec to pin, and `kind`
/// and `apiVersion`, which list items leave out, make no difference.
pub static POD: ObjectSchema = strict("Pod").with(&[
    mutable(named("kind", Grammar::PodKind)),
    mutable(named("apiVersion", Grammar::CoreVersion)),
    mutable(object("metadata", &OBJECT_META)),
    object("spec", &POD_SPEC),
    mutable(object("status", &POD_STATUS)),
]);

/// `meta/v1.ListMeta`, the metadata of a list.
pub static LIST_METADATA: &ObjectSchema = &LIST_META;

/// `meta/v1.Status`.
pub static API_STATUS: &ObjectSchema = &STATUS;

#[cfg(test)]
mod tests;
