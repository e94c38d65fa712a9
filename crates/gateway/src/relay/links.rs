//! Links that a person has to follow before a request can succeed, as each client can be told of them:
//! - with an input-required result (2026-07-28);
//! - with `-32042` (2025-11-25);
//! - as the text of a failed tool call, which a model can hand on (everybody else).

use std::collections::BTreeMap;

use http::StatusCode;
use mcp::{
    CallToolResult, Content, ErrorCode, ErrorObject, InputRequest, InputRequired, RequestId, ResultType,
    UrlElicitation,
};
use serde_json::json;

use super::passage::{Eras, Kind, Passage, raw};

/// What a client reads that can show no links.
pub(super) const NO_LINKS: &str = "somebody has to follow a link first, and this client shows none";

/// A link, and what the answer to it is called in an input-required result.
pub(super) struct Link {
    pub(super) name: String,
    pub(super) elicitation: UrlElicitation,
}

impl Link {
    /// Links of a server that gave them no such name.
    pub(super) fn numbered(links: Vec<UrlElicitation>) -> Vec<Self> {
        let named = |(number, elicitation)| Self { name: format!("link-{}", number + 1), elicitation };
        links.into_iter().enumerate().map(named).collect()
    }
}

/// The response that tells of the links, and its status where it is no stream. `state` makes the `requestState` of an
/// input-required result.
pub(super) fn answer(
    links: &[Link],
    passage: &Passage,
    state: impl FnOnce() -> Option<String>,
) -> (StatusCode, Vec<u8>) {
    let id = &passage.answered_as;
    match &passage.eras {
        Eras::ModernClient(client) if client.follows_links() => {
            (StatusCode::OK, mcp::success(id, &InputRequired::new(requests(links), state())))
        }
        Eras::LegacyClient(client) if client.knows_links => {
            (StatusCode::OK, mcp::failure(Some(id), &required(links)))
        }
        eras if passage.asked == Kind::ToolCall => {
            let is_modern = matches!(eras, Eras::ModernClient(_));
            (StatusCode::OK, mcp::success(id, &failed_call(links, is_modern)))
        }
        Eras::ModernClient(_) => (StatusCode::BAD_REQUEST, incapable(id, NO_LINKS)),
        Eras::Same { .. } | Eras::LegacyClient(_) => {
            (StatusCode::OK, mcp::failure(Some(id), &required(links)))
        }
    }
}

/// "Servers MUST return a `MissingRequiredClientCapabilityError`" to a client that shows no links (2026-07-28).
pub(super) fn incapable(id: &RequestId<'_>, told: &str) -> Vec<u8> {
    let code = ErrorCode::MISSING_REQUIRED_CLIENT_CAPABILITY;
    let error = ErrorObject::new(code, told);
    let error = error.with_data(json!({ "requiredCapabilities": { "elicitation": { "url": {} } } }));
    mcp::failure(Some(id), &error)
}

fn requests(links: &[Link]) -> BTreeMap<String, InputRequest> {
    let request = |Link { name, elicitation }: &Link| {
        let params = json!({ "mode": "url", "url": elicitation.url, "message": elicitation.message });
        let request = InputRequest { method: "elicitation/create".to_owned(), params: Some(raw(&params)) };
        (name.clone(), request)
    };
    links.iter().map(request).collect()
}

fn required(links: &[Link]) -> ErrorObject {
    let entry = |Link { elicitation: link, .. }: &Link| json!({ "mode": "url", "url": link.url, "message": link.message, "elicitationId": link.elicitation_id });
    let error =
        ErrorObject::new(ErrorCode::URL_ELICITATION_REQUIRED, "This request requires more information.");
    error.with_data(json!({ "elicitations": links.iter().map(entry).collect::<Vec<_>>() }))
}

fn failed_call(links: &[Link], is_modern: bool) -> CallToolResult {
    let told = links.iter().map(|link| format!("{}\n{}", link.elicitation.message, link.elicitation.url));
    let text = told.chain(["Open the link, then try again.".to_owned()]).collect::<Vec<_>>().join("\n\n");
    CallToolResult {
        result_type: is_modern.then_some(ResultType::Complete),
        content: vec![Content::Text { text }],
        structured_content: None,
        is_error: true,
    }
}

/// The answer to a request that was sent again though its links were not followed.
pub(super) fn declined(is_tool_call: bool, id: &RequestId<'_>) -> Vec<u8> {
    const DECLINED: &str = "the link that the server behind this gateway needs was not followed";
    if is_tool_call {
        return mcp::success(
            id,
            &CallToolResult {
                result_type: Some(ResultType::Complete),
                content: vec![Content::Text { text: DECLINED.to_owned() }],
                structured_content: None,
                is_error: true,
            },
        );
    }
    mcp::failure(Some(id), &ErrorObject::new(ErrorCode::INTERNAL_ERROR, DECLINED))
}
