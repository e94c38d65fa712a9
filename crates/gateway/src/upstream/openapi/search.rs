//! Search mode: finding tools that are not listed.

use std::sync::Arc;

use guard::Permit;
use mcp::{CallToolResult, Content, ResultType};
use oauth::Timestamp;
use openapi::{Tool, Tools};
use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;

use super::{failed, raw};
use crate::policy::{Annotations, Arguments, Question, Requester, ServerPolicy, Target};

/// What the calling tool says when the relay could not take its call apart.
pub(super) const NO_SUCH_TOOL: &str = "There is no such tool. \"name\" is the name of a tool that the search has found, and \"arguments\" is an object.";
/// Tools that are found when nobody says how many.
const FEW: usize = 5;
/// Tools that are found at most.
const MOST: usize = 20;
/// Tools that are looked at for those that may be shown.
const RANKED: usize = 1000;

/// Who may see what.
#[derive(Clone)]
pub(crate) struct Shown {
    pub(crate) policy: Arc<ServerPolicy>,
    pub(crate) requester: Requester<'static>,
    pub(crate) now: Timestamp,
}

impl Shown {
    pub(crate) fn to(permit: &Permit, policy: &Arc<ServerPolicy>, now: Timestamp) -> Self {
        Self { policy: policy.clone(), requester: Requester::from(permit).into_owned(), now }
    }

    /// Whether a list would have the tool.
    fn has(&self, tool: &Tool) -> bool {
        let definition = &tool.definition;
        let target = Target::Tool { name: &definition.name, annotations: Some(Annotations::of(definition)) };
        let (requester, arguments) = (&self.requester, Arguments::Unknown);
        self.policy.lists(&Question { requester, target, arguments, now: self.now })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    query: String,
    limit: Option<usize>,
}

/// The tools that fit, of those that the caller may see: name, description and input schema of each.
pub(super) fn found(tools: &Tools, shown: Option<&Shown>, arguments: Option<&RawValue>) -> CallToolResult {
    let Ok(asked) = serde_json::from_str::<Asked>(arguments.map_or("{}", RawValue::get)) else {
        return failed(
            "The search needs \"query\", some words, and knows \"limit\", a number from 1 to 20, besides.",
        );
    };
    let most = asked.limit.unwrap_or(FEW).clamp(1, MOST);
    let may_see = |tool: &&Tool| shown.is_some_and(|shown| shown.has(tool));
    let found: Vec<_> = tools.search(&asked.query, RANKED).into_iter().filter(may_see).take(most).collect();
    if found.is_empty() {
        let nothing = "No tool fits. Try other words: what is done, and to what.".to_owned();
        return result(nothing, None);
    }
    let described: Vec<_> = found
        .into_iter()
        .map(|Tool { definition, .. }| {
            json!({ "name": definition.name, "description": definition.description, "inputSchema": definition.input_schema })
        })
        .collect();
    let found = raw(&json!({ "tools": described }));
    result(found.get().to_owned(), Some(found))
}

fn result(text: String, structured_content: Option<Box<RawValue>>) -> CallToolResult {
    CallToolResult {
        result_type: Some(ResultType::Complete),
        content: vec![Content::Text { text }],
        structured_content,
        is_error: false,
    }
}
