//! Arguments that are mirrored in `Mcp-Param-*` headers (2026-07-28, Tools, `x-mcp-header`). Pure.
//!
//! A tool whose schema uses `x-mcp-header` against the rules is unusable: a client cannot know what the server, and
//! the intermediaries before it, expect.

use std::collections::BTreeSet;

use http::{HeaderName, HeaderValue};
use mcp::{Tool, headers};
use serde_json::{Map, Value};

const ANNOTATION: &str = "x-mcp-header";

/// Keywords of JSON Schema whose values are data, not schemas.
const DATA: [&str; 5] = ["default", "examples", "enum", "const", "required"];

/// One annotated parameter: the path of property names to it, and its header.
#[derive(Debug, PartialEq, Eq)]
struct Mirror {
    path: Vec<String>,
    header: HeaderName,
}

/// The schema uses `x-mcp-header` in a way that is not allowed.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct InvalidAnnotation;

/// Whether the annotations of a tool, if any, follow the rules.
pub(super) fn is_usable(tool: &Tool) -> bool {
    mirrors(&tool.input_schema).is_ok()
}

/// The headers that mirror `arguments`; an argument that is absent or null has none.
pub(super) fn mirror(tool: &Tool, arguments: &Map<String, Value>) -> Vec<(HeaderName, HeaderValue)> {
    let mirrors = mirrors(&tool.input_schema).unwrap_or_default();
    mirrors.into_iter().filter_map(|mirror| Some((mirror.header, value(arguments, &mirror.path)?))).collect()
}

fn value(arguments: &Map<String, Value>, path: &[String]) -> Option<HeaderValue> {
    let (first, rest) = path.split_first()?;
    let found = rest.iter().try_fold(arguments.get(first)?, |value, name| value.get(name))?;
    match found {
        Value::String(text) => Some(headers::encode(text)),
        Value::Number(_) | Value::Bool(_) => Some(headers::encode(&found.to_string())),
        _ => None,
    }
}

/// Every annotated parameter of a schema.
fn mirrors(schema: &Value) -> Result<Vec<Mirror>, InvalidAnnotation> {
    let mut found = Vec::new();
    visit(schema, Some(&[]), &mut found)?;
    let names: BTreeSet<&str> = found.iter().map(|mirror| mirror.header.as_str()).collect();
    if names.len() == found.len() { Ok(found) } else { Err(InvalidAnnotation) }
}

/// Walks a schema. `path` leads here through `properties` alone, else it is `None`.
fn visit(schema: &Value, path: Option<&[String]>, found: &mut Vec<Mirror>) -> Result<(), InvalidAnnotation> {
    let Value::Object(members) = schema else {
        let items = schema.as_array().into_iter().flatten();
        return items.into_iter().try_for_each(|item| visit(item, None, found));
    };
    if let Some(annotation) = members.get(ANNOTATION) {
        let path = path.filter(|path| !path.is_empty()).ok_or(InvalidAnnotation)?;
        found.push(Mirror { path: path.to_vec(), header: header(annotation, members.get("type"))? });
    }
    for (keyword, value) in members.iter().filter(|(keyword, _)| !DATA.contains(&keyword.as_str())) {
        match (keyword.as_str(), value) {
            ("properties", Value::Object(properties)) => {
                for (name, property) in properties {
                    let deeper = path.map(|path| [path, std::slice::from_ref(name)].concat());
                    visit(property, deeper.as_deref(), found)?;
                }
            }
            ("patternProperties" | "$defs" | "definitions" | "dependentSchemas", Value::Object(schemas)) => {
                schemas.values().try_for_each(|schema| visit(schema, None, found))?;
            }
            (ANNOTATION, _) => {}
            (_, value) => visit(value, None, found)?,
        }
    }
    Ok(())
}

/// The header of an annotation: a token (RFC 9110 §5.6.2) on a string, an integer or a boolean.
fn header(annotation: &Value, kind: Option<&Value>) -> Result<HeaderName, InvalidAnnotation> {
    let is_scalar = matches!(kind.and_then(Value::as_str), Some("string" | "integer" | "boolean"));
    let name = annotation.as_str().filter(|name| is_scalar && !name.is_empty()).ok_or(InvalidAnnotation)?;
    HeaderName::try_from(format!("mcp-param-{name}")).map_err(|_| InvalidAnnotation)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn tool(properties: &Value) -> Tool {
        serde_json::from_value(json!({
            "name": "t",
            "inputSchema": {"type": "object", "properties": properties},
        }))
        .unwrap()
    }

    #[test]
    fn annotated_arguments_are_mirrored() {
        let tool = tool(&json!({
            "region": {"type": "string", "x-mcp-header": "Region"},
            "priority": {"type": "integer", "x-mcp-header": "Priority"},
            "dry": {"type": "boolean", "x-mcp-header": "Dry"},
            "where": {"type": "object", "properties": {"zone": {"type": "string", "x-mcp-header": "Zone"}}},
            "plain": {"type": "string"},
        }));
        let arguments = json!({
            "region": "日本", "priority": 42, "dry": false, "where": {"zone": "a b"}, "plain": "x"
        });
        let mirrored = mirror(&tool, arguments.as_object().unwrap());
        let mut mirrored: Vec<_> =
            mirrored.iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap())).collect();
        mirrored.sort_unstable();
        let expected = [
            ("mcp-param-dry", "false"),
            ("mcp-param-priority", "42"),
            ("mcp-param-region", "=?base64?5pel5pys?="),
            ("mcp-param-zone", "a b"),
        ];
        assert_eq!(mirrored, expected);
        let absent = json!({"region": null, "where": {}});
        assert_eq!(mirror(&tool, absent.as_object().unwrap()), []);
    }

    #[test]
    fn annotations_against_the_rules_make_a_tool_unusable() {
        let annotated = |kind: &str, name: &str| json!({"a": {"type": kind, "x-mcp-header": name}});
        let rows = [
            (json!({"a": {"type": "string"}}), true),
            (annotated("string", "Region"), true),
            (json!({"x-mcp-header": {"type": "string"}}), true),
            (json!({"a": {"type": "object", "default": {"x-mcp-header": "no schema"}}}), true),
            (annotated("number", "Region"), false),
            (annotated("object", "Region"), false),
            (annotated("string", ""), false),
            (annotated("string", "two words"), false),
            (annotated("string", "a\r\nb"), false),
            (annotated("string", "ä"), false),
            (json!({"a": {"type": "string", "x-mcp-header": 7}}), false),
            (json!({"a": {"x-mcp-header": "Region"}}), false),
            (
                json!({"a": {"type": "string", "x-mcp-header": "X"}, "b": {"type": "string", "x-mcp-header": "x"}}),
                false,
            ),
            (json!({"a": {"type": "array", "items": {"type": "string", "x-mcp-header": "X"}}}), false),
            (json!({"a": {"anyOf": [{"type": "string", "x-mcp-header": "X"}]}}), false),
        ];
        for (properties, expected) in rows {
            assert_eq!(is_usable(&tool(&properties)), expected, "{properties}");
        }
    }
}
