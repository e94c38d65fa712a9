//! `x-mcp-header`: arguments of a tool that every call of it repeats in a header, so that what routes by headers can
//! route by them (2026-07-28, Streamable HTTP, Custom Headers from Tool Parameters).

use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::headers::{HeaderMismatch, check_parameter, encode};
use crate::json::{Object, string};

const PREFIX: &str = "mcp-param-";
/// Schemas nest no deeper than messages do.
const DEPTH: usize = crate::json::MAXIMUM_DEPTH;

/// The arguments of one tool that its calls repeat in headers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ParameterHeaders(Vec<Mirrored>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Mirrored {
    header: HeaderName,
    /// The way to the argument, by member names.
    path: Vec<String>,
}

/// A schema asks for headers that there cannot be: "clients MUST exclude the tool".
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a parameter asks for a header that cannot be")]
pub struct InvalidParameterHeader;

impl ParameterHeaders {
    /// What the input schema of a tool asks for. Only parameters that are reached through `properties` alone can ask, and
    /// only strings, integers and booleans.
    pub fn of(input_schema: &Value) -> Result<Self, InvalidParameterHeader> {
        let mut found = Vec::new();
        collect(input_schema, &mut Vec::new(), &mut found)?;
        Ok(Self(found))
    }

    /// Whether the tool asks for none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The headers of a call with these arguments. An argument that is absent or null has none.
    pub fn compose(&self, arguments: Option<&RawValue>) -> Vec<(HeaderName, HeaderValue)> {
        let value = |mirrored: &Mirrored| {
            let argument =
                argument(arguments?, &mirrored.path).filter(|argument| argument.get() != "null")?;
            let text =
                string(argument).map_or_else(|| argument.get().to_owned(), std::borrow::Cow::into_owned);
            Some((mirrored.header.clone(), encode(&text)))
        };
        self.0.iter().filter_map(value).collect()
    }

    /// Holds the headers of a call against its arguments.
    pub fn check(&self, headers: &HeaderMap, arguments: Option<&RawValue>) -> Result<(), HeaderMismatch> {
        self.0.iter().try_for_each(|mirrored| {
            let argument = arguments.and_then(|arguments| argument(arguments, &mirrored.path));
            check_parameter(headers, &mirrored.header, argument)
        })
    }
}

fn collect(
    schema: &Value,
    path: &mut Vec<String>,
    found: &mut Vec<Mirrored>,
) -> Result<(), InvalidParameterHeader> {
    let Some(properties) = schema.get("properties").and_then(Value::as_object) else { return Ok(()) };
    if path.len() >= DEPTH {
        return Err(InvalidParameterHeader);
    }
    for (name, parameter) in properties {
        path.push(name.clone());
        if let Some(header) = parameter.get("x-mcp-header") {
            let header = name_of(header, parameter).ok_or(InvalidParameterHeader)?;
            if found.iter().any(|other| other.header == header) {
                return Err(InvalidParameterHeader);
            }
            found.push(Mirrored { header, path: path.clone() });
        }
        collect(parameter, path, found)?;
        path.pop();
    }
    Ok(())
}

/// A token of RFC 9110; the names of headers ignore case.
fn name_of(header: &Value, parameter: &Value) -> Option<HeaderName> {
    let kind = parameter.get("type").and_then(Value::as_str);
    let name = header
        .as_str()
        .filter(|name| !name.is_empty() && matches!(kind, Some("string" | "integer" | "boolean")))?;
    HeaderName::from_bytes(format!("{PREFIX}{name}").as_bytes()).ok()
}

fn argument<'a>(arguments: &'a RawValue, path: &[String]) -> Option<&'a RawValue> {
    path.iter().try_fold(arguments, |value, member| Object::read(value.get(), &[]).ok()?.get(member))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn schema() -> Value {
        json!({ "type": "object", "properties": {
            "region": { "type": "string", "x-mcp-header": "Region" },
            "plain": { "type": "string" },
            "to": { "type": "object", "properties": { "id": { "type": "integer", "x-mcp-header": "To-Id" } } },
            "list": { "type": "array", "items": { "properties": { "x": { "type": "string", "x-mcp-header": "X" } } } },
        } })
    }

    fn raw(value: &Value) -> Box<RawValue> {
        serde_json::value::to_raw_value(value).unwrap()
    }

    #[test]
    fn a_call_repeats_what_its_tool_asks_for() {
        let headers = ParameterHeaders::of(&schema()).unwrap();
        for (arguments, expected) in [
            (
                json!({ "region": "eu", "to": { "id": 7 }, "plain": "x" }),
                vec![("mcp-param-region", "eu"), ("mcp-param-to-id", "7")],
            ),
            (json!({ "region": "Zürich" }), vec![("mcp-param-region", "=?base64?WsO8cmljaA==?=")]),
            (json!({ "region": null, "to": {} }), vec![]),
        ] {
            let arguments = raw(&arguments);
            let composed = headers.compose(Some(&arguments));
            let found: Vec<_> =
                composed.iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap())).collect();
            assert_eq!(found, expected);
            let map: HeaderMap = composed.into_iter().collect();
            assert_eq!(headers.check(&map, Some(&arguments)), Ok(()));
            assert!(map.is_empty() || headers.check(&HeaderMap::new(), Some(&arguments)).is_err());
        }
        assert!(headers.compose(None).is_empty());
    }

    #[test]
    fn a_header_that_cannot_be_spoils_the_tool() {
        for parameter in [
            json!({ "type": "string", "x-mcp-header": "a b" }),
            json!({ "type": "string", "x-mcp-header": "" }),
            json!({ "type": "string", "x-mcp-header": 7 }),
            json!({ "type": "number", "x-mcp-header": "X" }),
            json!({ "type": "object", "x-mcp-header": "X" }),
            json!({ "type": "string", "x-mcp-header": "region" }),
        ] {
            let mut schema = schema();
            schema["properties"]["other"] = parameter;
            assert_eq!(ParameterHeaders::of(&schema), Err(InvalidParameterHeader), "{schema}");
        }
    }
}
