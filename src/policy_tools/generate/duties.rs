//! What the pods must go on having: their probes and hooks are no options to whoever sends them.

use serde_json::Value;

/// Marks the probes and hooks of a rule that fits its pod; its containers are marked from the beginning.
pub(super) fn require(rule: &mut Value) {
    let entries = rule.pointer_mut("/permit/containers").and_then(Value::as_array_mut);
    for entry in entries.into_iter().flatten() {
        for block in ["probes", "lifecycle"] {
            let handlers = entry.get_mut(block).and_then(Value::as_object_mut);
            let handlers = handlers.into_iter().flat_map(|it| it.values_mut());
            // `stopSignal` is a text, and demanded as every text is.
            for handler in handlers.filter_map(Value::as_object_mut) {
                handler.insert("required".to_owned(), true.into());
            }
        }
    }
}
