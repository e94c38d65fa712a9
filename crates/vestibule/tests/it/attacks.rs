//! Attacks that must fail, tried on the running binary. Tests are named by the rows of the catalogue of attacks; a
//! name without a row is an attack of the same kind.

mod access_token;
mod authorization_code;
mod authorization_request;
mod browser_session;
pub(crate) mod client;
mod client_authentication;
mod consent;
pub(crate) mod database;
mod environment_proxy;
pub(crate) mod expect;
mod forger;
mod introspection;
mod login;
mod metadata;
mod onward;
mod redirection;
mod refresh;
mod registration;
mod remembered_consent;
mod revocation;
pub(crate) mod scripted_browser;
mod set_up;
mod step_up;
mod token_endpoint;
mod two_nodes;
mod upstream_tls;
pub(crate) mod world;
