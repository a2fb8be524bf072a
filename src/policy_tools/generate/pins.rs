//! What a pod gives up on its own: a policy made of it asks for the same, though it need not.

use serde_json::{Map, Value, json};

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
    let dropped = own("capabilities/drop").and_then(Value::as_array);
    if let Some(dropped) = dropped.filter(|dropped| !dropped.is_empty()) {
        let dropped: Vec<_> =
            dropped.iter().filter_map(Value::as_str).map(str::to_uppercase).collect();
        pin("capabilities", json!({ "drop": dropped }));
    }
    pins
}
