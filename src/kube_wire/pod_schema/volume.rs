//! Tables of volumes and of the sources that a kubelet serves by itself.
//!
//! A volume's name is a directory that the kubelet creates and, at teardown, removes with all that
//! is in it: a name such as `../../../../../etc` must never get that far.

use super::attached::{
    AWS_ELASTIC_BLOCK_STORE_VOLUME_SOURCE, AZURE_DISK_VOLUME_SOURCE, AZURE_FILE_VOLUME_SOURCE,
    CEPH_FS_VOLUME_SOURCE, CINDER_VOLUME_SOURCE, FC_VOLUME_SOURCE, FLEX_VOLUME_SOURCE,
    FLOCKER_VOLUME_SOURCE, GCE_PERSISTENT_DISK_VOLUME_SOURCE, GIT_REPO_VOLUME_SOURCE,
    GLUSTERFS_VOLUME_SOURCE, ISCSI_VOLUME_SOURCE, NFS_VOLUME_SOURCE,
    PHOTON_PERSISTENT_DISK_VOLUME_SOURCE, PORTWORX_VOLUME_SOURCE, QUOBYTE_VOLUME_SOURCE,
    RBD_VOLUME_SOURCE, SCALE_IO_VOLUME_SOURCE, STORAGE_OS_VOLUME_SOURCE,
    VSPHERE_VIRTUAL_DISK_VOLUME_SOURCE,
};
use super::claim::{
    CSI_VOLUME_SOURCE, EPHEMERAL_VOLUME_SOURCE, PERSISTENT_VOLUME_CLAIM_VOLUME_SOURCE,
};
use super::environment::{OBJECT_FIELD_SELECTOR, RESOURCE_FIELD_SELECTOR};
use super::projection::PROJECTED_VOLUME_SOURCE;
use super::table::{boolean, int32, int64, list, named, object, quantity, strict, text};
use crate::kube_wire::grammar::Grammar;
use crate::kube_wire::schema::{ObjectSchema, Shape};

pub(crate) static VOLUME: ObjectSchema = strict("Volume").with(&[
    named("name", Grammar::DnsLabel),
    object("hostPath", &HOST_PATH_VOLUME_SOURCE),
    object("emptyDir", &EMPTY_DIR_VOLUME_SOURCE),
    object("gcePersistentDisk", &GCE_PERSISTENT_DISK_VOLUME_SOURCE),
    object("awsElasticBlockStore", &AWS_ELASTIC_BLOCK_STORE_VOLUME_SOURCE),
    object("gitRepo", &GIT_REPO_VOLUME_SOURCE),
    object("secret", &SECRET_VOLUME_SOURCE),
    object("nfs", &NFS_VOLUME_SOURCE),
    object("iscsi", &ISCSI_VOLUME_SOURCE),
    object("glusterfs", &GLUSTERFS_VOLUME_SOURCE),
    object("persistentVolumeClaim", &PERSISTENT_VOLUME_CLAIM_VOLUME_SOURCE),
    object("rbd", &RBD_VOLUME_SOURCE),
    object("flexVolume", &FLEX_VOLUME_SOURCE),
    object("cinder", &CINDER_VOLUME_SOURCE),
    object("cephfs", &CEPH_FS_VOLUME_SOURCE),
    object("flocker", &FLOCKER_VOLUME_SOURCE),
    object("downwardAPI", &DOWNWARD_API_VOLUME_SOURCE),
    object("fc", &FC_VOLUME_SOURCE),
    object("azureFile", &AZURE_FILE_VOLUME_SOURCE),
    object("configMap", &CONFIG_MAP_VOLUME_SOURCE),
    object("vsphereVolume", &VSPHERE_VIRTUAL_DISK_VOLUME_SOURCE),
    object("quobyte", &QUOBYTE_VOLUME_SOURCE),
    object("azureDisk", &AZURE_DISK_VOLUME_SOURCE),
    object("photonPersistentDisk", &PHOTON_PERSISTENT_DISK_VOLUME_SOURCE),
    object("projected", &PROJECTED_VOLUME_SOURCE),
    object("portworxVolume", &PORTWORX_VOLUME_SOURCE),
    object("scaleIO", &SCALE_IO_VOLUME_SOURCE),
    object("storageos", &STORAGE_OS_VOLUME_SOURCE),
    object("csi", &CSI_VOLUME_SOURCE),
    object("ephemeral", &EPHEMERAL_VOLUME_SOURCE),
    object("image", &IMAGE_VOLUME_SOURCE),
]);

pub(crate) static HOST_PATH_VOLUME_SOURCE: ObjectSchema =
    strict("HostPathVolumeSource").with(&[named("path", Grammar::AbsolutePath), text("type")]);

pub(crate) static EMPTY_DIR_VOLUME_SOURCE: ObjectSchema =
    strict("EmptyDirVolumeSource").with(&[text("medium"), quantity("sizeLimit"), int32("mode")]);

pub(crate) static IMAGE_VOLUME_SOURCE: ObjectSchema =
    strict("ImageVolumeSource").with(&[named("reference", Grammar::Token), text("pullPolicy")]);

pub(crate) static SECRET_VOLUME_SOURCE: ObjectSchema = strict("SecretVolumeSource").with(&[
    named("secretName", Grammar::ObjectName),
    list("items", &Shape::Object(&KEY_TO_PATH)),
    int32("defaultMode"),
    boolean("optional"),
    int64("defaultUser"),
]);

pub(crate) static CONFIG_MAP_VOLUME_SOURCE: ObjectSchema = strict("ConfigMapVolumeSource").with(&[
    named("name", Grammar::ObjectName),
    list("items", &Shape::Object(&KEY_TO_PATH)),
    int32("defaultMode"),
    boolean("optional"),
    int64("defaultUser"),
]);

pub(crate) static KEY_TO_PATH: ObjectSchema = strict("KeyToPath").with(&[
    text("key"),
    named("path", Grammar::VolumeFilePath),
    int32("mode"),
    int64("user"),
]);

pub(crate) static DOWNWARD_API_VOLUME_SOURCE: ObjectSchema = strict("DownwardAPIVolumeSource")
    .with(&[
        list("items", &Shape::Object(&DOWNWARD_API_VOLUME_FILE)),
        int32("defaultMode"),
        int64("defaultUser"),
    ]);

pub(crate) static DOWNWARD_API_VOLUME_FILE: ObjectSchema = strict("DownwardAPIVolumeFile").with(&[
    named("path", Grammar::VolumeFilePath),
    object("fieldRef", &OBJECT_FIELD_SELECTOR),
    object("resourceFieldRef", &RESOURCE_FIELD_SELECTOR),
    int32("mode"),
    int64("user"),
]);

pub(crate) static LOCAL_OBJECT_REFERENCE: ObjectSchema =
    strict("LocalObjectReference").with(&[named("name", Grammar::ObjectName)]);
