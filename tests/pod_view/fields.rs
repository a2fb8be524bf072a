//! Every field below a pod, and pods that differ in one field.

use nodeward::kube_wire::grammar::Grammar;
use nodeward::kube_wire::pod_schema::POD;
use nodeward::kube_wire::schema::{ObjectSchema, Shape};
use serde_json::{Value as Json, json};

/// A field's path, such as `spec.containers[*].ports[*].hostPort`, and its kind.
pub(crate) type Field = (String, &'static Shape);

/// Every field below a pod.
pub(crate) fn fields_of_pods() -> Vec<Field> {
    fields(&POD, "")
}

fn nested(shape: &'static Shape) -> Option<(&'static str, &'static ObjectSchema)> {
    match shape {
        Shape::Object(schema) => Some(("", schema)),
        Shape::List(element) => nested(element).map(|(_, schema)| ("[*]", schema)),
        Shape::Map(member) => nested(member),
        Shape::Text
        | Shape::Named(_)
        | Shape::Bool
        | Shape::Int32
        | Shape::Int64
        | Shape::Quantity
        | Shape::IntOrString
        | Shape::Time
        | Shape::Free => None,
    }
}

/// Every field below a table.
fn fields(schema: &'static ObjectSchema, prefix: &str) -> Vec<Field> {
    let mut found = Vec::new();
    for field in schema.fields {
        let path = format!("{prefix}{}", field.name);
        found.push((path.clone(), &field.shape));
        if let Some((brackets, schema)) = nested(&field.shape) {
            found.extend(fields(schema, &format!("{path}{brackets}.")));
        }
    }
    found
}

/// Two values of a field, the second one `null` or empty where only presence can differ.
pub(crate) fn two_values(field: &str, shape: &Shape) -> [Json; 2] {
    match shape {
        Shape::Text => [json!("one"), json!("two")],
        Shape::Named(grammar) => two_texts(*grammar).map(|text| json!(text)),
        Shape::Bool => [json!(true), json!(false)],
        Shape::Int32 | Shape::Int64 => [json!(7), json!(8)],
        Shape::Quantity => [json!("1Mi"), json!("2Mi")],
        Shape::IntOrString => [json!("http"), json!(80)],
        Shape::Time => [json!("2026-01-01T00:00:00Z"), json!("2027-01-01T00:00:00Z")],
        Shape::Object(_) => [companions(field), Json::Null],
        Shape::List(Shape::Object(_)) => [json!([companions(field)]), json!([])],
        Shape::List(element) => two_values(field, element).map(|value| json!([value])),
        Shape::Map(member) => two_values(field, member).map(|value| json!({"key": value})),
        Shape::Free => [json!({"a": 1}), json!({"a": 2})],
    }
}

fn two_texts(grammar: Grammar) -> [&'static str; 2] {
    match grammar {
        Grammar::IpAddress | Grammar::ClusterIp => ["10.0.0.1", "10.0.0.2"],
        Grammar::Protocol => ["TCP", "UDP"],
        Grammar::Uuid => {
            ["12345678-90ab-cdef-0123-456789abcde1", "12345678-90ab-cdef-0123-456789abcde2"]
        }
        Grammar::AbsolutePath | Grammar::MountPath => ["/one", "/two"],
        Grammar::PodKind => ["Pod"; 2],
        Grammar::CoreVersion => ["v1"; 2],
        Grammar::Exactly(text) => [text; 2],
        Grammar::FlexDriver
        | Grammar::DnsLabel
        | Grammar::DnsSubdomain
        | Grammar::SearchDomain
        | Grammar::ResolverOptionValue
        | Grammar::PortName
        | Grammar::CsiDriver
        | Grammar::ObjectName
        | Grammar::EnvName
        | Grammar::HeaderName
        | Grammar::SysctlName
        | Grammar::SelinuxPart
        | Grammar::FilesystemType
        | Grammar::Token
        | Grammar::OneLine
        | Grammar::PathComponent
        | Grammar::NoBacksteps
        | Grammar::DescendingPath
        | Grammar::VolumeFilePath => ["one", "two"],
    }
}

/// A pod that is sound, with room for what is put into it.
fn base() -> Json {
    json!({
        "metadata": {"namespace": "a", "name": "b", "uid": "12345678-90ab-cdef-0123-456789abcdef"},
        "spec": {"nodeName": "n", "containers": [{"name": "base", "image": "x"}], "volumes": []},
    })
}

/// What an object or an element of a list must have beside the field in question.
fn companions(field: &str) -> Json {
    match field {
        "containers" | "initContainers" | "ephemeralContainers" => {
            json!({"name": "subject", "image": "x"})
        }
        "volumes" => json!({"name": "subject"}),
        "volumeMounts" => json!({"name": "one", "mountPath": "/subject"}),
        "volumeDevices" => json!({"name": "one", "devicePath": "/subject"}),
        "image" => json!({"reference": "x"}),
        "ownerReferences" => json!({"controller": true}),
        _ => json!({}),
    }
}

/// The base with a value at a path such as `spec.containers[*].ports[*].hostPort`.
pub(crate) fn pod_with(path: &str, value: Json) -> String {
    let mut pod = base();
    if !path.starts_with("spec.volumes[*]") {
        // What mounts may name.
        pod["spec"]["volumes"] = json!([{"name": "one"}, {"name": "two"}]);
    }
    let mut here = &mut pod;
    let (parents, last) =
        path.rsplit_once('.').map_or(("", path), |(parents, last)| (parents, last));
    for segment in parents.split('.').filter(|segment| !segment.is_empty()) {
        match segment.strip_suffix("[*]") {
            None => here = &mut here[segment],
            Some(list) => {
                if !here[list].is_array() {
                    here[list] = json!([]);
                }
                let elements = here[list].as_array_mut().expect("a list");
                elements.push(companions(list));
                here = elements.last_mut().expect("just pushed");
            }
        }
        if here.is_null() {
            *here = companions(segment);
        }
    }
    here[last] = value;
    pod.to_string()
}
