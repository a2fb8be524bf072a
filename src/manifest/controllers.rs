//! The pod that a controller makes of its template: names, labels, owner, and what only it adds.
//!
//! Where the API server draws at random, [`SUFFIX`] and [`HASH`] stand. A StatefulSet is shown by its first
//! pod, an indexed Job by index 0.

use serde_json::{Map, Value, json};

/// Stands for the five random characters of a pod's name.
const SUFFIX: &str = "zzzzz";

/// Stands for the hash of a template.
const HASH: &str = "zzzzzzzzzz";

/// Stands for the UIDs of owners.
const OWNER_UID: &str = "00000000-0000-4000-8000-000000000001";

/// Longest base that the API server puts before [`SUFFIX`].
const MAX_BASE: usize = 58;

/// Stands for the minute at which a CronJob makes its Job.
const MINUTE: &str = "00000000";

const INDEX: &str = "batch.kubernetes.io/job-completion-index";

/// The object whose template makes pods.
pub(super) struct Controller<'d> {
    pub(super) kind: &'d str,
    pub(super) name: &'d str,
    pub(super) namespace: Option<&'d Value>,
    pub(super) spec: &'d Value,
}

/// The pod before the API server looks at it.
pub(super) fn pod(
    controller: &Controller<'_>,
    template: &Map<String, Value>,
) -> Map<String, Value> {
    let object = |field: &str| template.get(field).and_then(Value::as_object).cloned();
    let mut metadata = object("metadata").unwrap_or_default();
    let mut spec = object("spec").unwrap_or_default();
    let made = controller.made();
    metadata.insert("name".to_owned(), made.name.clone().into());
    metadata.remove("generateName");
    match controller.namespace {
        Some(namespace) => metadata.insert("namespace".to_owned(), namespace.clone()),
        None => metadata.remove("namespace"),
    };
    if let Some((kind, version, name)) = &made.owner {
        let owner = json!([{"apiVersion": version, "kind": kind, "name": name, "uid": OWNER_UID,
            "controller": true, "blockOwnerDeletion": true}]);
        metadata.insert("ownerReferences".to_owned(), owner);
    }
    let labels = metadata.entry("labels").or_insert_with(|| json!({}));
    if let Some(labels) = labels.as_object_mut() {
        labels.extend(made.labels.into_iter().map(|(key, value)| (key.to_owned(), value.into())));
    }
    match controller.kind {
        "StatefulSet" => controller.claim_volumes(&made.name, &mut spec),
        "Job" | "CronJob" if controller.is_indexed() => {
            controller.add_index(&mut metadata, &mut spec);
        }
        _ => {}
    }
    let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec});
    pod.as_object().cloned().unwrap_or_default()
}

/// What a controller gives its pods.
struct Made {
    name: String,
    /// Kind, version and name.
    owner: Option<(&'static str, &'static str, String)>,
    labels: Vec<(&'static str, String)>,
}

impl Controller<'_> {
    fn made(&self) -> Made {
        let name = self.name;
        let owned = |kind, version, base: &str, labels| Made {
            name: with_suffix(base),
            owner: Some((kind, version, base.to_owned())),
            labels,
        };
        match self.kind {
            "Deployment" => {
                let base = format!("{name}-{HASH}");
                owned("ReplicaSet", "apps/v1", &base, vec![("pod-template-hash", HASH.to_owned())])
            }
            "ReplicaSet" => owned("ReplicaSet", "apps/v1", name, Vec::new()),
            "ReplicationController" => owned("ReplicationController", "v1", name, Vec::new()),
            "DaemonSet" => {
                let labels = vec![
                    ("controller-revision-hash", HASH.to_owned()),
                    ("pod-template-generation", "1".to_owned()),
                ];
                owned("DaemonSet", "apps/v1", name, labels)
            }
            "StatefulSet" => {
                let pod = format!("{name}-0");
                let labels = vec![
                    ("apps.kubernetes.io/pod-index", "0".to_owned()),
                    ("controller-revision-hash", format!("{name}-{HASH}")),
                    ("statefulset.kubernetes.io/pod-name", pod.clone()),
                ];
                Made { name: pod, owner: Some(("StatefulSet", "apps/v1", name.to_owned())), labels }
            }
            "CronJob" => self.made_by_job(&format!("{name}-{MINUTE}")),
            "Job" => self.made_by_job(name),
            _ => Made { name: with_suffix(name), owner: None, labels: Vec::new() },
        }
    }

    fn made_by_job(&self, job: &str) -> Made {
        let indexed = format!("{job}-0");
        let name = with_suffix(if self.is_indexed() { &indexed } else { job });
        let mut labels = vec![
            ("batch.kubernetes.io/controller-uid", OWNER_UID.to_owned()),
            ("batch.kubernetes.io/job-name", job.to_owned()),
            ("controller-uid", OWNER_UID.to_owned()),
            ("job-name", job.to_owned()),
        ];
        if self.is_indexed() {
            labels.push((INDEX, "0".to_owned()));
        }
        Made { name, owner: Some(("Job", "batch/v1", job.to_owned())), labels }
    }

    fn is_indexed(&self) -> bool {
        let job = match self.kind {
            "CronJob" => self.spec.pointer("/jobTemplate/spec"),
            _ => Some(self.spec),
        };
        job.and_then(|job| job.get("completionMode")).is_some_and(|mode| mode == "Indexed")
    }

    /// Its name is the pod's host name, and each claim template is a volume.
    fn claim_volumes(&self, pod: &str, spec: &mut Map<String, Value>) {
        spec.insert("hostname".to_owned(), pod.into());
        if let Some(service) = self.spec.get("serviceName") {
            spec.insert("subdomain".to_owned(), service.clone());
        }
        let templates = self.spec.get("volumeClaimTemplates").and_then(Value::as_array);
        let names = templates
            .into_iter()
            .flatten()
            .filter_map(|template| template.pointer("/metadata/name").and_then(Value::as_str));
        let names: Vec<_> = names.collect();
        if names.is_empty() {
            return;
        }
        let volumes = spec.entry("volumes").or_insert_with(|| json!([]));
        let Some(volumes) = volumes.as_array_mut() else { return };
        volumes.retain(|volume| {
            let name = volume.get("name").and_then(Value::as_str).unwrap_or_default();
            !names.contains(&name)
        });
        for name in names {
            let claim = format!("{name}-{pod}");
            volumes.push(json!({"name": name, "persistentVolumeClaim": {"claimName": claim}}));
        }
    }

    fn add_index(&self, metadata: &mut Map<String, Value>, spec: &mut Map<String, Value>) {
        let annotations = metadata.entry("annotations").or_insert_with(|| json!({}));
        if let Some(annotations) = annotations.as_object_mut() {
            annotations.insert(INDEX.to_owned(), "0".into());
        }
        let job = if self.kind == "CronJob" {
            format!("{}-{MINUTE}", self.name)
        } else {
            self.name.to_owned()
        };
        spec.insert("hostname".to_owned(), format!("{job}-0").into());
        let field = json!({"apiVersion": "v1", "fieldPath": format!("metadata.labels['{INDEX}']")});
        let variable = json!({"name": "JOB_COMPLETION_INDEX", "valueFrom": {"fieldRef": field}});
        for list in ["initContainers", "containers"] {
            let containers = spec.get_mut(list).and_then(Value::as_array_mut);
            for container in containers.into_iter().flatten().filter_map(Value::as_object_mut) {
                let env = container.entry("env").or_insert_with(|| json!([]));
                if let Some(env) = env.as_array_mut() {
                    env.push(variable.clone());
                }
            }
        }
    }
}

/// As the API server completes `generateName`.
pub(super) fn with_suffix(base: &str) -> String {
    let base: String = base.chars().take(MAX_BASE).collect();
    format!("{base}-{SUFFIX}")
}
