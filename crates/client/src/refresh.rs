//! Fresh access tokens without a person (RFC 6749 §6), with one refresh at a time over all processes.
//!
//! A rotated refresh token is worth a login: whoever loses the race with an old one may lose the whole grant
//! (RFC 9700 §4.14.2). So a refresh is: take the lock of this (issuer, resource), *read the file again*, use what
//! another process got meanwhile, and only else send; the answer is on disk before the lock is let go.

use std::time::Duration;

use oauth::{ResourceIndicator, metadata::AuthorizationServerMetadata};
use secret::Secret;

use crate::{
    challenge::Challenge,
    client::Client,
    discovery,
    error::Error,
    token::{self, Grant, TokenRequest},
    token_store::{Binding, Contents, Tokens},
};

/// A token that ends sooner than this is renewed before it is used.
const MARGIN: Duration = Duration::from_secs(30);

impl Client {
    /// The access token for `server`, refreshed when it is about to end. `None` when only a login helps.
    pub async fn access_token(&self, server: &ResourceIndicator) -> Result<Option<Secret<String>>, Error> {
        let contents = self.store.read()?;
        let Some(binding) = contents.binding(server) else { return Ok(None) };
        match contents.tokens(binding) {
            None => Ok(None),
            Some(tokens) if self.is_good(tokens, None) => Ok(Some(tokens.access_token.clone())),
            Some(_) => Ok(self.refresh(binding, None).await?.map(|tokens| tokens.access_token)),
        }
    }

    /// Another access token after the server refused `rejected` with `challenge`. `None` when only a login helps,
    /// which is also so when the server has moved to another authorization server: the old refresh token is not
    /// shown to the new one.
    pub(crate) async fn renew(
        &self,
        server: &ResourceIndicator,
        rejected: &Secret<String>,
        challenge: &Challenge,
    ) -> Result<Option<Secret<String>>, Error> {
        let Some(binding) = self.store.read()?.binding(server).cloned() else { return Ok(None) };
        let found = discovery::discover(&self.http, server, Some(challenge), Some(&binding.issuer)).await?;
        if found.issuer != binding.issuer || found.resource != binding.resource {
            return Ok(None);
        }
        Ok(self.refresh(&binding, Some(rejected)).await?.map(|tokens| tokens.access_token))
    }

    /// Whether a token may still be used: it was not rejected, and does not end within [`MARGIN`].
    fn is_good(&self, tokens: &Tokens, rejected: Option<&Secret<String>>) -> bool {
        let is_rejected = rejected.is_some_and(|rejected| rejected.expose() == tokens.access_token.expose());
        !is_rejected && tokens.expires_at.is_none_or(|end| end > self.clock.now() + MARGIN)
    }

    async fn refresh(
        &self,
        binding: &Binding,
        rejected: Option<&Secret<String>>,
    ) -> Result<Option<Tokens>, Error> {
        let _lock = self.store.refresh_lock(binding).await?;
        let contents = self.store.read()?;
        let Some(tokens) = contents.tokens(binding) else { return Ok(None) };
        if self.is_good(tokens, rejected) {
            return Ok(Some(tokens.clone()));
        }
        let registration = contents.registration(&binding.issuer);
        let registration = registration.filter(|registration| registration.client_id == tokens.client_id);
        let (Some(refresh_token), Some(registration)) = (&tokens.refresh_token, registration) else {
            return Ok(None);
        };
        let request = TokenRequest {
            metadata: &self.metadata(binding).await?,
            registration,
            grant: Grant::RefreshToken(refresh_token),
            resource: &binding.resource,
            scope: &tokens.scope,
        };
        match token::exchange(&self.http, &request, self.clock.as_ref()).await {
            Ok(renewed) => self.keep_renewed(binding, tokens, renewed).await.map(Some),
            Err(Error::Token(error)) if error.is_invalid_grant() || error.doubts_client() => {
                let gone = binding.clone();
                let forget = move |contents: &mut Contents| {
                    contents.forget(&gone);
                    if error.doubts_client() {
                        contents.deregister(&gone.issuer);
                    }
                };
                self.store.update(forget).await?;
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// RFC 6749 §6: without a new refresh token in the answer, the old one stays valid.
    async fn keep_renewed(
        &self,
        binding: &Binding,
        before: &Tokens,
        mut renewed: Tokens,
    ) -> Result<Tokens, Error> {
        if renewed.refresh_token.is_none() {
            renewed.refresh_token.clone_from(&before.refresh_token);
        }
        let (binding, kept) = (binding.clone(), renewed.clone());
        self.store.update(move |contents| contents.keep(&binding, kept)).await?;
        Ok(renewed)
    }

    /// The metadata of the issuer that a binding names.
    pub(crate) async fn metadata(&self, binding: &Binding) -> Result<AuthorizationServerMetadata, Error> {
        match discovery::authorization_server(&self.http, &binding.issuer).await {
            Err(Error::Discovery(_)) if binding.issuer == binding.resource.origin() => {
                Ok(discovery::default_endpoints(&binding.issuer)?)
            }
            metadata => metadata,
        }
    }
}
