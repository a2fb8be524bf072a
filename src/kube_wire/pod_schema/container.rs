//! Tables of containers, init containers and ephemeral containers.
//!
//! Names become directories under the pod's directory and parts of log file names; mount paths
//! become arguments of the container runtime. Hence their grammars.

use super::environment::{ENV_FROM_SOURCE, ENV_VAR};
use super::probe::{LIFECYCLE, PROBE};
use super::resources::RESOURCE_REQUIREMENTS;
use super::security::SECURITY_CONTEXT;
use super::table::{boolean, int32, list, mutable, named, object, strict, text};
use crate::kube_wire::grammar::Grammar;
use crate::kube_wire::schema::{ObjectSchema, Shape};

pub(crate) static CONTAINER: ObjectSchema = strict("Container").with(&[
    named("name", Grammar::DnsLabel),
    mutable(named("image", Grammar::Token)),
    list("command", &Shape::Text),
    list("args", &Shape::Text),
    named("workingDir", Grammar::OneLine),
    list("ports", &Shape::Object(&CONTAINER_PORT)),
    list("envFrom", &Shape::Object(&ENV_FROM_SOURCE)),
    list("env", &Shape::Object(&ENV_VAR)),
    mutable(object("resources", &RESOURCE_REQUIREMENTS)),
    list("resizePolicy", &Shape::Object(&CONTAINER_RESIZE_POLICY)),
    text("restartPolicy"),
    list("restartPolicyRules", &Shape::Object(&CONTAINER_RESTART_RULE)),
    list("volumeMounts", &Shape::Object(&VOLUME_MOUNT)),
    list("volumeDevices", &Shape::Object(&VOLUME_DEVICE)),
    object("livenessProbe", &PROBE),
    object("readinessProbe", &PROBE),
    object("startupProbe", &PROBE),
    object("lifecycle", &LIFECYCLE),
    named("terminationMessagePath", Grammar::AbsolutePath),
    text("terminationMessagePolicy"),
    text("imagePullPolicy"),
    object("securityContext", &SECURITY_CONTEXT),
    boolean("stdin"),
    boolean("stdinOnce"),
    boolean("tty"),
]);

pub(crate) static EPHEMERAL_CONTAINER: ObjectSchema = strict("EphemeralContainer").with(&[
    named("name", Grammar::DnsLabel),
    named("image", Grammar::Token),
    list("command", &Shape::Text),
    list("args", &Shape::Text),
    named("workingDir", Grammar::OneLine),
    list("ports", &Shape::Object(&CONTAINER_PORT)),
    list("envFrom", &Shape::Object(&ENV_FROM_SOURCE)),
    list("env", &Shape::Object(&ENV_VAR)),
    object("resources", &RESOURCE_REQUIREMENTS),
    list("resizePolicy", &Shape::Object(&CONTAINER_RESIZE_POLICY)),
    text("restartPolicy"),
    list("restartPolicyRules", &Shape::Object(&CONTAINER_RESTART_RULE)),
    list("volumeMounts", &Shape::Object(&VOLUME_MOUNT)),
    list("volumeDevices", &Shape::Object(&VOLUME_DEVICE)),
    object("livenessProbe", &PROBE),
    object("readinessProbe", &PROBE),
    object("startupProbe", &PROBE),
    object("lifecycle", &LIFECYCLE),
    named("terminationMessagePath", Grammar::AbsolutePath),
    text("terminationMessagePolicy"),
    text("imagePullPolicy"),
    object("securityContext", &SECURITY_CONTEXT),
    boolean("stdin"),
    boolean("stdinOnce"),
    boolean("tty"),
    named("targetContainerName", Grammar::DnsLabel),
]);

pub(crate) static CONTAINER_PORT: ObjectSchema = strict("ContainerPort").with(&[
    named("name", Grammar::PortName),
    int32("hostPort"),
    int32("containerPort"),
    text("protocol"),
    named("hostIP", Grammar::IpAddress),
]);

static CONTAINER_RESIZE_POLICY: ObjectSchema =
    strict("ContainerResizePolicy").with(&[text("resourceName"), text("restartPolicy")]);

pub(crate) static CONTAINER_RESTART_RULE: ObjectSchema = strict("ContainerRestartRule")
    .with(&[text("action"), object("exitCodes", &CONTAINER_RESTART_RULE_ON_EXIT_CODES)]);

pub(crate) static CONTAINER_RESTART_RULE_ON_EXIT_CODES: ObjectSchema =
    strict("ContainerRestartRuleOnExitCodes")
        .with(&[text("operator"), list("values", &Shape::Int32)]);

pub(crate) static VOLUME_MOUNT: ObjectSchema = strict("VolumeMount").with(&[
    named("name", Grammar::DnsLabel),
    boolean("readOnly"),
    text("recursiveReadOnly"),
    named("mountPath", Grammar::MountPath),
    named("subPath", Grammar::DescendingPath),
    text("mountPropagation"),
    named("subPathExpr", Grammar::DescendingPath),
    list("bindMountOptions", &Shape::Named(Grammar::OneLine)),
]);

pub(crate) static VOLUME_DEVICE: ObjectSchema = strict("VolumeDevice")
    .with(&[named("name", Grammar::DnsLabel), named("devicePath", Grammar::AbsolutePath)]);
