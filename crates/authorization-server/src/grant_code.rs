//! From a person's yes to an authorization code (RFC 6749 §4.1.2).

use oauth::{GrantId, RedirectUri, Timestamp, authorization::success_url};
use secret::Token;
use store::{
    AuthorizationCodeRecord, AuthorizationRequestRecord, Batch, ConsentRecord, StoreError, UserRecord,
    authorization_code, authorization_request, client, consent,
};

use crate::{
    AuthorizationServer, authorize::wants_consent, browser::FromBrowser, kinds::AuthorizationCode,
    page::PageError,
};

/// Whether this person has allowed this client the same before, so that it need not be asked again.
///
/// Never for a client that is reached on this computer or through an app's scheme: any program there can pose
/// as it (RFC 8252 §8.6).
pub(crate) async fn is_remembered(
    server: &AuthorizationServer,
    user: &UserRecord,
    request: &AuthorizationRequestRecord,
) -> Result<bool, StoreError> {
    if !request.redirect_uri.as_str().starts_with("https://") || wants_consent(request) {
        return Ok(false);
    }
    let remembered = find_consent(server, user, request).await?;
    Ok(remembered.is_some_and(|consent| request.scope.is_subset_of(&consent.scope)))
}

/// What this person has allowed this client before, at this resource and for this destination.
pub(crate) async fn find_consent(
    server: &AuthorizationServer,
    user: &UserRecord,
    request: &AuthorizationRequestRecord,
) -> Result<Option<ConsentRecord>, StoreError> {
    let host = RedirectUri::consent_host(&request.redirect_uri);
    server.store().consent(&user.id, &request.client_id, host, &request.resource).await
}

/// Issues a code for a request that was never kept, because nobody had to be asked. Returns where to go.
pub(crate) async fn grant_remembered(
    server: &AuthorizationServer,
    request: &AuthorizationRequestRecord,
    user: &UserRecord,
    authenticated_at: Timestamp,
) -> Result<String, PageError> {
    let (code, record) = new_code(server, request, user, authenticated_at);
    server.store().commit(authorization_code::insert(&record)).await?;
    Ok(destination(server, request, &code))
}

/// Issues a code for a kept request: decided once, by the browser that brought it. Returns where to go.
pub(crate) async fn grant_decided(
    server: &AuthorizationServer,
    from: &FromBrowser,
    request: &AuthorizationRequestRecord,
    (user, authenticated_at): (&UserRecord, Timestamp),
) -> Result<String, PageError> {
    let Some(browser) = &from.browser else { return Err(PageError::foreign_form()) };
    let earlier = find_consent(server, user, request).await?;
    let (code, record) = new_code(server, request, user, authenticated_at);
    let now = server.now();
    let scope = earlier.map_or_else(|| request.scope.clone(), |earlier| earlier.scope.union(&request.scope));
    let consent = ConsentRecord {
        user_id: user.id.clone(),
        client_id: request.client_id.clone(),
        redirect_host: request.redirect_uri.consent_host().to_owned(),
        resource: request.resource.clone(),
        scope,
        granted_at: now,
    };
    let batch = Batch::new()
        .then(authorization_request::decide(&request.digest, &browser.digest(), now))
        .then(authorization_code::insert(&record))
        .then(consent::remember(&consent))
        .then(client::mark_granted(&request.client_id));
    server.store().commit(batch).await?;
    tracing::info!(user = %user.id, client_id = %request.client_id, scope = %request.scope, "consent given");
    Ok(destination(server, request, &code))
}

fn new_code(
    server: &AuthorizationServer,
    request: &AuthorizationRequestRecord,
    user: &UserRecord,
    authenticated_at: Timestamp,
) -> (Token<AuthorizationCode>, AuthorizationCodeRecord) {
    let now = server.now();
    let code = Token::mint(server.random());
    let record = AuthorizationCodeRecord {
        digest: code.digest(),
        grant_id: GrantId::mint(server.random()),
        client_id: request.client_id.clone(),
        user_id: user.id.clone(),
        redirect_uri: request.redirect_uri.clone(),
        scope: request.scope.clone(),
        resource: request.resource.clone(),
        code_challenge: request.code_challenge.clone(),
        authenticated_at,
        issued_at: now,
        expires_at: now + server.settings().lifetimes.authorization_code,
        redeemed_at: None,
    };
    (code, record)
}

fn destination(
    server: &AuthorizationServer,
    request: &AuthorizationRequestRecord,
    code: &Token<AuthorizationCode>,
) -> String {
    success_url(&request.redirect_uri, server.issuer(), request.state.as_deref(), code.expose())
}
