//! Logging out: the refresh token is revoked at its server (RFC 7009), and everything is forgotten here.

use http::StatusCode;
use oauth::{ResourceIndicator, metadata::AuthorizationServerMetadata};
use secret::Secret;

use crate::{
    client::Client,
    client_authentication::credentials,
    error::Error,
    registration::Registration,
    request,
    token_store::{Binding, Tokens},
};

/// What became of the tokens at the authorization server. Here they are gone in every case.
#[derive(Debug)]
pub enum LoggedOut {
    /// There were none.
    NotLoggedIn,
    /// The server has revoked them.
    Revoked,
    /// The server offers no revocation: they live until they expire.
    NotOffered,
    /// The server could not be reached, or refused: they live until they expire.
    Failed(Error),
}

impl Client {
    /// Forgets the tokens of `server`, then has them revoked.
    ///
    /// Fails only when the token file cannot be used.
    pub async fn logout(&self, server: &ResourceIndicator) -> Result<LoggedOut, Error> {
        let Some(binding) = self.store.read()?.binding(server).cloned() else {
            return Ok(LoggedOut::NotLoggedIn);
        };
        // A refresh that is under way ends first, so that its new token is the one that is revoked.
        let lock = self.store.refresh_lock(&binding).await?;
        let (server, gone) = (server.clone(), binding.clone());
        let forgotten = self.store.update(move |contents| {
            contents.unbind(&server);
            let registration = contents.registration(&gone.issuer).cloned();
            let tokens = contents.forget(&gone);
            if !contents.has_tokens_of(&gone.issuer) {
                contents.deregister(&gone.issuer);
            }
            tokens.zip(registration)
        });
        let forgotten = forgotten.await?;
        drop(lock);
        let Some((tokens, registration)) = forgotten else { return Ok(LoggedOut::NotLoggedIn) };
        Ok(self.revoke(&binding, &tokens, &registration).await.unwrap_or_else(LoggedOut::Failed))
    }

    /// RFC 7009 §2.1: revoking the refresh token ends the whole grant; without one the access token is revoked.
    async fn revoke(
        &self,
        binding: &Binding,
        tokens: &Tokens,
        registration: &Registration,
    ) -> Result<LoggedOut, Error> {
        let metadata = self.metadata(binding).await?;
        let (token, hint) = match &tokens.refresh_token {
            Some(token) => (token, "refresh_token"),
            None => (&tokens.access_token, "access_token"),
        };
        send(&self.http, &metadata, registration, token, hint).await
    }
}

async fn send(
    http: &outbound::Client,
    metadata: &AuthorizationServerMetadata,
    registration: &Registration,
    token: &Secret<String>,
    hint: &str,
) -> Result<LoggedOut, Error> {
    let Some(endpoint) = &metadata.revocation_endpoint else { return Ok(LoggedOut::NotOffered) };
    let credentials = credentials(registration);
    let mut parameters = vec![("token", token.expose().as_str()), ("token_type_hint", hint)];
    parameters.extend(&credentials.parameters);
    let sent = request::post_form(endpoint, &parameters, credentials.header.as_ref())?;
    let response = http.send(sent, request::ENDPOINT).await?;
    // RFC 7009 §2.2: "The authorization server responds with HTTP status code 200 if the token has been revoked
    // successfully or if the client submitted an invalid token."
    if response.status() == StatusCode::OK {
        return Ok(LoggedOut::Revoked);
    }
    let refusal = crate::refusal::Refusal::read(response.status(), response.body());
    Err(crate::token::TokenError::Refused(refusal).into())
}
