//! `docs/schema/policy-v2.schema.json` beside the engine: what the schema refuses, the engine refuses.
//!
//! Not the other way round: the engine knows more, such as names that must exist elsewhere in the
//! document. Held against every shipped policy, every example in the docs, and one document with each
//! key of the language, spoiled in each place in each way.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "test code, which clippy recognises only in unit tests"
)]

#[path = "policy_schema/spoiled.rs"]
mod spoiled;

use std::collections::BTreeSet;
use std::fs::{read_dir, read_to_string};
use std::path::{Path, PathBuf};

use boon::{Compiler, SchemaIndex, Schemas};
use nodeward::policy::Policy;
use serde_json::Value;

const SCHEMA: &str = include_str!("../docs/schema/policy-v2.schema.json");
const EVERYTHING: &str = include_str!("policy_schema/everything.json");
const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// Spoiled documents must not be so few that they say nothing.
const FEWEST_REFUSED: usize = 2000;

/// The published schema, which is itself held against that of its draft.
struct Schema(Schemas, SchemaIndex);

impl Schema {
    fn load() -> Self {
        let schema: Value = serde_json::from_str(SCHEMA).unwrap();
        let place = schema["$id"].as_str().unwrap().to_owned();
        let (mut schemas, mut compiler) = (Schemas::new(), Compiler::new());
        compiler.add_resource(&place, schema).unwrap();
        let index =
            compiler.compile(&place, &mut schemas).unwrap_or_else(|error| panic!("{error:#}"));
        Self(schemas, index)
    }

    fn check(&self, document: &Value) -> Result<(), String> {
        self.0.validate(document, self.1).map_err(|error| format!("{error:#}"))
    }
}

/// Files below a directory that end so.
fn files(directory: &str, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut directories = vec![Path::new(ROOT).join(directory)];
    while let Some(directory) = directories.pop() {
        for entry in read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                directories.push(path);
            } else if path.extension().is_some_and(|it| it == extension) {
                found.push(path);
            }
        }
    }
    found
}

/// Policies of the second version, each with where it stands.
fn documents() -> Vec<(String, String)> {
    let whole = files("policies", "json").into_iter().chain(files("packaging", "json"));
    let mut documents: Vec<_> =
        whole.map(|path| (path.display().to_string(), read_to_string(&path).unwrap())).collect();
    for path in files("docs", "md") {
        let page = read_to_string(&path).unwrap();
        for block in page.split("```json").skip(1) {
            let (block, _) = block.split_once("```").unwrap();
            // The rest of the fence's line says what the example is.
            let (_, block) = block.split_once('\n').unwrap();
            documents.push((path.display().to_string(), block.to_owned()));
        }
    }
    documents.push(("everything.json".to_owned(), EVERYTHING.to_owned()));
    documents
        .retain(|(_, text)| text.contains("\"NodePolicy\"") && text.contains("nodeward.dev/v2"));
    documents
}

#[test]
fn every_policy_and_every_example_fits_the_schema_and_loads() {
    let schema = Schema::load();
    for (place, text) in documents() {
        let document =
            serde_json::from_str(&text).unwrap_or_else(|error| panic!("{place}: {error}"));
        schema.check(&document).unwrap_or_else(|error| panic!("{place}: {error}"));
        Policy::parse(text.as_bytes()).unwrap_or_else(|error| panic!("{place}: {error}"));
    }
}

#[test]
fn what_the_schema_refuses_the_engine_refuses() {
    let schema = Schema::load();
    let document: Value = serde_json::from_str(EVERYTHING).unwrap();
    let (mut refused, mut stricter) = (0, 0);
    spoiled::each_way(&document, &mut |what, spoiled| {
        let loads = Policy::parse(spoiled.to_string().as_bytes()).is_ok();
        if schema.check(spoiled).is_ok() {
            stricter += usize::from(!loads);
        } else {
            assert!(!loads, "the engine takes what the schema refuses: {what}");
            refused += 1;
        }
    });
    println!("{refused} refused by both, {stricter} by the engine alone");
    assert!(refused >= FEWEST_REFUSED, "only {refused}");
}

/// As docs/reference/policy-v2.md says: what demands nothing has the shape of what does.
#[test]
fn the_schema_takes_a_demand_that_is_none_and_the_engine_does_not() {
    let schema = Schema::load();
    for (unless, is_demand) in
        [(r#"{"serviceAccounts": ["*"]}"#, false), (r#"{"serviceAccounts": ["app"]}"#, true)]
    {
        let text = format!(
            r#"{{"apiVersion": "nodeward.dev/v2", "kind": "NodePolicy", "name": "n", "rules": [
                {{"name": "d", "action": "deny", "match": {{}}, "unless": {unless}}}]}}"#
        );
        schema.check(&serde_json::from_str(&text).unwrap()).unwrap();
        assert_eq!(Policy::parse(text.as_bytes()).is_ok(), is_demand, "{unless}");
    }
}

/// So that every key is spoiled, and none is forgotten in the schema's test.
#[test]
fn the_document_with_everything_has_every_key_of_the_schema() {
    let schema: Value = serde_json::from_str(SCHEMA).unwrap();
    let (mut known, mut used) = (BTreeSet::new(), BTreeSet::new());
    collect(&schema, &mut |key, value| {
        if key == "properties" {
            known.extend(value.as_object().unwrap().keys().cloned());
        }
    });
    let document: Value = serde_json::from_str(EVERYTHING).unwrap();
    collect(&document, &mut |key, _| {
        used.insert(key.to_owned());
    });
    let forgotten: Vec<_> = known.difference(&used).collect();
    assert!(forgotten.is_empty(), "{forgotten:?}");
}

fn collect(value: &Value, each: &mut impl FnMut(&str, &Value)) {
    match value {
        Value::Object(members) => {
            for (key, member) in members {
                each(key, member);
                collect(member, each);
            }
        }
        Value::Array(elements) => elements.iter().for_each(|element| collect(element, each)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
