//! Tables of projected volumes.
//!
//! Every `path` is joined to the volume's directory on the node.

use super::scheduling::LABEL_SELECTOR;
use super::table::{boolean, int32, int64, list, map, named, object, strict, text};
use super::volume::{DOWNWARD_API_VOLUME_FILE, KEY_TO_PATH};
use crate::kube_wire::grammar::Grammar;
use crate::kube_wire::schema::{ObjectSchema, Shape};

pub(crate) static PROJECTED_VOLUME_SOURCE: ObjectSchema = strict("ProjectedVolumeSource").with(&[
    list("sources", &Shape::Object(&VOLUME_PROJECTION)),
    int32("defaultMode"),
    int64("defaultUser"),
]);

pub(crate) static VOLUME_PROJECTION: ObjectSchema = strict("VolumeProjection").with(&[
    object("secret", &SECRET_PROJECTION),
    object("downwardAPI", &DOWNWARD_API_PROJECTION),
    object("configMap", &CONFIG_MAP_PROJECTION),
    object("serviceAccountToken", &SERVICE_ACCOUNT_TOKEN_PROJECTION),
    object("clusterTrustBundle", &CLUSTER_TRUST_BUNDLE_PROJECTION),
    object("podCertificate", &POD_CERTIFICATE_PROJECTION),
]);

pub(crate) static SECRET_PROJECTION: ObjectSchema = strict("SecretProjection").with(&[
    named("name", Grammar::ObjectName),
    list("items", &Shape::Object(&KEY_TO_PATH)),
    boolean("optional"),
]);

pub(crate) static CONFIG_MAP_PROJECTION: ObjectSchema = strict("ConfigMapProjection").with(&[
    named("name", Grammar::ObjectName),
    list("items", &Shape::Object(&KEY_TO_PATH)),
    boolean("optional"),
]);

pub(crate) static DOWNWARD_API_PROJECTION: ObjectSchema = strict("DownwardAPIProjection")
    .with(&[list("items", &Shape::Object(&DOWNWARD_API_VOLUME_FILE))]);

pub(crate) static SERVICE_ACCOUNT_TOKEN_PROJECTION: ObjectSchema =
    strict("ServiceAccountTokenProjection").with(&[
        text("audience"),
        int64("expirationSeconds"),
        named("path", Grammar::VolumeFilePath),
        int64("user"),
    ]);

pub(crate) static CLUSTER_TRUST_BUNDLE_PROJECTION: ObjectSchema =
    strict("ClusterTrustBundleProjection").with(&[
        named("name", Grammar::ObjectName),
        text("signerName"),
        object("labelSelector", &LABEL_SELECTOR),
        boolean("optional"),
        named("path", Grammar::VolumeFilePath),
        int64("user"),
    ]);

pub(crate) static POD_CERTIFICATE_PROJECTION: ObjectSchema = strict("PodCertificateProjection")
    .with(&[
        text("signerName"),
        text("keyType"),
        int32("maxExpirationSeconds"),
        named("credentialBundlePath", Grammar::VolumeFilePath),
        named("keyPath", Grammar::VolumeFilePath),
        named("certificateChainPath", Grammar::VolumeFilePath),
        map("userAnnotations", &Shape::Text),
        int64("user"),
    ]);
