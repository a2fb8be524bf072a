//! What a pod gives up on its own: a policy made of it asks for the same, though it need not.

use serde_json::{Map, Value, json};

/// containerd drops nothing by a name that begins so, and adds by it all the same.
const NOT_DROPPED: &str = "CAP_";

/// `securityContext` of a container's entry: what is effective there and makes it weaker, not stronger.
pub(super) fn given_up(pod: &Value, container: &Value) -> Map<String, Value> {
    let own = |field: &str| container.pointer(&format!("/securityContext/{field}"));
    let inherited =
        |field: &str| own(field).or_else(|| pod.pointer(&format!("/spec/securityContext/{field}")));
    let mut pins = Map::new();
    let mut pin = |key: &str, value: Value| {
        pins.insert(key.to_owned(), value);
    };
    for user in ["runAsUser", "runAsGroup"] {
        if let Some(number) = inherited(user).filter(|value| value.is_number()) {
            pin(user, number.clone());
        }
    }
    if inherited("runAsNonRoot") == Some(&Value::Bool(true)) {
        pin("runAsNonRoot", true.into());
    }
    for (profile, key) in [("seccompProfile/type", "seccomp"), ("appArmorProfile/type", "appArmor")]
    {
        if inherited(profile).is_some_and(|kind| kind == "RuntimeDefault") {
            pin(key, "RuntimeDefault".into());
        }
    }
    if own("readOnlyRootFilesystem") == Some(&Value::Bool(true)) {
        pin("readOnlyRootFilesystem", true.into());
    }
    if own("allowPrivilegeEscalation") == Some(&Value::Bool(false)) {
        pin("allowPrivilegeEscalation", false.into());
    }
    let dropped = own("capabilities/drop").and_then(Value::as_array).into_iter().flatten();
    let dropped = dropped.filter_map(Value::as_str).map(str::to_uppercase);
    let added = own("capabilities/add").and_then(Value::as_array).into_iter().flatten();
    let added: Vec<_> = added.filter_map(Value::as_str).map(str::to_uppercase).collect();
    // What is added again is not given up.
    let is_added = |name: &str| added.iter().any(|it| it.trim_start_matches(NOT_DROPPED) == name);
    let is_given_up = |name: &String| !name.starts_with(NOT_DROPPED) && !is_added(name);
    let dropped: Vec<_> = dropped.filter(is_given_up).collect();
    if !dropped.is_empty() {
        pin("capabilities", json!({ "drop": dropped }));
    }
    pins
}

/// Names that a container drops in vain.
pub(super) fn dropped_in_vain(container: &Value) -> impl Iterator<Item = &str> {
    let dropped = container.pointer("/securityContext/capabilities/drop").and_then(Value::as_array);
    let dropped = dropped.into_iter().flatten().filter_map(Value::as_str);
    dropped.filter(|name| name.to_uppercase().starts_with(NOT_DROPPED))
}
