//! The decision: allow or deny. Everything that is decided is in the stored request; the form carries only the
//! request's name and the answer (AZ-18).

use audit::{Event, Kind, Outcome, Verdict};
use axum::{
    extract::{RawQuery, State},
    response::Response,
};
use http::StatusCode;
use oauth::{
    Error, ErrorCode, GrantType, RedirectUri, Scope, authorization::error_url, parameters::Parameters,
};
use store::{AuthorizationRequestRecord, ClientOrigin, ClientRecord, UserRecord, authorization_request};

use crate::{
    AuthorizationServer, Resource,
    authorize::page_url,
    browser::FromBrowser,
    form::Form,
    grant_code,
    login::{WaitingRequest, load_waiting, transaction_of},
    metadata::OFFLINE_ACCESS,
    onward,
    page::{self, PageError},
    pages::{Client, Consent, Destination, LOGIN_PATH, Language, Lifetime, ScopeLine},
    signed_in::SignedIn,
};

/// GET /consent
pub(crate) async fn get(
    State(server): State<AuthorizationServer>,
    from: FromBrowser,
    RawQuery(query): RawQuery,
) -> Response {
    let result = ask(&server, &from, transaction_of(query.as_deref()).as_deref()).await;
    page::answer(&server, &from, result)
}

/// POST /consent
pub(crate) async fn post(
    State(server): State<AuthorizationServer>,
    from: FromBrowser,
    form: Form,
) -> Response {
    let result = decide(&server, &from, &form.parameters).await;
    page::answer(&server, &from, result)
}

async fn ask(
    server: &AuthorizationServer,
    from: &FromBrowser,
    transaction: Option<&str>,
) -> Result<Response, PageError> {
    let waiting = load_waiting(server, from, transaction).await?;
    let Some(SignedIn { user, .. }) = server.signed_in(from).await? else {
        return Ok(to_login(server, &waiting));
    };
    let earlier = grant_code::find_consent(server, &user, &waiting.record).await?;
    let earlier = earlier.map(|consent| consent.scope).unwrap_or_default();
    Ok(show(server, from, &waiting, &user, &earlier))
}

async fn decide(
    server: &AuthorizationServer,
    from: &FromBrowser,
    parameters: &Parameters,
) -> Result<Response, PageError> {
    if !from.is_own_form {
        return Err(PageError::foreign_form());
    }
    let one = |name| parameters.one(name).ok().flatten();
    let waiting = load_waiting(server, from, one("transaction")).await?;
    let Some(SignedIn { session, user }) = server.signed_in(from).await? else {
        return Ok(to_login(server, &waiting));
    };
    let place = server.place_in_audit_log().await?;
    let (url, event) = match one("decision") {
        Some("allow") => {
            let authenticated = (&user, session.created_at);
            let url = grant_code::grant_decided(server, from, &waiting.record, authenticated).await?;
            (url, Event::new(Kind::Consent, Outcome::Succeeded).decision(Verdict::Allowed, "asked"))
        }
        Some("deny") => {
            let url = deny(server, from, &waiting).await?;
            (url, Event::new(Kind::Consent, Outcome::Refused).decision(Verdict::Denied, "asked"))
        }
        _ => return Err(PageError::expired_transaction(StatusCode::BAD_REQUEST)),
    };
    place.record(about(server, event, &waiting.record, &user));
    Ok(onward::to_client(server, from, &waiting, &url))
}

fn about(
    server: &AuthorizationServer,
    decided: Event,
    request: &AuthorizationRequestRecord,
    user: &UserRecord,
) -> Event {
    decided
        .person(server.person(user))
        .client(&request.client_id)
        .detail("redirect_host", request.redirect_uri.consent_host())
        .detail("resource", &request.resource)
        .detail("scope", &request.scope)
}

async fn deny(
    server: &AuthorizationServer,
    from: &FromBrowser,
    waiting: &WaitingRequest,
) -> Result<String, PageError> {
    let record = &waiting.record;
    let Some(browser) = &from.browser else { return Err(PageError::foreign_form()) };
    let statement = authorization_request::decide(&record.digest, &browser.digest(), server.now());
    server.store().commit(statement).await?;
    let error = Error::new(ErrorCode::AccessDenied, "the person denied the request");
    Ok(error_url(&record.redirect_uri, server.issuer(), record.state.as_deref(), &error))
}

fn to_login(server: &AuthorizationServer, waiting: &WaitingRequest) -> Response {
    page::see_other(server.issuer(), &page_url(server, LOGIN_PATH, &waiting.transaction))
}

fn show(
    server: &AuthorizationServer,
    from: &FromBrowser,
    waiting: &WaitingRequest,
    user: &UserRecord,
    earlier: &Scope,
) -> Response {
    let WaitingRequest { transaction, record, client } = waiting;
    let resources = server.resources();
    let resource = resources.iter().find(|resource| resource.indicator == record.resource);
    let scopes: Vec<_> = record
        .scope
        .tokens()
        .map(|token| {
            let line = describe(token, resource, from.language);
            ScopeLine { already_allowed: earlier.contains(token), ..line }
        })
        .collect();
    let view = Consent {
        transaction: transaction.expose(),
        client: app(client, &record.redirect_uri),
        user_name: &user.name,
        server_name: resource.map_or(record.resource.as_str(), |resource| &resource.name),
        resource: record.resource.as_str(),
        scopes: &scopes,
        lifetime: lifetime(server, client, &record.scope),
        withdraw_path: None,
    };
    let destination = onward::form_destination(from, &record.redirect_uri);
    page::show(server.issuer(), StatusCode::OK, view.render(from.language), destination)
}

fn describe<'a>(token: &'a str, resource: Option<&'a Resource>, language: Language) -> ScopeLine<'a> {
    let known = resource.and_then(|resource| resource.scopes.iter().find(|scope| scope.token == token));
    let sentence = |known: &'a crate::ScopeDescription| {
        let sentences = &known.sentences;
        sentences.get(language.tag()).or_else(|| sentences.get(Language::English.tag())).map(String::as_str)
    };
    ScopeLine {
        scope: token,
        description: known.and_then(sentence),
        changes: known.is_some_and(|scope| scope.changes),
        already_allowed: false,
    }
}

fn lifetime(server: &AuthorizationServer, client: &ClientRecord, scope: &Scope) -> Lifetime {
    let lifetimes = &server.settings().lifetimes;
    if client.grant_types.contains(&GrantType::RefreshToken) || scope.contains(OFFLINE_ACCESS) {
        Lifetime::WhileUsedWithin(lifetimes.refresh_token_idle)
    } else {
        Lifetime::For(lifetimes.access_token)
    }
}

/// The client as pages show it.
pub(crate) fn app<'a>(client: &'a ClientRecord, redirect_uri: &RedirectUri) -> Client<'a> {
    Client {
        unverified_name: &client.name,
        verified: is_verified(client),
        destination: Destination::of(redirect_uri),
    }
}

/// Verified is only what an operator registered.
pub(crate) fn is_verified(client: &ClientRecord) -> bool {
    client.origin == ClientOrigin::Operator
}
