//! Tables of `core/v1.PodStatus`.
//!
//! A status is the kubelet's own report coming back. It never decides what runs, so unknown fields
//! are left out; addresses have a grammar because the kubelet writes them into `/etc/hosts`.

use super::container_status::CONTAINER_STATUS;
use super::resources::REPORTED_RESOURCES;
use super::table::{int64, lenient, list, map, named, object, quantity, text, time};
use crate::kube_wire::grammar::Grammar;
use crate::kube_wire::schema::{ObjectSchema, Shape};

pub(super) static POD_STATUS: ObjectSchema = lenient("PodStatus").with(&[
    int64("observedGeneration"),
    text("phase"),
    list("conditions", &Shape::Object(&POD_CONDITION)),
    text("message"),
    text("reason"),
    text("nominatedNodeName"),
    named("hostIP", Grammar::IpAddress),
    list("hostIPs", &Shape::Object(&HOST_IP)),
    named("podIP", Grammar::IpAddress),
    list("podIPs", &Shape::Object(&POD_IP)),
    time("startTime"),
    list("initContainerStatuses", &Shape::Object(&CONTAINER_STATUS)),
    list("containerStatuses", &Shape::Object(&CONTAINER_STATUS)),
    text("qosClass"),
    list("ephemeralContainerStatuses", &Shape::Object(&CONTAINER_STATUS)),
    text("resize"),
    list("resourceClaimStatuses", &Shape::Object(&POD_RESOURCE_CLAIM_STATUS)),
    object("extendedResourceClaimStatus", &POD_EXTENDED_RESOURCE_CLAIM_STATUS),
    map("allocatedResources", &Shape::Quantity),
    object("resources", &REPORTED_RESOURCES),
    list(
        "nodeAllocatableResourceClaimStatuses",
        &Shape::Object(&NODE_ALLOCATABLE_RESOURCE_CLAIM_STATUS),
    ),
    list("volumeHealth", &Shape::Object(&POD_VOLUME_HEALTH)),
]);

static POD_CONDITION: ObjectSchema = lenient("PodCondition").with(&[
    text("type"),
    int64("observedGeneration"),
    text("status"),
    time("lastProbeTime"),
    time("lastTransitionTime"),
    text("reason"),
    text("message"),
]);

static HOST_IP: ObjectSchema = lenient("HostIP").with(&[named("ip", Grammar::IpAddress)]);

static POD_IP: ObjectSchema = lenient("PodIP").with(&[named("ip", Grammar::IpAddress)]);

static POD_RESOURCE_CLAIM_STATUS: ObjectSchema = lenient("PodResourceClaimStatus")
    .with(&[named("name", Grammar::DnsLabel), named("resourceClaimName", Grammar::ObjectName)]);

static POD_EXTENDED_RESOURCE_CLAIM_STATUS: ObjectSchema = lenient("PodExtendedResourceClaimStatus")
    .with(&[
        list("requestMappings", &Shape::Object(&CONTAINER_EXTENDED_RESOURCE_REQUEST)),
        named("resourceClaimName", Grammar::ObjectName),
    ]);

static CONTAINER_EXTENDED_RESOURCE_REQUEST: ObjectSchema =
    lenient("ContainerExtendedResourceRequest").with(&[
        text("containerName"),
        text("resourceName"),
        text("requestName"),
    ]);

static NODE_ALLOCATABLE_RESOURCE_CLAIM_STATUS: ObjectSchema =
    lenient("NodeAllocatableResourceClaimStatus").with(&[
        text("resourceClaimName"),
        list("containers", &Shape::Text),
        list("mapping", &Shape::Object(&NODE_ALLOCATABLE_MAPPED_RESOURCES)),
        list("overhead", &Shape::Object(&NODE_ALLOCATABLE_OVERHEAD_RESOURCES)),
        map("resources", &Shape::Quantity),
    ]);

static NODE_ALLOCATABLE_MAPPED_RESOURCES: ObjectSchema =
    lenient("NodeAllocatableMappedResources").with(&[text("name"), quantity("quantity")]);

static NODE_ALLOCATABLE_OVERHEAD_RESOURCES: ObjectSchema =
    lenient("NodeAllocatableOverheadResources").with(&[
        text("name"),
        quantity("perPod"),
        quantity("perContainer"),
    ]);

static POD_VOLUME_HEALTH: ObjectSchema = lenient("PodVolumeHealth").with(&[
    text("name"),
    list("healthConditions", &Shape::Object(&VOLUME_HEALTH_CONDITION)),
    time("lastTransitionTime"),
]);

static VOLUME_HEALTH_CONDITION: ObjectSchema =
    lenient("VolumeHealthCondition").with(&[text("status"), text("reason"), text("message")]);
