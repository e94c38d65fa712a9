//! How the endpoints of a provider become known, and who we are there.
//!
//! 1. From the configuration: nothing to find out.
//! 2. From the metadata of an issuer that the configuration names (RFC 8414): looked up, believed for an hour.
//! 3. From an MCP server: its protected resource metadata names an authorization server (RFC 9728), whose metadata must
//!    name itself; we become its client by our client ID metadata document where it takes one, else by dynamic
//!    registration (RFC 7591), with a redirect URI that is this provider's alone. All of it is *pinned* in one row, and
//!    the first node that writes it wins. A server that names another authorization server later changes nothing: only an
//!    operator lets go of a pin ([`Vault::forget_server`]).

use std::sync::Arc;

use client::{Choice, Registration};
use oauth::{ApplicationType, GrantType, ResourceIndicator, pkce, registration::ClientMetadata};
use secret::Location;
use store::{CommitError, ProviderClientRecord, StoreError, provider_client};

use crate::{
    provider::{Endpoints, ProviderName, Registered, Source},
    providers::Known,
    vault::Vault,
};

const TABLE: &str = "provider_clients";
const COLUMN: &str = "registered_sealed";

/// Why a provider cannot be spoken to. The texts may be shown: bodies of answers are never in them.
#[derive(Debug, thiserror::Error)]
pub enum RegistrationError {
    /// The provider has no authorization server.
    #[error("{0} has no authorization server; its credential is entered or configured")]
    NoAuthorizationServer(ProviderName),
    /// What is published cannot be found or used.
    #[error("the authorization server of {provider} cannot be used: {error}")]
    Discovery {
        /// The provider.
        provider: ProviderName,
        /// Why.
        error: client::Error,
    },
    /// Without PKCE a stolen code could be used (MCP: clients MUST refuse to proceed).
    #[error("the authorization server {0} does not say that it supports PKCE with S256")]
    NoPkce(String),
    /// The metadata lacks an endpoint.
    #[error("the metadata of the authorization server {0} lacks an endpoint")]
    NoEndpoint(String),
    /// The pin cannot be read.
    #[error("what is stored of the authorization server of {provider} does not open: {error}")]
    Sealed {
        /// The provider.
        provider: ProviderName,
        /// Why.
        error: secret::OpenError,
    },
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Vault {
    /// The authorization server of a provider, and who we are there.
    pub(crate) async fn registered(&self, known: &Known) -> Result<Arc<Registered>, RegistrationError> {
        let provider = &known.provider;
        let server = provider.authorization_server();
        let server = server.ok_or_else(|| RegistrationError::NoAuthorizationServer(provider.name.clone()))?;
        if let Some(registered) = known.registered(self.now()) {
            return Ok(registered);
        }
        let _finding = known.finding.lock().await;
        if let Some(registered) = known.registered(self.now()) {
            return Ok(registered);
        }
        let registered = match &server.source {
            Source::Configured(registered) => registered.clone(),
            Source::Issuer { issuer, client } => self.of_issuer(known, issuer, client).await?,
            Source::Server { server, client_name } => self.of_server(known, server, client_name).await?,
        };
        Ok(known.remember(registered, self.now()))
    }

    /// Step 2.
    async fn of_issuer(
        &self,
        known: &Known,
        issuer: &str,
        client: &Registration,
    ) -> Result<Registered, RegistrationError> {
        let metadata = client::authorization_server(&known.http, issuer).await;
        let metadata = metadata.map_err(|error| discovery(known, error))?;
        let endpoints = Endpoints::of_metadata(&metadata)
            .ok_or_else(|| RegistrationError::NoEndpoint(issuer.to_owned()))?;
        Ok(Registered { endpoints, client: client.clone(), resource: None })
    }

    /// Step 3: the pin, or a new one.
    async fn of_server(
        &self,
        known: &Known,
        server: &ResourceIndicator,
        client_name: &str,
    ) -> Result<Registered, RegistrationError> {
        let store = &self.settings().store;
        let name = known.provider.name.as_str();
        loop {
            let pinned = store.provider_client(name).await?;
            // A row of another MCP server is no pin: the operator has given the name to another server.
            let pinned = match pinned {
                Some(row) if row.resource == server.as_str() => Some((self.opened(known, &row)?, row)),
                Some(row) => {
                    let found = self.discovered(known, server, client_name, None).await?;
                    let fresh = self.sealed(known, server, &found);
                    self.commit_pin(provider_client::replace(&fresh, row.created_at)).await?;
                    continue;
                }
                None => None,
            };
            let (registered, row) = match pinned {
                Some((registered, row)) if row.expires_at.is_none_or(|end| end > self.now()) => {
                    return Ok(registered);
                }
                Some(pinned) => pinned,
                None => {
                    let found = self.discovered(known, server, client_name, None).await?;
                    self.commit_pin(provider_client::insert(&self.sealed(known, server, &found))).await?;
                    continue;
                }
            };
            // Our client has ended there: we register anew, at the pinned authorization server and no other.
            let found = self.discovered(known, server, client_name, Some(&registered)).await?;
            let fresh = self.sealed(known, server, &found);
            self.commit_pin(provider_client::replace(&fresh, row.created_at)).await?;
        }
    }

    /// Commits a pin; that another node was first is no error: its pin is read next.
    async fn commit_pin(&self, statement: store::Statement) -> Result<(), RegistrationError> {
        match self.settings().store.commit(statement).await {
            Ok(()) | Err(CommitError::Refused(_)) => Ok(()),
            Err(CommitError::Store(error)) => Err(error.into()),
        }
    }

    /// Discovers the authorization server of `server` and becomes its client. With `pinned`, only the client is new.
    async fn discovered(
        &self,
        known: &Known,
        server: &ResourceIndicator,
        client_name: &str,
        pinned: Option<&Registered>,
    ) -> Result<Registered, RegistrationError> {
        let error = |error| discovery(known, error);
        let (metadata, resource) = match pinned.and_then(|pinned| pinned.endpoints.issuer.as_deref()) {
            Some(issuer) => {
                let metadata = client::authorization_server(&known.http, issuer).await.map_err(error)?;
                (metadata, pinned.and_then(|pinned| pinned.resource.clone()))
            }
            None => {
                let found = client::discover(&known.http, server, None, None).await.map_err(error)?;
                (found.metadata, Some(found.resource))
            }
        };
        if !metadata.code_challenge_methods_supported.iter().any(|method| method == pkce::METHOD) {
            return Err(RegistrationError::NoPkce(metadata.issuer));
        }
        let endpoints = match pinned {
            Some(pinned) => pinned.endpoints.clone(),
            None => Endpoints::of_metadata(&metadata)
                .filter(|endpoints| !endpoints.authorization.is_empty())
                .ok_or_else(|| RegistrationError::NoEndpoint(metadata.issuer.clone()))?,
        };
        let client = self.become_client(known, &metadata, client_name).await.map_err(error)?;
        Ok(Registered { endpoints, client, resource })
    }

    /// MCP Client Registration Approaches: our metadata document where the server takes one, else RFC 7591.
    async fn become_client(
        &self,
        known: &Known,
        metadata: &oauth::metadata::AuthorizationServerMetadata,
        client_name: &str,
    ) -> Result<Registration, client::Error> {
        let document = self.client_id(&known.provider.name);
        let choice = client::choose(metadata, None, document.as_deref(), None, self.now())?;
        let (endpoint, method) = match choice {
            Choice::Known(registration) => return Ok(registration),
            Choice::Register { endpoint, method } => (endpoint, method),
        };
        // Unlike a program on somebody's computer, this installation can keep a secret.
        let method = client::secret_method(metadata).unwrap_or(method);
        let redirect_uri = self.redirect_uri(&known.provider.name);
        client::register(&known.http, &endpoint, client_name, &redirect_uri, method, self.application_type())
            .await
    }

    fn application_type(&self) -> ApplicationType {
        if self.settings().public_url.is_plain_http() {
            ApplicationType::Native
        } else {
            ApplicationType::Web
        }
    }

    /// The URL to which a provider sends people back, and which has to be registered there.
    pub fn redirect_uri(&self, provider: &ProviderName) -> String {
        self.settings().public_url.url(&provider.callback_path())
    }

    /// The URL of our client ID metadata document for a provider; `None` where it could not be fetched, because we are
    /// only on this computer.
    fn client_id(&self, provider: &ProviderName) -> Option<String> {
        let public_url = &self.settings().public_url;
        (!public_url.is_plain_http()).then(|| public_url.url(&provider.client_path()))
    }

    /// Our client ID metadata document for a provider that is discovered; `None` for others.
    pub fn client_metadata(&self, provider: &ProviderName) -> Option<serde_json::Value> {
        let known = self.known(provider)?;
        let Source::Server { client_name, .. } = &known.provider.authorization_server()?.source else {
            return None;
        };
        let metadata = ClientMetadata {
            redirect_uris: Some(vec![self.redirect_uri(provider)]),
            token_endpoint_auth_method: Some("none".to_owned()),
            grant_types: Some(
                [GrantType::AuthorizationCode, GrantType::RefreshToken].map(|g| g.to_string()).into(),
            ),
            response_types: Some(vec!["code".to_owned()]),
            client_name: Some(client_name.clone()),
            application_type: Some(self.application_type().to_string()),
            ..ClientMetadata::default()
        };
        let mut document = serde_json::to_value(metadata).ok()?;
        document["client_id"] = self.client_id(provider)?.into();
        Some(document)
    }

    /// Lets go of the authorization server that is pinned for a provider, so that the one its server names now is pinned
    /// at the next use (UP-05): an operator's act. Whether one was pinned. Other nodes learn it at a reload, or within an
    /// hour.
    pub async fn forget_server(&self, provider: &ProviderName) -> Result<bool, StoreError> {
        if let Some(known) = self.known(provider) {
            known.forget();
        }
        match self.settings().store.commit(provider_client::delete(provider.as_str())).await {
            Ok(()) => Ok(true),
            Err(CommitError::Refused(_)) => Ok(false),
            Err(CommitError::Store(error)) => Err(error),
        }
    }

    fn sealed(&self, known: &Known, server: &ResourceIndicator, found: &Registered) -> ProviderClientRecord {
        let provider = known.provider.name.to_string();
        let clear = secret::Secret::new(serde_json::to_vec(found).unwrap_or_default());
        let settings = self.settings();
        let location = Location { table: TABLE, row: provider.as_bytes(), column: COLUMN };
        ProviderClientRecord {
            resource: server.to_string(),
            issuer: found.endpoints.issuer.clone().unwrap_or_default(),
            registered_sealed: settings.keyring.seal(settings.random.as_ref(), location, clear.expose()),
            created_at: self.now(),
            expires_at: found.client.expires_at,
            provider,
        }
    }

    fn opened(&self, known: &Known, row: &ProviderClientRecord) -> Result<Registered, RegistrationError> {
        let provider = &known.provider.name;
        let location = Location { table: TABLE, row: provider.as_str().as_bytes(), column: COLUMN };
        let sealed = |error| RegistrationError::Sealed { provider: provider.clone(), error };
        let clear = self.settings().keyring.open(location, &row.registered_sealed).map_err(sealed)?;
        serde_json::from_slice(clear.expose()).map_err(|_| sealed(secret::OpenError::Damaged))
    }
}

fn discovery(known: &Known, error: client::Error) -> RegistrationError {
    RegistrationError::Discovery { provider: known.provider.name.clone(), error }
}
