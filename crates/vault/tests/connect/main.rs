//! The connect flow against a provider that does what a test says, on one database with several vaults.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod accounts;
mod answers;
mod discovery;
mod entered;
mod fake;
mod flows;
mod people;
mod speech;
mod without_a_person;
mod world;
