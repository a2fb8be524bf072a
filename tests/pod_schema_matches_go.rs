//! The tables of `kube_wire::pod_schema` against Go's own types, for every supported API version.
//!
//! `tests/go/podschema` prints by reflection what each version of k8s.io/api gives a pod and the objects
//! beside it.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "test code, which clippy recognises only in unit tests"
)]

#[path = "support/go.rs"]
mod go;

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;
use std::sync::LazyLock;

use nodeward::kube_wire::pod_schema::{
    API_STATUS, CONFIG_MAP, LIST_METADATA, PERSISTENT_VOLUME, POD, RUNTIME_CLASS, SECRET, SERVICE,
};
use nodeward::kube_wire::schema::{ObjectSchema, Shape, UnknownFields};

/// Oldest first; a kubelet 1.33 may talk to an API server 1.37.
const MINORS: [&str; 5] = ["v0.33", "v0.34", "v0.35", "v0.36", "v0.37"];

/// The fields of every Go type, in Go's order, with their kinds.
type Types = BTreeMap<String, Vec<(String, String)>>;

static GO: LazyLock<Vec<(&str, Types)>> =
    LazyLock::new(|| MINORS.iter().map(|minor| (*minor, go_types(minor))).collect());

fn go_types(minor: &str) -> Types {
    let module_file = format!("{minor}.mod");
    let program = go::build("podschema", Some(&module_file), &format!("podschema-{minor}"));
    let output = Command::new(program).output().expect("podschema runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut types = Types::new();
    for line in String::from_utf8(output.stdout).expect("podschema prints UTF-8").lines() {
        let (path, kind) = line.split_once(' ').expect("a path and a kind");
        let (owner, field) = path.split_once('.').expect("a type and a field");
        types.entry(owner.to_owned()).or_default().push((field.to_owned(), kind.to_owned()));
    }
    types
}

/// Every table that the roots reach; some Go types have one below `spec` and one outside.
fn tables() -> Vec<&'static ObjectSchema> {
    let mut found: Vec<&'static ObjectSchema> = Vec::new();
    let beside = [&PERSISTENT_VOLUME, &CONFIG_MAP, &SECRET, &RUNTIME_CLASS, &SERVICE];
    let mut open = vec![&POD, LIST_METADATA, API_STATUS];
    open.extend(beside);
    while let Some(table) = open.pop() {
        if found.iter().any(|known| std::ptr::eq(*known, table)) {
            continue;
        }
        found.push(table);
        open.extend(table.fields.iter().filter_map(|field| nested(&field.shape)));
    }
    found
}

fn nested(shape: &'static Shape) -> Option<&'static ObjectSchema> {
    match shape {
        Shape::Object(schema) => Some(schema),
        Shape::List(element) | Shape::Map(element) => nested(element),
        Shape::Text
        | Shape::Named(_)
        | Shape::Bool
        | Shape::Int32
        | Shape::Int64
        | Shape::Quantity
        | Shape::IntOrString
        | Shape::Time
        | Shape::Free => None,
    }
}

/// The kind as `podschema` would print it.
fn kind(shape: &Shape) -> String {
    match shape {
        Shape::Text | Shape::Named(_) => "text".to_owned(),
        Shape::Bool => "bool".to_owned(),
        Shape::Int32 => "int32".to_owned(),
        Shape::Int64 => "int64".to_owned(),
        Shape::Quantity => "quantity".to_owned(),
        Shape::IntOrString => "intorstring".to_owned(),
        Shape::Time => "time".to_owned(),
        Shape::Free => "free".to_owned(),
        Shape::Object(schema) => format!("object:{}", schema.name),
        Shape::List(element) => format!("list:{}", kind(element)),
        Shape::Map(value) => format!("map:{}", kind(value)),
    }
}

/// The metadata of a claim template, of which the API admits labels and annotations alone, and of a
/// service, of which a kubelet needs its name alone.
fn is_part_of_metadata(table: &ObjectSchema) -> bool {
    table.name == "ObjectMeta" && table.fields.iter().all(|field| field.name != "managedFields")
}

/// Fields that no kubelet gets, by type. Whatever a newer API adds to these types has to be added here
/// or to a table.
const LEFT_OUT: [(&str, &[&str]); 5] = [
    ("ConfigMap", &["immutable"]),
    ("Secret", &["immutable"]),
    ("Service", &["status"]),
    (
        "ServiceSpec",
        &[
            "selector",
            "type",
            "externalIPs",
            "sessionAffinity",
            "loadBalancerIP",
            "loadBalancerSourceRanges",
            "externalName",
            "externalTrafficPolicy",
            "healthCheckNodePort",
            "publishNotReadyAddresses",
            "sessionAffinityConfig",
            "ipFamilies",
            "ipFamilyPolicy",
            "allocateLoadBalancerNodePorts",
            "loadBalancerClass",
            "internalTrafficPolicy",
            "trafficDistribution",
        ],
    ),
    ("ServicePort", &["appProtocol", "targetPort", "nodePort"]),
];

fn is_left_out(owner: &str, field: &str) -> bool {
    LEFT_OUT.iter().any(|(table, fields)| *table == owner && fields.contains(&field))
}

#[test]
fn what_is_left_out_is_a_field_of_go_and_in_no_table() {
    for (owner, fields) in LEFT_OUT {
        for field in fields {
            let has = |types: &Types| types[owner].iter().any(|(name, _)| name == field);
            assert!(GO.iter().any(|(_, types)| has(types)), "{owner}.{field} is in no Go version");
            let tables = tables().into_iter().filter(|table| table.name == owner);
            for table in tables {
                assert!(table.fields.iter().all(|it| it.name != *field), "{owner}.{field}");
                assert_eq!(table.unknown, UnknownFields::Omit, "{owner} refuses {field}");
            }
        }
    }
}

#[test]
fn every_field_of_every_go_version_is_in_the_tables_with_its_kind() {
    let tables = tables();
    let mut missing = BTreeSet::new();
    for (minor, types) in GO.iter() {
        for (owner, fields) in types {
            let of_type = tables.iter().filter(|table| table.name == owner).collect::<Vec<_>>();
            assert!(!of_type.is_empty(), "{minor}: no table of {owner}");
            for table in of_type.into_iter().filter(|table| !is_part_of_metadata(table)) {
                for (name, expected) in fields.iter().filter(|(name, _)| !is_left_out(owner, name))
                {
                    let ours = table.fields.iter().find(|field| field.name == name);
                    if ours.map(|field| kind(&field.shape)).as_ref() != Some(expected) {
                        missing.insert(format!("{minor}: {owner}.{name} {expected}"));
                    }
                }
            }
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
}

#[test]
fn every_field_of_the_tables_is_in_some_go_version_with_its_kind() {
    let known: BTreeSet<String> = GO
        .iter()
        .flat_map(|(_, types)| types)
        .flat_map(|(owner, fields)| {
            fields.iter().map(move |(name, kind)| format!("{owner}.{name} {kind}"))
        })
        .collect();
    for table in tables() {
        for field in table.fields {
            let line = format!("{}.{} {}", table.name, field.name, kind(&field.shape));
            assert!(known.contains(&line), "{line} is in no Go version");
        }
    }
}

#[test]
fn fields_are_in_the_order_in_which_go_writes_them() {
    for (minor, types) in GO.iter() {
        for table in tables() {
            let position = |name: &str| table.fields.iter().position(|field| field.name == name);
            let Some(fields) = types.get(table.name) else { continue };
            let order = fields.iter().filter_map(|(name, _)| position(name)).collect::<Vec<_>>();
            assert!(order.is_sorted(), "{minor}: {} is in another order: {fields:?}", table.name);
        }
    }
}
