//! The console through its router, with a real store, a real vault and a provider on this computer.

mod account;
mod api;
mod browser;
mod callback;
mod connect;
mod connections;
mod provider;
mod secret_entry;
mod sign_in;
mod world;
