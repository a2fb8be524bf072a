//! Tables of the objects beside pods that decide what a pod runs.
//!
//! What is unknown at the top is left out, so it reaches no kubelet; what a pod mounts or runs is below
//! tables that refuse it, or covered by a digest. `immutable` is left out on purpose: a kubelet ends its
//! watch of what is immutable, so no later version and no later policy would reach it
//! (`pkg/kubelet/util/manager/watch_based_manager.go`).

use super::metadata::OBJECT_META;
use super::persistent_volume::{PERSISTENT_VOLUME_SPEC, PERSISTENT_VOLUME_STATUS};
use super::scheduling::TOLERATION;
use super::table::{lenient, list, map, named, object, text};
use crate::kube_wire::grammar::Grammar;
use crate::kube_wire::schema::{ObjectSchema, Shape};

/// `node/v1.RuntimeClass`.
pub static RUNTIME_CLASS: ObjectSchema = lenient("RuntimeClass").with(&[
    named("kind", Grammar::Exactly("RuntimeClass")),
    named("apiVersion", Grammar::Exactly("node.k8s.io/v1")),
    object("metadata", &OBJECT_META),
    // The runtime looks up a configuration of this name (`ValidateRuntimeClass`).
    named("handler", Grammar::DnsLabel),
    object("overhead", &OVERHEAD),
    object("scheduling", &SCHEDULING),
]);

static OVERHEAD: ObjectSchema = lenient("Overhead").with(&[map("podFixed", &Shape::Quantity)]);

static SCHEDULING: ObjectSchema = lenient("Scheduling")
    .with(&[map("nodeSelector", &Shape::Text), list("tolerations", &Shape::Object(&TOLERATION))]);

/// `core/v1.PersistentVolume`.
pub static PERSISTENT_VOLUME: ObjectSchema = lenient("PersistentVolume").with(&[
    named("kind", Grammar::Exactly("PersistentVolume")),
    named("apiVersion", Grammar::CoreVersion),
    object("metadata", &OBJECT_META),
    object("spec", &PERSISTENT_VOLUME_SPEC),
    object("status", &PERSISTENT_VOLUME_STATUS),
]);

/// `core/v1.ConfigMap`.
pub static CONFIG_MAP: ObjectSchema = lenient("ConfigMap").with(&[
    named("kind", Grammar::Exactly("ConfigMap")),
    named("apiVersion", Grammar::CoreVersion),
    object("metadata", &OBJECT_META),
    map("data", &Shape::Text),
    map("binaryData", &Shape::Text),
]);

/// `core/v1.Secret`.
pub static SECRET: ObjectSchema = lenient("Secret").with(&[
    named("kind", Grammar::Exactly("Secret")),
    named("apiVersion", Grammar::CoreVersion),
    object("metadata", &OBJECT_META),
    map("data", &Shape::Text),
    map("stringData", &Shape::Text),
    text("type"),
]);
