//! The protected resource's side of OAuth: verifies a request's access token and answers with a [`Permit`] or
//! a [`Challenge`].
//!
//! 1. [`Guard::check`] reads the one `Authorization: Bearer` header (RFC 6750 §2.1).
//! 2. The token is verified once (RFC 9068 §4) and remembered by its digest until it expires.
//!    A token of another issuer that is trusted ([`ExternalIssuer`]) is held against that issuer's keys, or the issuer is
//!    asked ([`Guard::admit`]).
//! 3. Audience and revocation are looked at on every request.
//! 4. What comes out is a [`Permit`], by value: whoever needs one cannot be called without.
//!
//! Around a service of one's own, a [`GuardLayer`] does all of that, and holds `Host` and `Origin` against lists first:
//!
//! ```
//! use std::sync::Arc;
//!
//! use axum::{Extension, Router, routing::post};
//! use guard::{Guard, GuardLayer, Permit, metadata_router};
//! use oauth::Scope;
//!
//! /// Whatever stands behind the guard may ask who is there.
//! async fn greet(Extension(permit): Extension<Arc<Permit>>) -> String {
//!     format!("hello {}", permit.user_name().unwrap_or(permit.subject()))
//! }
//!
//! fn protected(settings: guard::Settings) -> Result<Router, oauth::ScopeError> {
//!     let guard = Guard::new(settings);
//!     let layer = GuardLayer::new(&guard).needs(Scope::parse("greet")?);
//!     Ok(Router::new().route("/hello", post(greet)).layer(layer).merge(metadata_router([&guard])))
//! }
//! ```
//!
//! `examples/rmcp-server` is a whole MCP server behind it.

pub mod admission;
mod challenge;
mod external;
mod guard;
mod keys;
mod layer;
mod metadata;
mod permit;
mod revocation;
#[cfg(feature = "signature")]
mod signed;
mod tenant;
mod tool_call;
mod verified;

pub use challenge::Challenge;
pub use external::{
    ClaimNames, ExternalIssuer, ExternalIssuerSettings, Introspection, TrustedIssuers, Verification,
};
pub use guard::{Guard, Settings};
pub use keys::Keys;
pub use layer::{GuardLayer, Guarded};
pub use metadata::metadata_router;
pub use permit::Permit;
pub use revocation::RevokedTokens;
#[cfg(feature = "signature")]
pub use signed::KeyHolder;
pub use tenant::Tenant;
