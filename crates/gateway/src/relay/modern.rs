//! A client of the modern era (2026-07-28): every request stands alone.

use axum::response::Response;
use bytes::Bytes;
use guard::Permit;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use mcp::json::Object;
use mcp::{DiscoverResult, Era, ProtocolVersion, headers as mirror};
use serde_json::value::to_raw_value;

use super::passage::{Eras, Passage, across};
use super::{Asked, RelayEndpoint, respond};
use crate::endpoint::{Refusal, modern, success};
use crate::upstream::remote::{Answer, Caller, Description, UpstreamError, error_in};

const PARAMETER_HEADERS: &str = "mcp-param-";

/// Methods that the era has taken back; a legacy server must not get them from a modern client.
const TAKEN_BACK: [&str; 5] =
    ["initialize", "ping", "logging/setLevel", "resources/subscribe", "resources/unsubscribe"];

/// Answers one request.
pub(super) async fn answer(
    endpoint: &RelayEndpoint,
    permit: Permit,
    asked: &Asked<'_>,
) -> Result<Response, Refusal> {
    let method = &*asked.request.method;
    let version = modern::version_of(asked.headers, asked.params)?;
    mirror::check(asked.headers, method, asked.params)?;
    if TAKEN_BACK.contains(&method) {
        return Err(Refusal::method_not_found(StatusCode::NOT_FOUND, method));
    }
    endpoint.check(&permit, method, asked.params)?;
    let caller = Caller::new(&endpoint.remote, permit);
    match caller.description().await? {
        Description::Modern(_) => forward(endpoint, caller, version, asked).await,
        Description::Legacy => translate(endpoint, caller, asked).await,
    }
}

/// To a server of the same era: the body as it was checked, the headers made from it again.
async fn forward(
    endpoint: &RelayEndpoint,
    caller: Caller,
    version: ProtocolVersion,
    asked: &Asked<'_>,
) -> Result<Response, Refusal> {
    let headers = headers(version, asked);
    let (_, answer) = caller.post(headers.clone(), filtered(&caller, asked)?).await?;
    if let Answer::Json(status, body) = &answer
        && *status != StatusCode::OK
    {
        caller.note_error(Era::Modern, *status, error_in(body).as_ref()).await;
    }
    let id = asked.request.id.clone().into_owned();
    let list = endpoint.list_policy(&asked.request.method);
    let allowed = caller.remote().allowed();
    let passage = Passage { asked_as: id.clone(), answered_as: id, list, eras: Eras::Same, allowed };
    respond(endpoint, answer, passage, caller, headers).await
}

/// The body as it was checked, without the capabilities that the server may not ask for.
fn filtered(caller: &Caller, asked: &Asked<'_>) -> Result<Bytes, Refusal> {
    let meta = asked.params.meta();
    let Some(capabilities) = meta.client_capabilities else { return Ok(asked.body.clone()) };
    let filtered = caller.remote().allowed().filter(capabilities);
    match filtered.map_err(|error| Refusal::params(StatusCode::BAD_REQUEST, &error.into()))? {
        Some(capabilities) => Ok(asked.with_param("_meta", &meta.with_capabilities(&capabilities))),
        None => Ok(asked.body.clone()),
    }
}

/// The headers that mirror the body, and those that mirror arguments, which only the server can hold against its
/// tools.
fn headers(version: ProtocolVersion, asked: &Asked<'_>) -> HeaderMap {
    let name = mirror::name_of(&asked.request.method, asked.params);
    let mut headers: HeaderMap =
        mirror::compose(version, &asked.request.method, name.as_deref()).into_iter().collect();
    let mirrored = |(name, value): (&HeaderName, &HeaderValue)| {
        name.as_str().starts_with(PARAMETER_HEADERS).then(|| (name.clone(), value.clone()))
    };
    for (name, value) in asked.headers.iter().filter_map(mirrored) {
        headers.append(name, value);
    }
    headers
}

/// To a legacy server, over a session that the gateway has with it for this principal.
async fn translate(endpoint: &RelayEndpoint, caller: Caller, asked: &Asked<'_>) -> Result<Response, Refusal> {
    let method = &*asked.request.method;
    match method {
        "server/discover" => return discover(&caller, asked).await,
        "subscriptions/listen" => return Err(Refusal::method_not_found(StatusCode::NOT_FOUND, method)),
        _ => {}
    }
    // A session that the server has ended was not acted in, so the request may be sent once more.
    let outcome = match ask(&caller, asked).await {
        Err(UpstreamError::SessionGone) => ask(&caller, asked).await,
        outcome => outcome,
    };
    let (answer, asked_as, reply) = outcome?;
    let is_cacheable = matches!(
        method,
        "tools/list" | "prompts/list" | "resources/list" | "resources/templates/list" | "resources/read"
    );
    let passage = Passage {
        asked_as,
        answered_as: asked.request.id.clone().into_owned(),
        list: endpoint.list_policy(method),
        eras: Eras::ModernClient { is_cacheable },
        allowed: caller.remote().allowed(),
    };
    respond(endpoint, answer, passage, caller, reply).await
}

async fn ask(
    caller: &Caller,
    asked: &Asked<'_>,
) -> Result<(Answer, mcp::RequestId<'static>, HeaderMap), UpstreamError> {
    let session = caller.pooled_session().await?;
    let meta = asked.params.meta().to_legacy();
    let raw = asked.request.params.map_or("{}", |params| params.get());
    let mut params = Object::read(raw, &[]).map_err(|_| UpstreamError::Malformed)?;
    params.take("_meta");
    if let Some(meta) = &meta {
        params.set("_meta", meta);
    }
    let params = to_raw_value(&params).map_err(|_| UpstreamError::Malformed)?;
    let id = session.next_id();
    let body = mcp::request(&id, &asked.request.method, &params);
    let headers = session.headers();
    match caller.post(headers.clone(), body.into()).await {
        Ok((_, Answer::Json(StatusCode::NOT_FOUND, _))) => {
            caller.forget_session(&session).await;
            Err(UpstreamError::SessionGone)
        }
        Ok((_, answer)) => {
            if let Answer::Json(status, body) = &answer
                && *status != StatusCode::OK
            {
                caller.note_error(Era::Legacy, *status, error_in(body).as_ref()).await;
            }
            Ok((answer, id, headers))
        }
        Err(error) => Err(error),
    }
}

/// What a legacy server said at `initialize`, as a modern one would say it.
async fn discover(caller: &Caller, asked: &Asked<'_>) -> Result<Response, Refusal> {
    let session = caller.pooled_session().await?;
    let described = &session.description;
    let capabilities = across(&described.capabilities);
    let result = DiscoverResult {
        instructions: described.instructions.clone(),
        ..DiscoverResult::new(&ProtocolVersion::ALL, capabilities, &described.server_info)
    };
    Ok(success(&asked.request.id, &result))
}
