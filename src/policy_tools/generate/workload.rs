//! Which workload a pod belongs to, and what its pods have in common: names without what is random or
//! counted.

use serde_json::{Value, json};

/// A Job that a CronJob made ends in the minute it was due.
const LEAST_MINUTE_DIGITS: usize = 8;

/// What made a pod.
pub(super) struct Workload {
    namespace: String,
    /// For people: `web` of `web-7d4b9c-x2x4q`.
    name: String,
    /// Pattern of its pods' names.
    pod_names: String,
    owner_kind: Option<String>,
    service_account: String,
    /// Of a StatefulSet, the name of this pod: others have other numbers.
    numbered: Option<String>,
}

impl Workload {
    /// `None` for what has no name or namespace.
    pub(super) fn of(pod: &Value) -> Option<Self> {
        let text = |path: &str| pod.pointer(path).and_then(Value::as_str);
        let namespace = text("/metadata/namespace")?.to_owned();
        let pod_name = text("/metadata/name")?;
        let owners = pod.pointer("/metadata/ownerReferences").and_then(Value::as_array);
        let owner = owners.into_iter().flatten().find(|owner| owner["controller"] == true);
        let owner_text = |field| owner.and_then(|owner| owner.get(field)).and_then(Value::as_str);
        let kind = owner_text("kind");
        let owner_name = owner_text("name").unwrap_or_default();
        let hash = text("/metadata/labels/pod-template-hash").unwrap_or_default();
        let base = match kind {
            None => return Some(Self::alone(pod, namespace, pod_name)),
            Some("ReplicaSet") if !hash.is_empty() => {
                owner_name.strip_suffix(hash).map_or(owner_name, |base| base.trim_end_matches('-'))
            }
            Some("Job") => without_minute(owner_name),
            Some(_) => owner_name,
        };
        // A base that the API server cut is the beginning of none of its pods' names.
        let is_prefix = pod_name.starts_with(&format!("{base}-"));
        let pod_names = if is_prefix { format!("{base}-*") } else { pod_name.to_owned() };
        Some(Self {
            namespace,
            name: base.to_owned(),
            pod_names,
            owner_kind: kind.map(str::to_owned),
            service_account: service_account(pod),
            numbered: (kind == Some("StatefulSet")).then(|| pod_name.to_owned()),
        })
    }

    fn alone(pod: &Value, namespace: String, name: &str) -> Self {
        Self {
            namespace,
            name: name.to_owned(),
            pod_names: name.to_owned(),
            owner_kind: None,
            service_account: service_account(pod),
            numbered: None,
        }
    }

    /// Unlike those of other workloads, kinds apart.
    pub(super) fn rule_name(&self) -> String {
        format!("{}-{}", self.namespace, self.name)
    }

    /// `match` of the rule.
    pub(super) fn scope(&self) -> Value {
        let kinds = self.owner_kind.as_ref().map(|kind| ("ownerKinds", kind));
        let criteria = [
            ("namespaces", &self.namespace),
            ("podNames", &self.pod_names),
            ("serviceAccounts", &self.service_account),
        ];
        let criteria = criteria.into_iter().chain(kinds);
        Value::Object(criteria.map(|(key, name)| (key.to_owned(), json!([name]))).collect())
    }

    /// A value of one pod, for all pods of the workload: host name and claims of a set are numbered.
    pub(super) fn widened(&self, place: &str, value: &Value) -> Value {
        let mut value = value.clone();
        let Some(numbered) = &self.numbered else { return value };
        if place == "permit.hostname" && value == numbered.as_str() {
            return json!({"regex": format!("{}-[0-9]+", self.name.replace('.', "[.]"))});
        }
        let volumes = value.as_array_mut().filter(|_| place == "permit.volumes");
        for volume in volumes.into_iter().flatten() {
            let names = volume.pointer_mut("/persistentVolumeClaim/names");
            let names = names.and_then(Value::as_array_mut);
            for name in names.into_iter().flatten() {
                let claim = name.as_str().and_then(|name| name.strip_suffix(numbered.as_str()));
                if let Some(claim) = claim {
                    *name = format!("{claim}{}-*", self.name).into();
                }
            }
        }
        value
    }
}

fn service_account(pod: &Value) -> String {
    let name = pod.pointer("/spec/serviceAccountName").and_then(Value::as_str);
    name.filter(|name| !name.is_empty()).unwrap_or("default").to_owned()
}

fn without_minute(job: &str) -> &str {
    match job.rsplit_once('-') {
        Some((base, minute))
            if minute.len() >= LEAST_MINUTE_DIGITS
                && minute.bytes().all(|byte| byte.is_ascii_digit()) =>
        {
            base
        }
        Some(_) | None => job,
    }
}
