//! Which documents hold pods, and where in them.

use serde_json::{Map, Value};

use super::api_server::{self, Setting};
use super::controllers::{self, Controller};
use super::documents::Document;
use super::error::ManifestError;

/// A pod and where it comes from.
#[derive(Clone, Debug, PartialEq)]
pub struct OfferedPod {
    /// Such as `Deployment web`.
    pub source: String,
    /// As the kubelet would get it.
    pub pod: Value,
}

/// What was found in the documents.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FoundPods {
    /// In the order of the documents.
    pub pods: Vec<OfferedPod>,
    /// Objects of kinds that are not known here, such as `Rollout web`: they may make pods all the same.
    pub unknown: Vec<String>,
}

/// Kinds that make pods, their API groups with version, and where the template stands.
const TEMPLATES: [(&str, &str, &[&str]); 8] = [
    ("CronJob", "batch/v1", &["spec", "jobTemplate", "spec", "template"]),
    ("DaemonSet", "apps/v1", &["spec", "template"]),
    ("Deployment", "apps/v1", &["spec", "template"]),
    ("Job", "batch/v1", &["spec", "template"]),
    ("PodTemplate", "v1", &["template"]),
    ("ReplicaSet", "apps/v1", &["spec", "template"]),
    ("ReplicationController", "v1", &["spec", "template"]),
    ("StatefulSet", "apps/v1", &["spec", "template"]),
];

/// API groups of Kubernetes whose other kinds make no pods.
const PODLESS_GROUPS: [&str; 12] = [
    "admissionregistration.k8s.io",
    "apiextensions.k8s.io",
    "apiregistration.k8s.io",
    "autoscaling",
    "certificates.k8s.io",
    "coordination.k8s.io",
    "discovery.k8s.io",
    "networking.k8s.io",
    "policy",
    "rbac.authorization.k8s.io",
    "scheduling.k8s.io",
    "storage.k8s.io",
];

/// The pods of all documents, as the kubelet of the node would get them.
pub fn pods(documents: &[Document], setting: &Setting) -> Result<FoundPods, ManifestError> {
    let mut found = FoundPods::default();
    for document in documents {
        read_object(document, "", None, &document.value, setting, &mut found)?;
    }
    Ok(found)
}

/// One object; `path` leads to it inside its document, `kind` is what a list says that its items are.
fn read_object(
    document: &Document,
    path: &str,
    kind: Option<&str>,
    object: &Value,
    setting: &Setting,
    found: &mut FoundPods,
) -> Result<(), ManifestError> {
    let at = |field: &str| joined(path, field);
    let Value::Object(fields) = object else {
        let problem = "is no object; write a Kubernetes object with `apiVersion` and `kind`";
        return Err(document.wrong(if path.is_empty() { "the document" } else { path }, problem));
    };
    let Some(kind) = fields.get("kind").and_then(Value::as_str).or(kind) else {
        return Err(document.wrong(&at("kind"), "is missing; write for instance `kind: Pod`"));
    };
    let version = fields.get("apiVersion").and_then(Value::as_str).unwrap_or("v1");
    if let (Some(item_kind), Some(items)) = (kind.strip_suffix("List"), fields.get("items")) {
        let item_kind = Some(item_kind).filter(|kind| !kind.is_empty());
        let Value::Array(items) = items else {
            return Err(document.wrong(&at("items"), "is no list; write a list of objects"));
        };
        for (index, item) in items.iter().enumerate() {
            let path = at(&format!("items[{index}]"));
            read_object(document, &path, item_kind, item, setting, found)?;
        }
        return Ok(());
    }
    let place = Place { document, path, kind, version, fields };
    match TEMPLATES.iter().find(|(known, ..)| *known == kind) {
        Some((_, expected, template)) => {
            found.pods.push(place.templated_pod(expected, template, setting)?)
        }
        None if kind == "Pod" => found.pods.push(place.pod(setting)?),
        None if is_podless(version) => {}
        None => found.unknown.push(place.source()),
    }
    Ok(())
}

fn is_podless(version: &str) -> bool {
    let group = version.split_once('/').map_or("", |(group, _)| group);
    group.is_empty() || PODLESS_GROUPS.contains(&group)
}

fn joined(path: &str, field: &str) -> String {
    if path.is_empty() { field.to_owned() } else { format!("{path}.{field}") }
}

/// One object, and where it stands.
struct Place<'d> {
    document: &'d Document,
    path: &'d str,
    kind: &'d str,
    version: &'d str,
    fields: &'d Map<String, Value>,
}

impl Place<'_> {
    fn name(&self) -> &str {
        let metadata = self.fields.get("metadata");
        let field = |name| metadata.and_then(|it| it.get(name)).and_then(Value::as_str);
        field("name").or_else(|| field("generateName")).unwrap_or_default()
    }

    fn source(&self) -> String {
        format!("{} {}", self.kind, self.name()).trim_end().to_owned()
    }

    fn pod(&self, setting: &Setting) -> Result<OfferedPod, ManifestError> {
        self.check_version("v1")?;
        self.check_object(&["spec"])?;
        let mut pod = Map::new();
        pod.insert("apiVersion".to_owned(), "v1".into());
        pod.insert("kind".to_owned(), "Pod".into());
        pod.extend(self.fields.clone());
        api_server::complete(&mut pod, setting);
        Ok(OfferedPod { source: self.source(), pod: Value::Object(pod) })
    }

    fn templated_pod(
        &self,
        version: &str,
        template: &[&str],
        setting: &Setting,
    ) -> Result<OfferedPod, ManifestError> {
        self.check_version(version)?;
        let found = self.check_object(template)?;
        let namespace = self.fields.get("metadata").and_then(|it| it.get("namespace"));
        let spec = self.fields.get("spec").unwrap_or(&Value::Null);
        let controller = Controller { kind: self.kind, name: self.name(), namespace, spec };
        if controller.name.is_empty() {
            let path = joined(self.path, "metadata.name");
            return Err(self.document.wrong(&path, "is missing; name the object"));
        }
        let mut pod = controllers::pod(&controller, found);
        api_server::complete(&mut pod, setting);
        Ok(OfferedPod { source: self.source(), pod: Value::Object(pod) })
    }

    fn check_version(&self, expected: &str) -> Result<(), ManifestError> {
        if self.version == expected {
            return Ok(());
        }
        let (path, kind) = (joined(self.path, "apiVersion"), self.kind);
        let problem = format!("is {:?}; a {kind} is of `{expected}`", self.version);
        Err(self.document.wrong(&path, problem))
    }

    /// The object at this path, which must be one.
    fn check_object(&self, path: &[&str]) -> Result<&Map<String, Value>, ManifestError> {
        let mut fields = self.fields;
        let mut at = self.path.to_owned();
        for step in path {
            at = joined(&at, step);
            fields = match fields.get(*step) {
                Some(Value::Object(fields)) => fields,
                Some(_) => return Err(self.document.wrong(&at, "is no object; write one")),
                None => {
                    let problem = format!("is missing; a {} needs it", self.kind);
                    return Err(self.document.wrong(&at, problem));
                }
            };
        }
        Ok(fields)
    }
}

#[cfg(test)]
mod tests;
