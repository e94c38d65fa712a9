//! An OAuth client for MCP servers, and just enough MCP to list and call tools with it.
//!
//! How a call finds its token:
//!
//! 1. [`Session`] sends the request with the stored access token, refreshed when it is about to end
//!    ([`Client::access_token`]); one process at a time refreshes.
//! 2. A 401 carries a [`Challenge`]. The refresh token is tried once, if the server still has the same authorization
//!    server; else the person logs in ([`Client::login`]):
//! 3. *discover* the protected resource and its authorization server ([`Discovery`]),
//! 4. *register*: by hand, by metadata document, or dynamically ([`Registration`]),
//! 5. *authorize*: PKCE, state and issuer are recorded, the browser is opened ([`AuthorizationFlow`]), the loopback
//!    callback judges what comes back,
//! 6. *exchange* the code; tokens are kept in the [`TokenStore`] by issuer and resource.
//! 7. A 403 that says `insufficient_scope` sends the person to the login page again for the union of all scopes, a
//!    few times at most.
//!
//! Every step has a function that sends and a pure function that judges. All requests go through `outbound`; time
//! and randomness are handed in; the environment is not read. The first steps are there for other clients too, which
//! keep their tokens elsewhere: [`discover`], [`choose`], [`register`], [`credentials`], [`request`].

mod authorization;
mod browser;
mod callback;
mod challenge;
mod client;
mod client_authentication;
mod discovery;
mod error;
mod printable;
mod refresh;
mod refusal;
mod registration;
pub mod request;
mod revocation;
mod session;
mod step_up;
mod token;
mod token_store;

pub use authorization::{AuthorizationError, AuthorizationFlow, AuthorizationUrl, UnsafeUrl};
pub use browser::{Browser, CannotOpen, Notice};
pub use challenge::Challenge;
pub use client::{Client, Settings};
pub use client_authentication::{Credentials, credentials};
pub use discovery::{Discovery, DiscoveryError, authorization_server, discover, scope_of, server_url};
pub use error::Error;
pub use printable::{printable, printable_lines};
pub use refusal::Refusal;
pub use registration::{
    Choice, PreRegistered, Registration, RegistrationError, choose, register, secret_method,
};
pub use revocation::LoggedOut;
pub use session::{Login, ProtocolError, Session};
pub use token::TokenError;
pub use token_store::{Binding, Contents, StoreError, TokenStore, Tokens, clear_text};
