//! What to pin of config maps and secrets, from their manifests.
//!
//! A manifest becomes what the API server would store of it: `stringData` joins `data`, base64 is written
//! in its one form. The digest is then taken by the code that takes it in the proxy.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use crate::kube_wire::document::read_whole;
use crate::kube_wire::json::{Limits, Tape};
use crate::kube_wire::received_object::{ObjectKind, ReceivedObject};
use crate::kube_wire::resource::Item;
use crate::manifest::Document;
use crate::policy::ContentDigest;

/// More than a config map or secret of 1 MiB can hold.
const LIMITS: Limits = Limits { depth: 64, nodes: 1 << 21 };

/// Why an object cannot be pinned.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("document {document} (line {line}): {problem}")]
pub struct ContentError {
    document: usize,
    line: usize,
    problem: String,
}

/// The pins of all config maps and secrets, as they stand under `pinned`.
///
/// # Errors
/// An object that no API server would take.
pub fn pins(documents: &[Document], namespace: &str) -> Result<Value, ContentError> {
    let (mut config_maps, mut secrets) = (Vec::new(), Vec::new());
    for document in documents {
        let wrong =
            |problem| ContentError { document: document.number, line: document.line, problem };
        for object in objects(&document.value) {
            match object.get("kind").and_then(Value::as_str) {
                Some("ConfigMap") => {
                    config_maps.push(pin(object, ObjectKind::ConfigMap, namespace).map_err(wrong)?);
                }
                Some("Secret") => {
                    secrets.push(pin(object, ObjectKind::Secret, namespace).map_err(wrong)?);
                }
                Some(_) | None => {}
            }
        }
    }
    let lists = [("configMaps", config_maps), ("secrets", secrets)];
    let lists = lists.into_iter().filter(|(_, pins)| !pins.is_empty());
    Ok(Value::Object(lists.map(|(key, pins)| (key.to_owned(), Value::Array(pins))).collect()))
}

/// The object, or those in it.
fn objects(value: &Value) -> Vec<&Map<String, Value>> {
    match value.get("items").and_then(Value::as_array) {
        Some(items) => items.iter().filter_map(Value::as_object).collect(),
        None => value.as_object().into_iter().collect(),
    }
}

fn pin(object: &Map<String, Value>, kind: ObjectKind, home: &str) -> Result<Value, String> {
    let mut stored = object.clone();
    if let Some(metadata) = stored.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.entry("namespace").or_insert_with(|| home.into());
    }
    let encoded = match kind {
        ObjectKind::Secret => "data",
        ObjectKind::ConfigMap
        | ObjectKind::RuntimeClass
        | ObjectKind::PersistentVolume
        | ObjectKind::Service => "binaryData",
    };
    if let Some(members) = stored.get_mut(encoded).and_then(Value::as_object_mut) {
        for (key, value) in members {
            rewrite(value).map_err(|problem| format!("{encoded}.{key}: {problem}"))?;
        }
    }
    if kind == ObjectKind::Secret {
        join_string_data(&mut stored);
    }
    digest(&Value::Object(stored), kind)
}

/// Base64 in its one form, as Go writes what it read: its decoder skips line ends.
fn rewrite(value: &mut Value) -> Result<(), String> {
    let Some(text) = value.as_str() else { return Ok(()) };
    let text: String = text.chars().filter(|character| !matches!(character, '\r' | '\n')).collect();
    let bytes = STANDARD.decode(text).map_err(|_| "is not base64; encode it".to_owned())?;
    *value = STANDARD.encode(bytes).into();
    Ok(())
}

fn join_string_data(stored: &mut Map<String, Value>) {
    let Some(Value::Object(plain)) = stored.remove("stringData") else { return };
    let mut data = match stored.remove("data") {
        Some(Value::Object(data)) => data,
        Some(_) | None => Map::new(),
    };
    for (key, value) in plain {
        let encoded = value.as_str().map(|text| STANDARD.encode(text).into());
        data.insert(key, encoded.unwrap_or(value));
    }
    stored.insert("data".to_owned(), Value::Object(data));
}

fn digest(stored: &Value, kind: ObjectKind) -> Result<Value, String> {
    let text = stored.to_string();
    let mut tape = Tape::default();
    let flaw = read_whole(text.as_bytes(), &mut tape, LIMITS).map_err(|error| error.to_string())?;
    let item = Item { value: tape.root(text.as_bytes()), flaw };
    match ReceivedObject::read(item, kind) {
        ReceivedObject::Sound(sound) => {
            let content = ContentDigest::of(sound.value()).map_err(|error| error.to_string())?;
            let (namespace, name) = (sound.identity.namespace, sound.identity.name);
            Ok(json!({"namespace": namespace, "name": name, "sha256": content.to_string()}))
        }
        ReceivedObject::Faulty { identity: _, fault } => Err(fault.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest;

    fn digests(text: &str) -> Result<Vec<String>, String> {
        let documents = manifest::read(text.as_bytes()).unwrap();
        let pins = pins(&documents, "default").map_err(|error| error.to_string())?;
        let lists = ["configMaps", "secrets"].map(|key| pins[key].as_array().cloned());
        let pins = lists.into_iter().flatten().flatten();
        Ok(pins
            .map(|pin| {
                let [namespace, name, sha256] =
                    ["namespace", "name", "sha256"].map(|key| pin[key].as_str().unwrap());
                format!("{namespace}/{name} {}", &sha256[..8])
            })
            .collect())
    }

    // printf '%s' '{"binaryData":{},"data":{"k":"v"}}' | sha256sum, and so on.
    #[test]
    fn what_is_pinned_is_what_the_api_server_would_store() {
        let map = "kind: ConfigMap\napiVersion: v1\nmetadata: {name: c, namespace: ns}\n";
        let secret = "kind: Secret\napiVersion: v1\nmetadata: {name: s}\n";
        for (text, expected) in [
            (format!("{map}data: {{k: v}}"), "ns/c 1ccceafd"),
            (format!("{map}data: {{k: v}}\nbinaryData: null\nimmutable: true"), "ns/c 1ccceafd"),
            (format!("{secret}data: {{k: dg==}}\ntype: Opaque"), "default/s d929e7c1"),
            (format!("{secret}data: {{k: \"d\\ng==\"}}"), "default/s d929e7c1"),
            (format!("{secret}stringData: {{k: v}}"), "default/s d929e7c1"),
            (format!("{secret}stringData: {{k: v}}\ndata: {{k: eA==}}"), "default/s d929e7c1"),
        ] {
            assert_eq!(digests(&text), Ok(vec![expected.to_owned()]), "{text}");
        }
    }

    #[test]
    fn objects_of_other_kinds_are_passed_over_and_lists_are_opened() {
        let text = r#"{"kind":"List","items":[
            {"kind":"ConfigMap","metadata":{"name":"a"}},{"kind":"Pod"},
            {"kind":"Secret","metadata":{"name":"b"}}]}"#;
        assert_eq!(digests(text).unwrap().len(), 2);
        assert_eq!(digests("kind: Pod").unwrap(), [""; 0]);
    }

    #[test]
    fn what_no_api_server_would_take_is_refused_with_its_place() {
        let map = "a: 1\n---\nkind: ConfigMap\nmetadata: {name: c}\n";
        for (text, expected) in [
            (format!("{map}data: {{k: 1}}"), "document 2 (line 3): data.k: expected a string"),
            (format!("{map}binaryData: {{k: \"*\"}}"), "binaryData.k: is not base64"),
            ("kind: Secret\nmetadata: {name: A}".to_owned(), "metadata.name: must be"),
            ("kind: Secret".to_owned(), "metadata: has no name"),
        ] {
            let message = digests(&text).unwrap_err();
            assert!(message.contains(expected), "{message}");
        }
    }
}
