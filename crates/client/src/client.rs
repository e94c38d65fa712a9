//! The client: settings, and the login that ties the steps together.

use std::sync::Arc;

use oauth::{ApplicationType, Clock, ResourceIndicator, Scope, metadata::AuthorizationServerMetadata};
use secret::Random;

use crate::{
    authorization::{self, AuthorizationError, AuthorizationFlow, Authorized},
    browser::{Browser, Notice},
    challenge::Challenge,
    discovery::{self, Discovery},
    error::Error,
    registration::{self, Choice, PreRegistered, Registration},
    token::{self, Grant, TokenRequest},
    token_store::{Binding, Contents, TokenStore, Tokens},
};

/// What stays the same for all logins of one program.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// What a consent page calls us.
    pub client_name: String,
    /// The `https` URL of our client ID metadata document, if we have one.
    pub metadata_document: Option<String>,
    /// A client that was registered by hand.
    pub pre_registered: Option<PreRegistered>,
    /// The scope to ask for in place of what the server suggests.
    pub scope: Option<Scope>,
}

/// An OAuth client for MCP servers. Cheap to clone.
#[derive(Clone)]
pub struct Client {
    pub(crate) http: outbound::Client,
    pub(crate) store: TokenStore,
    pub(crate) clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    pub(crate) settings: Settings,
}

impl Client {
    /// A client that sends by `http` and keeps its tokens in `store`.
    pub fn new(
        http: outbound::Client,
        store: TokenStore,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
        settings: Settings,
    ) -> Self {
        Self { http, store, clock, random, settings }
    }

    /// Logs a person in: discovery, registration, authorization, token request. The tokens are stored when this
    /// returns. `scope` is what to ask for; `None` for what settings, challenge and metadata suggest.
    pub async fn login(
        &self,
        server: &ResourceIndicator,
        challenge: Option<&Challenge>,
        scope: Option<&Scope>,
        browser: &dyn Browser,
    ) -> Result<Tokens, Error> {
        let discovery = self.discover(server, challenge, browser).await?;
        let tokens = self.authorized(server, &discovery, challenge, scope, browser).await;
        if let Err(error) = &tokens {
            self.drop_doubtful_registration(error, discovery.issuer).await?;
        }
        tokens
    }

    /// Forgets a registration that the server seems to have dropped, so that the next login registers anew. A server
    /// that does not know the client may also show the person an error page, and then nobody comes back.
    async fn drop_doubtful_registration(&self, error: &Error, issuer: String) -> Result<(), Error> {
        let is_sure = doubts_client(error);
        let may_be = matches!(error, Error::Authorization(AuthorizationError::TimedOut));
        if is_sure || may_be {
            let change = move |contents: &mut Contents| {
                if is_sure || !contents.has_tokens_of(&issuer) {
                    contents.deregister(&issuer);
                }
            };
            self.store.update(change).await?;
        }
        Ok(())
    }

    /// The part of a login that stands behind discovery.
    async fn authorized(
        &self,
        server: &ResourceIndicator,
        discovery: &Discovery,
        challenge: Option<&Challenge>,
        scope: Option<&Scope>,
        browser: &dyn Browser,
    ) -> Result<Tokens, Error> {
        let (flow, registration) = self.authorize(discovery, challenge, scope).await?;
        browser.open(flow.url())?;
        let Authorized { code, pending } = flow.finish().await?;
        let request = TokenRequest {
            metadata: &discovery.metadata,
            registration: &registration,
            grant: Grant::AuthorizationCode {
                code: &code,
                redirect_uri: &pending.redirect_uri,
                code_verifier: pending.verifier.expose(),
            },
            resource: &discovery.resource,
            scope: &pending.scope,
        };
        let tokens = token::exchange(&self.http, &request, self.clock.as_ref()).await?;
        self.keep(server, discovery, registration, tokens).await
    }

    /// Gets a token for the client itself (RFC 6749 §4.4), without a person.
    pub async fn client_credentials(
        &self,
        server: &ResourceIndicator,
        challenge: Option<&Challenge>,
    ) -> Result<Tokens, Error> {
        let by_hand = self.settings.pre_registered.as_ref().filter(|client| client.client_secret.is_some());
        let by_hand = by_hand.ok_or(Error::NoCredentials)?;
        let discovery = discovery::discover(&self.http, server, challenge, None).await?;
        let registration = registration::by_hand(&discovery.metadata, by_hand)?;
        let challenged = challenge.and_then(|challenge| challenge.scope.as_ref());
        let scope = self.settings.scope.as_ref().or(challenged).or(discovery.scopes_supported.as_ref());
        let request = TokenRequest {
            metadata: &discovery.metadata,
            registration: &registration,
            grant: Grant::ClientCredentials,
            resource: &discovery.resource,
            scope: &scope.cloned().unwrap_or_default(),
        };
        let tokens = token::exchange(&self.http, &request, self.clock.as_ref()).await?;
        self.keep(server, &discovery, registration, tokens).await
    }

    /// Finds the authorization server, and tells the person when it is another one than before.
    async fn discover(
        &self,
        server: &ResourceIndicator,
        challenge: Option<&Challenge>,
        browser: &dyn Browser,
    ) -> Result<Discovery, Error> {
        let before = self.store.read()?.binding(server).map(|binding| binding.issuer.clone());
        let discovery = discovery::discover(&self.http, server, challenge, before.as_deref()).await?;
        if let Some(from) = before.filter(|before| *before != discovery.issuer) {
            browser.tell(&Notice::AuthorizationServerChanged { from: &from, to: &discovery.issuer });
        }
        Ok(discovery)
    }

    /// Prepares the flow for the discovered server and becomes its client.
    async fn authorize(
        &self,
        discovery: &Discovery,
        challenge: Option<&Challenge>,
        scope: Option<&Scope>,
    ) -> Result<(AuthorizationFlow, Registration), Error> {
        let prepared = authorization::prepare(&discovery.metadata).await?;
        let registration = self.registration(&discovery.metadata, &prepared.redirect_uri()).await?;
        let challenged = challenge.and_then(|challenge| challenge.scope.as_ref());
        let scope =
            authorization::select_scope(scope.or(self.settings.scope.as_ref()), challenged, discovery);
        let flow = prepared.begin(discovery, &registration.client_id, scope, self.random.as_ref())?;
        Ok((flow, registration))
    }

    /// Our identity at the server: known, or registered now and stored at once, so that a login that is broken off
    /// does not leave an orphan behind.
    async fn registration(
        &self,
        metadata: &AuthorizationServerMetadata,
        redirect_uri: &str,
    ) -> Result<Registration, Error> {
        let issuer = metadata.issuer.clone();
        let stored = self.store.read()?.registration(&issuer).cloned();
        let Settings { pre_registered, metadata_document, client_name, .. } = &self.settings;
        let (by_hand, document) = (pre_registered.as_ref(), metadata_document.as_deref());
        match registration::choose(metadata, by_hand, document, stored, self.clock.now())? {
            Choice::Known(registration) => Ok(registration),
            Choice::Register { endpoint, method } => {
                let registration = registration::register(
                    &self.http,
                    &endpoint,
                    client_name,
                    redirect_uri,
                    method,
                    ApplicationType::Native,
                )
                .await?;
                let kept = registration.clone();
                self.store.update(move |contents| contents.register(issuer, kept)).await?;
                Ok(registration)
            }
        }
    }

    /// Stores what a login brought, and forgets what another authorization server issued for the same server.
    async fn keep(
        &self,
        server: &ResourceIndicator,
        discovery: &Discovery,
        registration: Registration,
        tokens: Tokens,
    ) -> Result<Tokens, Error> {
        let binding = Binding { issuer: discovery.issuer.clone(), resource: discovery.resource.clone() };
        let (server, kept) = (server.clone(), tokens.clone());
        let change = move |contents: &mut Contents| {
            if let Some(before) = contents.binding(&server).filter(|before| **before != binding).cloned() {
                contents.forget(&before);
            }
            contents.register(binding.issuer.clone(), registration);
            contents.keep(&binding, kept);
            contents.bind(server, binding);
        };
        self.store.update(change).await?;
        Ok(tokens)
    }
}

/// Whether a login failed because the server does not know the client any more: some servers drop clients.
fn doubts_client(error: &Error) -> bool {
    match error {
        Error::Authorization(AuthorizationError::Refused(refusal)) => refusal.doubts_client(),
        Error::Token(error) => error.doubts_client(),
        _ => false,
    }
}
