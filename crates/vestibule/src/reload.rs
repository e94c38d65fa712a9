//! Takes over a changed configuration while the server runs.
//!
//! 1. Somebody asks for it: `SIGHUP`, or the file is another one than a second ago (`watch = false` leaves that out).
//! 2. The whole configuration is read and checked as at the start. If it is wrong, the log says where and why, and the
//!    old one stays in force as if nothing had happened.
//! 3. What cannot change while the server runs is named in the log, and the rest is taken over by
//!    [`Wiring::reload`], as a whole or not at all.

mod watch;

use std::convert::Infallible;

use anyhow::Context as _;

use self::watch::Watch;
use crate::{
    cli::exit,
    config::{Configuration, Flags},
    wiring::Wiring,
};

/// Where the configuration comes from, and who asks for it to be read again.
pub(crate) struct Reload {
    flags: Flags,
    demo: Option<bool>,
    asked: Asked,
}

impl Reload {
    /// Begins to listen: whoever asks from here on is heard, by [`Reload::follow`]. `demo` is the flag `--demo`.
    pub(crate) fn new(flags: &Flags, demo: Option<bool>) -> anyhow::Result<Self> {
        Ok(Self { flags: flags.clone(), demo, asked: Asked::new(flags)? })
    }

    /// Takes over every configuration that is asked for. `started` is the one that the server was started with.
    pub(crate) async fn follow(mut self, started: &Configuration, wiring: &mut Wiring<'_>) -> Infallible {
        loop {
            self.asked.again(started.watch).await;
            match self.take_over(started, wiring) {
                Ok(()) => tracing::info!("the configuration was read again and is in force"),
                Err(error) => tracing::error!(
                    reason = format!("{error:#}"),
                    hint = exit::hint(&error),
                    "the configuration is not taken over; the old one stays in force"
                ),
            }
        }
    }

    fn take_over(&self, started: &Configuration, wiring: &mut Wiring<'_>) -> anyhow::Result<()> {
        let mut newer = Configuration::load(&self.flags, self.demo)?;
        let fixed = started.fixed_changes(&newer);
        if newer.network.demo != started.network.demo {
            // The demo server comes and goes with the flag, which stays as it was.
            newer = Configuration::load(&self.flags, Some(started.network.demo))?;
        }
        wiring.reload(&newer).context("the roles cannot be put together")?;
        if !fixed.is_empty() {
            tracing::warn!(keys = fixed.join(", "), "changed, and will be in force after the next start");
        }
        Ok(())
    }
}

/// Whoever may ask.
struct Asked {
    #[cfg(unix)]
    hangup: Option<tokio::signal::unix::Signal>,
    watch: Option<Watch>,
}

impl Asked {
    /// Without a configuration file there is nothing to read again: `SIGHUP` ends the process, as it does others.
    fn new(flags: &Flags) -> anyhow::Result<Self> {
        #[cfg(unix)]
        let hangup = {
            use tokio::signal::unix::{SignalKind, signal};
            let signal = flags.config.as_ref().map(|_| signal(SignalKind::hangup())).transpose();
            signal.context("SIGHUP cannot be handled")?
        };
        Ok(Self {
            #[cfg(unix)]
            hangup,
            watch: flags.config.as_deref().map(Watch::new),
        })
    }

    /// Resolves when somebody asks.
    async fn again(&mut self, watches: bool) {
        let changed = async {
            match &mut self.watch {
                Some(watch) if watches => watch.changed().await,
                _ => std::future::pending().await,
            }
        };
        #[cfg(unix)]
        let hangup = async {
            match &mut self.hangup {
                Some(hangup) => hangup.recv().await,
                None => std::future::pending().await,
            }
        };
        #[cfg(not(unix))]
        let hangup = std::future::pending::<Option<()>>();
        tokio::select! {
            () = changed => tracing::info!("the configuration file has changed"),
            _ = hangup => tracing::info!("asked by SIGHUP to read the configuration again"),
        }
        if let Some(watch) = &mut self.watch {
            watch.look();
        }
    }
}
