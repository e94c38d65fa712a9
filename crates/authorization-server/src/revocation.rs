//! Token revocation (RFC 7009): by refresh token or access token, the whole grant ends.

use std::net::SocketAddr;

use audit::{Event, Kind, Outcome};
use axum::extract::{ConnectInfo, State};
use http::StatusCode;
use oauth::{ErrorCode, access_token};
use secret::Token;
use store::RevocationKey;

use crate::{
    AuthorizationServer,
    answer::EndpointError,
    client_authentication::{AuthenticatedClient, Freshness, authenticate},
    form::Form,
    kinds::RefreshToken,
};

/// POST /revoke
///
/// RFC 7009 §2.2: "invalid tokens do not cause an error response since the client cannot handle such an error
/// in a reasonable way". Another client's token is left alone with the same answer (IR-05).
pub(crate) async fn post(
    State(server): State<AuthorizationServer>,
    peer: Option<axum::Extension<ConnectInfo<SocketAddr>>>,
    form: Form,
) -> Result<StatusCode, EndpointError> {
    let client =
        authenticate(&server, &form, peer.map(|extension| extension.0.0.ip()), Freshness::Now).await?;
    let token = form.parameters.one("token").ok().flatten();
    let token = token
        .ok_or_else(|| EndpointError::new(ErrorCode::InvalidRequest, "the parameter token is missing"))?;
    if let Some(key) = find(&server, &client, token).await? {
        let place = server.place_in_audit_log().await?;
        let event = Event::new(Kind::Revocation, Outcome::Succeeded).client(&client.record().id);
        let event = match &key {
            RevocationKey::Grant(id) => event.detail("grant", id),
            RevocationKey::AccessToken(id) => event.detail("jti", id),
        };
        server.revoke(key, "revoked by the client").await?;
        place.record(event);
    }
    Ok(StatusCode::OK)
}

/// What `token` stands for, if it is this client's. The type hint is not needed: the two kinds differ in form.
async fn find(
    server: &AuthorizationServer,
    client: &AuthenticatedClient,
    token: &str,
) -> Result<Option<RevocationKey>, EndpointError> {
    if let Ok(token) = Token::<RefreshToken>::parse(token) {
        let presented = server.store().refresh_token(&token.digest()).await?;
        let grant = presented.map(|presented| presented.grant);
        let own = grant.filter(|grant| grant.client_id == client.record().id);
        return Ok(own.map(|grant| RevocationKey::Grant(grant.id)));
    }
    let claims = access_token::verify(token, server.issuer(), server.keys().verifying(), server.now()).ok();
    let own = claims.filter(|claims| claims.client_id == client.record().id);
    Ok(own.map(|claims| match claims.grant_id {
        Some(grant_id) => RevocationKey::Grant(grant_id),
        None => RevocationKey::AccessToken(claims.jti),
    }))
}
