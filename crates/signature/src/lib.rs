//! AWS Signature Version 4, the verifying side: what a request signed with an access key has to look like, and whether
//! it was signed with that key. Pure.
//!
//! 1. [`UnverifiedSignature::read`]: one `Authorization` header, its credential scope, the date, the signed headers.
//!    Nothing that can be understood in two ways goes on: a signed header stands there once, a query string never, the
//!    path is the one of the resource.
//! 2. Whoever keeps the keys looks for the one that is named.
//! 3. [`UnverifiedSignature::verify`]: the official `aws-sigv4` signs what arrived once more, with the body as it
//!    arrived, and the two signatures are compared in constant time. Out comes a [`VerifiedSignature`].
//! 4. Whoever keeps the keys takes its [`VerifiedSignature::digest`] once: the same request a second time is a replay.

mod authorization;
mod error;
mod verified;

pub use authorization::{CredentialScope, UnverifiedSignature, is_signed};
pub use error::SignatureError;
pub use verified::{TOLERANCE, VerifiedSignature};

#[cfg(test)]
mod tests;
