//! Tables of probes and lifecycle hooks.
//!
//! The kubelet itself connects to what is named here, and runs the commands in the container.

use super::table::{int_or_string, int32, int64, list, named, object, strict, text};
use crate::kube_wire::grammar::Grammar;
use crate::kube_wire::schema::{ObjectSchema, Shape};

pub(crate) static PROBE: ObjectSchema = strict("Probe").with(&[
    object("exec", &EXEC_ACTION),
    object("httpGet", &HTTP_GET_ACTION),
    object("tcpSocket", &TCP_SOCKET_ACTION),
    object("grpc", &GRPC_ACTION),
    int32("initialDelaySeconds"),
    int32("timeoutSeconds"),
    int32("periodSeconds"),
    int32("successThreshold"),
    int32("failureThreshold"),
    int64("terminationGracePeriodSeconds"),
]);

pub(crate) static LIFECYCLE: ObjectSchema = strict("Lifecycle").with(&[
    object("postStart", &LIFECYCLE_HANDLER),
    object("preStop", &LIFECYCLE_HANDLER),
    text("stopSignal"),
]);

pub(crate) static LIFECYCLE_HANDLER: ObjectSchema = strict("LifecycleHandler").with(&[
    object("exec", &EXEC_ACTION),
    object("httpGet", &HTTP_GET_ACTION),
    object("tcpSocket", &TCP_SOCKET_ACTION),
    object("sleep", &SLEEP_ACTION),
]);

pub(crate) static EXEC_ACTION: ObjectSchema =
    strict("ExecAction").with(&[list("command", &Shape::Text)]);

pub(crate) static HTTP_GET_ACTION: ObjectSchema = strict("HTTPGetAction").with(&[
    text("path"),
    int_or_string("port"),
    named("host", Grammar::Token),
    text("scheme"),
    list("httpHeaders", &Shape::Object(&HTTP_HEADER)),
    text("protocol"),
]);

pub(crate) static HTTP_HEADER: ObjectSchema =
    strict("HTTPHeader").with(&[named("name", Grammar::HeaderName), text("value")]);

pub(crate) static TCP_SOCKET_ACTION: ObjectSchema =
    strict("TCPSocketAction").with(&[int_or_string("port"), named("host", Grammar::Token)]);

pub(crate) static GRPC_ACTION: ObjectSchema =
    strict("GRPCAction").with(&[int32("port"), text("service"), text("mode")]);

pub(crate) static SLEEP_ACTION: ObjectSchema = strict("SleepAction").with(&[int64("seconds")]);
