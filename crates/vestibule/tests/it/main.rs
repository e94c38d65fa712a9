//! Tests of the whole product: the real binary, real clients, a real browser.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod acting_client;
mod architecture;
mod attacks;
mod audit;
mod browser;
mod canary;
mod clients;
mod command_line;
mod conformance;
mod demo_commands;
mod everything;
mod faults;
mod grid;
mod hostile_input;
mod http_client;
mod http_sse;
mod identities;
mod keyring_commands;
mod kill;
mod lock;
mod metrics;
mod openapi_import;
mod policy_commands;
#[path = "../../../store/tests/support/postgresql.rs"]
mod postgresql;
mod real_clients;
mod real_servers;
mod recorder;
mod reload;
mod rmcp_server;
mod serve;
mod server;
mod server_commands;
mod servers;
mod story;
#[cfg(feature = "otlp")]
mod traces;
mod vault;
