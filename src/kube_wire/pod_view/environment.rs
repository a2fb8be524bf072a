//! Where a container's environment comes from.

use std::fmt;

use super::read::{Quantity, view};
use crate::kube_wire::pod_schema::environment::{
    CONFIG_MAP_ENV_SOURCE, CONFIG_MAP_KEY_SELECTOR, ENV_FROM_SOURCE, ENV_VAR, ENV_VAR_SOURCE,
    FILE_KEY_SELECTOR, OBJECT_FIELD_SELECTOR, RESOURCE_FIELD_SELECTOR, SECRET_ENV_SOURCE,
    SECRET_KEY_SELECTOR,
};

view! {
    /// `env[]`. Its value may be a secret and is not in its `Debug`.
    EnvVar<'a> of [ENV_VAR] {
        "name" name: &'a str,
        "value" value: &'a str,
        "valueFrom" value_from: Option<&'a EnvSource<'a>>,
    }
}

impl fmt::Debug for EnvVar<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, value: _, value_from } = self;
        out.debug_struct("EnvVar")
            .field("name", name)
            .field("value_from", value_from)
            .finish_non_exhaustive()
    }
}

view! {
    /// `env[].valueFrom`: at most one is set in a pod that the API took.
    #[derive(Debug)]
    EnvSource<'a> of [ENV_VAR_SOURCE] {
        "fieldRef" field: Option<FieldRef<'a>>,
        "resourceFieldRef" resource_field: Option<ResourceFieldRef<'a>>,
        "configMapKeyRef" config_map_key: Option<KeyRef<'a>>,
        "secretKeyRef" secret_key: Option<KeyRef<'a>>,
        "fileKeyRef" file_key: Option<FileKey<'a>>,
    }
}

view! {
    /// `fieldRef`: a field of the pod itself.
    #[derive(Debug)]
    FieldRef<'a> of [OBJECT_FIELD_SELECTOR] {
        "apiVersion" api_version: &'a str,
        "fieldPath" field_path: &'a str,
    }
}

view! {
    /// `resourceFieldRef`: an amount that a container of the pod may use.
    #[derive(Debug)]
    ResourceFieldRef<'a> of [RESOURCE_FIELD_SELECTOR] {
        "containerName" container_name: &'a str,
        "resource" resource: &'a str,
        "divisor" divisor: Option<Quantity<'a>>,
    }
}

view! {
    /// `configMapKeyRef` or `secretKeyRef`.
    #[derive(Debug)]
    KeyRef<'a> of [CONFIG_MAP_KEY_SELECTOR, SECRET_KEY_SELECTOR] {
        "name" name: &'a str,
        "key" key: &'a str,
        "optional" optional: Option<bool>,
    }
}

view! {
    /// `fileKeyRef`: a line of a file in a volume.
    #[derive(Debug)]
    FileKey<'a> of [FILE_KEY_SELECTOR] {
        "volumeName" volume_name: &'a str,
        "path" path: &'a str,
        "key" key: &'a str,
        "optional" optional: Option<bool>,
    }
}

view! {
    /// `envFrom[]`.
    #[derive(Debug)]
    EnvFrom<'a> of [ENV_FROM_SOURCE] {
        "prefix" prefix: &'a str,
        "configMapRef" config_map: Option<SourceRef<'a>>,
        "secretRef" secret: Option<SourceRef<'a>>,
    }
}

view! {
    /// `configMapRef` or `secretRef`: all of an object's keys.
    #[derive(Debug)]
    SourceRef<'a> of [CONFIG_MAP_ENV_SOURCE, SECRET_ENV_SOURCE] {
        "name" name: &'a str,
        "optional" optional: Option<bool>,
    }
}
