//! What is said to providers about connections that exist, over HTTP.

use std::sync::Arc;

use oauth::Scope;
use secret::Secret;

use crate::{
    owner::Owner,
    provider::{
        AuthorizationServer, Exchange, Failure, Provider, ProviderKind, Refusal, Registered, Revoked, Speech,
        TokenExchange, Tokens,
    },
    providers::Known,
    registration::RegistrationError,
    renewing::{Answer, Renewal, Renewing},
    secrets::Secrets,
    vault::Vault,
};

/// What kind of token our assertions are (RFC 8693 §3).
const JWT: &str = "urn:ietf:params:oauth:token-type:jwt";

/// An authorization server that can vouch for a person, by the key that other systems know it by.
pub trait Assertions: Send + Sync {
    /// A signed statement for `audience`, and for nobody else, about who `owner` is. It lives for a minute.
    ///
    /// `None` when the owner is nobody that it knows.
    fn mint(&self, owner: &Owner, audience: &str) -> Option<Secret<String>>;
}

/// Speaks to providers.
pub(crate) struct OverHttp;

impl Renewing for OverHttp {
    fn renew<'a>(
        &'a self,
        vault: &'a Vault,
        provider: &'a Provider,
        renewal: Renewal<'a>,
    ) -> Answer<'a, Tokens> {
        Box::pin(async move {
            match &provider.kind {
                ProviderKind::AuthorizationCode(server) => refresh(vault, provider, server, &renewal).await,
                ProviderKind::ClientCredentials(server) => {
                    let known = known(vault, provider)?;
                    let registered = vault.registered(&known).await.map_err(not_sent)?;
                    let scope = provider.scope.union(renewal.scope);
                    let speech = Speech { time: renewal.time, ..vault.speech(&known, server, &registered) };
                    speech.client_credentials(&scope).await
                }
                ProviderKind::TokenExchange(exchange) => exchanged(vault, provider, exchange, &renewal).await,
                ProviderKind::ApiKey(_) | ProviderKind::Basic(_) | ProviderKind::None => {
                    Err(Failure::Gone(Refusal::new("not_renewable", None, &[])))
                }
            }
        })
    }

    fn revoke<'a>(
        &'a self,
        vault: &'a Vault,
        provider: &'a Provider,
        secrets: &'a Secrets,
    ) -> Answer<'a, Revoked> {
        Box::pin(async move {
            let Some(server) = provider.authorization_server() else { return Ok(Revoked::NotOffered) };
            let known = known(vault, provider)?;
            let registered = vault.registered(&known).await.map_err(not_sent)?;
            if secrets.issued_by.as_ref().is_some_and(|issuer| *issuer != registered.endpoints.token) {
                return Ok(Revoked::NotOffered);
            }
            let speech = vault.speech(&known, server, &registered);
            speech.revoke(&secrets.credential, secrets.refresh_token.as_ref()).await
        })
    }
}

async fn refresh(
    vault: &Vault,
    provider: &Provider,
    server: &AuthorizationServer,
    renewal: &Renewal<'_>,
) -> Result<Tokens, Failure> {
    let gone = |error| Err(Failure::Gone(Refusal::new(error, None, &[])));
    let Some(token) = &renewal.secrets.refresh_token else { return gone("no_refresh_token") };
    let known = known(vault, provider)?;
    let registered = vault.registered(&known).await.map_err(not_sent)?;
    // A refresh token goes only to the endpoint that gave it.
    if renewal.secrets.issued_by.as_ref().is_some_and(|issuer| *issuer != registered.endpoints.token) {
        return gone("another_token_endpoint");
    }
    let speech = Speech { time: renewal.time, ..vault.speech(&known, server, &registered) };
    speech.refresh(token, renewal.scope).await
}

async fn exchanged(
    vault: &Vault,
    provider: &Provider,
    exchange: &TokenExchange,
    renewal: &Renewal<'_>,
) -> Result<Tokens, Failure> {
    let refused = |error| Err(Failure::Refused(Refusal::new(error, None, &[])));
    let Some(assertions) = &vault.settings().assertions else { return refused("no_assertions") };
    let Some(assertion) = assertions.mint(renewal.owner, &exchange.assertion_audience) else {
        return refused("nobody_to_vouch_for");
    };
    let known = known(vault, provider)?;
    let registered = vault.registered(&known).await.map_err(not_sent)?;
    let scope: Scope = provider.scope.union(renewal.scope);
    let speech = Speech { time: renewal.time, ..vault.speech(&known, &exchange.server, &registered) };
    let exchange = Exchange {
        subject_token: &assertion,
        subject_token_type: JWT,
        audience: exchange.audience.as_deref(),
        scope: &scope,
    };
    speech.exchange_token(&exchange).await
}

impl Vault {
    /// A conversation with the authorization server of a provider.
    pub(crate) fn speech<'a>(
        &'a self,
        known: &'a Known,
        server: &'a AuthorizationServer,
        registered: &'a Registered,
    ) -> Speech<'a> {
        let settings = self.settings();
        Speech {
            http: &known.http,
            registered,
            quirks: &server.quirks,
            accounts: &known.provider.accounts,
            clock: settings.clock.as_ref(),
            time: settings.refresh.provider_time,
        }
    }
}

fn known(vault: &Vault, provider: &Provider) -> Result<Arc<Known>, Failure> {
    let unknown = Failure::NotSent(outbound::Error::InvalidUrl("the provider is not configured any more"));
    vault.known(&provider.name).ok_or(unknown)
}

/// What cannot be found out now can be found out later: nothing was sent.
fn not_sent(error: RegistrationError) -> Failure {
    tracing::warn!(%error, "a provider cannot be spoken to");
    match error {
        RegistrationError::Discovery { error: client::Error::Outbound(error), .. } => Failure::NotSent(error),
        _ => Failure::NotSent(outbound::Error::InvalidUrl("its authorization server cannot be used now")),
    }
}
