//! `null` in the dialects before 2020-12.

use serde_json::{Map, Value, json};

/// `nullable: true` (`OpenAPI` 3.0), `x-nullable: true` (Swagger 2).
pub(super) fn is_nullable(schema: &Map<String, Value>) -> bool {
    ["nullable", "x-nullable"].iter().any(|member| schema.get(*member) == Some(&Value::Bool(true)))
}

/// The schema that allows null besides what it allows.
pub(super) fn or_null(mut schema: Map<String, Value>) -> Map<String, Value> {
    if let Some(Value::Array(values)) = schema.get_mut("enum")
        && !values.contains(&Value::Null)
    {
        values.push(Value::Null);
    }
    match schema.get_mut("type") {
        Some(Value::String(one)) if one != "null" => {
            let types = json!([one, "null"]);
            schema.insert("type".to_owned(), types);
            schema
        }
        Some(Value::Array(types)) => {
            if !types.contains(&json!("null")) {
                types.push(json!("null"));
            }
            schema
        }
        Some(_) => schema,
        None => alternative(schema),
    }
}

/// Without a type, what is said must be said of one alternative alone.
fn alternative(mut schema: Map<String, Value>) -> Map<String, Value> {
    let restricts =
        |keyword: &String| !matches!(keyword.as_str(), "description" | "title" | "default" | "enum");
    if !schema.keys().any(restricts) {
        return schema;
    }
    let mut outside = Map::new();
    for keyword in ["description", "title", "default"] {
        outside.extend(schema.remove_entry(keyword));
    }
    let alternatives = match schema.remove("anyOf") {
        Some(Value::Array(mut alternatives)) if schema.is_empty() => {
            if !alternatives.contains(&json!({ "type": "null" })) {
                alternatives.push(json!({ "type": "null" }));
            }
            Value::Array(alternatives)
        }
        Some(any_of) => {
            schema.insert("anyOf".to_owned(), any_of);
            json!([schema, { "type": "null" }])
        }
        None => json!([schema, { "type": "null" }]),
    };
    outside.insert("anyOf".to_owned(), alternatives);
    outside
}
