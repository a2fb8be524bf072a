//! Tables of `core/v1.ContainerStatus`.
//!
//! Read to see whether a pod has started; unknown fields are left out.

use super::resources::REPORTED_RESOURCES;
use super::table::{boolean, int32, int64, lenient, list, map, object, text, time};
use crate::kube_wire::schema::{ObjectSchema, Shape};

pub(super) static CONTAINER_STATUS: ObjectSchema = lenient("ContainerStatus").with(&[
    text("name"),
    object("state", &CONTAINER_STATE),
    object("lastState", &CONTAINER_STATE),
    boolean("ready"),
    int32("restartCount"),
    text("image"),
    text("imageID"),
    text("containerID"),
    boolean("started"),
    map("allocatedResources", &Shape::Quantity),
    object("resources", &REPORTED_RESOURCES),
    list("volumeMounts", &Shape::Object(&VOLUME_MOUNT_STATUS)),
    object("user", &CONTAINER_USER),
    list("allocatedResourcesStatus", &Shape::Object(&RESOURCE_STATUS)),
    text("stopSignal"),
]);

static CONTAINER_STATE: ObjectSchema = lenient("ContainerState").with(&[
    object("waiting", &CONTAINER_STATE_WAITING),
    object("running", &CONTAINER_STATE_RUNNING),
    object("terminated", &CONTAINER_STATE_TERMINATED),
]);

static CONTAINER_STATE_WAITING: ObjectSchema =
    lenient("ContainerStateWaiting").with(&[text("reason"), text("message")]);

static CONTAINER_STATE_RUNNING: ObjectSchema =
    lenient("ContainerStateRunning").with(&[time("startedAt")]);

static CONTAINER_STATE_TERMINATED: ObjectSchema = lenient("ContainerStateTerminated").with(&[
    int32("exitCode"),
    int32("signal"),
    text("reason"),
    text("message"),
    time("startedAt"),
    time("finishedAt"),
    text("containerID"),
]);

static VOLUME_MOUNT_STATUS: ObjectSchema = lenient("VolumeMountStatus").with(&[
    text("name"),
    text("mountPath"),
    boolean("readOnly"),
    text("recursiveReadOnly"),
    object("volumeStatus", &VOLUME_STATUS),
]);

static VOLUME_STATUS: ObjectSchema =
    lenient("VolumeStatus").with(&[object("image", &IMAGE_VOLUME_STATUS)]);

static IMAGE_VOLUME_STATUS: ObjectSchema = lenient("ImageVolumeStatus").with(&[text("imageRef")]);

static CONTAINER_USER: ObjectSchema =
    lenient("ContainerUser").with(&[object("linux", &LINUX_CONTAINER_USER)]);

static LINUX_CONTAINER_USER: ObjectSchema = lenient("LinuxContainerUser").with(&[
    int64("uid"),
    int64("gid"),
    list("supplementalGroups", &Shape::Int64),
]);

static RESOURCE_STATUS: ObjectSchema = lenient("ResourceStatus")
    .with(&[text("name"), list("resources", &Shape::Object(&RESOURCE_HEALTH))]);

static RESOURCE_HEALTH: ObjectSchema =
    lenient("ResourceHealth").with(&[text("resourceID"), text("health"), text("message")]);
