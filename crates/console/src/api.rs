//! The HTTP API of connections, for users and operators.
//!
//! 1. [`GuardLayer`] verifies the access token: one of ours, for this resource, with [`READ`].
//! 2. The owner comes from the token and from nowhere else; `owner=all` is for operators and tells that connections
//!    exist, never what they hold.
//! 3. Nothing here gives a secret away or takes one in: the vault has no method that returns one to this crate (VA-19).
//!
//! | request | scope | answer |
//! |---|---|---|
//! | `GET /api/connections` | `connections:read` | the caller's connections |
//! | `GET /api/connections?owner=all&after=ID` | `connections:read` | that there are connections, to operators |
//! | `GET /api/connections/{id}` | `connections:read` | one of the caller's |
//! | `POST /api/connections` | `connections:write` | a link at which the user connects |
//! | `DELETE /api/connections/{id}` | `connections:write` | it is ended |

mod answer;
mod document;
mod request;

use std::sync::Arc;

use authorization_server::WholeBody;
use axum::{
    Extension, Router,
    extract::{DefaultBodyLimit, Path, RawQuery, State},
    response::{IntoResponse as _, Response},
    routing::get,
};
use guard::{GuardLayer, Permit};
use http::StatusCode;
use oauth::{Scope, UserId};
use vault::{Connection, ConnectionId, Owner};

pub(crate) use self::answer::ApiError;
use self::{
    answer::{json, nothing},
    document::{Listed, Shown},
    request::{Listing, Wanted},
};
use crate::{
    begin,
    resource::{API_PATH, READ, WRITE, scope},
    settings::Console,
};

/// The largest body that is read, in bytes.
const MAXIMUM_BODY: usize = 16 * 1024;

/// How many connections of everybody are listed at once.
const PAGE: u32 = 200;

/// The endpoints behind their guard, below the issuer.
pub(crate) fn router(console: &Console) -> Router<Console> {
    Router::new()
        .route(API_PATH, get(list).post(connect))
        .route(&format!("{API_PATH}/{{id}}"), get(one).delete(disconnect))
        .layer(DefaultBodyLimit::max(MAXIMUM_BODY))
        .layer(GuardLayer::new(console.guard()).needs(scope(READ)))
}

/// GET /api/connections
async fn list(
    State(console): State<Console>,
    Extension(permit): Extension<Arc<Permit>>,
    RawQuery(query): RawQuery,
) -> Response {
    let result = match Listing::read(&query.unwrap_or_default()) {
        Ok(Listing::Own) => list_own(&console, &permit).await,
        Ok(Listing::All { after }) => list_all(&console, &permit, after.as_ref()).await,
        Err(error) => Err(error),
    };
    result.unwrap_or_else(ApiError::into_response)
}

async fn list_own(console: &Console, permit: &Permit) -> Result<Response, ApiError> {
    let connections = console.vault().connections(&owner(permit)).await?;
    let shown: Vec<_> = connections.iter().map(|connection| Shown::of(connection, console)).collect();
    Ok(json(StatusCode::OK, &serde_json::json!({ "connections": shown })))
}

async fn list_all(
    console: &Console,
    permit: &Permit,
    after: Option<&ConnectionId>,
) -> Result<Response, ApiError> {
    let user = UserId::from_unverified(permit.subject());
    if permit.is_external() || !console.server().is_operator(&user).await? {
        return Err(ApiError::NotAnOperator);
    }
    let connections = console.vault().all_connections(after, PAGE).await?;
    let listed: Vec<_> = connections.iter().map(|connection| Listed::of(connection, console)).collect();
    let is_full = u32::try_from(listed.len()).is_ok_and(|length| length == PAGE);
    let next = connections.last().filter(|_| is_full).map(|last| last.id.as_str());
    Ok(json(StatusCode::OK, &serde_json::json!({ "connections": listed, "next": next })))
}

/// GET /api/connections/{id}
async fn one(
    State(console): State<Console>,
    Extension(permit): Extension<Arc<Permit>>,
    Path(id): Path<String>,
) -> Response {
    let found = find(&console, &permit, id).await;
    let answer = found.map(|connection| json(StatusCode::OK, &Shown::of(&connection, &console)));
    answer.unwrap_or_else(ApiError::into_response)
}

/// POST /api/connections
async fn connect(
    State(console): State<Console>,
    Extension(permit): Extension<Arc<Permit>>,
    WholeBody(body): WholeBody,
) -> Response {
    if let Err(refusal) = may_write(&console, &permit) {
        return refusal;
    }
    let link = async {
        let wanted = Wanted::read(&body)?;
        let link = begin::link(&console, owner(&permit), &wanted.provider, &wanted.scope).await?;
        Ok::<_, ApiError>(json(StatusCode::CREATED, &serde_json::json!({ "id": link.id, "url": link.url })))
    };
    link.await.unwrap_or_else(ApiError::into_response)
}

/// DELETE /api/connections/{id}
async fn disconnect(
    State(console): State<Console>,
    Extension(permit): Extension<Arc<Permit>>,
    Path(id): Path<String>,
) -> Response {
    if let Err(refusal) = may_write(&console, &permit) {
        return refusal;
    }
    let ended = async {
        let connection = find(&console, &permit, id).await?;
        console.vault().delete(&connection.owner, &connection.id).await?;
        Ok::<_, ApiError>(nothing())
    };
    ended.await.unwrap_or_else(ApiError::into_response)
}

/// One of the caller's; another's is not told from none.
async fn find(console: &Console, permit: &Permit, id: String) -> Result<Connection, ApiError> {
    let id = ConnectionId::from_unverified(id);
    let connections = console.vault().connections(&owner(permit)).await?;
    connections.into_iter().find(|connection| connection.id == id).ok_or(ApiError::NotFound)
}

#[expect(clippy::result_large_err, reason = "the error is the answer")]
fn may_write(console: &Console, permit: &Permit) -> Result<(), Response> {
    let needed: Scope = scope(READ).union(&scope(WRITE));
    if needed.is_subset_of(permit.scope()) {
        return Ok(());
    }
    Err(console.guard().insufficient_scope(permit, &needed).into_response())
}

/// Whose connections a token is about: a person's here, one's whom another issuer knows, or those of a client that acts
/// for nobody, whose tokens have it as their own subject (RFC 9068 §5).
fn owner(permit: &Permit) -> Owner {
    if permit.is_external() {
        return Owner::Subject { issuer: permit.issuer().clone(), subject: permit.subject().to_owned() };
    }
    if permit.subject() == permit.client_id().as_str() {
        return Owner::Client(permit.client_id().clone());
    }
    Owner::User(UserId::from_unverified(permit.subject()))
}
