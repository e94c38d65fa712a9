//! Where people see and change what is kept for them: the pages and the HTTP API of connections.
//!
//! 1. [`router()`] has every endpoint.
//! 2. [`connect`] asks the very person whom a link was made for, and sends them on; [`callback`] is where a provider sends
//!    them back to; [`account`] is what they answer when it is another account than before.
//! 3. [`connections`] lists what somebody has connected and ends it; [`api`] is the same for programs.
//!
//! Who is signed in, how pages look and whether a form is our own is the authorization server's to say; what is kept, the
//! vault's. Nothing here ever has a credential in its hands, but for one that somebody types in, on its way to the vault.

mod account;
mod api;
mod begin;
mod callback;
mod client_document;
mod connect;
mod connections;
mod moment;
pub mod pages;
mod person;
mod problem;
mod resource;
mod router;
mod settings;
mod show;
#[cfg(test)]
mod tests;

pub use resource::{API_PATH, READ, WRITE, basic_scope, indicator, resource};
pub use router::router;
pub use settings::Settings;
