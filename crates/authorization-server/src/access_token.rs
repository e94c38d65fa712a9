//! Issuing access tokens (RFC 9068) and the answer that carries them (RFC 6749 §5.1).

use oauth::{
    ClientId, GrantId, JwtId, ResourceIndicator, Scope, Timestamp, access_token::AccessTokenClaims,
    token::TokenResponse,
};
use secret::Token;

use crate::{AuthorizationServer, kinds::RefreshToken};

/// Whom and what an access token is issued for.
pub(crate) struct Holder<'a> {
    /// The resource owner, or the client itself.
    pub(crate) subject: &'a str,
    /// The resource owner's name for people.
    pub(crate) user_name: Option<&'a str>,
    /// What the resource owner is (RFC 9068 §2.2.3.1).
    pub(crate) roles: &'a [String],
    /// The client it is issued to.
    pub(crate) client_id: &'a ClientId,
    /// The grant it belongs to and when that ends.
    pub(crate) grant: Option<(&'a GrantId, Timestamp)>,
    /// Its audience.
    pub(crate) resource: &'a ResourceIndicator,
    /// What it may be used for.
    pub(crate) scope: Scope,
}

/// Issues an access token and answers with it and `refresh_token`, if there is one.
pub(crate) fn issue(
    server: &AuthorizationServer,
    holder: Holder<'_>,
    refresh_token: Option<&Token<RefreshToken>>,
) -> TokenResponse {
    let now = server.now();
    let end = now + server.settings().lifetimes.access_token;
    let end = holder.grant.map_or(end, |(_, grant_end)| end.min(grant_end));
    let claims = AccessTokenClaims {
        iss: server.issuer().clone(),
        sub: holder.subject.to_owned(),
        aud: holder.resource.clone(),
        exp: end.seconds(),
        iat: now.seconds(),
        jti: JwtId::mint(server.random()),
        client_id: holder.client_id.clone(),
        scope: holder.scope,
        grant_id: holder.grant.map(|(id, _)| id.clone()),
        preferred_username: holder.user_name.map(str::to_owned),
        roles: holder.roles.to_vec(),
        groups: Vec::new(),
    };
    let access_token = claims.sign(server.keys().current());
    TokenResponse {
        access_token: access_token.expose().clone(),
        token_type: "Bearer".to_owned(),
        expires_in: u64::try_from(claims.exp - claims.iat).ok(),
        refresh_token: refresh_token.map(|token| token.expose().to_owned()),
        scope: Some(claims.scope),
    }
}
