//! The examples of `docs/reference/policy-v2.md`: each loads, without a warning, and decides.

use serde_json::{Value, json};

use super::sample::{document, load, patch, permitting, pod, ruling};

const PAGE: &str = include_str!("../../../docs/reference/policy-v2.md");

/// What stands behind the fence, and the example.
fn examples() -> Vec<(&'static str, Value)> {
    let blocks = PAGE.split("```json ").skip(1);
    blocks
        .map(|block| {
            let (kind, rest) = block.split_once('\n').unwrap();
            let text = rest.split("```").next().unwrap();
            (kind, serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}\n{text}")))
        })
        .collect()
}

#[test]
fn every_example_of_the_reference_loads_and_decides() {
    let images = json!({ "registries": ["ghcr.io"] });
    let mut whole = Value::Null;
    let mut seen = std::collections::BTreeMap::new();
    for (kind, example) in examples() {
        *seen.entry(kind).or_insert(0) += 1;
        let tried = match kind {
            "policy" => {
                whole = example.clone();
                example
            }
            "pod allowed" | "pod denied" => {
                let (allowed, reason) = ruling(&whole, &example);
                assert_eq!(allowed, kind == "pod allowed", "{reason}");
                continue;
            }
            "match" => document(
                json!([{ "name": "r", "action": "allow", "match": example,
                    "permit": { "containers": [{ "images": images }] } }]),
                json!({}),
            ),
            "container" => permitting(json!({ "containers": [example] })),
            "permit" => permitting(patch(json!({ "containers": [{ "images": images }] }), example)),
            other => panic!("an example of an unknown kind: {other}"),
        };
        let loaded = load(&tried).unwrap_or_else(|error| panic!("{error}\n{tried:#}"));
        let broad = loaded.warnings.iter().filter(|it| !it.problem.contains("permits any"));
        assert_eq!(broad.count(), usize::from(kind == "policy"), "{:?}", loaded.warnings);
        let (_, reason) = ruling(&tried, &pod(json!({}), json!({})));
        assert!(!reason.is_empty());
    }
    assert!(seen.len() == 6 && seen["container"] >= 9 && seen["permit"] >= 4, "{seen:?}");
}

#[test]
fn the_example_of_other_objects_loads() {
    let page = include_str!("../../../docs/reference/policy-v2-objects.md");
    let (_, example) = page.split_once("```json\n").unwrap();
    let (example, _) = example.split_once("```").unwrap();
    let loaded = load(&serde_json::from_str(example).unwrap()).unwrap();
    assert!(loaded.policy.objects().is_some());
}

#[test]
fn classes_are_permitted_only_where_their_handlers_are_pinned() {
    let mut tried = permitting(json!({ "runtimeClasses": ["kata"] }));
    assert!(load(&tried).is_ok());
    tried.as_object_mut().unwrap().remove("runtimeClasses");
    assert!(super::sample::refusal(&tried).contains("whose handlers nobody pins"));
}

#[test]
fn every_key_of_the_language_is_on_the_page() {
    for source in [
        include_str!("access.rs"),
        include_str!("document.rs"),
        include_str!("rule.rs"),
        include_str!("scope.rs"),
        include_str!("exception.rs"),
        include_str!("permit/pod.rs"),
        include_str!("permit/container.rs"),
        include_str!("permit/images.rs"),
        include_str!("permit/mounts.rs"),
        include_str!("permit/volume_source.rs"),
    ] {
        let lists = source
            .split("KEYS: [")
            .skip(1)
            .filter_map(|rest| rest.split_once("= [")?.1.split_once(']'));
        for (list, _) in lists {
            for key in list.split('"').skip(1).step_by(2) {
                assert!(PAGE.contains(key), "{key} is not in docs/reference/policy-v2.md");
            }
        }
    }
}
