//! Tables of in-tree network and cloud volumes, most of them retired or served through CSI.
//!
//! The API still knows them, so a spec may carry them. Several plugins join these texts into mount
//! point paths and command lines: none may climb out of a directory.

use super::table::{boolean, int32, list, map, named, object, strict, text};
use super::volume::LOCAL_OBJECT_REFERENCE;
use crate::kube_wire::grammar::Grammar;
use crate::kube_wire::schema::{ObjectSchema, Shape};

pub(super) static FLEX_VOLUME_SOURCE: ObjectSchema = strict("FlexVolumeSource").with(&[
    named("driver", Grammar::FlexDriver),
    named("fsType", Grammar::FilesystemType),
    object("secretRef", &LOCAL_OBJECT_REFERENCE),
    boolean("readOnly"),
    map("options", &Shape::Text),
]);

pub(super) static NFS_VOLUME_SOURCE: ObjectSchema = strict("NFSVolumeSource").with(&[
    named("server", Grammar::Token),
    named("path", Grammar::OneLine),
    boolean("readOnly"),
]);

pub(super) static ISCSI_VOLUME_SOURCE: ObjectSchema = strict("ISCSIVolumeSource").with(&[
    named("targetPortal", Grammar::PathComponent),
    named("iqn", Grammar::NoBacksteps),
    int32("lun"),
    named("iscsiInterface", Grammar::PathComponent),
    named("fsType", Grammar::FilesystemType),
    boolean("readOnly"),
    list("portals", &Shape::Named(Grammar::PathComponent)),
    boolean("chapAuthDiscovery"),
    boolean("chapAuthSession"),
    object("secretRef", &LOCAL_OBJECT_REFERENCE),
    named("initiatorName", Grammar::NoBacksteps),
]);

pub(super) static FC_VOLUME_SOURCE: ObjectSchema = strict("FCVolumeSource").with(&[
    list("targetWWNs", &Shape::Named(Grammar::PathComponent)),
    int32("lun"),
    named("fsType", Grammar::FilesystemType),
    boolean("readOnly"),
    list("wwids", &Shape::Named(Grammar::PathComponent)),
]);

pub(super) static GIT_REPO_VOLUME_SOURCE: ObjectSchema = strict("GitRepoVolumeSource").with(&[
    named("repository", Grammar::OneLine),
    named("revision", Grammar::OneLine),
    named("directory", Grammar::DescendingPath),
]);

pub(super) static GCE_PERSISTENT_DISK_VOLUME_SOURCE: ObjectSchema =
    strict("GCEPersistentDiskVolumeSource").with(&[
        named("pdName", Grammar::NoBacksteps),
        named("fsType", Grammar::FilesystemType),
        int32("partition"),
        boolean("readOnly"),
    ]);

pub(super) static AWS_ELASTIC_BLOCK_STORE_VOLUME_SOURCE: ObjectSchema =
    strict("AWSElasticBlockStoreVolumeSource").with(&[
        named("volumeID", Grammar::NoBacksteps),
        named("fsType", Grammar::FilesystemType),
        int32("partition"),
        boolean("readOnly"),
    ]);

pub(super) static GLUSTERFS_VOLUME_SOURCE: ObjectSchema = strict("GlusterfsVolumeSource").with(&[
    named("endpoints", Grammar::ObjectName),
    named("path", Grammar::NoBacksteps),
    boolean("readOnly"),
]);

pub(super) static RBD_VOLUME_SOURCE: ObjectSchema = strict("RBDVolumeSource").with(&[
    list("monitors", &Shape::Named(Grammar::NoBacksteps)),
    named("image", Grammar::NoBacksteps),
    named("fsType", Grammar::FilesystemType),
    named("pool", Grammar::NoBacksteps),
    named("user", Grammar::NoBacksteps),
    named("keyring", Grammar::NoBacksteps),
    object("secretRef", &LOCAL_OBJECT_REFERENCE),
    boolean("readOnly"),
]);

pub(super) static CINDER_VOLUME_SOURCE: ObjectSchema = strict("CinderVolumeSource").with(&[
    named("volumeID", Grammar::NoBacksteps),
    named("fsType", Grammar::FilesystemType),
    boolean("readOnly"),
    object("secretRef", &LOCAL_OBJECT_REFERENCE),
]);

pub(super) static CEPH_FS_VOLUME_SOURCE: ObjectSchema = strict("CephFSVolumeSource").with(&[
    list("monitors", &Shape::Named(Grammar::NoBacksteps)),
    named("path", Grammar::NoBacksteps),
    named("user", Grammar::NoBacksteps),
    named("secretFile", Grammar::NoBacksteps),
    object("secretRef", &LOCAL_OBJECT_REFERENCE),
    boolean("readOnly"),
]);

pub(super) static FLOCKER_VOLUME_SOURCE: ObjectSchema = strict("FlockerVolumeSource").with(&[
    named("datasetName", Grammar::NoBacksteps),
    named("datasetUUID", Grammar::NoBacksteps),
]);

pub(super) static AZURE_FILE_VOLUME_SOURCE: ObjectSchema = strict("AzureFileVolumeSource").with(&[
    named("secretName", Grammar::ObjectName),
    named("shareName", Grammar::NoBacksteps),
    boolean("readOnly"),
]);

pub(super) static VSPHERE_VIRTUAL_DISK_VOLUME_SOURCE: ObjectSchema =
    strict("VsphereVirtualDiskVolumeSource").with(&[
        named("volumePath", Grammar::NoBacksteps),
        named("fsType", Grammar::FilesystemType),
        text("storagePolicyName"),
        text("storagePolicyID"),
    ]);

pub(super) static QUOBYTE_VOLUME_SOURCE: ObjectSchema = strict("QuobyteVolumeSource").with(&[
    named("registry", Grammar::NoBacksteps),
    named("volume", Grammar::NoBacksteps),
    boolean("readOnly"),
    named("user", Grammar::NoBacksteps),
    named("group", Grammar::NoBacksteps),
    named("tenant", Grammar::NoBacksteps),
]);

pub(super) static AZURE_DISK_VOLUME_SOURCE: ObjectSchema = strict("AzureDiskVolumeSource").with(&[
    named("diskName", Grammar::NoBacksteps),
    named("diskURI", Grammar::NoBacksteps),
    text("cachingMode"),
    named("fsType", Grammar::FilesystemType),
    boolean("readOnly"),
    text("kind"),
]);

pub(super) static PHOTON_PERSISTENT_DISK_VOLUME_SOURCE: ObjectSchema =
    strict("PhotonPersistentDiskVolumeSource")
        .with(&[named("pdID", Grammar::NoBacksteps), named("fsType", Grammar::FilesystemType)]);

pub(super) static PORTWORX_VOLUME_SOURCE: ObjectSchema = strict("PortworxVolumeSource").with(&[
    named("volumeID", Grammar::NoBacksteps),
    named("fsType", Grammar::FilesystemType),
    boolean("readOnly"),
]);

pub(super) static SCALE_IO_VOLUME_SOURCE: ObjectSchema = strict("ScaleIOVolumeSource").with(&[
    named("gateway", Grammar::NoBacksteps),
    named("system", Grammar::NoBacksteps),
    object("secretRef", &LOCAL_OBJECT_REFERENCE),
    boolean("sslEnabled"),
    named("protectionDomain", Grammar::NoBacksteps),
    named("storagePool", Grammar::NoBacksteps),
    text("storageMode"),
    named("volumeName", Grammar::NoBacksteps),
    named("fsType", Grammar::FilesystemType),
    boolean("readOnly"),
]);

pub(super) static STORAGE_OS_VOLUME_SOURCE: ObjectSchema = strict("StorageOSVolumeSource").with(&[
    named("volumeName", Grammar::NoBacksteps),
    named("volumeNamespace", Grammar::NoBacksteps),
    named("fsType", Grammar::FilesystemType),
    boolean("readOnly"),
    object("secretRef", &LOCAL_OBJECT_REFERENCE),
]);
