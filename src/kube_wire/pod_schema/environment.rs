//! Tables of where a container's environment comes from.
//!
//! A name with `=` in it would define another variable than the one a policy looked at.

use super::table::{boolean, named, object, quantity, strict, text};
use crate::kube_wire::grammar::Grammar;
use crate::kube_wire::schema::ObjectSchema;

pub(crate) static ENV_VAR: ObjectSchema = strict("EnvVar").with(&[
    named("name", Grammar::EnvName),
    text("value"),
    object("valueFrom", &ENV_VAR_SOURCE),
]);

pub(crate) static ENV_VAR_SOURCE: ObjectSchema = strict("EnvVarSource").with(&[
    object("fieldRef", &OBJECT_FIELD_SELECTOR),
    object("resourceFieldRef", &RESOURCE_FIELD_SELECTOR),
    object("configMapKeyRef", &CONFIG_MAP_KEY_SELECTOR),
    object("secretKeyRef", &SECRET_KEY_SELECTOR),
    object("fileKeyRef", &FILE_KEY_SELECTOR),
]);

pub(crate) static ENV_FROM_SOURCE: ObjectSchema = strict("EnvFromSource").with(&[
    named("prefix", Grammar::EnvName),
    object("configMapRef", &CONFIG_MAP_ENV_SOURCE),
    object("secretRef", &SECRET_ENV_SOURCE),
]);

pub(crate) static CONFIG_MAP_ENV_SOURCE: ObjectSchema =
    strict("ConfigMapEnvSource").with(&[named("name", Grammar::ObjectName), boolean("optional")]);

pub(crate) static SECRET_ENV_SOURCE: ObjectSchema =
    strict("SecretEnvSource").with(&[named("name", Grammar::ObjectName), boolean("optional")]);

pub(crate) static CONFIG_MAP_KEY_SELECTOR: ObjectSchema = strict("ConfigMapKeySelector").with(&[
    named("name", Grammar::ObjectName),
    text("key"),
    boolean("optional"),
]);

pub(crate) static SECRET_KEY_SELECTOR: ObjectSchema = strict("SecretKeySelector").with(&[
    named("name", Grammar::ObjectName),
    text("key"),
    boolean("optional"),
]);

pub(crate) static FILE_KEY_SELECTOR: ObjectSchema = strict("FileKeySelector").with(&[
    named("volumeName", Grammar::DnsLabel),
    named("path", Grammar::VolumeFilePath),
    named("key", Grammar::EnvName),
    boolean("optional"),
]);

pub(crate) static OBJECT_FIELD_SELECTOR: ObjectSchema =
    strict("ObjectFieldSelector").with(&[text("apiVersion"), text("fieldPath")]);

pub(crate) static RESOURCE_FIELD_SELECTOR: ObjectSchema = strict("ResourceFieldSelector").with(&[
    text("containerName"),
    text("resource"),
    quantity("divisor"),
]);
