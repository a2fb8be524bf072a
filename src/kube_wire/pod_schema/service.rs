//! Tables of `core/v1.Service`: what a kubelet makes environment variables of, and nothing else.
//!
//! Names and addresses become names and values of variables unseen (`k8s.io/kubernetes/pkg/kubelet/envvars`);
//! what a Service says beside them is for others, and reaches no kubelet.

use super::table::{int32, lenient, list, named, object};
use crate::kube_wire::grammar::Grammar;
use crate::kube_wire::schema::{ObjectSchema, Shape};

/// `core/v1.Service`.
pub static SERVICE: ObjectSchema = lenient("Service").with(&[
    named("kind", Grammar::Exactly("Service")),
    named("apiVersion", Grammar::CoreVersion),
    object("metadata", &METADATA),
    object("spec", &SPEC),
]);

static METADATA: ObjectSchema = lenient("ObjectMeta").with(&[
    // API servers before 1.36 ask for an RFC 1035 label, later ones for this (KEP-5311).
    named("name", Grammar::DnsLabel),
    named("namespace", Grammar::DnsLabel),
    named("uid", Grammar::Uuid),
    named("resourceVersion", Grammar::Token),
]);

static SPEC: ObjectSchema = lenient("ServiceSpec").with(&[
    list("ports", &Shape::Object(&PORT)),
    named("clusterIP", Grammar::ClusterIp),
    list("clusterIPs", &Shape::Named(Grammar::ClusterIp)),
]);

static PORT: ObjectSchema = lenient("ServicePort").with(&[
    // Not the stricter name of a container's port (`validateServicePort`).
    named("name", Grammar::DnsLabel),
    named("protocol", Grammar::Protocol),
    int32("port"),
]);
