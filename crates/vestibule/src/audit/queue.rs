//! What waits to be written, and the places for more.

use std::{
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use audit::{Auditor, Event, Ledger, Overloaded, Place, Reservation};
use oauth::{Clock, Timestamp};
use tokio::{
    sync::{Notify, Semaphore},
    time::timeout,
};

/// Events that may wait to be written.
const CAPACITY: usize = 4096;
/// How long a caller waits for a place. The group that is being written then takes far less.
const PATIENCE: Duration = Duration::from_millis(500);

/// What happened, and when.
pub(crate) type Recorded = (Timestamp, Event);

/// Where all roles put their events.
pub(crate) struct Queue {
    line: Arc<Line>,
    patience: Duration,
}

/// The end of a [`Queue`] at which events are taken out again, by one at a time.
pub(crate) struct Waiting(Arc<Line>);

/// How full a [`Queue`] is, for whoever looks at it from outside.
pub(crate) struct Backlog(Arc<Line>);

/// An event has a place from before it happens until it is taken out. A list behind a lock, which is held for as long as
/// one event takes to get in, costs less than a channel does, and no memory for each.
struct Line {
    events: Mutex<Vec<Recorded>>,
    places: Semaphore,
    capacity: usize,
    /// Told when there is a first event, when there is a group of them, and when a place is given back.
    changed: Notify,
    clock: Arc<dyn Clock>,
}

impl Queue {
    /// A queue and its other end.
    pub(crate) fn new(clock: Arc<dyn Clock>) -> (Self, Waiting) {
        Self::with_limits(clock, CAPACITY, PATIENCE)
    }

    pub(super) fn with_limits(clock: Arc<dyn Clock>, capacity: usize, patience: Duration) -> (Self, Waiting) {
        let (events, places, changed) = (Mutex::default(), Semaphore::new(capacity), Notify::new());
        let line = Arc::new(Line { events, places, capacity, changed, clock });
        (Self { line: Arc::clone(&line), patience }, Waiting(line))
    }

    /// Its backlog, now and whenever it is asked.
    pub(crate) fn backlog(&self) -> Backlog {
        Backlog(Arc::clone(&self.line))
    }

    fn place(&self) -> Place {
        Place::of(Arc::<Line>::clone(&self.line))
    }
}

impl Auditor for Queue {
    fn reserve(&self) -> Reservation<'_> {
        if let Ok(permit) = self.line.places.try_acquire() {
            permit.forget();
            return Reservation::ready(Ok(self.place()));
        }
        Reservation::waiting(async {
            let _leaving = Leaving(&self.line);
            match timeout(self.patience, self.line.places.acquire()).await {
                Ok(Ok(permit)) => permit.forget(),
                Ok(Err(_)) | Err(_) => return Err(Overloaded),
            }
            Ok(self.place())
        })
    }
}

/// Somebody who waits for a place. A place that was theirs when they went away is free without having been given back.
struct Leaving<'l>(&'l Line);

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        self.0.changed.notify_one();
    }
}

impl Ledger for Line {
    fn take(&self, event: Event) {
        let mut events = self.events();
        events.push((self.clock.now(), event));
        let count = events.len();
        drop(events);
        if count == 1 || count == Waiting::GROUP {
            self.changed.notify_one();
        }
    }

    fn give_back(&self) {
        self.places.add_permits(1);
        self.changed.notify_one();
    }
}

impl Line {
    fn events(&self) -> MutexGuard<'_, Vec<Recorded>> {
        self.events.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    /// Events that are taken out together, at most.
    pub(super) const GROUP: usize = 1024;

    /// Waits until there is an event; `false` when there never will be one again.
    pub(super) async fn any(&self) -> bool {
        loop {
            if !self.0.events().is_empty() {
                return true;
            }
            // Somebody who has a place may still record something.
            if self.0.places.is_closed() && self.0.places.available_permits() == self.0.capacity {
                return false;
            }
            self.0.changed.notified().await;
        }
    }

    /// Waits for as many as are taken out together, for `patience` at most.
    pub(super) async fn gather(&self, patience: Duration) {
        let gathered = async {
            while self.0.events().len() < Self::GROUP {
                self.0.changed.notified().await;
            }
        };
        // Not so many came.
        let _ = timeout(patience, gathered).await;
    }

    /// Takes the first ones out into `group`, which is empty; their places are free.
    pub(super) fn take(&self, group: &mut Vec<Recorded>) {
        let mut events = self.0.events();
        if events.len() <= Self::GROUP {
            mem::swap(&mut *events, group);
        } else {
            group.extend(events.drain(..Self::GROUP));
        }
        drop(events);
        self.0.places.add_permits(group.len());
        // Else the memory of a queue that was full once would be kept for ever.
        group.shrink_to(Self::GROUP);
    }

    /// From now on nobody gets a place; what has one is still taken.
    pub(super) fn close(&self) {
        self.0.places.close();
    }

    pub(super) fn is_closed(&self) -> bool {
        self.0.places.is_closed()
    }
}

impl Backlog {
    /// Events that wait to be written, those included that have a place and have not happened yet.
    pub(crate) fn waiting(&self) -> u64 {
        (self.0.capacity - self.0.places.available_permits()) as u64
    }

    /// Events that may wait.
    pub(crate) fn capacity(&self) -> u64 {
        self.0.capacity as u64
    }
}
