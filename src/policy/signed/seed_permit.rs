//! What a signature of the seed's format permits of a whole pod: what it pins, the little that every
//! pod needs, and what the local document adds.
//!
//! The seed leaves arguments, hooks, volumes, further environment and everything outside containers to
//! whoever sends the pod. Here the signed entries become a permit in the language of documents, so
//! that one matcher decides on both. A signed value always wins over a local one.

use serde_json::{Map, Value, json};

use super::seed_policy::{SeedPolicy, SignedContainer, SignedValue, SignedVariable};
use super::settings::SignedPods;
use crate::policy::pattern::Pattern;

const CONTAINER: &str = "container";
const INIT: &str = "init";

const EPHEMERAL: &str = "ephemeral";

/// Values of the variable of a container, for which an expression was signed: those of the pod that
/// match it. So the one engine that reads signed expressions has the word on them.
pub(super) type Values<'v, 'p> = &'v dyn Fn(&SignedContainer, &SignedVariable) -> Vec<&'p str>;

/// An object of a document.
type Entry = Map<String, Value>;

/// The permit, as a document would write it.
pub(super) fn permit(policy: &SeedPolicy, settings: &SignedPods, values: Values<'_, '_>) -> Value {
    let nothing = Entry::new();
    let local = settings.permit().and_then(Value::as_object).unwrap_or(&nothing);
    let mut permit = Entry::new();
    put(&mut permit, "apiAccess", true);
    put(&mut permit, "serviceLinks", true);
    put(&mut permit, "serviceAccounts", json!(["*"]));
    // What one init container leaves behind is what the next one starts from.
    put(&mut permit, "orderedInit", true);
    permit.extend(local.clone());
    let entries = objects(local, "containers");
    let merged = |signed| merged(signed, kinds(signed, settings), values, &entries);
    let containers = policy.containers().iter().flat_map(merged);
    let containers = containers.chain(entries.iter().filter_map(for_ephemeral));
    put_list(&mut permit, "containers", containers.map(Value::from).collect());
    let scratch = policy.containers().iter().flat_map(|signed| &signed.mounts);
    let volumes = scratch.map(|mount| json!({ "names": [mount.name], "emptyDir": {} }));
    let volumes = volumes.chain(objects(local, "volumes").into_iter().map(Value::from));
    put_list(&mut permit, "volumes", volumes.collect());
    permit.into()
}

/// This image, by the name that was signed.
pub(super) fn images(reference: &str) -> Value {
    json!({ "references": [reference], "requireDigest": false })
}

/// Is a local entry for containers that signatures cover? One that names ephemeral containers is for
/// these alone.
pub(super) fn is_for_signed(entry: &Entry) -> bool {
    let kinds = entry.get("kinds").and_then(Value::as_array);
    kinds.is_none_or(|kinds| kinds.iter().all(|kind| kind != EPHEMERAL))
}

/// The objects of a list.
fn objects(object: &Entry, key: &str) -> Vec<Entry> {
    let list = object.get(key).and_then(Value::as_array).into_iter().flatten();
    list.filter_map(Value::as_object).cloned().collect()
}

/// In which lists a signed container may stand: in both where the seed looks, unless the document
/// says which are init containers. Ephemeral ones the seed never sees.
fn kinds(signed: &SignedContainer, settings: &SignedPods) -> &'static [&'static str] {
    match settings.is_init(&signed.name) {
        None => &[CONTAINER, INIT],
        Some(true) => &[INIT],
        Some(false) => &[CONTAINER],
    }
}

/// The signed entry alone, and joined to each local entry that is for containers of its name.
fn merged(
    signed: &SignedContainer,
    kinds: &[&str],
    values: Values<'_, '_>,
    local: &[Entry],
) -> Vec<Entry> {
    let joined = local.iter().filter(|entry| is_for_signed(entry) && is_for(entry, &signed.name));
    let joined = joined.map(|entry| join(signed, kinds, values, entry));
    std::iter::once(join(signed, kinds, values, &Entry::new())).chain(joined).collect()
}

fn is_for(entry: &Entry, name: &str) -> bool {
    let Some(patterns) = entry.get("names").and_then(Value::as_array) else { return true };
    let mut patterns = patterns.iter().filter_map(|pattern| Pattern::parse(pattern.as_str()?));
    patterns.any(|pattern| pattern.matches(name))
}

fn join(signed: &SignedContainer, kinds: &[&str], values: Values<'_, '_>, local: &Entry) -> Entry {
    let mut entry = local.clone();
    put(&mut entry, "names", json!([signed.name]));
    entry.entry("kinds").or_insert_with(|| json!(kinds));
    // What the signer names is what runs; whether it is by digest was the signer's choice.
    put(&mut entry, "images", images(&signed.image));
    if !signed.command.is_empty() {
        put(&mut entry, "command", json!(signed.command));
    }
    put_list(&mut entry, "env", environment(signed, values, local));
    let mounts = signed.mounts.iter().map(
        |mount| json!({ "volume": mount.name, "path": mount.path, "readOnly": mount.read_only }),
    );
    let mounts = mounts.chain(objects(local, "mounts").into_iter().map(Value::from));
    put_list(&mut entry, "mounts", mounts.collect());
    let security = security(signed, local);
    if security.is_empty() {
        entry.remove("securityContext");
    } else {
        put(&mut entry, "securityContext", security);
    }
    entry
}

/// The signed variables, and local ones of other names.
fn environment(signed: &SignedContainer, values: Values<'_, '_>, local: &Entry) -> Vec<Value> {
    let own = signed.environment.iter().filter_map(|variable| {
        let value = match &variable.value {
            SignedValue::Exact(value) => json!(value),
            SignedValue::Pattern(_) => {
                let values = values(signed, variable);
                // Only a container that may be missing lacks it.
                (!values.is_empty()).then(|| json!({ "oneOf": values }))?
            }
        };
        Some(json!({ "name": variable.name, "value": value }))
    });
    let is_signed = |one: &Entry| {
        let name = one.get("name").and_then(Value::as_str);
        signed.environment.iter().any(|variable| Some(variable.name.as_str()) == name)
    };
    let further = objects(local, "env").into_iter().filter(|one| !is_signed(one));
    own.chain(further.map(Value::from)).collect()
}

/// `privileged` and added capabilities are signed, also where the signature says none.
fn security(signed: &SignedContainer, local: &Entry) -> Entry {
    let object = |of: &Entry, key| of.get(key).and_then(Value::as_object).cloned();
    let mut context = object(local, "securityContext").unwrap_or_default();
    let mut capabilities = object(&context, "capabilities").unwrap_or_default();
    capabilities.remove("add");
    put_list(
        &mut capabilities,
        "add",
        signed.capabilities.iter().cloned().map(Value::from).collect(),
    );
    context.remove("capabilities");
    if !capabilities.is_empty() {
        put(&mut context, "capabilities", capabilities);
    }
    context.remove("privileged");
    if signed.privileged {
        put(&mut context, "privileged", true);
    }
    context
}

fn put(entry: &mut Entry, key: &str, value: impl Into<Value>) {
    entry.insert(key.to_owned(), value.into());
}

/// Empty lists are left out: documents have none.
fn put_list(entry: &mut Entry, key: &str, list: Vec<Value>) {
    if list.is_empty() {
        entry.remove(key);
    } else {
        put(entry, key, list);
    }
}

/// Local entries that name ephemeral containers hold for these, which no signature covers.
fn for_ephemeral(entry: &Entry) -> Option<Entry> {
    let kinds = entry.get("kinds")?.as_array()?;
    kinds.iter().any(|kind| kind == EPHEMERAL).then(|| {
        let mut entry = entry.clone();
        put(&mut entry, "kinds", json!([EPHEMERAL]));
        entry
    })
}
