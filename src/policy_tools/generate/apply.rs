//! One change of a rule, at a place such as `permit.containers[0].env`.

use serde_json::{Value, json};

/// Writes the value there; if a list or an object is there already, adds its elements or members.
pub(super) fn apply(rule: &mut Value, place: &str, value: &Value) {
    let mut at = rule;
    let mut steps = place.split('.').peekable();
    while let Some(step) = steps.next() {
        let is_last = steps.peek().is_none();
        let (key, index) = match step.split_once('[') {
            Some((key, index)) => (key, index.trim_end_matches(']').parse::<usize>().ok()),
            None => (step, None),
        };
        let Some(object) = at.as_object_mut() else { return };
        at = object.entry(key).or_insert(Value::Null);
        if at.is_null() && index.is_none() && !is_last {
            *at = json!({});
        }
        if let Some(index) = index {
            let Some(element) = at.get_mut(index) else { return };
            at = element;
        }
    }
    write(at, value);
}

/// Of an object the members that the value has; others stay.
fn write(at: &mut Value, value: &Value) {
    match (at, value) {
        (Value::Object(members), Value::Object(more)) => {
            for (key, value) in more {
                write(members.entry(key).or_insert(Value::Null), value);
            }
        }
        (Value::Array(list), Value::Array(more)) => {
            for one in more {
                if !list.contains(one) {
                    list.push(one.clone());
                }
            }
        }
        (there, value) => *there = value.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_written_where_they_belong() {
        let mut rule = json!({"permit": {"containers": [{"env": [1]}, {}]}});
        apply(&mut rule, "permit.containers[0].env", &json!([1, 2]));
        apply(&mut rule, "permit.containers[1].args", &json!(["a", "a"]));
        apply(&mut rule, "permit.securityContext.runAsUser", &json!(7));
        apply(&mut rule, "permit.hostNetwork", &json!(true));
        apply(&mut rule, "permit.containers[9].args", &json!(["lost"]));
        apply(&mut rule, "permit.volumes", &json!([{"csi": {}}]));
        apply(&mut rule, "permit.volumes[0].csi.attributes", &json!({"a.b/c": "1"}));
        apply(&mut rule, "permit.volumes[0].csi.attributes", &json!({"d": "2"}));
        let expected = json!({"permit": {"containers": [{"env": [1, 2]}, {"args": ["a", "a"]}],
            "volumes": [{"csi": {"attributes": {"a.b/c": "1", "d": "2"}}}],
            "securityContext": {"runAsUser": 7}, "hostNetwork": true}});
        assert_eq!(rule, expected);
    }
}
