//! Entries for volumes that are put together from parts. Of others the engine says how to permit them.

use serde_json::{Map, Value, json};

/// As the API server calls the volume that it adds: `apiAccess` permits it by its shape.
const API_ACCESS: &str = "kube-api-access-";

/// How long a token lives whose volume does not say.
const DEFAULT_EXPIRATION_SECONDS: i64 = 3600;

/// What the API writes where no mode is given, and a rule means without one.
const USUAL_MODE: i64 = 420;

/// The fields of a certificate that name files.
const CERTIFICATE_FILES: [&str; 3] = ["credentialBundlePath", "keyPath", "certificateChainPath"];

/// One entry for each such volume.
pub(super) fn composed(pod: &Value) -> Vec<Value> {
    list(pod, "/spec/volumes").filter_map(entry).collect()
}

fn entry(volume: &Value) -> Option<Value> {
    let name = volume.get("name").and_then(Value::as_str)?;
    if let Some(files) = volume.get("downwardAPI") {
        let mut rule = bits(files, &[files]);
        rule.insert("fields".to_owned(), fields(files).into());
        return Some(json!({ "names": [name], "downwardAPI": rule }));
    }
    if let Some(template) = volume.pointer("/ephemeral/volumeClaimTemplate/spec") {
        let class = template.get("storageClassName").and_then(Value::as_str)?;
        return Some(json!({ "names": [name], "ephemeral": { "storageClasses": [class] } }));
    }
    let is_projected = volume.get("projected").is_some() && !name.starts_with(API_ACCESS);
    is_projected.then(|| json!({ "names": [name], "projected": projected(volume) }))
}

fn projected(volume: &Value) -> Value {
    let sources: Vec<_> = list(volume, "/projected/sources").collect();
    let parts: Vec<_> = sources
        .iter()
        .flat_map(|source| source.as_object().into_iter().flat_map(Map::values))
        .collect();
    let mut rule = volume.get("projected").map(|all| bits(all, &parts)).unwrap_or_default();
    let mut add = |key: &str, value: Value| {
        let listed = rule.entry(key).or_insert_with(|| json!([]));
        if let Some(listed) = listed.as_array_mut().filter(|listed| !listed.contains(&value)) {
            listed.push(value);
        }
    };
    for source in &sources {
        for (kind, key) in [("configMap", "configMaps"), ("secret", "secrets")] {
            if let Some(part) = source.get(kind).and_then(object) {
                add(key, part);
            }
        }
        for field in source.get("downwardAPI").map(fields).unwrap_or_default() {
            add("downwardAPI", field);
        }
        if let Some(bundle) = source.get("clusterTrustBundle").and_then(bundle) {
            add("clusterTrustBundles", bundle);
        }
        if let Some(certificate) = source.get("podCertificate").and_then(certificate) {
            add("podCertificates", certificate);
        }
    }
    let tokens: Vec<_> = sources.iter().filter_map(|it| it.get("serviceAccountToken")).collect();
    if !tokens.is_empty() {
        rule.insert("serviceAccountToken".to_owned(), token(&tokens));
    }
    Value::Object(rule)
}

/// One rule for all tokens of a volume: each has an audience and a file that some of them has.
fn token(tokens: &[&Value]) -> Value {
    let audiences: Vec<_> = tokens.iter().filter_map(|token| token.get("audience")).collect();
    let seconds = tokens.iter().filter_map(|token| token.get("expirationSeconds")?.as_i64());
    let seconds = seconds.max().unwrap_or(DEFAULT_EXPIRATION_SECONDS);
    let mut rule = Map::new();
    rule.insert("maxExpirationSeconds".to_owned(), seconds.into());
    if !audiences.is_empty() {
        rule.insert("audiences".to_owned(), json!(audiences));
    }
    let mut paths: Vec<_> = tokens.iter().filter_map(|token| token.get("path")?.as_str()).collect();
    paths.sort_unstable();
    paths.dedup();
    match paths.as_slice() {
        [] | ["token"] => {}
        [one] => drop(rule.insert("path".to_owned(), json!(one))),
        several => drop(rule.insert("path".to_owned(), json!({ "oneOf": several }))),
    }
    rule.into()
}

/// A part's object: its name alone if all of it is mapped, as it is, and must be there.
fn object(part: &Value) -> Option<Value> {
    let name = part.get("name")?;
    let items = list(part, "/items").map(|item| json!({"key": item["key"], "path": item["path"]}));
    let items: Vec<_> = items.collect();
    let is_optional = part.get("optional") == Some(&Value::Bool(true));
    if items.is_empty() && !is_optional {
        return Some(name.clone());
    }
    let mut entry = Map::new();
    entry.insert("name".to_owned(), name.clone());
    if !items.is_empty() {
        entry.insert("items".to_owned(), items.into());
    }
    if is_optional {
        entry.insert("optional".to_owned(), true.into());
    }
    Some(entry.into())
}

fn bundle(part: &Value) -> Option<Value> {
    let name = part.get("name").or_else(|| part.get("signerName"))?;
    let mut entry = Map::new();
    entry.insert("name".to_owned(), name.clone());
    entry.insert("path".to_owned(), part.get("path")?.clone());
    if part.get("optional") == Some(&Value::Bool(true)) {
        entry.insert("optional".to_owned(), true.into());
    }
    if part.get("labelSelector").is_some_and(|selector| !selector.is_null()) {
        entry.insert("labelSelector".to_owned(), true.into());
    }
    Some(entry.into())
}

fn certificate(part: &Value) -> Option<Value> {
    let files = CERTIFICATE_FILES.iter().filter_map(|field| part.get(*field)?.as_str());
    let files: Vec<_> = files.filter(|path| !path.is_empty()).collect();
    let mut entry = Map::new();
    entry.insert("name".to_owned(), part.get("signerName")?.clone());
    entry.insert(
        "path".to_owned(),
        match files.as_slice() {
            [one] => json!(one),
            several => json!({ "oneOf": several }),
        },
    );
    let annotations = part.get("userAnnotations").and_then(Value::as_object);
    if annotations.is_some_and(|annotations| !annotations.is_empty()) {
        entry.insert("userAnnotations".to_owned(), true.into());
    }
    Some(entry.into())
}

/// Modes and owners of the volume's files, where they are not the usual ones.
fn bits(volume: &Value, parts: &[&Value]) -> Map<String, Value> {
    let number = |of: &Value, field: &str| of.get(field).and_then(Value::as_i64);
    let items: Vec<_> = parts.iter().flat_map(|part| list(part, "/items")).collect();
    let mut modes = vec![number(volume, "defaultMode").unwrap_or(USUAL_MODE)];
    modes.extend(items.iter().filter_map(|item| number(item, "mode")));
    let mut owners: Vec<_> = number(volume, "defaultUser").into_iter().collect();
    owners.extend(items.iter().chain(parts).filter_map(|file| number(file, "user")));
    let mut rule = Map::new();
    for (key, numbers, usual) in
        [("modes", &mut modes, &[USUAL_MODE][..]), ("owners", &mut owners, &[])]
    {
        numbers.sort_unstable();
        numbers.dedup();
        if numbers.as_slice() != usual {
            rule.insert(key.to_owned(), numbers.clone().into());
        }
    }
    rule
}

/// The pod's fields that files show, `resource:…` for amounts, each with its file.
fn fields(files: &Value) -> Vec<Value> {
    let shown = list(files, "/items").filter_map(|file| {
        let field = file.pointer("/fieldRef/fieldPath").and_then(Value::as_str);
        let resource = file.pointer("/resourceFieldRef/resource").and_then(Value::as_str);
        let field = field.map(str::to_owned);
        let field = field.or_else(|| resource.map(|resource| format!("resource:{resource}")))?;
        Some(json!({ "field": field, "path": file.get("path")? }))
    });
    let mut fields: Vec<_> = shown.collect();
    fields.dedup();
    fields
}

fn list<'v>(value: &'v Value, path: &str) -> impl Iterator<Item = &'v Value> {
    value.pointer(path).and_then(Value::as_array).into_iter().flatten()
}
