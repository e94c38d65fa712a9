//! Vestibule: OAuth for AI agents in one binary.
//!
//! `main` is a table of subcommands ([`cli`]). `vestibule serve` reads top-down in [`cli::serve`]:
//! configuration, storage, keys, socket, wiring, jobs, accept loop.

mod audit;
mod cli;
mod clock;
mod config;
mod core_dumps;
mod demo;
mod entropy;
mod health;
mod jobs;
mod keyring;
mod listener;
mod metrics;
mod open_files;
mod openapi_document;
mod reload;
mod revocations;
mod storage;
mod telemetry;
#[cfg(feature = "otlp")]
mod traces;
#[cfg(not(feature = "otlp"))]
#[path = "without_traces.rs"]
mod traces;
mod watch;
mod wiring;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    match cli::CommandLine::parse().run() {
        Ok(()) => cli::exit::Exit::Success.into(),
        Err(error) => cli::exit::report(&error),
    }
}
