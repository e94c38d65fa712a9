//! `vestibule audit`: what happened, and whether anybody changed what is written about it.

mod export;
mod tail;
mod verify;

use anyhow::Context as _;
use jiff::SignedDuration;
use oauth::{Clock as _, Timestamp};
use store::Store;

use super::exit::Stop;
use crate::{
    clock::SystemClock,
    config::{Configuration, Flags},
    storage,
};

/// `vestibule audit`
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Check that nothing in the audit log was changed, moved or removed.
    Verify(verify::Arguments),
    /// Write the audit log to stdout, one JSON object per line.
    Export(export::Arguments),
    /// Show the last entries.
    Tail(tail::Arguments),
}

/// Runs a `vestibule audit` command.
pub(crate) async fn run(arguments: Arguments) -> anyhow::Result<()> {
    match arguments.command {
        Command::Verify(arguments) => verify::run(&arguments).await,
        Command::Export(arguments) => export::run(&arguments).await,
        Command::Tail(arguments) => tail::run(&arguments).await,
    }
}

async fn open(flags: &Flags) -> anyhow::Result<(Configuration, Store)> {
    let configuration = Configuration::load(flags, None)?;
    let store = storage::open(&configuration.storage).await?;
    Ok((configuration, store))
}

/// Reads `2026-11-20T08:00:00Z`, or how long ago: `90m`, `36h`.
pub(super) fn read_since(text: &str) -> anyhow::Result<Timestamp> {
    if let Ok(moment) = text.parse::<jiff::Timestamp>() {
        return Ok(Timestamp::from_milliseconds(moment.as_millisecond()));
    }
    let ago = text.parse::<SignedDuration>().ok().and_then(|ago| std::time::Duration::try_from(ago).ok());
    let ago = ago.ok_or_else(|| {
        Stop::usage(format!("{text:?} is neither a time nor a duration"))
            .hint("write --since 2026-11-20T08:00:00Z or --since 36h")
    })?;
    Ok(SystemClock.now() - ago)
}

/// `2026-11-20T08:00:00.123Z`
pub(super) fn written(time: Timestamp) -> anyhow::Result<String> {
    let time = jiff::Timestamp::from_millisecond(time.milliseconds()).context("a time out of range")?;
    Ok(format!("{time:.3}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn since_is_a_time_or_an_age() {
        let at = read_since("2026-11-20T08:00:00Z").unwrap();
        assert_eq!(written(at).unwrap(), "2026-11-20T08:00:00.000Z");
        let ago = SystemClock.now().since(read_since("36h").unwrap());
        assert!((129_600..129_660).contains(&ago.as_secs()), "{ago:?}");
        for wrong in ["", "yesterday", "-1h", "2026-11-20"] {
            assert!(read_since(wrong).is_err(), "{wrong}");
        }
    }
}
