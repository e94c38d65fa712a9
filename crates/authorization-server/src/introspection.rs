//! Token introspection (RFC 7662): only for authenticated, confidential clients, and only about what is their
//! business. Of everything else the answer is `{"active":false}`.

use std::net::SocketAddr;

use axum::{
    extract::{ConnectInfo, State},
    response::Response,
};
use http::StatusCode;
use oauth::{
    ErrorCode,
    access_token::{self, AccessTokenClaims},
    token::IntrospectionResponse,
};
use secret::Token;
use store::{ClientOrigin, ClientRecord, GrantRecord, PresentedRefreshToken, UserState};

use crate::{
    AuthorizationServer,
    answer::{EndpointError, no_store},
    client_authentication::{Freshness, authenticate},
    form::Form,
    kinds::RefreshToken,
    registration::INTROSPECTS,
};

/// POST /introspect
pub(crate) async fn post(
    State(server): State<AuthorizationServer>,
    peer: Option<axum::Extension<ConnectInfo<SocketAddr>>>,
    form: Form,
) -> Result<Response, EndpointError> {
    let used_basic = form.authorization.is_some();
    let client =
        authenticate(&server, &form, peer.map(|extension| extension.0.0.ip()), Freshness::Recent).await?;
    if !client.is_confidential() {
        let description = "introspection needs a client with a secret";
        return Err(EndpointError::Client { used_basic, description });
    }
    let token = form.parameters.one("token").ok().flatten();
    let token = token
        .ok_or_else(|| EndpointError::new(ErrorCode::InvalidRequest, "the parameter token is missing"))?;
    let answer = introspect(&server, client.record(), token).await?;
    Ok(no_store(StatusCode::OK, &answer.unwrap_or_default()))
}

async fn introspect(
    server: &AuthorizationServer,
    client: &ClientRecord,
    token: &str,
) -> Result<Option<IntrospectionResponse>, EndpointError> {
    if let Ok(token) = Token::<RefreshToken>::parse(token) {
        let presented = server.store().refresh_token(&token.digest()).await?;
        return Ok(presented.filter(|presented| is_live(presented, server)).and_then(|presented| {
            (presented.grant.client_id == client.id).then(|| of_refresh_token(server, presented))
        }));
    }
    let claims = access_token::verify(token, server.issuer(), server.keys().verifying(), server.now()).ok();
    let Some(claims) = claims.filter(|claims| may_introspect(client, claims)) else { return Ok(None) };
    let is_active = is_active(server, &claims).await?;
    Ok(is_active.then(|| of_access_token(claims)))
}

/// A client may ask about its own tokens; one that an operator registered stands for a resource and may ask
/// about tokens for it.
fn may_introspect(client: &ClientRecord, claims: &AccessTokenClaims) -> bool {
    if claims.client_id == client.id {
        return true;
    }
    let resources = client.metadata.get(INTROSPECTS).and_then(serde_json::Value::as_array);
    let covers =
        |resources: &Vec<serde_json::Value>| resources.iter().any(|text| text == claims.aud.as_str());
    client.origin == ClientOrigin::Operator && resources.is_none_or(covers)
}

/// Asked of the database, so that a revocation on any node is seen at once.
async fn is_active(server: &AuthorizationServer, claims: &AccessTokenClaims) -> Result<bool, EndpointError> {
    let store = server.store();
    if store.is_revoked(&store::RevocationKey::AccessToken(claims.jti.clone())).await? {
        return Ok(false);
    }
    let Some(grant_id) = &claims.grant_id else {
        return Ok(store.client(&claims.client_id).await?.is_some());
    };
    let grant = store.grant(grant_id).await?.filter(|grant| has_not_ended(grant, server));
    let Some(grant) = grant else { return Ok(false) };
    let Some(user_id) = grant.user_id else { return Ok(true) };
    let user = store.user(&user_id).await?;
    Ok(user.is_some_and(|user| user.state == UserState::Active))
}

fn is_live(presented: &PresentedRefreshToken, server: &AuthorizationServer) -> bool {
    let PresentedRefreshToken { token, grant, user_state, .. } = presented;
    let user_may = grant.user_id.is_none() || *user_state == Some(UserState::Active);
    let is_current = token.rotated_at.is_none() && token.expires_at > server.now();
    is_current && has_not_ended(grant, server) && user_may
}

fn has_not_ended(grant: &GrantRecord, server: &AuthorizationServer) -> bool {
    grant.revoked_at.is_none() && grant.expires_at > server.now()
}

fn of_refresh_token(server: &AuthorizationServer, presented: PresentedRefreshToken) -> IntrospectionResponse {
    IntrospectionResponse {
        active: true,
        scope: Some(presented.grant.scope),
        client_id: Some(presented.grant.client_id.to_string()),
        exp: Some(presented.token.expires_at.seconds()),
        iat: Some(presented.token.issued_at.seconds()),
        sub: presented.grant.user_id.map(|id| id.to_string()),
        aud: Some(presented.grant.resource.to_string()),
        iss: Some(server.issuer().to_string()),
        ..Default::default()
    }
}

fn of_access_token(claims: AccessTokenClaims) -> IntrospectionResponse {
    IntrospectionResponse {
        active: true,
        scope: Some(claims.scope),
        client_id: Some(claims.client_id.to_string()),
        username: claims.preferred_username,
        token_type: Some("Bearer".to_owned()),
        exp: Some(claims.exp),
        iat: Some(claims.iat),
        sub: Some(claims.sub),
        aud: Some(claims.aud.to_string()),
        iss: Some(claims.iss.to_string()),
        jti: Some(claims.jti.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use oauth::{ClientId, Issuer, JwtId, ResourceIndicator, Scope};

    use super::*;
    use crate::client_authentication::tests::client;

    fn claims(client_id: &str) -> AccessTokenClaims {
        AccessTokenClaims {
            iss: Issuer::parse("https://as.test").unwrap(),
            sub: "user_1".into(),
            aud: ResourceIndicator::parse("https://rs.test/a").unwrap(),
            exp: 1,
            iat: 0,
            jti: JwtId::from_unverified("j"),
            client_id: ClientId::from_unverified(client_id),
            scope: Scope::default(),
            grant_id: None,
            preferred_username: None,
            roles: Vec::new(),
            groups: Vec::new(),
        }
    }

    #[test]
    fn ir_02_a_token_is_the_business_of_its_client_and_its_resource() {
        let dynamic = client("c").record().clone();
        assert!(may_introspect(&dynamic, &claims("c")) && !may_introspect(&dynamic, &claims("other")));
        let operator = ClientRecord { origin: ClientOrigin::Operator, ..dynamic };
        assert!(may_introspect(&operator, &claims("other")), "it stands for every resource");
        let standing_for = |resource: &str| ClientRecord {
            metadata: serde_json::Map::from_iter([(INTROSPECTS.to_owned(), serde_json::json!([resource]))]),
            ..operator.clone()
        };
        assert!(may_introspect(&standing_for("https://rs.test/a"), &claims("other")));
        assert!(!may_introspect(&standing_for("https://rs.test/b"), &claims("other")));
    }
}
