//! Entries for volumes that are put together from parts. Of others the engine says how to permit them.

use serde_json::{Map, Value, json};

/// As the API server calls the volume that it adds: `apiAccess` permits it by its shape.
const API_ACCESS: &str = "kube-api-access-";

/// How long a token lives whose volume does not say.
const DEFAULT_EXPIRATION_SECONDS: i64 = 3600;

/// One entry for each such volume.
pub(super) fn composed(pod: &Value) -> Vec<Value> {
    list(pod, "/spec/volumes").filter_map(entry).collect()
}

fn entry(volume: &Value) -> Option<Value> {
    let name = volume.get("name").and_then(Value::as_str)?;
    if let Some(files) = volume.get("downwardAPI") {
        return Some(json!({ "names": [name], "downwardAPI": { "fields": fields(files) } }));
    }
    if let Some(template) = volume.pointer("/ephemeral/volumeClaimTemplate/spec") {
        let class = template.get("storageClassName").and_then(Value::as_str)?;
        return Some(json!({ "names": [name], "ephemeral": { "storageClasses": [class] } }));
    }
    let is_projected = volume.get("projected").is_some() && !name.starts_with(API_ACCESS);
    is_projected.then(|| json!({ "names": [name], "projected": projected(volume) }))
}

fn projected(volume: &Value) -> Value {
    let mut rule = Map::new();
    let mut add = |key: &str, value: Value| {
        let listed = rule.entry(key).or_insert_with(|| json!([]));
        if let Some(listed) = listed.as_array_mut().filter(|listed| !listed.contains(&value)) {
            listed.push(value);
        }
    };
    for source in list(volume, "/projected/sources") {
        for (kind, key) in [("configMap", "configMaps"), ("secret", "secrets")] {
            if let Some(name) = source.pointer(&format!("/{kind}/name")) {
                add(key, name.clone());
            }
        }
        for field in source.get("downwardAPI").map(fields).unwrap_or_default() {
            add("downwardAPI", field);
        }
        for (kind, key) in
            [("clusterTrustBundle", "clusterTrustBundles"), ("podCertificate", "podCertificates")]
        {
            let named = |field| source.pointer(&format!("/{kind}/{field}"));
            if let Some(name) = named("name").or_else(|| named("signerName")) {
                add(key, name.clone());
            }
        }
    }
    let tokens = list(volume, "/projected/sources").filter_map(|it| it.get("serviceAccountToken"));
    let tokens: Vec<_> = tokens.collect();
    if !tokens.is_empty() {
        let audiences: Vec<_> = tokens.iter().filter_map(|token| token.get("audience")).collect();
        let seconds = tokens.iter().filter_map(|token| token.get("expirationSeconds")?.as_i64());
        let seconds = seconds.max().unwrap_or(DEFAULT_EXPIRATION_SECONDS);
        let token = match audiences.is_empty() {
            true => json!({ "maxExpirationSeconds": seconds }),
            false => json!({ "maxExpirationSeconds": seconds, "audiences": audiences }),
        };
        rule.insert("serviceAccountToken".to_owned(), token);
    }
    Value::Object(rule)
}

/// The pod's fields that files show, and `resource:…` for amounts.
fn fields(files: &Value) -> Vec<Value> {
    let shown = list(files, "/items").filter_map(|file| {
        let field = file.pointer("/fieldRef/fieldPath").cloned();
        let resource = file.pointer("/resourceFieldRef/resource").and_then(Value::as_str);
        field.or_else(|| resource.map(|resource| format!("resource:{resource}").into()))
    });
    let mut fields: Vec<_> = shown.collect();
    fields.dedup();
    fields
}

fn list<'v>(value: &'v Value, path: &str) -> impl Iterator<Item = &'v Value> {
    value.pointer(path).and_then(Value::as_array).into_iter().flatten()
}
