//! Validation that stays linear (OA-15), and says what is wrong.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::*;

/// Far more than any of these takes, far less than what grows with a square.
const SOON: Duration = Duration::from_secs(10);

fn validate(schema: &Value, arguments: &Value) -> Result<(), InvalidArguments> {
    let text = arguments.to_string();
    let raw: &RawValue = serde_json::from_str(&text).unwrap();
    let began = Instant::now();
    let outcome = Validator::compile(schema).unwrap().validate(&Arguments::read(Some(raw)).unwrap());
    assert!(began.elapsed() < SOON, "{:?}", began.elapsed());
    outcome
}

fn with(schema: &Value) -> Value {
    json!({ "type": "object", "properties": { "a": schema } })
}

#[test]
fn oa_15_expressions_take_linear_time() {
    let schema = with(&json!({ "type": "string", "pattern": "^(a+)+$" }));
    let text = format!("{}!", "a".repeat(1_000_000));
    assert!(validate(&schema, &json!({ "a": text })).is_err());
    // What only a backtracking engine knows is not compiled at all.
    assert!(Validator::compile(&with(&json!({ "pattern": "^(?=a)b" }))).is_err());
    assert!(Validator::compile(&with(&json!({ "pattern": "((a{1000}){1000}){1000}" }))).is_err());
}

#[test]
fn oa_15_many_unique_items_take_linear_time() {
    let schema = with(&json!({ "type": "array", "uniqueItems": true }));
    let items: Vec<_> = (0..100_000).map(|number| json!({ "n": number })).collect();
    assert_eq!(validate(&schema, &json!({ "a": items })), Ok(()));
    let twice: Vec<_> = (0..100_001).map(|number| number % 100_000).collect();
    assert!(validate(&schema, &json!({ "a": twice })).is_err());
}

#[test]
fn oa_15_alternatives_that_refer_to_themselves_come_to_an_end() {
    let node = |required: &str| json!({ "type": "object", "properties": { "c": { "$ref": "#/$defs/n" } }, "required": [required] });
    let schema = json!({ "type": "object", "properties": { "a": { "$ref": "#/$defs/n" } },
        "$defs": { "n": { "anyOf": [node("x"), node("y"), node("z")] } } });
    let mut deep = json!({});
    for _ in 0..50 {
        deep = json!({ "c": deep });
    }
    let refusal = validate(&schema, &json!({ "a": deep })).unwrap_err().to_string();
    assert!(refusal.contains("too deep"), "{refusal}");
    assert_eq!(validate(&schema, &json!({ "a": { "x": 1, "c": { "y": 1, "c": { "z": 1 } } } })), Ok(()));
}

#[test]
fn oa_15_schemas_that_unfold_come_to_an_end() {
    let mut definitions = serde_json::Map::new();
    definitions.insert("d0".to_owned(), json!({ "type": "string" }));
    for level in 1..40 {
        let below = json!({ "$ref": format!("#/$defs/d{}", level - 1) });
        definitions.insert(format!("d{level}"), json!({ "allOf": [below, below] }));
    }
    let schema = json!({ "properties": { "a": { "$ref": "#/$defs/d39" } }, "$defs": definitions });
    assert!(validate(&schema, &json!({ "a": "x" })).is_err());
}

#[test]
fn oa_15_references_that_lead_away_are_not_followed() {
    for reference in ["http://127.0.0.1:1/schema.json", "file:///etc/passwd", "https://schema.test/x"] {
        assert!(Validator::compile(&with(&json!({ "$ref": reference }))).is_err(), "{reference}");
    }
}

#[test]
fn oa_15_dynamic_references_end() {
    let schema =
        json!({ "$dynamicAnchor": "n", "type": "object", "properties": { "a": { "$dynamicRef": "#n" } } });
    let mut deep = json!({});
    for _ in 0..60 {
        deep = json!({ "a": deep });
    }
    let Ok(validator) = Validator::compile(&schema) else { return };
    let text = deep.to_string();
    let outcome = validator.validate(&Arguments::read(Some(serde_json::from_str(&text).unwrap())).unwrap());
    assert_eq!(outcome, Ok(()));
}

#[test]
fn large_arguments_of_many_alternatives_have_an_end() {
    let schema = with(
        &json!({ "type": "array", "items": { "anyOf": [{ "type": "string" }, { "const": 1 }, { "type": "integer" }] } }),
    );
    assert_eq!(validate(&schema, &json!({ "a": (0..10_000).collect::<Vec<_>>() })), Ok(()));
    assert!(validate(&schema, &json!({ "a": (0..1_000_000).collect::<Vec<_>>() })).is_err());
}

#[test]
fn refusals_are_short_and_visible() {
    let schema = json!({ "type": "object", "properties": {}, "additionalProperties": false });
    let name = format!("evil\u{202e}\u{1b}[31m{}", "x".repeat(10_000));
    let refusal = validate(&schema, &json!({ name.as_str(): 1 })).unwrap_err().to_string();
    assert!(refusal.len() < 400 && !refusal.contains(['\u{202e}', '\u{1b}']), "{refusal}");
}

#[test]
fn a_reserved_keyword_of_a_document_does_nothing() {
    let schema = json!({ "properties": { "a": { "x-vestibule-step": true, "type": "string" } } });
    assert_eq!(validate(&schema, &json!({ "a": "x" })), Ok(()));
}
