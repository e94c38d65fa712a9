//! The vault through the real binary: a person's account at a provider, used by calls of tools, on one node and on two,
//! while providers, processes and databases fail.
//!
//! The provider ([`provider`]) runs in the test's own process and does what the test tells it; behind it is an API
//! ([`rest_api`]) that takes its tokens and keeps what it hears.

mod failures;
mod fixture;
mod installation;
mod interruptions;
mod person;
pub(crate) mod provider;
pub(crate) mod rest_api;
mod rows;
mod secrets;
mod storm;
