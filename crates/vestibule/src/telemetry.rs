//! Logs: on stderr, so that stdout stays data.

use std::{io::IsTerminal, panic};

use tracing_subscriber::{
    EnvFilter, Layer as _, fmt, layer::SubscriberExt as _, util::SubscriberInitExt as _,
};

use crate::{cli::exit::Stop, config::telemetry::LogFormat, traces::Traces};

/// What is logged unless the configuration says otherwise: libraries when something is wrong, our own crates
/// when something happens.
pub(crate) const DEFAULT_FILTER: &str = "warn,vestibule=info,vestibule_authorization_server=info,\
    authorization_server=info,client=info,gateway=info,guard=info,outbound=info,store=info";

/// The PostgreSQL driver logs bound values at `debug`: digests and password hashes are none of the log's business,
/// whatever filter somebody sets.
const NEVER_MORE: &str = "tokio_postgres=warn";

/// Reads a filter in the syntax of `RUST_LOG`.
pub(crate) fn filter(text: &str) -> anyhow::Result<EnvFilter> {
    let filter = EnvFilter::try_new(text).map_err(|error| {
        Stop::usage(format!("the log filter {text:?} cannot be read: {error}"))
            .hint("write something like `info` or `warn,gateway=debug`")
    })?;
    Ok(filter.add_directive(NEVER_MORE.parse()?))
}

/// Starts logging, and sending traces.
pub(crate) fn start(filter: EnvFilter, format: LogFormat, traces: Option<&Traces>) {
    let lines = fmt::layer().with_writer(std::io::stderr).with_ansi(std::io::stderr().is_terminal());
    let lines = match format {
        LogFormat::Text => lines.compact().boxed(),
        LogFormat::Json => lines.json().boxed(),
    };
    tracing_subscriber::registry().with(lines.with_filter(filter)).with(traces.map(Traces::layer)).init();
    // A panic's message may quote what was being worked on, so only its place is told.
    panic::set_hook(Box::new(|panic| {
        let place = panic.location().map_or_else(|| "an unknown place".to_owned(), ToString::to_string);
        tracing::error!(%place, "a request ended in a panic; please report this");
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn op_02_no_filter_lets_the_driver_log_values() {
        for text in [DEFAULT_FILTER, "trace", "tokio_postgres=trace"] {
            assert!(filter(text).unwrap().to_string().contains("tokio_postgres=warn"), "{text}");
        }
        assert!(filter("a=b=c").is_err());
    }
}
