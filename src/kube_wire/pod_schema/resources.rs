//! Tables of compute resources.
//!
//! A container's status repeats the spec's structure; there, unknown fields only describe.

use super::table::{lenient, list, map, named, strict, text};
use crate::kube_wire::grammar::Grammar;
use crate::kube_wire::schema::{Field, ObjectSchema, Shape};

pub(crate) static RESOURCE_REQUIREMENTS: ObjectSchema = strict("ResourceRequirements").with(&[
    map("limits", &Shape::Quantity),
    map("requests", &Shape::Quantity),
    list("claims", &Shape::Object(&RESOURCE_CLAIM)),
]);

pub(crate) static RESOURCE_CLAIM: ObjectSchema = strict("ResourceClaim").with(CLAIM_FIELDS);

pub(super) static REPORTED_RESOURCES: ObjectSchema = lenient("ResourceRequirements").with(&[
    map("limits", &Shape::Quantity),
    map("requests", &Shape::Quantity),
    list("claims", &Shape::Object(&REPORTED_CLAIM)),
]);

static REPORTED_CLAIM: ObjectSchema = lenient("ResourceClaim").with(CLAIM_FIELDS);

const CLAIM_FIELDS: &[Field] = &[named("name", Grammar::DnsLabel), text("request")];
