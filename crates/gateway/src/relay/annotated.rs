//! What a server says about a tool that is about to be called, for rules that look at it.
//!
//! A list that passed by has told it. Where none did, on this node and since it started, the server is asked, once in a
//! while and on behalf of whoever calls; of a tool that it does not list the careful answer is taken.

use guard::Permit;
use http::HeaderMap;
use mcp::{ProtocolVersion, RequestId, RequestMeta, headers as mirror};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::RelayEndpoint;
use crate::policy::Annotations;
use crate::upstream::remote::annotations::KnownAnnotations;
use crate::upstream::remote::envelope::{Outcome, first_response};
use crate::upstream::remote::{Caller, Description, UpstreamError, implementation, no_capabilities};

/// How many pages of a list are asked for.
const PAGES: usize = 64;

/// The annotations of the tool called `tool`.
pub(super) async fn annotations(endpoint: &RelayEndpoint, permit: &Permit, tool: &str) -> Annotations {
    if !endpoint.gate.policy.looks_at_annotations() {
        return Annotations::default();
    }
    let known = endpoint.remote.annotations();
    if let Some(annotations) = known.of(tool) {
        return annotations;
    }
    if known.may_ask(endpoint.front.clock.now())
        && let Some(permit) = endpoint.guard.renew(permit)
        && let Err(error) = ask(&Caller::new(&endpoint.remote, permit), known).await
    {
        tracing::warn!(server = endpoint.remote.name(), %error, "the annotations of tools cannot be asked for");
    }
    known.of(tool).unwrap_or_default()
}

/// Asks for the list of tools, page by page.
async fn ask(caller: &Caller, known: &KnownAnnotations) -> Result<(), UpstreamError> {
    let session = match caller.description().await? {
        Description::Modern(_) => None,
        Description::Legacy => Some(caller.pooled_session(&no_capabilities()).await?),
    };
    let mut cursor = None;
    for _ in 0..PAGES {
        let (id, headers, meta) = match &session {
            Some(session) => (session.next_id(), session.headers(), None),
            None => (RequestId::Integer(1), modern_headers(), Some(modern_meta())),
        };
        cursor = page(caller, (&id, headers), (meta, cursor), known).await?;
        if cursor.is_none() {
            break;
        }
    }
    Ok(())
}

/// Keeps what one page says; gives where the next begins.
async fn page(
    caller: &Caller,
    (id, headers): (&RequestId<'_>, HeaderMap),
    (meta, cursor): (Option<Value>, Option<String>),
    known: &KnownAnnotations,
) -> Result<Option<String>, UpstreamError> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Page<'a> {
        #[serde(borrow)]
        tools: Vec<Tool<'a>>,
        next_cursor: Option<String>,
    }
    #[derive(Deserialize)]
    struct Tool<'a> {
        name: String,
        #[serde(borrow, default)]
        annotations: Option<&'a RawValue>,
    }
    let mut params = serde_json::Map::new();
    params.extend(cursor.map(|cursor| ("cursor".to_owned(), cursor.into())));
    params.extend(meta.map(|meta| ("_meta".to_owned(), meta)));
    let (_, answer) = caller.post(headers, mcp::request(id, "tools/list", &params).into()).await?;
    let Outcome::Result(result) = first_response(caller.remote(), answer, id).await? else {
        return Err(UpstreamError::Malformed);
    };
    let page: Page<'_> = serde_json::from_str(result.get()).map_err(|_| UpstreamError::Malformed)?;
    for tool in page.tools {
        known.keep(&tool.name, Annotations::read(tool.annotations));
    }
    Ok(page.next_cursor)
}

fn modern_headers() -> HeaderMap {
    mirror::compose(ProtocolVersion::LATEST, "tools/list", None).into_iter().collect()
}

fn modern_meta() -> Value {
    json!(RequestMeta {
        protocol_version: ProtocolVersion::LATEST,
        client_info: &implementation(),
        client_capabilities: &json!({}),
    })
}
