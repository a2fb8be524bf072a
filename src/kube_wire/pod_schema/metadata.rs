//! Tables of `meta/v1`: object and list metadata.
//!
//! Unknown fields are left out: metadata describes, and an API server may be newer than this file.
//! The one exception is the metadata of a volume claim template, which is part of a pod's spec.

use super::table::{boolean, free, int64, lenient, list, map, named, object, strict, text, time};
use crate::kube_wire::grammar::Grammar;
use crate::kube_wire::schema::{ObjectSchema, Shape};

pub(super) static OBJECT_META: ObjectSchema = lenient("ObjectMeta").with(&[
    named("name", Grammar::DnsSubdomain),
    text("generateName"),
    named("namespace", Grammar::DnsLabel),
    text("selfLink"),
    named("uid", Grammar::Uuid),
    named("resourceVersion", Grammar::Token),
    int64("generation"),
    time("creationTimestamp"),
    time("deletionTimestamp"),
    int64("deletionGracePeriodSeconds"),
    map("labels", &Shape::Text),
    map("annotations", &Shape::Text),
    list("ownerReferences", &Shape::Object(&OWNER_REFERENCE)),
    list("finalizers", &Shape::Text),
    list("managedFields", &Shape::Object(&MANAGED_FIELDS_ENTRY)),
]);

static OWNER_REFERENCE: ObjectSchema = lenient("OwnerReference").with(&[
    named("apiVersion", Grammar::Token),
    named("kind", Grammar::Token),
    named("name", Grammar::Token),
    named("uid", Grammar::Token),
    boolean("controller"),
    boolean("blockOwnerDeletion"),
]);

static MANAGED_FIELDS_ENTRY: ObjectSchema = lenient("ManagedFieldsEntry").with(&[
    text("manager"),
    text("operation"),
    text("apiVersion"),
    time("time"),
    text("fieldsType"),
    free("fieldsV1"),
    text("subresource"),
]);

/// Of `PersistentVolumeClaimTemplate`: the API admits labels and annotations there, and older API
/// servers write `creationTimestamp: null` as well.
pub(crate) static TEMPLATE_METADATA: ObjectSchema = strict("ObjectMeta").with(&[
    time("creationTimestamp"),
    map("labels", &Shape::Text),
    map("annotations", &Shape::Text),
]);

pub(super) static LIST_META: ObjectSchema = lenient("ListMeta").with(&[
    text("selfLink"),
    text("resourceVersion"),
    text("continue"),
    int64("remainingItemCount"),
    object("shardInfo", &SHARD_INFO),
]);

static SHARD_INFO: ObjectSchema = lenient("ShardInfo").with(&[text("selector")]);
