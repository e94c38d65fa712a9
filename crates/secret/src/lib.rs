//! Secrets and what is made of them, without I/O, clock or randomness of its own.
//!
//! - [`Secret`] holds clear text: it cannot be printed and is wiped when dropped.
//! - [`Token`] is a machine-made secret of 256 bit; its kind owns prefix, mint, checksum, parse and digest.
//! - [`Digest`] is what a database may know of a token.
//! - [`Keyring`] seals bytes for storage, bound to the place they are stored at.
//! - [`password`] hashes what people choose themselves.

mod digest;
mod keyring;
pub mod password;
mod random;
mod redacted;
mod token;

pub use digest::Digest;
pub use keyring::{KeyId, Keyring, KeyringError, Location, MasterKey, OpenError};
pub use random::Random;
pub use redacted::Secret;
pub use token::{MalformedToken, Token, TokenKind, token_length};
