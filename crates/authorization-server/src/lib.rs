//! The authorization server of Vestibule: OAuth 2.1 for MCP.
//!
//! Every endpoint is one file, named after its standard, and reads in the same order: parse, load, decide (a
//! pure function), commit (one batch of conditional statements), answer.
//!
//! A client goes through it like this:
//! 1. [`metadata`] tells where everything is (RFC 8414).
//! 2. [`registration`] gives the client an identifier (RFC 7591).
//! 3. [`authorize`] checks an authorization request (RFC 6749 §4.1.1, RFC 7636, RFC 8707) and keeps it.
//! 4. [`login`] finds out who the person is, [`consent`] asks them, and [`grant_code`] sends the code.
//! 5. [`token`] turns codes, refresh tokens and client credentials into access tokens (RFC 9068).
//! 6. [`revocation`] and [`introspection`] end and explain tokens (RFC 7009, RFC 7662).
//!
//! This crate knows nothing of MCP itself, of the gateway, or of where its settings come from.

mod access_token;
mod answer;
mod assertion;
mod attempts;
mod authorize;
mod body;
mod browser;
mod client_authentication;
mod consent;
mod form;
mod grant_code;
mod home;
mod introspection;
pub mod invitation;
mod kinds;
mod login;
mod logout;
mod metadata;
mod onward;
pub mod page;
pub mod pages;
mod password_pool;
pub mod registration;
mod revocation;
mod router;
mod server;
mod set_up;
mod settings;
mod signed_in;
mod signing_keys;
mod token;
pub mod user;
mod waiting_page;

pub use body::{BodyError, WholeBody};
pub use browser::FromBrowser;
pub use form::Form;
pub use kinds::Invitation;
pub use server::{AuthorizationServer, StartError};
pub use settings::{Lifetimes, Limits, RegistrationPolicy, Resource, ScopeDescription, Settings};
pub use signed_in::{App, SignedIn};
pub use signing_keys::trusted_keys;
pub use waiting_page::OwnPage;
