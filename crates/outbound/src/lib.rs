//! The only place of the house that opens sockets to names that come from outside.
//!
//! A stranger can name a URL in many places: an `authorization_servers` entry, a `jwks_uri`, a client ID metadata
//! document, an upstream. Every such request goes through [`Client`], which does, in this order:
//!
//! 1. **parse**: the URL is absolute `http` or `https` without user information ([`Error::InvalidUrl`]);
//! 2. **resolve**: the host's addresses, IP literals in any notation included;
//! 3. **judge**: every address against [`Egress`] ([`guard`] says what kind of address it is);
//! 4. **connect**: only to an address that was judged, so that a second look-up cannot change the answer
//!    (DNS rebinding); plain `http` only to loopback;
//! 5. **read**: within [`Limits`], without decompression, and without following redirects: a `3xx` is the caller's
//!    answer like any other status.
//!
//! A connection that was judged is kept for the next request of the same client to the same scheme, host and port.
//!
//! No proxy is taken from the environment, and an [`Error`] never contains bytes of a response.

pub mod guard;

mod body;
mod client;
mod connection;
mod connector;
mod egress;
mod error;
mod origin;
mod pool;
mod tls;

pub use body::Body;
pub use client::{Client, Limits};
pub use egress::{Egress, Network, NetworkError, Refusal};
pub use error::Error;
