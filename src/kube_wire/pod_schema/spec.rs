//! Tables of `core/v1.PodSpec` and what only it holds.
//!
//! Text that the kubelet writes into `/etc/hosts` and `resolv.conf` has a grammar: a line feed in it
//! would be another line of the file.

use super::container::{CONTAINER, EPHEMERAL_CONTAINER};
use super::resources::RESOURCE_REQUIREMENTS;
use super::scheduling::{
    AFFINITY, POD_SCHEDULING_GATE, POD_SCHEDULING_GROUP, TOLERATION, TOPOLOGY_SPREAD_CONSTRAINT,
    WORKLOAD_REFERENCE,
};
use super::security::POD_SECURITY_CONTEXT;
use super::table::{boolean, int32, int64, list, map, mutable, named, object, strict, text};
use super::volume::{LOCAL_OBJECT_REFERENCE, VOLUME};
use crate::kube_wire::grammar::Grammar;
use crate::kube_wire::schema::{ObjectSchema, Shape};

pub(crate) static POD_SPEC: ObjectSchema = strict("PodSpec").with(&[
    list("volumes", &Shape::Object(&VOLUME)),
    list("initContainers", &Shape::Object(&CONTAINER)),
    list("containers", &Shape::Object(&CONTAINER)),
    mutable(list("ephemeralContainers", &Shape::Object(&EPHEMERAL_CONTAINER))),
    text("restartPolicy"),
    mutable(int64("terminationGracePeriodSeconds")),
    mutable(int64("activeDeadlineSeconds")),
    text("dnsPolicy"),
    map("nodeSelector", &Shape::Text),
    named("serviceAccountName", Grammar::DnsSubdomain),
    named("serviceAccount", Grammar::DnsSubdomain),
    boolean("automountServiceAccountToken"),
    named("nodeName", Grammar::DnsSubdomain),
    boolean("hostNetwork"),
    boolean("hostPID"),
    boolean("hostIPC"),
    boolean("shareProcessNamespace"),
    object("securityContext", &POD_SECURITY_CONTEXT),
    list("imagePullSecrets", &Shape::Object(&LOCAL_OBJECT_REFERENCE)),
    named("hostname", Grammar::DnsLabel),
    named("subdomain", Grammar::DnsLabel),
    object("affinity", &AFFINITY),
    text("schedulerName"),
    mutable(list("tolerations", &Shape::Object(&TOLERATION))),
    list("hostAliases", &Shape::Object(&HOST_ALIAS)),
    text("priorityClassName"),
    int32("priority"),
    object("dnsConfig", &POD_DNS_CONFIG),
    list("readinessGates", &Shape::Object(&POD_READINESS_GATE)),
    named("runtimeClassName", Grammar::DnsSubdomain),
    boolean("enableServiceLinks"),
    text("preemptionPolicy"),
    map("overhead", &Shape::Quantity),
    list("topologySpreadConstraints", &Shape::Object(&TOPOLOGY_SPREAD_CONSTRAINT)),
    boolean("setHostnameAsFQDN"),
    object("os", &POD_OS),
    boolean("hostUsers"),
    list("schedulingGates", &Shape::Object(&POD_SCHEDULING_GATE)),
    list("resourceClaims", &Shape::Object(&POD_RESOURCE_CLAIM)),
    mutable(object("resources", &RESOURCE_REQUIREMENTS)),
    named("hostnameOverride", Grammar::DnsSubdomain),
    object("schedulingGroup", &POD_SCHEDULING_GROUP),
    list("evictionResponders", &Shape::Object(&EVICTION_RESPONDER)),
    object("workloadRef", &WORKLOAD_REFERENCE),
]);

pub(crate) static HOST_ALIAS: ObjectSchema = strict("HostAlias").with(&[
    named("ip", Grammar::IpAddress),
    list("hostnames", &Shape::Named(Grammar::DnsSubdomain)),
]);

pub(crate) static POD_DNS_CONFIG: ObjectSchema = strict("PodDNSConfig").with(&[
    list("nameservers", &Shape::Named(Grammar::IpAddress)),
    list("searches", &Shape::Named(Grammar::SearchDomain)),
    list("options", &Shape::Object(&POD_DNS_CONFIG_OPTION)),
]);

pub(crate) static POD_DNS_CONFIG_OPTION: ObjectSchema = strict("PodDNSConfigOption")
    .with(&[named("name", Grammar::Token), named("value", Grammar::ResolverOptionValue)]);

static POD_READINESS_GATE: ObjectSchema = strict("PodReadinessGate").with(&[text("conditionType")]);

pub(crate) static POD_OS: ObjectSchema = strict("PodOS").with(&[text("name")]);

pub(crate) static POD_RESOURCE_CLAIM: ObjectSchema = strict("PodResourceClaim").with(&[
    named("name", Grammar::DnsLabel),
    named("resourceClaimName", Grammar::ObjectName),
    named("resourceClaimTemplateName", Grammar::ObjectName),
]);

static EVICTION_RESPONDER: ObjectSchema =
    strict("EvictionResponder").with(&[text("name"), int32("priority")]);
