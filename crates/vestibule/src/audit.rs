//! The audit log of this node: a bounded queue, and one task that writes what waits in groups.
//!
//! 1. [`Queue`] is the [`Auditor`] of all roles. Recording is a push: it waits for no disk.
//! 2. [`Writer`] takes what waits into one batch per commit, which the store groups with whatever else is written.
//! 3. A full queue makes callers wait a short time, then refuses them. Nothing is ever dropped.
//! 4. A process that is killed loses what it had not written yet; what it had written is a sound chain, and the next
//!    process continues it.

mod node;
pub(crate) mod reader;
mod writer;

use std::{sync::Arc, time::Duration};

use audit::{Auditor, Event, Overloaded, Place, Reservation};
use oauth::{Clock, Timestamp};
use tokio::{sync::mpsc, time::timeout};

pub(crate) use self::{
    node::Node,
    writer::{Sign, Writer},
};

/// Events that may wait to be written.
const CAPACITY: usize = 4096;
/// How long a caller waits for a place. The group that is being written then takes far less.
const PATIENCE: Duration = Duration::from_millis(500);

/// What waits to be written, and when it happened.
type Recorded = (Timestamp, Event);

/// Where all roles put their events.
pub(crate) struct Queue {
    sender: mpsc::Sender<Recorded>,
    clock: Arc<dyn Clock>,
    patience: Duration,
}

/// What the writer takes out again.
pub(crate) type Waiting = mpsc::Receiver<Recorded>;

impl Queue {
    /// A queue and its other end.
    pub(crate) fn new(clock: Arc<dyn Clock>) -> (Self, Waiting) {
        Self::with_limits(clock, CAPACITY, PATIENCE)
    }

    fn with_limits(clock: Arc<dyn Clock>, capacity: usize, patience: Duration) -> (Self, Waiting) {
        let (sender, waiting) = mpsc::channel(capacity);
        (Self { sender, clock, patience }, waiting)
    }
}

/// How full a [`Queue`] is, for whoever looks at it from outside.
#[derive(Debug)]
pub(crate) struct Backlog(mpsc::WeakSender<Recorded>);

impl Queue {
    /// Its backlog, now and whenever it is asked.
    pub(crate) fn backlog(&self) -> Backlog {
        Backlog(self.sender.downgrade())
    }
}

impl Backlog {
    /// Events that wait to be written, those included that have a place and have not happened yet.
    pub(crate) fn waiting(&self) -> u64 {
        self.0.upgrade().map_or(0, |sender| (sender.max_capacity() - sender.capacity()) as u64)
    }

    /// Events that may wait.
    pub(crate) fn capacity(&self) -> u64 {
        self.0.upgrade().map_or(0, |sender| sender.max_capacity() as u64)
    }
}

impl Auditor for Queue {
    fn reserve(&self) -> Reservation<'_> {
        Box::pin(async {
            let reserved = timeout(self.patience, self.sender.clone().reserve_owned()).await;
            let Ok(Ok(permit)) = reserved else { return Err(Overloaded) };
            let clock = Arc::clone(&self.clock);
            Ok(Place::new(move |event| drop(permit.send((clock.now(), event)))))
        })
    }
}

#[cfg(test)]
mod tests;
