//! Schemas of the dialects, as they are in 2020-12.

use serde_json::json;

use super::*;
use crate::Limits;

/// A document with these definitions.
fn document(version: &str, schemas: &Value) -> Document {
    let root = json!({ "openapi": version, "paths": {}, "components": { "schemas": schemas } });
    Document::parse(root.to_string().as_bytes(), &Limits::default()).unwrap()
}

fn converted(version: &str, schema: &Value) -> (Value, Vec<String>) {
    let document = document(version, &json!({}));
    let mut schemas = Schemas::new(&document, Slimming::default(), Direction::Request);
    let converted = schemas.convert(schema);
    jsonschema::draft202012::meta::validate(&converted)
        .unwrap_or_else(|error| panic!("{converted}: {error}"));
    (converted, schemas.take_losses())
}

#[track_caller]
fn check(version: &str, given: &Value, expected: &Value) {
    let (found, losses) = converted(version, given);
    assert_eq!((&found, losses), (expected, Vec::new()), "{given}");
}

fn bundled(schemas: &Value, schema: &Value) -> (Value, Vec<String>) {
    let document = document("3.1.0", schemas);
    let mut schemas = Schemas::new(&document, Slimming::default(), Direction::Request);
    let converted = schemas.convert(schema);
    let bundled = schemas.bundle(&converted).unwrap();
    jsonschema::draft202012::meta::validate(&bundled).unwrap_or_else(|error| panic!("{bundled}: {error}"));
    (bundled, schemas.take_losses())
}

#[test]
fn older_dialects_become_the_current_one() {
    for (given, expected) in [
        (json!({ "type": "string", "nullable": true }), json!({ "type": ["string", "null"] })),
        (
            json!({ "type": "string", "nullable": true, "enum": ["a"] }),
            json!({ "type": ["string", "null"], "enum": ["a", null] }),
        ),
        (json!({ "nullable": true }), json!({})),
        (
            json!({ "nullable": true, "description": "d", "allOf": [{ "type": "integer" }, { "minimum": 1 }] }),
            json!({ "description": "d", "anyOf": [{ "allOf": [{ "type": "integer" }, { "minimum": 1 }] }, { "type": "null" }] }),
        ),
        (
            json!({ "nullable": true, "oneOf": [{ "type": "string" }, { "type": "integer" }] }),
            json!({ "anyOf": [{ "type": "string" }, { "type": "integer" }, { "type": "null" }] }),
        ),
        (json!({ "minimum": 1, "exclusiveMinimum": true }), json!({ "exclusiveMinimum": 1 })),
        (json!({ "maximum": 9, "exclusiveMaximum": false }), json!({ "maximum": 9 })),
        (
            json!({ "type": "array", "items": [{ "type": "string" }], "additionalItems": false }),
            json!({ "type": "array", "prefixItems": [{ "type": "string" }], "items": false }),
        ),
        (json!({ "type": "array" }), json!({ "type": "array", "items": {} })),
        (json!({ "type": "file" }), json!({ "type": "string" })),
        (
            json!({ "type": "string", "format": "binary" }),
            json!({ "type": "string", "contentEncoding": "base64" }),
        ),
        (
            json!({ "allOf": [{ "type": "string" }], "description": "d" }),
            json!({ "type": "string", "description": "d" }),
        ),
    ] {
        check("3.0.3", &given, &expected);
    }
    check(
        "3.1.0",
        &json!({ "type": ["string", "null"], "const": "a" }),
        &json!({ "type": ["string", "null"], "const": "a" }),
    );
    check("3.1.0", &json!({ "exclusiveMinimum": 3 }), &json!({ "exclusiveMinimum": 3 }));
}

#[test]
fn what_no_model_needs_is_left_out() {
    check(
        "3.0.3",
        &json!({
            "type": "object", "title": "T", "example": { "a": 1 }, "xml": {}, "externalDocs": {}, "x-go-name": "A",
            "discriminator": { "propertyName": "a" }, "deprecated": true, "$id": "http://x.test", "$schema": "x",
            "additionalProperties": true, "required": ["a", "b", "a"], "description": "",
            "properties": {
                "a": { "type": "integer", "format": "int64", "readOnly": true },
                "b": { "type": "string", "format": "uuid", "writeOnly": true },
                "example": { "type": "boolean" },
            }
        }),
        &json!({
            "type": "object", "required": ["b"],
            "properties": { "b": { "type": "string", "format": "uuid" }, "example": { "type": "boolean" } }
        }),
    );
}

#[test]
fn what_is_not_valid_is_left_out() {
    check(
        "3.0.3",
        &json!({
            "type": "any", "minLength": "3", "maxLength": -1, "minItems": 2.0, "multipleOf": 0, "enum": "a", "required": true,
            "properties": [], "items": "string", "allOf": [], "uniqueItems": "yes", "not": 7, "minimum": true,
        }),
        &json!({ "minItems": 2 }),
    );
    check("3.0.3", &json!({ "type": ["string", "whatever"] }), &json!({}));
    check(
        "3.0.3",
        &json!({ "properties": { "a": "string", "b": null, "c": true } }),
        &json!({ "properties": { "a": true, "b": true, "c": true } }),
    );
    check("3.0.3", &json!([1]), &json!(true));
}

#[test]
fn losses_are_told() {
    let (found, losses) =
        converted("3.1.0", &json!({ "pattern": "^(?=a)", "enum": (0..101).collect::<Vec<_>>() }));
    assert_eq!(found, json!({}));
    assert_eq!(losses.len(), 2, "{losses:?}");
    let (found, losses) = converted(
        "3.1.0",
        &json!({ "items": { "$ref": "#/components/schemas/Nothing" }, "$dynamicRef": "#x" }),
    );
    assert_eq!(found, json!({ "items": true }));
    assert_eq!(losses.len(), 2, "{losses:?}");
}

#[test]
fn definitions_used_once_stand_in_place_and_others_in_defs() {
    let (found, _) = bundled(
        &json!({
            "Once": { "type": "object", "properties": { "twice": { "$ref": "#/components/schemas/Twice" } } },
            "Twice": { "type": "object", "properties": {
                "a": { "type": "string" }, "b": { "type": "string" }, "c": { "type": "string" }, "d": { "type": "string" } } },
            "Small": { "type": "string", "minLength": 1 },
            "Unused": { "type": "string" },
        }),
        &json!({ "properties": {
            "once": { "$ref": "#/components/schemas/Once", "description": "mine" },
            "twice": { "$ref": "#/components/schemas/Twice" },
            "x": { "$ref": "#/components/schemas/Small" }, "y": { "$ref": "#/components/schemas/Small" },
        } }),
    );
    assert_eq!(found["properties"]["once"]["properties"]["twice"], json!({ "$ref": "#/$defs/Twice" }));
    assert_eq!(found["properties"]["once"]["description"], "mine");
    assert_eq!(found["properties"]["x"], json!({ "type": "string", "minLength": 1 }));
    let names: Vec<_> = found["$defs"].as_object().unwrap().keys().collect();
    assert_eq!(names, ["Twice"]);
}

#[test]
fn circles_stay_references() {
    let (found, losses) = bundled(
        &json!({
            "Tree": { "type": "object", "properties": { "children": { "type": "array", "items": { "$ref": "#/components/schemas/Tree" } } } },
            "A": { "properties": { "b": { "$ref": "#/components/schemas/B" } } },
            "B": { "properties": { "a": { "$ref": "#/components/schemas/A" } } },
        }),
        &json!({ "properties": { "tree": { "$ref": "#/components/schemas/Tree" }, "a": { "$ref": "#/components/schemas/A" } } }),
    );
    assert_eq!(losses, Vec::<String>::new());
    assert_eq!(found["$defs"].as_object().unwrap().len(), 3);
    let validator = jsonschema::draft202012::new(&found).unwrap();
    assert!(
        validator
            .is_valid(&json!({ "tree": { "children": [{ "children": [{}] }] }, "a": { "b": { "a": {} } } }))
    );
    assert!(!validator.is_valid(&json!({ "tree": { "children": [{ "children": 7 }] } })));
}

#[test]
fn oa_07_circles_that_never_end_are_cut() {
    let (found, losses) = bundled(
        &json!({
            "Self": { "$ref": "#/components/schemas/Self" },
            "All": { "allOf": [{ "$ref": "#/components/schemas/Any" }, { "type": "object" }] },
            "Any": { "anyOf": [{ "$ref": "#/components/schemas/All" }, { "not": { "$ref": "#/components/schemas/Any" } }] },
        }),
        &json!({ "properties": { "s": { "$ref": "#/components/schemas/Self" }, "a": { "$ref": "#/components/schemas/All" } } }),
    );
    assert!(!losses.is_empty());
    let validator = jsonschema::draft202012::new(&found).unwrap();
    assert!(validator.is_valid(&json!({ "s": 1, "a": {} })));
}

#[test]
fn oa_07_schemas_that_expand_without_measure_are_refused() {
    // Each definition is used twice by the one before it: written out there would be 2^40 of the last.
    let mut schemas = serde_json::Map::new();
    for level in 0..40 {
        let next = json!({ "$ref": format!("#/components/schemas/L{}", level + 1) });
        schemas.insert(format!("L{level}"), json!({ "properties": { "a": next, "b": next } }));
    }
    schemas.insert("L40".to_owned(), json!({ "type": "string" }));
    let (found, _) = bundled(&schemas.into(), &json!({ "$ref": "#/components/schemas/L0" }));
    assert!(found.to_string().len() < 10_000);

    // A chain as long as one likes is no deeper than a schema may be.
    let mut chain = serde_json::Map::new();
    for level in 0..5000 {
        chain.insert(
            format!("C{level}"),
            json!({ "items": { "$ref": format!("#/components/schemas/C{}", level + 1) } }),
        );
    }
    let (found, _) = bundled(&chain.into(), &json!({ "$ref": "#/components/schemas/C0" }));
    assert!(depth(&found) <= 50);
}

#[test]
fn a_schema_has_as_many_values_as_it_may() {
    let root = json!({ "openapi": "3.1.0", "paths": {}, "components": { "schemas": {
        "Big": { "properties": (0..200).map(|at| (format!("p{at}"), json!({}))).collect::<serde_json::Map<_, _>>() } } } });
    let limits = Limits { schema_values: 100, ..Limits::default() };
    let document = Document::parse(root.to_string().as_bytes(), &limits).unwrap();
    let mut schemas = Schemas::new(&document, Slimming::default(), Direction::Request);
    assert_eq!(schemas.bundle(&json!({ "$ref": "#/components/schemas/Big" })), Err(TooLarge::Tool));

    let limits = Limits { compiled_values: 500, ..Limits::default() };
    let document = Document::parse(root.to_string().as_bytes(), &limits).unwrap();
    let mut schemas = Schemas::new(&document, Slimming::default(), Direction::Request);
    let outcomes: Vec<_> =
        (0..3).map(|_| schemas.bundle(&json!({ "$ref": "#/components/schemas/Big" })).is_ok()).collect();
    assert_eq!(outcomes, [true, true, false]);
}

fn depth(value: &Value) -> usize {
    match value {
        Value::Array(values) => 1 + values.iter().map(depth).max().unwrap_or(0),
        Value::Object(members) => 1 + members.values().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}
