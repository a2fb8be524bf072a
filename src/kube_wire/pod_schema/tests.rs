use super::*;
use crate::kube_wire::schema::{Field, Pin, Shape, UnknownFields};

/// What a field's value is made of, for the walks below.
fn nested(shape: &'static Shape) -> Option<(&'static str, &'static ObjectSchema)> {
    match shape {
        Shape::Object(schema) => Some(("", schema)),
        Shape::List(element) => nested(element).map(|(_, schema)| ("[*]", schema)),
        Shape::Map(value) => nested(value),
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

/// Every field below a table with its path.
fn walk(path: &str, schema: &'static ObjectSchema, visit: &mut impl FnMut(&str, &'static Field)) {
    for field in schema.fields {
        let path = format!("{path}.{}", field.name);
        visit(&path, field);
        if let Some((brackets, schema)) = nested(&field.shape) {
            walk(&format!("{path}{brackets}"), schema, visit);
        }
    }
}

fn unknown_below(root: &'static ObjectSchema) -> Vec<(String, UnknownFields)> {
    let mut found = vec![(root.name.to_owned(), root.unknown)];
    walk("", root, &mut |path, field| {
        if let Some((_, schema)) = nested(&field.shape) {
            found.push((path.to_owned(), schema.unknown));
        }
    });
    found
}

#[test]
fn unknown_fields_are_refused_below_spec_and_left_out_elsewhere() {
    for (path, unknown) in unknown_below(&POD_SPEC) {
        assert_eq!(unknown, UnknownFields::Refuse, "spec{path}");
    }
    for root in [&OBJECT_META, &POD_STATUS, LIST_METADATA, API_STATUS] {
        for (path, unknown) in unknown_below(root) {
            assert_eq!(unknown, UnknownFields::Omit, "{}{path}", root.name);
        }
    }
    assert_eq!(POD.unknown, UnknownFields::Refuse, "a new part of a pod may decide what runs");
}

#[test]
fn exactly_what_the_api_lets_change_is_mutable() {
    let mut mutable = Vec::new();
    walk("", &POD, &mut |path, field| {
        if field.pin == Pin::Mutable {
            mutable.push(path.to_owned());
        }
    });
    mutable.sort();
    assert_eq!(
        mutable,
        [
            ".apiVersion",
            ".kind",
            ".metadata",
            ".spec.activeDeadlineSeconds",
            ".spec.containers[*].image",
            ".spec.containers[*].resources",
            ".spec.ephemeralContainers",
            ".spec.initContainers[*].image",
            ".spec.initContainers[*].resources",
            ".spec.resources",
            ".spec.terminationGracePeriodSeconds",
            ".spec.tolerations",
            ".status",
        ]
    );
}

#[test]
fn no_table_has_more_fields_than_a_checker_can_mark_or_two_of_one_name() {
    for root in [&POD, LIST_METADATA, API_STATUS] {
        let mut tables = vec![root];
        walk("", root, &mut |_, field| {
            tables.extend(nested(&field.shape).map(|(_, schema)| schema));
        });
        for table in tables {
            assert!(table.fields.len() <= 64, "{}", table.name);
            let mut folded: Vec<_> =
                table.fields.iter().map(|field| field.name.to_ascii_lowercase()).collect();
            folded.sort();
            assert!(folded.is_sorted_by(|one, next| one < next), "{}: {folded:?}", table.name);
        }
    }
}
