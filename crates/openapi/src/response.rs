//! Answers of an API become results of tools.
//!
//! | answer | result |
//! |---|---|
//! | 2xx with a JSON object | the object as `structuredContent`, and as text |
//! | 2xx with a JSON array | the same as `{"items": […]}`, and as text |
//! | 2xx with other JSON or text | text |
//! | 2xx with an image or sound | that, in base64 |
//! | 2xx with other bytes | an embedded resource |
//! | 2xx with nothing | a line that says so |
//! | 3xx | a failure: redirects are not followed |
//! | 4xx, 5xx | a failure: the status and the beginning of what the API says |
//!
//! What is only part of a list says so, and how to get the rest, in a line of its own.

mod bytes;
mod failure;
mod media_type;
mod refused;
mod rest;
mod success;

use std::collections::BTreeMap;

use http::{HeaderMap, StatusCode};
use mcp::{CallToolResult, Content, ResultType};

pub use refused::missing_scope;

use crate::arguments::Validator;
use crate::{Location, Source, Tool};

/// What an API answered.
#[derive(Debug, Clone, Copy)]
pub struct Answered<'a> {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: &'a HeaderMap,
    /// Its body, or as much of it as was read.
    pub body: &'a [u8],
    /// Whether the body is longer than that.
    pub is_cut: bool,
}

/// What is known of a tool's answers.
#[derive(Debug)]
pub(crate) struct Answers {
    tool: String,
    /// What the tool promises of its results, when it does.
    promise: Option<Validator>,
    /// What its query parameters are called as arguments.
    arguments: BTreeMap<String, String>,
}

impl Answers {
    pub(crate) fn of(tool: &Tool) -> Self {
        let in_query =
            tool.binding.parameters.iter().filter(|bound| bound.parameter.location == Location::Query);
        let arguments = in_query.filter_map(|bound| match &bound.source {
            Source::Argument { member, .. } => Some((bound.parameter.name.clone(), member.clone())),
            Source::Fixed(_) => None,
        });
        let promise = tool.definition.other.get("outputSchema");
        Self {
            tool: tool.definition.name.clone(),
            promise: promise.and_then(|schema| Validator::compile(schema).ok()),
            arguments: arguments.collect(),
        }
    }

    pub(crate) fn result(&self, answered: &Answered<'_>) -> CallToolResult {
        if answered.status.is_success() { success::result(self, answered) } else { failure::result(answered) }
    }
}

fn text(text: impl Into<String>) -> Content {
    Content::Text { text: text.into() }
}

fn of_content(content: Vec<Content>, is_error: bool) -> CallToolResult {
    CallToolResult { result_type: Some(ResultType::Complete), content, structured_content: None, is_error }
}

#[cfg(test)]
mod tests;
