//! Tables of `meta/v1.Status`, the API server's answer that is not an object.
//!
//! What an answer says is for people; nothing in it decides what runs.

use super::metadata::LIST_META;
use super::table::{int32, lenient, list, object, text};
use crate::kube_wire::schema::{ObjectSchema, Shape};

pub(super) static STATUS: ObjectSchema = lenient("Status").with(&[
    text("kind"),
    text("apiVersion"),
    object("metadata", &LIST_META),
    text("status"),
    text("message"),
    text("reason"),
    object("details", &STATUS_DETAILS),
    int32("code"),
]);

static STATUS_DETAILS: ObjectSchema = lenient("StatusDetails").with(&[
    text("name"),
    text("group"),
    text("kind"),
    text("uid"),
    list("causes", &Shape::Object(&STATUS_CAUSE)),
    int32("retryAfterSeconds"),
]);

static STATUS_CAUSE: ObjectSchema =
    lenient("StatusCause").with(&[text("reason"), text("message"), text("field")]);
