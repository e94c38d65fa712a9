//! The protected resource's side of OAuth: verifies a request's access token and answers with a [`Permit`] or
//! a [`Challenge`].
//!
//! 1. [`Guard::check`] reads the one `Authorization: Bearer` header (RFC 6750 §2.1).
//! 2. The token is verified once (RFC 9068 §4) and remembered by its digest until it expires.
//! 3. Audience and revocation are looked at on every request.
//! 4. What comes out is a [`Permit`], by value: whoever needs one cannot be called without.

mod challenge;
mod guard;
mod keys;
mod metadata;
mod permit;
mod revocation;
mod tenant;

pub use challenge::Challenge;
pub use guard::{Guard, Settings};
pub use keys::Keys;
pub use metadata::metadata_router;
pub use permit::Permit;
pub use revocation::RevokedTokens;
pub use tenant::Tenant;
