//! Whoever wants to know how the database does.

use std::{
    fmt,
    sync::OnceLock,
    time::{Duration, Instant},
};

/// One commit, as the database saw it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Commit {
    /// How many batches were committed together.
    pub batches: usize,
    /// How long it took, from the beginning of the transaction to its end on the disk.
    pub took: Duration,
    /// Whether it succeeded; refused batches are no failure.
    pub succeeded: bool,
}

type Observe = Box<dyn Fn(Commit) + Send + Sync>;

/// Holds at most one observer, so that a store that nobody observes pays for a look and nothing else.
#[derive(Default)]
pub(crate) struct Observer(OnceLock<Observe>);

impl Observer {
    /// The first one stays.
    pub(crate) fn set(&self, observe: impl Fn(Commit) + Send + Sync + 'static) {
        let _ = self.0.set(Box::new(observe));
    }

    /// Tells of a commit of `batches` that began at `began` and has ended.
    pub(crate) fn tell(&self, batches: usize, began: Instant, succeeded: bool) {
        if let Some(observe) = self.0.get() {
            observe(Commit { batches, took: began.elapsed(), succeeded });
        }
    }
}

impl fmt::Debug for Observer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Observer")
    }
}
