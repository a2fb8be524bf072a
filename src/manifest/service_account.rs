//! The API access volume, as the API server's admission plugin mounts it into every pod.
//!
//! Also where the pod's service account says `automountServiceAccountToken: false`: that object is not in
//! the manifest. A pod that says it itself gets none.

use serde_json::{Map, Value, json};

/// As the plugin names it; its random end is played by `zzzzz`.
const VOLUME: &str = "kube-api-access-zzzzz";

const PREFIX: &str = "kube-api-access-";

const PATH: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

/// Names the account, and mounts its token into each container that has nothing at that path.
pub(super) fn mount(spec: &mut Map<String, Value>) {
    for (field, other) in
        [("serviceAccountName", "serviceAccount"), ("serviceAccount", "serviceAccountName")]
    {
        if !spec.contains_key(field) {
            let name = spec.get(other).cloned().unwrap_or_else(|| "default".into());
            spec.insert(field.to_owned(), name);
        }
    }
    if spec.get("automountServiceAccountToken") == Some(&Value::Bool(false)) {
        return;
    }
    let present = own_volume(spec);
    let name = present.clone().unwrap_or_else(|| VOLUME.to_owned());
    let mut is_needed = false;
    for list in ["initContainers", "containers"] {
        let containers = spec.get_mut(list).and_then(Value::as_array_mut);
        for container in containers.into_iter().flatten().filter_map(Value::as_object_mut) {
            let mounts = container.entry("volumeMounts").or_insert_with(|| json!([]));
            let Some(mounts) = mounts.as_array_mut() else { continue };
            if mounts.iter().all(|mount| mount.get("mountPath") != Some(&PATH.into())) {
                mounts.push(json!({"name": name, "readOnly": true, "mountPath": PATH}));
                is_needed = true;
            }
        }
    }
    if is_needed && present.is_none() {
        let volumes = spec.entry("volumes").or_insert_with(|| json!([]));
        if let Some(volumes) = volumes.as_array_mut() {
            volumes.push(volume());
        }
    }
}

/// A volume of the manifest that the plugin takes for its own, by its name.
fn own_volume(spec: &Map<String, Value>) -> Option<String> {
    let volumes = spec.get("volumes").and_then(Value::as_array)?;
    let mut names = volumes.iter().filter_map(|volume| volume.get("name")?.as_str());
    names.find(|name| name.starts_with(PREFIX)).map(str::to_owned)
}

fn volume() -> Value {
    let namespace = json!({"path": "namespace", "fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.namespace"}});
    json!({"name": VOLUME, "projected": {"defaultMode": 0o644, "sources": [
        {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}},
        {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
        {"downwardAPI": {"items": [namespace]}}
    ]}})
}
