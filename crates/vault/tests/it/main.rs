//! The vault as its users see it: on real databases, with several nodes, and providers that do as the test says.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod at_rest;
mod failures;
mod fencing;
mod leases;
mod many;
mod model;
mod nodes;
mod owners;
#[path = "../../../store/tests/support/postgresql.rs"]
mod postgresql;
mod provider;
mod settled;
mod storm;
mod world;
