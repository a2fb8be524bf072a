//! What the API server makes of a pod before a kubelet sees it: identity, defaults, the API access volume.
//!
//! The defaults are those of `k8s.io/kubernetes/pkg/apis/core/v1/defaults.go`, as far as a policy can see
//! them. What only the cluster knows stays as it is: the service account's `imagePullSecrets` and
//! `automountServiceAccountToken`, the values of a priority class, quotas, webhooks.

use serde_json::{Map, Value, json};

use super::controllers::with_suffix;
use super::service_account;

/// Where the pods would run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// Of pods that name no node.
    pub node: String,
    /// Of objects that name none.
    pub namespace: String,
    /// Nothing is filled in but what makes a pod a pod: name, namespace, UID and node.
    pub as_written: bool,
}

/// Stands for the UID that the API server draws.
const UID: &str = "00000000-0000-4000-8000-000000000002";

type Fields = Map<String, Value>;

/// Fills in what the pod does not say.
pub(super) fn complete(pod: &mut Fields, setting: &Setting) {
    let metadata = pod.entry("metadata").or_insert_with(|| json!({}));
    let Some(metadata) = metadata.as_object_mut() else { return };
    let is_recorded = metadata.contains_key("uid");
    if let Some(base) = metadata.get("generateName").and_then(Value::as_str)
        && !metadata.contains_key("name")
    {
        let name = with_suffix(base.trim_end_matches('-'));
        metadata.insert("name".to_owned(), name.into());
    }
    default(metadata, "namespace", setting.namespace.as_str());
    default(metadata, "uid", UID);
    let Some(spec) = pod.get_mut("spec").and_then(Value::as_object_mut) else { return };
    default(spec, "nodeName", setting.node.as_str());
    if is_recorded || setting.as_written {
        // A pod with a UID has been through the API server: nothing is added to what it is.
        return;
    }
    default_spec(spec);
    service_account::mount(spec);
}

fn default(fields: &mut Fields, key: &str, value: impl Into<Value>) {
    if fields.get(key).is_none_or(Value::is_null) {
        fields.insert(key.to_owned(), value.into());
    }
}

fn object<'f>(fields: &'f mut Fields, key: &str) -> Option<&'f mut Fields> {
    fields.get_mut(key).and_then(Value::as_object_mut)
}

fn objects<'f>(fields: &'f mut Fields, key: &str) -> impl Iterator<Item = &'f mut Fields> {
    let list = fields.get_mut(key).and_then(Value::as_array_mut);
    list.into_iter().flatten().filter_map(Value::as_object_mut)
}

fn default_spec(spec: &mut Fields) {
    default(spec, "dnsPolicy", "ClusterFirst");
    default(spec, "enableServiceLinks", true);
    default(spec, "restartPolicy", "Always");
    default(spec, "schedulerName", "default-scheduler");
    default(spec, "securityContext", json!({}));
    default(spec, "terminationGracePeriodSeconds", 30);
    let is_on_host = spec.get("hostNetwork") == Some(&Value::Bool(true));
    for list in ["initContainers", "containers", "ephemeralContainers"] {
        for container in objects(spec, list) {
            default_container(container, is_on_host && list != "ephemeralContainers");
        }
    }
    objects(spec, "volumes").for_each(default_volume);
}

fn default_container(container: &mut Fields, is_on_host: bool) {
    let image = container.get("image").and_then(Value::as_str).unwrap_or_default();
    let policy = pull_policy(image);
    default(container, "imagePullPolicy", policy);
    default(container, "resources", json!({}));
    default(container, "terminationMessagePath", "/dev/termination-log");
    default(container, "terminationMessagePolicy", "File");
    for port in objects(container, "ports") {
        default(port, "protocol", "TCP");
        if let Some(number) = port.get("containerPort").cloned()
            && is_on_host
        {
            default(port, "hostPort", number);
        }
    }
    for variable in objects(container, "env") {
        if let Some(field) =
            object(variable, "valueFrom").and_then(|source| object(source, "fieldRef"))
        {
            default(field, "apiVersion", "v1");
        }
    }
    for probe in ["livenessProbe", "readinessProbe", "startupProbe"] {
        if let Some(probe) = object(container, probe) {
            for (field, value) in [
                ("failureThreshold", 3),
                ("periodSeconds", 10),
                ("successThreshold", 1),
                ("timeoutSeconds", 1),
            ] {
                default(probe, field, value);
            }
            default_http(probe);
        }
    }
    if let Some(lifecycle) = object(container, "lifecycle") {
        for hook in ["postStart", "preStop"] {
            if let Some(hook) = object(lifecycle, hook) {
                default_http(hook);
            }
        }
    }
}

/// Of a probe or a hook.
fn default_http(action: &mut Fields) {
    if let Some(get) = object(action, "httpGet") {
        default(get, "path", "/");
        default(get, "scheme", "HTTP");
    }
    if let Some(grpc) = object(action, "grpc") {
        default(grpc, "service", "");
    }
}

/// `Always` for the tag `latest`, which stands for no tag as well.
fn pull_policy(image: &str) -> &'static str {
    let name = image.rsplit('/').next().unwrap_or_default();
    let is_latest = match name.split_once(':') {
        _ if image.contains('@') => false,
        Some((_, tag)) => tag == "latest",
        None => true,
    };
    if is_latest { "Always" } else { "IfNotPresent" }
}

fn default_volume(volume: &mut Fields) {
    if volume.len() == 1 && volume.contains_key("name") {
        volume.insert("emptyDir".to_owned(), json!({}));
    }
    for source in ["configMap", "downwardAPI", "projected", "secret"] {
        if let Some(source) = object(volume, source) {
            default(source, "defaultMode", 0o644);
        }
    }
    if let Some(path) = object(volume, "hostPath") {
        default(path, "type", "");
    }
    if let Some(image) = object(volume, "image") {
        let reference = image.get("reference").and_then(Value::as_str).unwrap_or_default();
        let policy = pull_policy(reference);
        default(image, "pullPolicy", policy);
    }
    if let Some(downward) = object(volume, "downwardAPI") {
        default_field_refs(downward);
    }
    if let Some(projected) = object(volume, "projected") {
        for source in objects(projected, "sources") {
            if let Some(token) = object(source, "serviceAccountToken") {
                default(token, "expirationSeconds", 3600);
            }
            if let Some(downward) = object(source, "downwardAPI") {
                default_field_refs(downward);
            }
        }
    }
}

fn default_field_refs(downward: &mut Fields) {
    for item in objects(downward, "items") {
        if let Some(field) = object(item, "fieldRef") {
            default(field, "apiVersion", "v1");
        }
    }
}
