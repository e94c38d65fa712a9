//! The authorization endpoint (RFC 6749 §3.1, §4.1.1).
//!
//! 1. Until client and redirect URI are known to belong together, every error stays on our own page.
//! 2. From then on errors go back to the client, with `state` and `iss`.
//! 3. A valid request is kept, bound to this browser, and the person signs in and decides.
//! 4. Who is signed in and has allowed the same before, to a client reached over https, is not asked again.

mod decide;

use std::net::IpAddr;

use axum::{
    extract::{RawQuery, State},
    response::Response,
};
use http::StatusCode;
use oauth::{
    ClientId, Error, ErrorCode, RedirectUri,
    authorization::{self, UnverifiedAuthorizationRequest},
    parameters::Parameters,
};
use secret::Token;
use store::{
    AuthorizationRequestRecord, ClientOrigin, ClientRecord, StoreError, UserRecord, authorization_request,
};
use url::Url;

use crate::{
    AuthorizationServer,
    attempts::subscriber,
    body::{BodyError, WholeBody},
    browser::{self, FromBrowser},
    consent::app,
    grant_code,
    kinds::{Browser, Transaction},
    page::{self, PageError},
    pages::{CONSENT_PATH, ErrorKind, LOGIN_PATH, Leave},
};
use decide::{Prompt, ValidRequest, decide};

/// The longest accepted request, in bytes.
const MAXIMUM_LENGTH: usize = 8 * 1024;

/// GET /authorize
pub(crate) async fn get(
    State(server): State<AuthorizationServer>,
    from: FromBrowser,
    RawQuery(query): RawQuery,
) -> Response {
    let query = query.unwrap_or_default();
    let result = authorize(&server, &from, query.as_bytes(), StatusCode::URI_TOO_LONG).await;
    page::answer(&server, &from, result)
}

/// POST /authorize
pub(crate) async fn post(
    State(server): State<AuthorizationServer>,
    from: FromBrowser,
    body: Result<WholeBody, BodyError>,
) -> Response {
    let result = match body {
        Ok(WholeBody(body)) => authorize(&server, &from, &body, StatusCode::PAYLOAD_TOO_LARGE).await,
        Err(error) => Err(PageError::new(ErrorKind::InvalidRequest, error.status())),
    };
    page::answer(&server, &from, result)
}

async fn authorize(
    server: &AuthorizationServer,
    from: &FromBrowser,
    encoded: &[u8],
    too_long: StatusCode,
) -> Result<Response, PageError> {
    if encoded.len() > MAXIMUM_LENGTH {
        return Err(
            PageError::new(ErrorKind::InvalidRequest, too_long).with_detail("the request exceeds 8 KiB")
        );
    }
    let request = Parameters::parse(encoded)
        .and_then(|parameters| UnverifiedAuthorizationRequest::read(&parameters))
        .map_err(|error| bad_request(ErrorKind::InvalidRequest).with_detail(error.to_string()))?;
    let client = load_client(server, request.client_id.as_deref()).await?;
    let redirect_uri = redirect_uri(&client, request.redirect_uri.as_deref())?;
    let refuse = |error| Ok(refuse(server, from, &client, &redirect_uri, request.state.as_deref(), &error));
    let valid = match decide(&request, &client, &server.resources()) {
        Ok(valid) => valid,
        Err(error) => return refuse(error),
    };
    let session = match &from.session {
        Some(token) if !valid.prompt.login => server.store().session(&token.digest(), server.now()).await?,
        _ => None,
    };
    let (browser, record) =
        new_request(server, from, &request, &client, (redirect_uri.clone(), valid.clone()));
    if let Some((session, user)) = &session
        && grant_code::is_remembered(server, user, &record).await?
    {
        let url = grant_code::grant_remembered(server, &record, user, session.created_at).await?;
        return Ok(page::see_other(server.issuer(), &url));
    }
    if valid.prompt.none {
        let error = if session.is_none() { ErrorCode::LoginRequired } else { ErrorCode::ConsentRequired };
        return refuse(Error::new(error, "the person has to be asked, and prompt=none forbids it"));
    }
    keep(server, from.peer, browser, record, session.map(|(_, user)| user).as_ref()).await
}

async fn load_client(server: &AuthorizationServer, id: Option<&str>) -> Result<ClientRecord, PageError> {
    let unknown = || bad_request(ErrorKind::UnknownClient);
    let id = ClientId::from_unverified(id.ok_or_else(unknown)?);
    match server.store().client(&id).await {
        Ok(Some(client)) if client.expires_at.is_none_or(|expires_at| expires_at > server.now()) => {
            Ok(client)
        }
        // An identifier with a NUL cannot be stored, so nobody has it.
        Ok(_) | Err(StoreError::NulCharacter { .. }) => Err(unknown()),
        Err(error) => Err(error.into()),
    }
}

/// RFC 6749 §3.1.2.3: the URI may be left out when exactly one is registered.
fn redirect_uri(client: &ClientRecord, requested: Option<&str>) -> Result<RedirectUri, PageError> {
    let unknown = || bad_request(ErrorKind::UnknownRedirectUri);
    match (requested, client.redirect_uris.as_slice()) {
        (None, [only]) => Ok(only.clone()),
        (None, _) => Err(unknown()),
        (Some(text), registered) => {
            let requested = RedirectUri::parse(text).map_err(|_| unknown())?;
            let is_registered = registered.iter().any(|uri| uri.matches(&requested));
            if is_registered { Ok(requested) } else { Err(unknown()) }
        }
    }
}

fn bad_request(kind: ErrorKind) -> PageError {
    PageError::new(kind, StatusCode::BAD_REQUEST)
}

/// Sends the error to the client. A person whom an unverified client of the web brought here is asked first:
/// else whoever registers a client has an open redirector (RFC 9700 §4.11.2). That somebody allowed the client
/// something says nothing: it may have been whoever registered it.
fn refuse(
    server: &AuthorizationServer,
    from: &FromBrowser,
    client: &ClientRecord,
    redirect_uri: &RedirectUri,
    state: Option<&str>,
    error: &Error,
) -> Response {
    let url = authorization::error_url(redirect_uri, server.issuer(), state, error);
    tracing::info!(client_id = %client.id, error = %error.error, "authorization request refused");
    let is_trusted = client.origin == ClientOrigin::Operator || redirect_uri.is_loopback();
    match Url::parse(&url) {
        Ok(return_uri) if from.is_navigation && !is_trusted => {
            let leave = Leave {
                client: app(client, redirect_uri),
                return_uri: &return_uri,
                error: error.error.as_str(),
            };
            page::show(server.issuer(), StatusCode::BAD_REQUEST, leave.render(from.language), None)
        }
        _ => page::see_other(server.issuer(), &url),
    }
}

fn new_request(
    server: &AuthorizationServer,
    from: &FromBrowser,
    request: &UnverifiedAuthorizationRequest,
    client: &ClientRecord,
    (redirect_uri, valid): (RedirectUri, ValidRequest),
) -> (PendingRequest, AuthorizationRequestRecord) {
    let now = server.now();
    let transaction = Token::mint(server.random());
    let (browser, is_new_browser) = match &from.browser {
        Some(token) => (token.clone(), false),
        None => (Token::mint(server.random()), true),
    };
    let record = AuthorizationRequestRecord {
        digest: transaction.digest(),
        browser_digest: browser.digest(),
        client_id: client.id.clone(),
        redirect_uri,
        state: request.state.clone(),
        scope: valid.scope,
        resource: valid.resource,
        code_challenge: valid.code_challenge,
        prompt: request.prompt.clone(),
        created_at: now,
        expires_at: now + server.settings().lifetimes.authorization_request,
        decided_at: None,
    };
    (PendingRequest { transaction, browser, is_new_browser }, record)
}

struct PendingRequest {
    transaction: Token<Transaction>,
    browser: Token<Browser>,
    is_new_browser: bool,
}

/// Keeps the request and sends the browser to the next page.
async fn keep(
    server: &AuthorizationServer,
    peer: Option<IpAddr>,
    pending: PendingRequest,
    record: AuthorizationRequestRecord,
    user: Option<&UserRecord>,
) -> Result<Response, PageError> {
    server.attempts().authorization_requests_per_address.count(&[&subscriber(peer)], server.now())?;
    server.store().commit(authorization_request::insert(&record)).await?;
    let path = if user.is_some() { CONSENT_PATH } else { LOGIN_PATH };
    let response = page::see_other(server.issuer(), &page_url(server, path, &pending.transaction));
    if pending.is_new_browser {
        return Ok(page::with_cookie(response, browser::set_browser(server.issuer(), &pending.browser)));
    }
    Ok(response)
}

/// The URL of one of our pages for a transaction.
pub(crate) fn page_url(server: &AuthorizationServer, path: &str, transaction: &Token<Transaction>) -> String {
    format!("{}?transaction={}", server.issuer().url(path), transaction.expose())
}

/// Whether the person has to be asked even though they allowed the same before.
pub(crate) fn wants_consent(record: &AuthorizationRequestRecord) -> bool {
    record.prompt.as_deref().is_some_and(|text| Prompt::parse(text).consent)
}
