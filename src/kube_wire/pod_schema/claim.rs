//! Tables of volumes that belong to others: claims, claim templates, CSI drivers.
//!
//! The objects behind a claim come from the API server too; nothing here vouches for them.

use super::metadata::TEMPLATE_METADATA;
use super::scheduling::LABEL_SELECTOR;
use super::table::{boolean, list, map, named, object, strict, text};
use super::volume::LOCAL_OBJECT_REFERENCE;
use crate::kube_wire::grammar::Grammar;
use crate::kube_wire::schema::{ObjectSchema, Shape};

pub(crate) static PERSISTENT_VOLUME_CLAIM_VOLUME_SOURCE: ObjectSchema =
    strict("PersistentVolumeClaimVolumeSource")
        .with(&[named("claimName", Grammar::ObjectName), boolean("readOnly")]);

pub(crate) static EPHEMERAL_VOLUME_SOURCE: ObjectSchema = strict("EphemeralVolumeSource")
    .with(&[object("volumeClaimTemplate", &PERSISTENT_VOLUME_CLAIM_TEMPLATE)]);

pub(crate) static PERSISTENT_VOLUME_CLAIM_TEMPLATE: ObjectSchema =
    strict("PersistentVolumeClaimTemplate").with(&[
        object("metadata", &TEMPLATE_METADATA),
        object("spec", &PERSISTENT_VOLUME_CLAIM_SPEC),
    ]);

pub(crate) static PERSISTENT_VOLUME_CLAIM_SPEC: ObjectSchema = strict("PersistentVolumeClaimSpec")
    .with(&[
        list("accessModes", &Shape::Text),
        object("selector", &LABEL_SELECTOR),
        object("resources", &VOLUME_RESOURCE_REQUIREMENTS),
        text("volumeName"),
        text("storageClassName"),
        text("volumeMode"),
        object("dataSource", &TYPED_LOCAL_OBJECT_REFERENCE),
        object("dataSourceRef", &TYPED_OBJECT_REFERENCE),
        text("volumeAttributesClassName"),
    ]);

pub(crate) static VOLUME_RESOURCE_REQUIREMENTS: ObjectSchema = strict("VolumeResourceRequirements")
    .with(&[map("limits", &Shape::Quantity), map("requests", &Shape::Quantity)]);

pub(crate) static TYPED_LOCAL_OBJECT_REFERENCE: ObjectSchema =
    strict("TypedLocalObjectReference").with(&[text("apiGroup"), text("kind"), text("name")]);

pub(crate) static TYPED_OBJECT_REFERENCE: ObjectSchema = strict("TypedObjectReference").with(&[
    text("apiGroup"),
    text("kind"),
    text("name"),
    text("namespace"),
]);

pub(crate) static CSI_VOLUME_SOURCE: ObjectSchema = strict("CSIVolumeSource").with(&[
    named("driver", Grammar::CsiDriver),
    boolean("readOnly"),
    named("fsType", Grammar::FilesystemType),
    map("volumeAttributes", &Shape::Text),
    object("nodePublishSecretRef", &LOCAL_OBJECT_REFERENCE),
]);
