//! What an API says of itself, written once: the description, the lists, the prompts.

use std::collections::BTreeMap;
use std::sync::Arc;

use http::StatusCode;
use mcp::{
    CacheScope, DiscoverResult, ErrorCode, ErrorObject, ListToolsResult, Params, ProtocolVersion, ResultType,
};
use openapi::Tools;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::raw;
use crate::endpoint::{CallRefusal, Refusal};
use crate::upstream::remote::implementation;

/// Tools of one page.
const PAGE: usize = 250;
/// How long a client may keep a list, in milliseconds. It changes with the document and the configuration only.
const TTL_MS: u64 = 300_000;

/// Everything that is the same for all callers, before the policy looks at it.
pub(super) struct Lists {
    pub(super) description: Arc<RawValue>,
    pub(super) prompts: Box<RawValue>,
    tools: Vec<Box<RawValue>>,
}

impl Lists {
    pub(super) fn of(tools: &Tools) -> Self {
        let prompts: Vec<Value> = tools.prompts().collect();
        Self {
            description: description(tools, !prompts.is_empty()).into(),
            prompts: list_of(&prompts),
            tools: pages(tools),
        }
    }

    /// The page that the cursor names: its number.
    pub(super) fn tools(&self, params: &Params<'_>) -> Result<&RawValue, Refusal> {
        let cursor = params.string("cursor").map_err(CallRefusal::Params)?;
        let page = cursor
            .map_or(Some(0), |cursor| cursor.parse::<usize>().ok())
            .and_then(|page| self.tools.get(page));
        page.map(AsRef::as_ref)
            .ok_or_else(|| invalid("invalid params: \"cursor\" is not one that this server has given"))
    }
}

fn pages(tools: &Tools) -> Vec<Box<RawValue>> {
    let listed: Vec<mcp::Tool> = tools.listed().into_iter().cloned().collect();
    // A list without tools has one page all the same.
    let pages = listed.len().div_ceil(PAGE).max(1);
    let page = |number: usize| {
        let tools = listed.iter().skip(number * PAGE).take(PAGE).cloned().collect();
        raw(&ListToolsResult {
            result_type: Some(ResultType::Complete),
            tools,
            next_cursor: (number + 1 < pages).then(|| (number + 1).to_string()),
            ttl_ms: Some(TTL_MS),
            cache_scope: Some(CacheScope::Private),
        })
    };
    (0..pages).map(page).collect()
}

fn list_of(prompts: &[Value]) -> Box<RawValue> {
    raw(
        &json!({ "resultType": ResultType::Complete, "prompts": prompts, "ttlMs": TTL_MS, "cacheScope": CacheScope::Private }),
    )
}

fn description(tools: &Tools, has_prompts: bool) -> Box<RawValue> {
    let mut capabilities = Map::from_iter([("tools".to_owned(), json!({}))]);
    if has_prompts {
        capabilities.insert("prompts".to_owned(), json!({}));
    }
    let instructions = tools.search_name().zip(tools.call_name()).map(|(search, call)| {
        format!(
            "The tools of this server are not listed. Find them with {search}, then call them with {call}."
        )
    });
    raw(&DiscoverResult {
        instructions,
        ttl_ms: TTL_MS,
        ..DiscoverResult::new(&ProtocolVersion::ALL, capabilities, &implementation())
    })
}

/// `prompts/get`: the text with the arguments in it.
pub(super) fn prompt(tools: &Tools, params: &Params<'_>) -> Result<Box<RawValue>, Refusal> {
    let name = params.required_string("name").map_err(CallRefusal::Params)?;
    let arguments = params.object("arguments").map_err(CallRefusal::Params)?.map_or("{}", RawValue::get);
    let arguments: BTreeMap<String, String> = serde_json::from_str(arguments)
        .map_err(|_| invalid("invalid params: the arguments of a prompt are strings"))?;
    let text = tools
        .prompt(&name, &arguments)
        .ok_or_else(|| invalid("unknown prompt: prompts/list names the prompts of this server"))?
        .map_err(|error| invalid(&format!("invalid params: {error}")))?;
    let message = json!({ "role": "user", "content": { "type": "text", "text": text } });
    Ok(raw(&json!({ "resultType": ResultType::Complete, "messages": [message] })))
}

fn invalid(message: &str) -> Refusal {
    Refusal::Request(StatusCode::OK, None, ErrorObject::new(ErrorCode::INVALID_PARAMS, message))
}
