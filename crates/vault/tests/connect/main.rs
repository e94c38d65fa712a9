//! The connect flow against a provider that does what a test says, on one database with several vaults.

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
