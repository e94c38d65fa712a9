//! Systems at which users have accounts, and how credentials are got from them.
//!
//! A [`Provider`] comes whole from the configuration, perhaps from a [`Preset`]. Its [`ProviderKind`] says who gives the
//! credential: an authorization server to a person who consents, or to this installation, or in exchange for an assertion
//! about the person; or the person, who types it in. Only the endpoints of an MCP server's authorization server are
//! discovered; they are pinned when that happens for the first time (`registration.rs`).
//!
//! Everything that is said to a provider is a pair: a method of [`Speech`] that sends, and a pure function that judges the
//! answer ([`token_response`], [`failure`]).

mod account;
mod authorization_request;
mod endpoints;
mod failure;
mod id_token;
mod name;
mod over_http;
mod placement;
mod presets;
mod quirks;
mod refusal;
mod revocation;
mod speech;
mod token_response;

use client::Registration;
use oauth::{ResourceIndicator, Scope};
use outbound::Egress;
use secret::Secret;

pub use self::{
    account::{Account, AccountMembers, AccountSource},
    endpoints::{Endpoints, Registered},
    failure::Failure,
    name::ProviderName,
    over_http::Assertions,
    placement::{Placed, Placement, Unplaceable},
    presets::{Preset, TenantError},
    quirks::{Quirks, RevocationRequest},
    refusal::Refusal,
    revocation::Revoked,
    speech::{Exchange, Speech},
    token_response::Tokens,
};
pub(crate) use self::{
    authorization_request::AuthorizationRequest, id_token::ExpectedIdToken, over_http::OverHttp,
    speech::CodeExchange,
};

/// A system at which users have accounts.
#[derive(Debug, Clone)]
pub struct Provider {
    /// What servers call it, and the last part of its callback path.
    pub name: ProviderName,
    /// What people call it.
    pub title: String,
    /// How credentials are got from it.
    pub kind: ProviderKind,
    /// How a credential goes into a request.
    pub placement: Placement,
    /// What is asked for always; servers and tools may need more.
    pub scope: Scope,
    /// Which addresses its endpoints may have.
    pub egress: Egress,
    /// Where it tells whose account it is.
    pub accounts: AccountSource,
}

/// Who gives the credential.
#[derive(Debug, Clone)]
pub enum ProviderKind {
    /// An authorization server, after the person has consented there (RFC 6749 §4.1 with RFC 7636).
    AuthorizationCode(Box<AuthorizationServer>),
    /// An authorization server, to this installation itself (RFC 6749 §4.4). Nobody is asked; whoever may call the server
    /// uses it.
    ClientCredentials(Box<AuthorizationServer>),
    /// An authorization server, in exchange for an assertion of ours about the person (RFC 8693).
    TokenExchange(Box<TokenExchange>),
    /// The person, who enters a key on our page; or the operator, who has put one for everybody into the configuration.
    ApiKey(Entry),
    /// The same with a name and a password.
    Basic(Entry),
    /// Nobody: requests go without one.
    None,
}

/// An authorization server and in what it is peculiar.
#[derive(Debug, Clone)]
pub struct AuthorizationServer {
    /// How its endpoints are known.
    pub source: Source,
    /// In what it differs from the standards.
    pub quirks: Quirks,
}

/// How the endpoints of a provider are known, and who we are there.
#[derive(Debug, Clone)]
pub enum Source {
    /// From the configuration.
    Configured(Registered),
    /// From the metadata of an issuer that the configuration names (RFC 8414); they are looked up again each hour.
    Issuer {
        /// The issuer, byte for byte.
        issuer: String,
        /// Our client there.
        client: Registration,
    },
    /// From an MCP server, which names its authorization server (RFC 9728); pinned at first use.
    Server {
        /// The server.
        server: ResourceIndicator,
        /// What consent pages call us.
        client_name: String,
    },
}

/// An exchange of tokens (RFC 8693) at an endpoint that the configuration names.
///
/// The subject token is an assertion that our own authorization server signs for this one endpoint, and that lives for a
/// minute; what a client has presented to us is never sent on.
#[derive(Debug, Clone)]
pub struct TokenExchange {
    /// Where tokens are exchanged.
    pub server: AuthorizationServer,
    /// The audience of the assertion: what the server calls itself, usually its issuer.
    pub assertion_audience: String,
    /// `audience` of the request: whom the new token is for.
    pub audience: Option<String>,
}

/// A credential that somebody enters.
#[derive(Debug, Clone, Default)]
pub struct Entry {
    /// The operator's own, used for everybody; then no person is asked.
    pub configured: Option<Secret<String>>,
    /// A URL that answers 401 when the credential is not good; it is tried before the credential is kept.
    pub probe: Option<String>,
    /// Where a person finds or makes the credential: shown on the page.
    pub made_at: Option<String>,
}

impl Provider {
    /// The authorization server behind it, if there is one.
    pub fn authorization_server(&self) -> Option<&AuthorizationServer> {
        match &self.kind {
            ProviderKind::AuthorizationCode(server) | ProviderKind::ClientCredentials(server) => Some(server),
            ProviderKind::TokenExchange(exchange) => Some(&exchange.server),
            ProviderKind::ApiKey(_) | ProviderKind::Basic(_) | ProviderKind::None => None,
        }
    }

    /// Whether a person can be asked to connect an account.
    pub fn is_connectable(&self) -> bool {
        match &self.kind {
            ProviderKind::AuthorizationCode(_) => true,
            ProviderKind::ApiKey(entry) | ProviderKind::Basic(entry) => entry.configured.is_none(),
            ProviderKind::ClientCredentials(_) | ProviderKind::TokenExchange(_) | ProviderKind::None => false,
        }
    }
}
