//! One document, spoiled in each place in each way.

use serde_json::{Value, json};

/// One stranger in so many is tried in a place, and all of them in places of its kind.
const EACH: usize = 3;

/// Calls `check` with what was done and what came of it.
pub(crate) fn each_way(document: &Value, check: &mut impl FnMut(&str, &Value)) {
    let mut places = Vec::new();
    collect(document, &mut String::new(), &mut places);
    for (number, place) in places.iter().enumerate() {
        let value = document.pointer(place).unwrap();
        for other in others(value, number) {
            let mut spoiled = document.clone();
            *spoiled.pointer_mut(place).unwrap() = other.clone();
            check(&format!("{place} becomes {other}"), &spoiled);
        }
    }
}

/// JSON pointers to all values inside.
fn collect(value: &Value, place: &mut String, places: &mut Vec<String>) {
    places.push(place.clone());
    let length = place.len();
    let mut visit = |key: &str, value: &Value| {
        place.push('/');
        place.push_str(&key.replace('~', "~0").replace('/', "~1"));
        collect(value, place, places);
        place.truncate(length);
    };
    match value {
        Value::Object(members) => members.iter().for_each(|(key, member)| visit(key, member)),
        Value::Array(elements) => {
            elements
                .iter()
                .enumerate()
                .for_each(|(index, element)| visit(&index.to_string(), element));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// What could stand in a value's place: misspelt keys in every one, and some of what is of another kind.
fn others(value: &Value, number: usize) -> Vec<Value> {
    let strangers = [
        json!(null),
        json!(true),
        json!(7),
        json!(-1),
        json!(1.5),
        json!(""),
        json!("zzz"),
        json!([]),
        json!([null]),
        json!([["zzz"]]),
        json!({}),
        json!({ "zzz": 1 }),
        json!({ "any": true }),
        json!({ "any": false }),
        json!({ "oneOf": [] }),
    ];
    let mut others: Vec<_> = strangers.into_iter().skip(number % EACH).step_by(EACH).collect();
    match value {
        Value::Object(members) => {
            for (key, member) in members {
                let mut without = members.clone();
                without.remove(key);
                others.push(Value::Object(without.clone()));
                for misspelt in [format!("{key}s"), key.to_uppercase(), format!(" {key}")] {
                    let mut renamed = without.clone();
                    renamed.insert(misspelt, member.clone());
                    others.push(Value::Object(renamed));
                }
            }
            let mut more = members.clone();
            more.insert("zzz".to_owned(), json!("zzz"));
            others.push(Value::Object(more));
        }
        Value::Array(elements) => {
            let mut more = elements.clone();
            more.push(json!(null));
            others.push(Value::Array(more));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
    others.retain(|other| other != value);
    others
}
