//! Logs: on stderr, so that stdout stays data.

use std::{io::IsTerminal, panic};

use tracing_subscriber::EnvFilter;

use crate::{cli::exit::Stop, config::telemetry::LogFormat};

/// What is logged unless the configuration says otherwise: libraries when something is wrong, our own crates
/// when something happens.
pub(crate) const DEFAULT_FILTER: &str = "warn,vestibule=info,vestibule_authorization_server=info,\
    authorization_server=info,client=info,gateway=info,guard=info,outbound=info,store=info";

/// The PostgreSQL driver logs bound values at `debug`: digests and password hashes are none of the log's business,
/// whatever filter somebody sets.
const NEVER_MORE: &str = "tokio_postgres=info";

/// Starts logging with a filter in the syntax of `RUST_LOG`.
pub(crate) fn start(filter: &str, format: LogFormat) -> anyhow::Result<()> {
    let invalid = |error: tracing_subscriber::filter::ParseError| {
        Stop::usage(format!("the log filter {filter:?} cannot be read: {error}"))
            .hint("write something like `info` or `warn,gateway=debug`")
    };
    let filter = EnvFilter::try_new(filter).map_err(invalid)?.add_directive(NEVER_MORE.parse()?);
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    match format {
        LogFormat::Text => lines.compact().init(),
        LogFormat::Json => lines.json().init(),
    }
    // A panic's message may quote what was being worked on, so only its place is told.
    panic::set_hook(Box::new(|panic| {
        let place = panic.location().map_or_else(|| "an unknown place".to_owned(), ToString::to_string);
        tracing::error!(%place, "a request ended in a panic; please report this");
    }));
    Ok(())
}
