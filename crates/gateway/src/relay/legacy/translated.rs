//! A legacy client before a modern server: what the server must be told of the client stands in every request, and what
//! outlives a request is remembered here.

use std::sync::Arc;

use axum::response::Response;
use http::{HeaderMap, StatusCode};
use mcp::headers as mirror;
use mcp::{CallToolParams, Era, ErrorCode, InvalidParams, LogLevel, ProtocolVersion};
use serde::Deserialize;
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Map, Value};

use super::super::conversation::{Conversation, Farewell, ask_to_the_end};
use super::super::interview::Interviewer;
use super::super::passage::{Eras, LegacyClient};
use super::super::stream::{Manner, Relayed};
use super::super::{Asked, RelayEndpoint, respond};
use super::{Session, cancelled};
use crate::endpoint::{Refusal, success};
use crate::session::memory::{SessionMemory, UnderWay};
use crate::session::sealed::{ClientDescription, follows_links};
use crate::upstream::remote::{Answer, Caller, UpstreamError, error_in};

/// Servers of the legacy era send log messages before anybody asked for a level; which ones is theirs to choose.
const LOG_LEVEL: LogLevel = LogLevel::Info;

/// Asks the server, or answers for it where the era has moved the matter into requests.
pub(super) async fn translate(
    endpoint: &RelayEndpoint,
    caller: Arc<Caller>,
    (session, client): (&Session, &ClientDescription),
    asked: &Asked<'_>,
) -> Result<Response, Refusal> {
    if let Some(result) = remember(&session.memory, asked)? {
        return Ok(success(&asked.request.id, &result));
    }
    let method = &*asked.request.method;
    let request = ModernRequest::of(session, client, asked).ok_or(UpstreamError::Malformed)?;
    let under_way = session.memory.begin(asked.id());
    let Some((answer, headers)) = request.send(&caller, asked, &under_way).await? else {
        return Ok(cancelled());
    };
    let knows_links =
        session.sealed.version() >= ProtocolVersion::V2025_11_25 && follows_links(&client.capabilities);
    let era = Eras::LegacyClient(LegacyClient { reads_resource: method == "resources/read", knows_links });
    let passage = asked.legacy_passage(endpoint, &caller, era);
    let again = (asked.id(), method, request.params, headers.clone());
    let interviewer = Interviewer::new(&session.memory, again, (client.capabilities.clone(), knows_links));
    let manner = Manner::Requests(Box::new(interviewer), None);
    let conversation = Conversation::new(caller, headers, Farewell::Finish);
    respond(answer, Relayed::new(endpoint, conversation, Some(passage), manner, Some(under_way))).await
}

/// The client's request as a modern one.
struct ModernRequest {
    params: Box<RawValue>,
}

impl ModernRequest {
    fn of(session: &Session, client: &ClientDescription, asked: &Asked<'_>) -> Option<Self> {
        let info = client.info.as_ref().map(to_raw_value).transpose().ok()?;
        let capabilities = to_raw_value(&client.capabilities).ok()?;
        let level = session.memory.log_level().unwrap_or(LOG_LEVEL);
        let meta = asked.params.meta().to_modern(info.as_deref(), &capabilities, Some(level));
        Some(Self { params: asked.params.with("_meta", &meta) })
    }

    /// Sends it with the headers that mirror it. A server that finds them wrong has not acted, so that they are made again
    /// from what it says of its tools now, once.
    async fn send(
        &self,
        caller: &Arc<Caller>,
        asked: &Asked<'_>,
        under_way: &UnderWay,
    ) -> Result<Option<(Answer, HeaderMap)>, UpstreamError> {
        for is_wrong in [false, true] {
            let headers = self.headers(caller, asked, is_wrong).await;
            let body = mcp::request(&asked.request.id, &asked.request.method, &self.params);
            let asking = ask_to_the_end(caller, headers.clone(), body.into(), under_way);
            let Some(answer) = asking.await? else { return Ok(None) };
            let error = match &answer {
                Answer::Json(status, body) if *status != StatusCode::OK => Some((*status, error_in(body))),
                _ => None,
            };
            let Some((status, error)) = error else { return Ok(Some((answer, headers))) };
            let is_mismatch = error.as_ref().is_some_and(|error| error.code == ErrorCode::HEADER_MISMATCH);
            if !is_mismatch || is_wrong {
                caller.note_error(Era::Modern, status, error.as_ref()).await;
                return Ok(Some((answer, headers)));
            }
        }
        Err(UpstreamError::Malformed)
    }

    async fn headers(&self, caller: &Caller, asked: &Asked<'_>, is_wrong: bool) -> HeaderMap {
        let method = &*asked.request.method;
        let name = mirror::name_of(method, asked.params);
        let mut headers: HeaderMap =
            mirror::compose(ProtocolVersion::LATEST, method, name.as_deref()).into_iter().collect();
        if let Ok(call) = CallToolParams::read(asked.params)
            && method == "tools/call"
        {
            let tool = (&*call.name, call.arguments);
            headers.extend(caller.parameter_headers(tool, is_wrong).await);
        }
        headers
    }
}

/// What outlives a request in the legacy era and in a modern server does not: it is remembered here. The result, if
/// that is all there is to it.
fn remember(memory: &SessionMemory, asked: &Asked<'_>) -> Result<Option<Map<String, Value>>, Refusal> {
    #[derive(Deserialize)]
    struct Level {
        level: LogLevel,
    }
    let invalid = |error| Refusal::params(StatusCode::OK, &error);
    match &*asked.request.method {
        "ping" => {}
        "logging/setLevel" => {
            let params = asked.request.params.map_or("{}", RawValue::get);
            let wrong = InvalidParams::Type { member: "level", expected: "a level of log messages" };
            let level = serde_json::from_str::<Level>(params).map_err(|_| invalid(wrong))?;
            memory.set_log_level(level.level);
        }
        "resources/subscribe" => {
            let uri = asked.params.required_string("uri").map_err(invalid)?;
            if !memory.subscribe(&uri) {
                return Err(Refusal::unavailable(
                    "this session has as many subscriptions as it may".to_owned(),
                ));
            }
        }
        "resources/unsubscribe" => {
            memory.unsubscribe(&asked.params.required_string("uri").map_err(invalid)?);
        }
        _ => return Ok(None),
    }
    Ok(Some(Map::new()))
}
