//! Finds out what works at a server elsewhere, in the way in which requests of clients get there: for an operator who
//! has just configured it.

use guard::Permit;
use http::header::WWW_AUTHENTICATE;
use http::{HeaderMap, StatusCode};
use mcp::{DiscoverResult, Implementation, ProtocolVersion, RequestMeta, headers as mirror};
use oauth::www_authenticate;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::remote_server::RemoteServer;
use crate::upstream::remote::envelope::{Outcome, first_response};
use crate::upstream::remote::{Caller, Description, UpstreamError, implementation, no_capabilities};

/// How many pages of a list are asked for; a server that has more is not counted to the end.
const PAGES: usize = 100;

/// Something that works, in the order in which it was found out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// There is somebody: an HTTP server answers.
    Reached,
    /// It speaks MCP, in this revision.
    Speaks {
        /// The newest revision that it speaks of those that are known here.
        version: String,
        /// Whether it opens with `initialize`, as up to 2025-11-25.
        has_handshake: bool,
    },
    /// What it calls itself.
    Introduced {
        /// Its name for programs.
        name: String,
        /// Its version, in its own scheme.
        version: String,
    },
    /// It offers no tools.
    NoTools,
    /// The tools it offers, by name, in its order.
    Tools(Vec<String>),
}

/// What does not work.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProbeError {
    /// Nobody is there, or nobody may be. The text says why.
    #[error("{0}")]
    Unreachable(String),
    /// It asks for an access token.
    #[error("the server asks for an access token (HTTP status {status})")]
    Challenged {
        /// 401 or 403.
        status: u16,
        /// Where it says how to get one (RFC 9728 §5.1).
        resource_metadata: Option<String>,
    },
    /// It answers, but not as MCP asks.
    #[error("{0}")]
    NotMcp(String),
    /// It refuses a request, and says this.
    #[error("the server refuses {method}: {message}")]
    Refused {
        /// Which request.
        method: &'static str,
        /// The error's message.
        message: String,
    },
}

impl From<UpstreamError> for ProbeError {
    fn from(error: UpstreamError) -> Self {
        match error {
            UpstreamError::Status(status @ (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN)) => {
                Self::Challenged { status: status.as_u16(), resource_metadata: None }
            }
            UpstreamError::Unreachable | UpstreamError::Resting | UpstreamError::TimedOut => {
                Self::Unreachable(error.to_string())
            }
            _ => Self::NotMcp(error.to_string()),
        }
    }
}

/// Tells `found` what works at `server`, step by step, until something does not.
///
/// # Errors
/// [`ProbeError`]: the first thing that does not work.
pub async fn probe(
    server: &RemoteServer,
    permit: Permit,
    found: &mut (dyn FnMut(Finding) + Send),
) -> Result<(), ProbeError> {
    let caller = Caller::new(&server.remote, permit);
    reach(&caller, found).await?;
    let (headers, meta, offers_tools) = match caller.description().await? {
        Description::Modern(raw) => {
            let described: DiscoverResult = serde_json::from_str(raw.get()).map_err(|error| {
                ProbeError::NotMcp(format!("its server/discover cannot be read: {error}"))
            })?;
            introduce(&described, found);
            let offers_tools = described.capabilities.contains_key("tools");
            (HeaderMap::new(), Some(meta()), offers_tools)
        }
        Description::Legacy => {
            let session = caller.pooled_session(&no_capabilities()).await?;
            let described = &session.description;
            found(Finding::Speaks { version: described.protocol_version.clone(), has_handshake: true });
            found(introduced(&described.server_info));
            (session.headers(), None, described.capabilities.contains_key("tools"))
        }
    };
    if !offers_tools {
        found(Finding::NoTools);
        return Ok(());
    }
    found(Finding::Tools(tools(&caller, &headers, meta.as_ref()).await?));
    if meta.is_none() {
        caller.end_session(headers).await;
    }
    Ok(())
}

/// The first question, for what only its head tells: who does not answer and why, and who wants a token.
pub(crate) async fn reach(
    caller: &Caller,
    found: &mut (dyn FnMut(Finding) + Send),
) -> Result<(), ProbeError> {
    let body = mcp::request(&1.into(), "server/discover", &json!({ "_meta": meta() }));
    let Some(reached) = caller.remote().reach(modern_headers("server/discover"), body.into()).await else {
        return Ok(());
    };
    let head = reached.map_err(|error| ProbeError::Unreachable(error.to_string()))?;
    found(Finding::Reached);
    if !matches!(head.status(), StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
        return Ok(());
    }
    let challenges = head.headers().get_all(WWW_AUTHENTICATE).iter().filter_map(|value| value.to_str().ok());
    let metadata = challenges
        .flat_map(www_authenticate::parse)
        .find_map(|challenge| challenge.parameter("resource_metadata").map(str::to_owned));
    Err(ProbeError::Challenged { status: head.status().as_u16(), resource_metadata: metadata })
}

fn introduce(described: &DiscoverResult, found: &mut (dyn FnMut(Finding) + Send)) {
    let known = described.supported_versions.iter().filter_map(|version| ProtocolVersion::parse(version));
    let version = known.max().unwrap_or(ProtocolVersion::LATEST).to_string();
    found(Finding::Speaks { version, has_handshake: false });
    if let Some(server) = described.server_info() {
        found(introduced(&server));
    }
}

fn introduced(server: &Implementation) -> Finding {
    Finding::Introduced { name: server.name.clone(), version: server.version.clone() }
}

/// The names of all tools, page by page.
async fn tools(
    caller: &Caller,
    headers: &HeaderMap,
    meta: Option<&Value>,
) -> Result<Vec<String>, ProbeError> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Page {
        tools: Vec<Named>,
        next_cursor: Option<String>,
    }
    #[derive(Deserialize)]
    struct Named {
        name: String,
    }
    let (mut names, mut cursor) = (Vec::new(), None);
    for number in 0..PAGES {
        let mut params = Map::new();
        params.extend(cursor.take().map(|cursor: String| ("cursor".to_owned(), cursor.into())));
        params.extend(meta.map(|meta| ("_meta".to_owned(), meta.clone())));
        let headers = if meta.is_some() { modern_headers("tools/list") } else { headers.clone() };
        let id = i64::try_from(number).unwrap_or_default().saturating_add(1_000).into();
        let body = mcp::request(&id, "tools/list", &params);
        let (_, answer) = caller.post(headers, body.into()).await?;
        let page: Page = match first_response(caller.remote(), answer, &id).await? {
            Outcome::Result(result) => serde_json::from_str(result.get())
                .map_err(|error| ProbeError::NotMcp(format!("its list of tools cannot be read: {error}")))?,
            Outcome::Error(error) => return Err(refused("tools/list", error.get())),
        };
        names.extend(page.tools.into_iter().map(|tool| tool.name));
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    Ok(names)
}

fn refused(method: &'static str, error: &str) -> ProbeError {
    let message = serde_json::from_str::<Value>(error).ok();
    let message = message.and_then(|error| error["message"].as_str().map(str::to_owned));
    ProbeError::Refused { method, message: message.unwrap_or_else(|| "it does not say why".to_owned()) }
}

fn modern_headers(method: &str) -> HeaderMap {
    mirror::compose(ProtocolVersion::LATEST, method, None).into_iter().collect()
}

fn meta() -> Value {
    json!(RequestMeta {
        protocol_version: ProtocolVersion::LATEST,
        client_info: &implementation(),
        client_capabilities: &json!({}),
    })
}
