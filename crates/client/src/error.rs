//! Everything that can go wrong, by the step that goes wrong.

use oauth::{ResourceIndicator, Scope};

use crate::{
    authorization::AuthorizationError, browser::CannotOpen, discovery::DiscoveryError,
    registration::RegistrationError, session::ProtocolError, token::TokenError, token_store::StoreError,
};

/// Why a login or a call did not work out. The texts may be shown to the person: what servers said in them has no
/// control characters, and bodies are never repeated.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A request could not be sent, or its answer not be received.
    #[error(transparent)]
    Outbound(#[from] outbound::Error),
    /// The authorization server was not found, or must not be used.
    #[error(transparent)]
    Discovery(#[from] DiscoveryError),
    /// We could not become a client of the authorization server.
    #[error(transparent)]
    Registration(#[from] RegistrationError),
    /// The login did not end with a code.
    #[error(transparent)]
    Authorization(#[from] AuthorizationError),
    /// No token was issued.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// The token file cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The MCP server answered with an error, or not with MCP.
    #[error(transparent)]
    Protocol(#[from] ProtocolError),
    /// The browser could not be opened.
    #[error(transparent)]
    Browser(#[from] CannotOpen),
    /// The server wants a login, and there is no way to ask the person.
    #[error("{0} asks for a login")]
    LoginRequired(ResourceIndicator),
    /// The server refuses tokens that were issued for it a moment ago.
    #[error("{0} refuses the tokens that its own authorization server issues")]
    TokensRefused(ResourceIndicator),
    /// The server keeps asking for more than the authorization server grants (RFC 6750 §3.1).
    #[error("{server} still asks for more scopes after several logins: {scope}")]
    ScopeRefused {
        /// The MCP server.
        server: ResourceIndicator,
        /// What it asked for last.
        scope: Scope,
    },
    /// Client credentials need a client that was registered by hand, with a secret.
    #[error("the client credentials grant needs a client identifier and a secret")]
    NoCredentials,
}
