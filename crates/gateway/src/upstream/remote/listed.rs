//! A whole list of a server, page by page, for the gateway itself: on behalf of whoever holds the permit, in the era that
//! the server speaks.

use http::HeaderMap;
use mcp::{ProtocolVersion, RequestId, RequestMeta, headers as mirror};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::envelope::{Outcome, first_response};
use super::{Caller, Description, UpstreamError, implementation, no_capabilities};

/// How many pages of a list are asked for.
const PAGES: usize = 64;

/// A list, and the member of the result that holds it.
pub(crate) const TOOLS: (&str, &str) = ("tools/list", "tools");
/// The same of prompts.
pub(crate) const PROMPTS: (&str, &str) = ("prompts/list", "prompts");

/// Tells `found` every entry of a list.
pub(crate) async fn each(
    caller: &Caller,
    (method, member): (&str, &str),
    found: &mut (dyn FnMut(&RawValue) + Send),
) -> Result<(), UpstreamError> {
    let session = match caller.description().await? {
        Description::Modern(_) => None,
        Description::Legacy => Some(caller.pooled_session(&no_capabilities()).await?),
    };
    let mut cursor = None;
    for _ in 0..PAGES {
        let (id, headers, meta) = match &session {
            Some(session) => (session.next_id(), session.headers(), None),
            None => (RequestId::Integer(1), modern_headers(method), Some(modern_meta())),
        };
        let mut params = serde_json::Map::new();
        params.extend(cursor.map(|cursor: String| ("cursor".to_owned(), cursor.into())));
        params.extend(meta.map(|meta| ("_meta".to_owned(), meta)));
        let (_, answer) = caller.post(headers, mcp::request(&id, method, &params).into()).await?;
        let Outcome::Result(result) = first_response(caller.remote(), answer, &id).await? else {
            return Err(UpstreamError::Malformed);
        };
        cursor = page(&result, member, found)?;
        if cursor.is_none() {
            break;
        }
    }
    Ok(())
}

/// Tells the entries of one page; gives where the next begins.
fn page(
    result: &RawValue,
    member: &str,
    found: &mut (dyn FnMut(&RawValue) + Send),
) -> Result<Option<String>, UpstreamError> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Next {
        next_cursor: Option<String>,
    }
    let page = mcp::json::Object::read(result.get(), &[member]).map_err(|_| UpstreamError::Malformed)?;
    let entries = page.get(member).ok_or(UpstreamError::Malformed)?;
    let entries: Vec<&RawValue> =
        serde_json::from_str(entries.get()).map_err(|_| UpstreamError::Malformed)?;
    entries.into_iter().for_each(found);
    let next: Next = serde_json::from_str(result.get()).map_err(|_| UpstreamError::Malformed)?;
    Ok(next.next_cursor)
}

fn modern_headers(method: &str) -> HeaderMap {
    mirror::compose(ProtocolVersion::LATEST, method, None).into_iter().collect()
}

fn modern_meta() -> Value {
    json!(RequestMeta {
        protocol_version: ProtocolVersion::LATEST,
        client_info: &implementation(),
        client_capabilities: &json!({}),
    })
}
