//! Tests of the whole product: the real binary, real clients, a real browser.

mod architecture;
mod browser;
mod clients;
mod command_line;
mod conformance;
mod http_client;
mod kill;
#[path = "../../../store/tests/support/postgresql.rs"]
mod postgresql;
mod real_clients;
mod recorder;
mod serve;
mod server;
