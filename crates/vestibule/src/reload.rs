//! Takes over a changed configuration while the server runs.
//!
//! 1. Somebody asks for it: `SIGHUP`, or the file is another one than a second ago, or the lock file that belongs to it
//!    (`watch = false` leaves that out).
//! 2. The whole configuration is read and checked as at the start. If it is wrong, the log says where and why, and the
//!    old one stays in force as if nothing had happened.
//! 3. What cannot change while the server runs is named in the log, and the rest is taken over by
//!    [`Wiring::reload`], as a whole or not at all.

use std::convert::Infallible;

use anyhow::Context as _;

use crate::{
    cli::exit,
    config::{Configuration, Flags},
    watch::Watch,
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
        self.asked.watch_lock(started);
        loop {
            self.asked.again(started.watch).await;
            match self.take_over(started, wiring) {
                Ok(taken_over) => {
                    self.asked.watch_lock(&taken_over);
                    tracing::info!("the configuration was read again and is in force");
                }
                Err(error) => tracing::error!(
                    reason = format!("{error:#}"),
                    hint = exit::hint(&error),
                    "the configuration is not taken over; the old one stays in force"
                ),
            }
        }
    }

    fn take_over(&self, started: &Configuration, wiring: &mut Wiring<'_>) -> anyhow::Result<Configuration> {
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
        Ok(newer)
    }
}

/// Whoever may ask.
struct Asked {
    #[cfg(unix)]
    hangup: Option<tokio::signal::unix::Signal>,
    watch: Option<Watch>,
    lock: Option<Watch>,
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
            lock: None,
        })
    }

    /// The lock file of this configuration is the one that is watched.
    fn watch_lock(&mut self, configuration: &Configuration) {
        let path = configuration.lock.path.as_deref();
        if self.lock.as_ref().map(Watch::path) != path {
            self.lock = path.map(Watch::new);
        }
    }

    /// Resolves when somebody asks.
    async fn again(&mut self, watches: bool) {
        let changed = async |watch: &mut Option<Watch>| match watch {
            Some(watch) if watches => watch.changed().await,
            _ => std::future::pending().await,
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
            () = changed(&mut self.watch) => tracing::info!("the configuration file has changed"),
            () = changed(&mut self.lock) => tracing::info!("the lock file has changed"),
            _ = hangup => tracing::info!("asked by SIGHUP to read the configuration again"),
        }
        for watch in [&mut self.watch, &mut self.lock].into_iter().flatten() {
            watch.look();
        }
    }
}
