//! Tables of `core/v1.PersistentVolume`: what stands behind a claim.
//!
//! Strict below `spec`: a source that no table knows would be mounted by a kubelet that knows it. Its
//! sources differ from a pod's own where they refer to secrets of other namespaces.

use super::attached::{
    AWS_ELASTIC_BLOCK_STORE_VOLUME_SOURCE, AZURE_DISK_VOLUME_SOURCE, FC_VOLUME_SOURCE,
    FLOCKER_VOLUME_SOURCE, GCE_PERSISTENT_DISK_VOLUME_SOURCE, NFS_VOLUME_SOURCE,
    PHOTON_PERSISTENT_DISK_VOLUME_SOURCE, PORTWORX_VOLUME_SOURCE, QUOBYTE_VOLUME_SOURCE,
    VSPHERE_VIRTUAL_DISK_VOLUME_SOURCE,
};
use super::scheduling::NODE_SELECTOR;
use super::table::{boolean, int32, lenient, list, map, named, object, strict, text, time};
use super::volume::HOST_PATH_VOLUME_SOURCE;
use crate::kube_wire::grammar::Grammar;
use crate::kube_wire::schema::{ObjectSchema, Shape};

pub(super) static PERSISTENT_VOLUME_SPEC: ObjectSchema = strict("PersistentVolumeSpec").with(&[
    map("capacity", &Shape::Quantity),
    object("gcePersistentDisk", &GCE_PERSISTENT_DISK_VOLUME_SOURCE),
    object("awsElasticBlockStore", &AWS_ELASTIC_BLOCK_STORE_VOLUME_SOURCE),
    object("hostPath", &HOST_PATH_VOLUME_SOURCE),
    object("glusterfs", &GLUSTERFS),
    object("nfs", &NFS_VOLUME_SOURCE),
    object("rbd", &RBD),
    object("iscsi", &ISCSI),
    object("cinder", &CINDER),
    object("cephfs", &CEPH_FS),
    object("fc", &FC_VOLUME_SOURCE),
    object("flocker", &FLOCKER_VOLUME_SOURCE),
    object("flexVolume", &FLEX),
    object("azureFile", &AZURE_FILE),
    object("vsphereVolume", &VSPHERE_VIRTUAL_DISK_VOLUME_SOURCE),
    object("quobyte", &QUOBYTE_VOLUME_SOURCE),
    object("azureDisk", &AZURE_DISK_VOLUME_SOURCE),
    object("photonPersistentDisk", &PHOTON_PERSISTENT_DISK_VOLUME_SOURCE),
    object("portworxVolume", &PORTWORX_VOLUME_SOURCE),
    object("scaleIO", &SCALE_IO),
    object("local", &LOCAL),
    object("storageos", &STORAGE_OS),
    object("csi", &CSI),
    list("accessModes", &Shape::Text),
    object("claimRef", &OBJECT_REFERENCE),
    text("persistentVolumeReclaimPolicy"),
    text("storageClassName"),
    // Each becomes an option of `mount`.
    list("mountOptions", &Shape::Named(Grammar::Token)),
    text("volumeMode"),
    object("nodeAffinity", &VOLUME_NODE_AFFINITY),
    text("volumeAttributesClassName"),
]);

pub(super) static PERSISTENT_VOLUME_STATUS: ObjectSchema = lenient("PersistentVolumeStatus")
    .with(&[text("phase"), text("message"), text("reason"), time("lastPhaseTransitionTime")]);

static VOLUME_NODE_AFFINITY: ObjectSchema =
    strict("VolumeNodeAffinity").with(&[object("required", &NODE_SELECTOR)]);

static OBJECT_REFERENCE: ObjectSchema = strict("ObjectReference").with(&[
    text("kind"),
    text("namespace"),
    text("name"),
    text("uid"),
    text("apiVersion"),
    text("resourceVersion"),
    text("fieldPath"),
]);

static SECRET_REFERENCE: ObjectSchema = strict("SecretReference")
    .with(&[named("name", Grammar::ObjectName), named("namespace", Grammar::DnsLabel)]);

static LOCAL: ObjectSchema = strict("LocalVolumeSource")
    .with(&[named("path", Grammar::AbsolutePath), named("fsType", Grammar::FilesystemType)]);

static CSI: ObjectSchema = strict("CSIPersistentVolumeSource").with(&[
    named("driver", Grammar::CsiDriver),
    named("volumeHandle", Grammar::OneLine),
    boolean("readOnly"),
    named("fsType", Grammar::FilesystemType),
    map("volumeAttributes", &Shape::Text),
    object("controllerPublishSecretRef", &SECRET_REFERENCE),
    object("nodeStageSecretRef", &SECRET_REFERENCE),
    object("nodePublishSecretRef", &SECRET_REFERENCE),
    object("controllerExpandSecretRef", &SECRET_REFERENCE),
    object("nodeExpandSecretRef", &SECRET_REFERENCE),
]);

static GLUSTERFS: ObjectSchema = strict("GlusterfsPersistentVolumeSource").with(&[
    named("endpoints", Grammar::ObjectName),
    named("path", Grammar::NoBacksteps),
    boolean("readOnly"),
    named("endpointsNamespace", Grammar::DnsLabel),
]);

static RBD: ObjectSchema = strict("RBDPersistentVolumeSource").with(&[
    list("monitors", &Shape::Named(Grammar::NoBacksteps)),
    named("image", Grammar::NoBacksteps),
    named("fsType", Grammar::FilesystemType),
    named("pool", Grammar::NoBacksteps),
    named("user", Grammar::NoBacksteps),
    named("keyring", Grammar::NoBacksteps),
    object("secretRef", &SECRET_REFERENCE),
    boolean("readOnly"),
]);

static ISCSI: ObjectSchema = strict("ISCSIPersistentVolumeSource").with(&[
    named("targetPortal", Grammar::PathComponent),
    named("iqn", Grammar::NoBacksteps),
    int32("lun"),
    named("iscsiInterface", Grammar::PathComponent),
    named("fsType", Grammar::FilesystemType),
    boolean("readOnly"),
    list("portals", &Shape::Named(Grammar::PathComponent)),
    boolean("chapAuthDiscovery"),
    boolean("chapAuthSession"),
    object("secretRef", &SECRET_REFERENCE),
    named("initiatorName", Grammar::NoBacksteps),
]);

static CINDER: ObjectSchema = strict("CinderPersistentVolumeSource").with(&[
    named("volumeID", Grammar::NoBacksteps),
    named("fsType", Grammar::FilesystemType),
    boolean("readOnly"),
    object("secretRef", &SECRET_REFERENCE),
]);

static CEPH_FS: ObjectSchema = strict("CephFSPersistentVolumeSource").with(&[
    list("monitors", &Shape::Named(Grammar::NoBacksteps)),
    named("path", Grammar::NoBacksteps),
    named("user", Grammar::NoBacksteps),
    named("secretFile", Grammar::NoBacksteps),
    object("secretRef", &SECRET_REFERENCE),
    boolean("readOnly"),
]);

static FLEX: ObjectSchema = strict("FlexPersistentVolumeSource").with(&[
    named("driver", Grammar::FlexDriver),
    named("fsType", Grammar::FilesystemType),
    object("secretRef", &SECRET_REFERENCE),
    boolean("readOnly"),
    map("options", &Shape::Text),
]);

static AZURE_FILE: ObjectSchema = strict("AzureFilePersistentVolumeSource").with(&[
    named("secretName", Grammar::ObjectName),
    named("shareName", Grammar::NoBacksteps),
    boolean("readOnly"),
    named("secretNamespace", Grammar::DnsLabel),
]);

static SCALE_IO: ObjectSchema = strict("ScaleIOPersistentVolumeSource").with(&[
    named("gateway", Grammar::NoBacksteps),
    named("system", Grammar::NoBacksteps),
    object("secretRef", &SECRET_REFERENCE),
    boolean("sslEnabled"),
    named("protectionDomain", Grammar::NoBacksteps),
    named("storagePool", Grammar::NoBacksteps),
    text("storageMode"),
    named("volumeName", Grammar::NoBacksteps),
    named("fsType", Grammar::FilesystemType),
    boolean("readOnly"),
]);

static STORAGE_OS: ObjectSchema = strict("StorageOSPersistentVolumeSource").with(&[
    named("volumeName", Grammar::NoBacksteps),
    named("volumeNamespace", Grammar::NoBacksteps),
    named("fsType", Grammar::FilesystemType),
    boolean("readOnly"),
    object("secretRef", &OBJECT_REFERENCE),
]);
