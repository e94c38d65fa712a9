//! Tools: their definitions, their calls and what comes back.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::params::{InvalidParams, Params};
use crate::{CacheScope, ResultType};

/// One tool as a server describes it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Tool {
    /// What it is called by, case-sensitive.
    pub name: String,
    /// A name for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// What it does, for a model to read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// JSON Schema of the arguments.
    pub input_schema: Value,
    /// Members this crate does not interpret: output schema, annotations, icons and what comes later.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// The result of `tools/list`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ListToolsResult {
    /// Modern era only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result_type: Option<ResultType>,
    /// The tools of this page, in the server's order.
    pub tools: Vec<Tool>,
    /// Where the next page begins, when there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
    /// Modern era only: milliseconds for which a client may keep the list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl_ms: Option<u64>,
    /// Modern era only: with whom a cache may share it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_scope: Option<CacheScope>,
}

/// The parameters of `tools/call`.
#[derive(Debug, Clone)]
pub struct CallToolParams<'a> {
    /// The tool.
    pub name: Cow<'a, str>,
    /// The raw arguments, an object when they are there.
    pub arguments: Option<&'a RawValue>,
}

impl<'a> CallToolParams<'a> {
    /// Reads the parameters of a `tools/call`.
    pub fn read(params: &Params<'a>) -> Result<Self, InvalidParams> {
        Ok(Self { name: params.required_string("name")?, arguments: params.object("arguments")? })
    }
}

/// The result of `tools/call`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CallToolResult {
    /// Modern era only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result_type: Option<ResultType>,
    /// What the tool says.
    #[serde(default)]
    pub content: Vec<Content>,
    /// The same as data (since 2025-06-18), as its raw text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub structured_content: Option<Box<RawValue>>,
    /// Whether the tool failed; a failure of the protocol is a JSON-RPC error instead.
    #[serde(default, skip_serializing_if = "is_false")]
    pub is_error: bool,
}

/// One piece of a tool's answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Content {
    /// Text.
    Text {
        /// The text.
        text: String,
    },
    /// Image, audio, resource and what comes later, uninterpreted.
    #[serde(untagged)]
    Other(Map<String, Value>),
}

impl Content {
    /// The text, when the piece is text.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text { text } => Some(text),
            Self::Other(_) => None,
        }
    }
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "the signature that serde's skip_serializing_if asks for"
)]
fn is_false(value: &bool) -> bool {
    !value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_of_both_eras_are_read_and_unknown_content_kept() {
        let text = r#"{"content":[{"type":"text","text":"hi"},{"type":"image","data":"AA==","mimeType":"image/png"}],"isError":true}"#;
        let result: CallToolResult = serde_json::from_str(text).unwrap();
        assert_eq!(result.content[0].text(), Some("hi"));
        assert_eq!(result.content[1].text(), None);
        assert!(result.is_error);
        assert_eq!(serde_json::to_value(&result).unwrap(), serde_json::from_str::<Value>(text).unwrap());

        let modern: CallToolResult =
            serde_json::from_str(r#"{"resultType":"input_required","requestState":"x"}"#).unwrap();
        assert_eq!(modern.result_type, Some(ResultType::InputRequired));
    }

    #[test]
    fn a_tool_keeps_what_is_not_interpreted() {
        let text = r#"{"name":"a","inputSchema":{"type":"object"},"annotations":{"readOnlyHint":true}}"#;
        let tool: Tool = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_value(&tool).unwrap(), serde_json::from_str::<Value>(text).unwrap());
    }
}
