//! The vocabulary and the rules of OAuth for MCP: no I/O, no clock, no randomness of its own.
//!
//! Modules are named after what the standards call the thing. Every type that stands for untrusted input is
//! made by a `parse` that says what is wrong; once made, it is known to be well-formed.

pub mod access_token;
pub mod authorization;
pub mod client_authentication;
mod error;
mod grant_type;
mod identifier;
mod issuer;
pub mod jwk;
pub mod jws;
pub mod metadata;
pub mod parameters;
pub mod pkce;
mod redirect_uri;
pub mod registration;
mod resource;
mod scope;
mod time;
pub mod token;
pub mod well_known;
pub mod www_authenticate;

pub use error::{Error, ErrorCode};
pub use grant_type::{ApplicationType, GrantType, TokenEndpointAuthMethod};
pub use identifier::{ClientId, GrantId, JwtId, UserId};
pub use issuer::{Issuer, IssuerError};
pub use pkce::{CodeChallenge, CodeVerifier};
pub use redirect_uri::{RedirectUri, RedirectUriError};
pub use resource::{ResourceError, ResourceIndicator};
pub use scope::{Scope, ScopeError};
pub use time::{Clock, Timestamp};
