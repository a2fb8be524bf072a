//! Tables of what the scheduler reads: affinity, tolerations, spreading, gates.
//!
//! A kubelet looks at little of it (node affinity and tolerations, when it admits a pod), yet the
//! fields are part of a spec and therefore known by name.

use super::table::{int32, int64, list, map, object, strict, text};
use crate::kube_wire::schema::{ObjectSchema, Shape};

pub(super) static AFFINITY: ObjectSchema = strict("Affinity").with(&[
    object("nodeAffinity", &NODE_AFFINITY),
    object("podAffinity", &POD_AFFINITY),
    object("podAntiAffinity", &POD_ANTI_AFFINITY),
]);

static NODE_AFFINITY: ObjectSchema = strict("NodeAffinity").with(&[
    object("requiredDuringSchedulingIgnoredDuringExecution", &NODE_SELECTOR),
    list(
        "preferredDuringSchedulingIgnoredDuringExecution",
        &Shape::Object(&PREFERRED_SCHEDULING_TERM),
    ),
]);

pub(super) static NODE_SELECTOR: ObjectSchema =
    strict("NodeSelector").with(&[list("nodeSelectorTerms", &Shape::Object(&NODE_SELECTOR_TERM))]);

static NODE_SELECTOR_TERM: ObjectSchema = strict("NodeSelectorTerm").with(&[
    list("matchExpressions", &Shape::Object(&NODE_SELECTOR_REQUIREMENT)),
    list("matchFields", &Shape::Object(&NODE_SELECTOR_REQUIREMENT)),
]);

static NODE_SELECTOR_REQUIREMENT: ObjectSchema = strict("NodeSelectorRequirement").with(&[
    text("key"),
    text("operator"),
    list("values", &Shape::Text),
]);

static PREFERRED_SCHEDULING_TERM: ObjectSchema = strict("PreferredSchedulingTerm")
    .with(&[int32("weight"), object("preference", &NODE_SELECTOR_TERM)]);

static POD_AFFINITY: ObjectSchema = strict("PodAffinity").with(&[
    list("requiredDuringSchedulingIgnoredDuringExecution", &Shape::Object(&POD_AFFINITY_TERM)),
    list(
        "preferredDuringSchedulingIgnoredDuringExecution",
        &Shape::Object(&WEIGHTED_POD_AFFINITY_TERM),
    ),
]);

static POD_ANTI_AFFINITY: ObjectSchema = strict("PodAntiAffinity").with(&[
    list("requiredDuringSchedulingIgnoredDuringExecution", &Shape::Object(&POD_AFFINITY_TERM)),
    list(
        "preferredDuringSchedulingIgnoredDuringExecution",
        &Shape::Object(&WEIGHTED_POD_AFFINITY_TERM),
    ),
]);

static POD_AFFINITY_TERM: ObjectSchema = strict("PodAffinityTerm").with(&[
    object("labelSelector", &LABEL_SELECTOR),
    list("namespaces", &Shape::Text),
    text("topologyKey"),
    object("namespaceSelector", &LABEL_SELECTOR),
    list("matchLabelKeys", &Shape::Text),
    list("mismatchLabelKeys", &Shape::Text),
]);

static WEIGHTED_POD_AFFINITY_TERM: ObjectSchema = strict("WeightedPodAffinityTerm")
    .with(&[int32("weight"), object("podAffinityTerm", &POD_AFFINITY_TERM)]);

pub(crate) static LABEL_SELECTOR: ObjectSchema = strict("LabelSelector").with(&[
    map("matchLabels", &Shape::Text),
    list("matchExpressions", &Shape::Object(&LABEL_SELECTOR_REQUIREMENT)),
]);

pub(crate) static LABEL_SELECTOR_REQUIREMENT: ObjectSchema = strict("LabelSelectorRequirement")
    .with(&[text("key"), text("operator"), list("values", &Shape::Text)]);

pub(super) static TOLERATION: ObjectSchema = strict("Toleration").with(&[
    text("key"),
    text("operator"),
    text("value"),
    text("effect"),
    int64("tolerationSeconds"),
]);

pub(super) static TOPOLOGY_SPREAD_CONSTRAINT: ObjectSchema = strict("TopologySpreadConstraint")
    .with(&[
        int32("maxSkew"),
        text("topologyKey"),
        text("whenUnsatisfiable"),
        object("labelSelector", &LABEL_SELECTOR),
        int32("minDomains"),
        text("nodeAffinityPolicy"),
        text("nodeTaintsPolicy"),
        list("matchLabelKeys", &Shape::Text),
    ]);

pub(super) static POD_SCHEDULING_GATE: ObjectSchema =
    strict("PodSchedulingGate").with(&[text("name")]);

pub(super) static POD_SCHEDULING_GROUP: ObjectSchema =
    strict("PodSchedulingGroup").with(&[text("podGroupName")]);

pub(super) static WORKLOAD_REFERENCE: ObjectSchema =
    strict("WorkloadReference").with(&[text("name"), text("podGroup"), text("podGroupReplicaKey")]);
